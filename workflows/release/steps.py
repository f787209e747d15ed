"""Steps: the parts of a release, wired; nothing is asked before it is needed."""

from davy.checks.gates import error_budget
from davy.workflows import wiring
from davy.workflows.builds.stage import built
from davy.workflows.rollout.stage import budgeted, canaried, examined
from davy.workflows.story.release_task import ReleaseTask
from davy.workflows.story.stages import Parts
from davy.workflows.suites.stage import before_traffic, tested


def parts(task: ReleaseTask) -> Parts:
    """Everything wired; nothing is asked before it is needed."""
    return Parts(
        clock=task.clock,
        source=lambda: wiring.revision(task.folder),
        examine=lambda: examined(task).warnings,
        build=lambda revision: built(task, revision),
        test=lambda images: tested(task, images, before_traffic(task)),
        canary=lambda images: canaried(task, images),
        gate=lambda: error_budget.asked(task.config.checks.gate, lambda: budgeted(task), task.clock, task.accepted),
    )
