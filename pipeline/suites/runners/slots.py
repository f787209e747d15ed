"""Slots: so many sessions at once and no more, over all suites that share an account."""

import threading


class Turns:
    """Handed out to whoever asks; what the account allows."""

    def __init__(self, most: int) -> None:
        self._free = threading.Semaphore(most)

    def taken(self, within: float) -> bool:
        """Take one; False where none came free within so many seconds."""
        return self._free.acquire(timeout=within)

    def done(self) -> None:
        """Give it back."""
        self._free.release()
