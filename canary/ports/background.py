"""Background: what may be slow, done beside the rollout's ticks. In tests and rehearsals it is done in turn."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Work(Protocol[T_co]):
    """Something that was begun."""

    def done(self, within: float = 0.0) -> bool:
        """Whether it is over; waits for it as many seconds at most."""
        ...

    def result(self) -> T_co:
        """What it gave, once it is over. Raises what it raised."""
        ...


class Aside(Protocol):
    """Where work is done beside the ticks."""

    def begin(self, work: Callable[[], T]) -> Work[T]:
        """Returns at once."""
        ...


class _Turn(Generic[T]):
    """Work that is done when it is first asked for."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work, self._over = work, False
        self._gave: T | None = None
        self._raised: Exception | None = None

    def done(self, within: float = 0.0) -> bool:  # noqa: ARG002 - the port's shape
        """True: the asker does it."""
        if not self._over:
            self._over = True
            try:
                self._gave = self._work()
            except Exception as error:  # noqa: BLE001 - raised again where the result is asked for
                self._raised = error
        return True

    def result(self) -> T:
        """See the port."""
        self.done()
        if self._raised is not None:
            raise self._raised
        return self._gave  # type: ignore[return-value]


class InTurn:
    """The twin: nothing is beside anything, so whatever is played is played the same way again."""

    def begin(self, work: Callable[[], T]) -> Work[T]:
        """See the port."""
        return _Turn(work)
