"""Buildah store: what Buildah says of itself, and of where it keeps what it works on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from davy.pipeline.core.errors import Missing
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.json import tree
from davy.pipeline.core.text.excerpt import excerpt

MOST_SAID = 16 * 2**20
"""Characters of an answer."""
REMEDY = "Install Buildah, or set `build.builder`; in a container set BUILDAH_ISOLATION=chroot and STORAGE_DRIVER=vfs."


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Buildah here: its version, and where it keeps what it works on."""

    version: tuple[int, int]
    root: Path
    driver: str


def storage_of(info: str, err: str) -> tuple[Path, str]:
    """The root and the driver that `buildah info` names. Raises Missing with why it names none."""
    try:
        store = tree.exact(info, MOST_SAID)["store"]
        return Path(str(store["GraphRoot"])), str(store["GraphDriverName"])
    except ValueError as error:
        why = f"what `buildah info` said cannot be read: {excerpt(str(error), 200)}"
    except (LookupError, TypeError):
        why = "`buildah info` names no storage"
    raise Missing(f"Buildah does not work here: {' '.join(err.split())[-300:] or why}", remedy=REMEDY)


def listed(text: str) -> list[Mapping[str, Any]]:
    """The containers that `buildah containers --json` tells of; none where that cannot be read."""
    try:
        found = tree.exact(text, MOST_SAID)
    except ValueError:
        return []
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
