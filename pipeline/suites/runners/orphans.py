"""Orphans: processes whose davy is gone, found by a mark that all they start inherit, and ended."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

NAME = "DAVY_RUNNER"
"""In the environment of every process of a suite: service, host and process id of its davy."""
PROC = Path("/proc")


def mark(service: str, host: str, number: int) -> str:
    """What stands in the environment. A slash is no part of a service's or a host's name."""
    return f"{service}/{host}/{number}"


def is_left_behind(owner: str, service: str, host: str) -> bool:
    """True where the mark is of this service and this machine, and the process that made it is gone."""
    named, _, rest = owner.partition("/")
    where, _, number = rest.rpartition("/")
    return named == service and where == host and number.isdigit() and not is_there(int(number))


def is_there(number: int) -> bool:
    """True where there is a process of that id, also another user's."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def ended(service: str) -> tuple[str, ...]:
    """Kill what killed runners of the service left on this machine; a sentence for each process."""
    told = []
    for number, owner in _marked():
        if is_left_behind(owner, service, socket.gethostname()):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(number, signal.SIGKILL)
                told.append(f"ended process {number}, left by a davy that is gone ({owner.rpartition('/')[2]})")
    return tuple(told)


def _marked() -> Iterator[tuple[int, str]]:
    """Process ids and marks, of those whose environment may be read: this user's own."""
    begins = f"{NAME}=".encode()
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):
            found = [one for one in (folder / "environ").read_bytes().split(b"\0") if one.startswith(begins)]
            if found:
                yield int(folder.name), found[0][len(begins) :].decode(errors="replace")
