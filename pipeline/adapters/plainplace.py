"""Plain place: somewhere that takes as many tries at once as are wanted, each by a runner of its own."""

from collections.abc import Callable
from dataclasses import dataclass

from davy.pipeline.ports import SuiteRunner


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainPlace:
    """No account counts here: what the configuration says under `shards` is what runs at once."""

    made: Callable[[], SuiteRunner]
    """A new runner."""

    def slots(self, wanted: int) -> int:
        """All of them."""
        return max(1, wanted)

    def runner(self) -> SuiteRunner:
        """A new one each time."""
        return self.made()

    def swept(self) -> tuple[str, ...]:
        """Nothing: its runners sweep when they begin."""
        return ()
