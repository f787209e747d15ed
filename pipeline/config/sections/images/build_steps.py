"""Build steps: in what surroundings the steps of a build run, as it is said beside its Dockerfile."""

from collections.abc import Mapping
from dataclasses import field

from davy.pipeline.core.fast_dataclass import dataclass

HOST = "network.host"
"""The entitlement that a step with the machine's own network needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Of every RUN."""

    network: str = ""
    """`none` or `host`; empty: the builder's own."""
    hosts: Mapping[str, str] = field(default_factory=dict)
    """Addresses by the names that /etc/hosts has them under."""
    shm: int = 0
    """Bytes of /dev/shm; 0: as many as the builder gives."""
    ulimits: Mapping[str, str] = field(default_factory=dict)
    """By name, `soft` or `soft:hard`."""
    entitlements: tuple[str, ...] = ()
    """What a step may ask for that BuildKit gives to none by itself."""

    @property
    def counted(self) -> dict[str, str]:
        """What another image may come of. A limit and a permission let a step end well, or not at all."""
        network = {"network": self.network} if self.network else {}
        return network | {f"host {name}": address for name, address in self.hosts.items()}
