"""Background threads: work beside the rollout's ticks, each in a thread of its own that keeps nobody from ending."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from davy.canary.ports.background import Work

T = TypeVar("T")


class _Threaded(Generic[T]):
    """Work in a thread."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._gave: list[T] = []
        self._raised: BaseException | None = None
        self._over = threading.Event()

        def play() -> None:
            try:
                self._gave.append(work())
            except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
                self._raised = error
            finally:
                self._over.set()

        threading.Thread(target=play, name="beside the rollout", daemon=True).start()

    def done(self, within: float = 0.0) -> bool:
        """See the port."""
        return self._over.wait(within)

    def result(self) -> T:
        """See the port."""
        self._over.wait()
        if self._raised is not None:
            raise self._raised
        return self._gave[0]


class Threads:
    """`canary.ports.background.Aside` with real threads."""

    def begin(self, work: Callable[[], T]) -> Work[T]:
        """See the port."""
        return _Threaded(work)
