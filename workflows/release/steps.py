"""Steps: the stages of a release on real ports; each asks the task for what it needs when its turn comes."""

from collections.abc import Generator

from davy.canary.engine.driver.rollout import Outcome
from davy.checks.gates import error_budget
from davy.pipeline.core.artifacts import Image, Revision
from davy.pipeline.core.events import Event
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.ports import Clock
from davy.workflows import wiring
from davy.workflows.builds.stage import built
from davy.workflows.rollout.stage import budgeted, canaried, examined
from davy.workflows.story.release_task import ReleaseTask
from davy.workflows.suites.stage import before_traffic, tested


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSteps:
    """`workflows.story.stages.Stages`, of one task."""

    task: ReleaseTask
    given: tuple[Image, ...] = ()
    """Images that are in the registry already, where none are built."""

    @property
    def clock(self) -> Clock:
        """See the protocol."""
        return self.task.clock

    def source(self) -> Revision:
        """See the protocol."""
        return wiring.revision(self.task.folder)

    def examine(self) -> tuple[str, ...]:
        """See the protocol."""
        return examined(self.task, self.given).warnings

    def gate(self) -> Generator[Event, None, str]:
        """See the protocol."""
        gate = self.task.config.checks.gate
        return error_budget.asked(gate, lambda: budgeted(self.task), self.clock, self.task.accepted)

    def build(self, revision: Revision) -> Generator[Event, None, tuple[Image, ...]]:
        """See the protocol."""
        return built(self.task, revision)

    def test(self, images: tuple[Image, ...]) -> Generator[Event, None, str]:
        """See the protocol."""
        return tested(self.task, images, before_traffic(self.task))

    def canary(self, images: tuple[Image, ...]) -> Generator[Event, None, Outcome]:
        """See the protocol."""
        return canaried(self.task, images)
