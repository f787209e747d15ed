"""Session: one of a browser, as the proxy knows it."""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Session:
    """A session that was started through the door."""

    id: str
    real: bool
    ended: bool = False
    told: bool = False
    """True where the test has set its result itself."""
    parked: bool = False
    """True where the test ended it, and it is kept until its result is known."""
