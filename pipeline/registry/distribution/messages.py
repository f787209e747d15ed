"""Messages: a request to a registry, and what came back."""

from collections.abc import Mapping
from dataclasses import field

from davy.pipeline.clients.docker.registry_names import PULL
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.json import tree

MOST_BYTES = 4 * 2**20
"""Of an answer that is kept whole. A registry must take manifests up to this size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRequest:
    """One request to a registry."""

    method: str
    name: str
    """Registry and repository."""
    path: str = ""
    """Below the repository: `manifests/latest`."""
    url: str = ""
    """Instead of it: where the registry said to go on."""
    rights: str = PULL
    also_pull: str = ""
    """Another repository of the same registry that is read from, for a mount."""
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    once: bool = False
    """True: not sent again, for whoever knows better how to go on."""
    most: int = MOST_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryAnswer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    """That was asked, to follow a relative location from."""

    @property
    def said(self) -> str:
        """The registry's own words, in one line; empty where it has none."""
        try:
            errors = tree.parsed(self.body)["errors"]
            words = "; ".join(f"{error['code']}: {error['message']}" for error in errors)
        except (ValueError, LookupError, TypeError, RecursionError):
            return ""
        return " ".join(words.split())[:300]

    @property
    def is_full(self) -> bool:
        """True where the registry has no room left. distribution answers 500 with the number of ENOSPC."""
        full = b"no space left" in self.body or b'"Err":28' in self.body or b"quota exceeded" in self.body.lower()
        return self.status == 507 or (self.status >= 400 and full)
