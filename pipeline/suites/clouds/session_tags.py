"""Session tags: the tags on a cloud's sessions by which those of a killed runner are known."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from davy.pipeline.core.fast_dataclass import dataclass

SERVICE, OWNER, UNTIL = "davy-service:", "davy-owner:", "davy-until:"
SPARE = timedelta(minutes=5)
"""After its time, in which a runner may still end its own sessions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A running davy."""

    service: str
    host: str
    process: int

    def __str__(self) -> str:
        return f"{self.host}/{self.process}"


def tags(owner: Owner, now: datetime, timeout: timedelta) -> tuple[str, ...]:
    """What a session is marked with; it is nobody's once its suite's time is over."""
    until = int((now + timeout + SPARE).timestamp())
    return (f"{SERVICE}{owner.service}", f"{OWNER}{owner}", f"{UNTIL}{until}")


def is_left_behind(
    found: Iterable[str], me: Owner, now: datetime, is_there: Callable[[int], bool], *, others: bool = True
) -> bool:
    """True where the session is this service's, and nobody will end it: its davy is gone, or its time is over.

    `is_there`: whether a process of that id runs on this machine. `others`: also sessions of other machines.
    """
    by = {start: tag.removeprefix(start) for tag in found for start in (SERVICE, OWNER, UNTIL) if tag.startswith(start)}
    if by.get(SERVICE) != me.service:
        return False
    until = by.get(UNTIL, "")
    if others and until.isdigit() and now.timestamp() > int(until):
        return True
    host, _, number = by.get(OWNER, "").rpartition("/")
    return host == me.host and number.isdigit() and int(number) != me.process and not is_there(int(number))
