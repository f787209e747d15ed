"""Session file: which cloud sessions this davy has open, in a file that outlives it when it is killed."""

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from davy.pipeline.core.json import tree as jsontree
from davy.pipeline.files import own_files, plain_file
from davy.pipeline.suites.clouds.session_tags import Owner

MOST_BYTES = 2**20
Entry = Mapping[str, str]
"""Cloud, account, session, and whether it is a real device (`yes` or nothing). Never a key."""


class SessionLedger:
    """One file a running davy, in a folder of this machine. Where that cannot be written, nothing is kept."""

    def __init__(self, folder: Path, owner: Owner) -> None:
        self._folder, self._owner = folder, owner
        self._open: dict[str, Entry] = {}
        self._lock = threading.Lock()

    def began(self, session: str, entry: Entry) -> None:
        """It is open from now on."""
        with self._lock:
            self._open[session] = entry
            _written(self._path(self._owner.process), self._open)

    def ended(self, session: str) -> None:
        """It is over."""
        with self._lock:
            if self._open.pop(session, None) is not None:
                _written(self._path(self._owner.process), self._open)

    def left(self, is_there: Callable[[int], bool]) -> dict[str, Entry]:
        """Sessions that davys of the same service left open here which run no more. `is_there`: asked by process id."""
        found: dict[str, Entry] = {}
        for path in self._gone(is_there):
            found |= _read(path)
        return found

    def settled(self, session: str, is_there: Callable[[int], bool]) -> None:
        """Forget a session of another davy: it was ended."""
        for path in self._gone(is_there):
            kept = _read(path)
            if kept.pop(session, None) is not None:
                _written(path, kept)

    def _gone(self, is_there: Callable[[int], bool]) -> list[Path]:
        begins = f"{self._owner.service}@{self._owner.host}@"
        numbers = [(path, path.stem.removeprefix(begins)) for path in sorted(self._folder.glob(f"{begins}*.json"))]
        own = str(self._owner.process)
        return [path for path, number in numbers if number.isdigit() and number != own and not is_there(int(number))]

    def _path(self, process: int) -> Path:
        return self._folder / f"{self._owner.service}@{self._owner.host}@{process}.json"


def _written(path: Path, entries: Mapping[str, Entry]) -> None:
    with suppress(OSError):
        if not entries:
            own_files.remove(path)
            return
        own_files.replace(path, json.dumps(entries))


def _read(path: Path) -> dict[str, Entry]:
    try:
        tree = jsontree.exact(plain_file.text(path, MOST_BYTES), MOST_BYTES)
    except (OSError, ValueError):
        return {}
    return {str(key): entry for key, entry in tree.items() if isinstance(entry, dict)} if isinstance(tree, dict) else {}
