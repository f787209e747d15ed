"""Links the rooms under `.editable/davy/` for an editable install, so that the import name is `davy.<room>`."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOMS = ("pipeline", "canary", "checks", "workflows")


class Rooms(BuildHookInterface):  # type: ignore[type-arg]
    """The wheel maps each room by its `sources` table; only an editable install needs the links."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "editable":
            return
        package = Path(self.root, ".editable", "davy")
        package.mkdir(parents=True, exist_ok=True)
        for room in ROOMS:
            link = package / room
            if not link.is_symlink():
                link.symlink_to(Path("..", "..", room), target_is_directory=True)
