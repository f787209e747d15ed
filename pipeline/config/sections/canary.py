"""`canary` of davy.yaml."""

from datetime import timedelta
from typing import Annotated, Literal

from davy.pipeline.config.parsing.fields import Before, Duration, Weight
from davy.pipeline.config.parsing.section import Section, part, setting


@part
class StepConfig(Section):
    """One step of the canary."""

    weight: Weight = setting(description="Share of traffic.")
    at_least: Duration = setting(default=timedelta(0), description="Never left sooner.")
    at_most: Duration | None = setting(default=None, description="Undecided after this long at the step.")
    worse: float | None = setting(
        default=None,
        gt=1,
        description="Left when the canary is shown to be less than this many times worse.",
    )
    approve: bool = setting(default=False, description="Wait for a person's `davy canary promote` after the evidence.")


def _step(value: object) -> object:
    return {"weight": value} if isinstance(value, str | int | float) and not isinstance(value, bool) else value


Step = Annotated[StepConfig, Before(_step)]
Policy = Literal["hold", "roll_back", "promote"]


@part
class CanaryConfig(Section):
    """How much traffic, how long, what next."""

    steps: tuple[Step, ...] = setting(
        default=(StepConfig(weight=10.0), StepConfig(weight=25.0), StepConfig(weight=50.0)), min_length=1
    )
    warmup: Duration = setting(
        default=timedelta(seconds=60), description="Left out of the evidence after each pod's Ready."
    )
    ready_within: Duration = setting(default=timedelta(minutes=5), description="Canary pods not Ready by then fail it.")
    deadline: Duration = setting(default=timedelta(hours=1), description="Undecided when no verdict came by then.")
    promote_within: Duration = setting(
        default=timedelta(minutes=15), description="The rest of the pods must be Ready by then."
    )
    bake: Duration = setting(default=timedelta(minutes=5), description="Watched for this long after 100 %.")
    lease: Duration = setting(
        default=timedelta(seconds=30),
        ge=timedelta(seconds=3),
        description="A runner not heard of for this long is lost.",
    )
    on_inconclusive: Policy = setting(default="hold", description="What to do at the deadline without a verdict.")
    on_lost: Literal["hold", "roll_back"] = setting(default="roll_back", description="When a runner vanished.")
    on_interrupt: Literal["hold", "roll_back"] = setting(default="roll_back", description="At Ctrl-C or SIGTERM.")
    accept: tuple[Literal["autoscaler", "disruption-budget"], ...] = setting(
        default=(), description="Risks that otherwise stop the release before it starts."
    )
