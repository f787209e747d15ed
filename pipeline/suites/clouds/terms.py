"""Terms: what the configuration says of sessions on a cloud, and how builds are named there."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from davy.pipeline.core.fast_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Of one account, in one run."""

    service: str
    release: str
    """The run's own name: two runs under one build's name would be one on the cloud."""
    build: str = ""
    tags: tuple[str, ...] = ()
    tunnel: str = ""
    tunnel_owner: str = ""
    app: str = ""
    concurrency: int = 0
    """Sessions at once; 0: as many as the account allows."""
    options: Mapping[str, Any] = field(default_factory=dict)
    assets: str = "fail"
    """When what the cloud keeps is fetched: `always`, `fail`, `never`."""
    real: bool | None = False
    """True where only real devices are asked for, False where none are; None: it differs from job to job."""

    def build_of(self, attempt: int) -> str:
        """The build's name, which no other run and no other try has."""
        name = f"{self.build} {self.release}" if self.build else self.release
        return name if attempt == 1 else f"{name}, try {attempt}"
