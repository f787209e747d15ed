"""Steps: from the weights wished for to what a router reaches of them. Pure."""

from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from davy.canary.ports.router import Reach, Router
from davy.pipeline.config.sections.canary import CanaryConfig, StepConfig
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.events import CanaryPolicy, StepPlan
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text import nouns

LADDER = ((10.0, 10.0), (50.0, 5.0))
"""(below this share, exclude this many times worse): leave 5 % when 10x is excluded, 20 % when 5x, 50 % when 2x.

The ladder spends the fewest bad answers: a small share can only rule out a large regression in sensible time.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps as they can be taken, what forbids them, and what a person should know."""

    steps: tuple[StepPlan, ...]
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()


def planned(canary: CanaryConfig, worse: float, replicas: int, router: Router) -> Plan:
    """The plan for a target of `replicas` pods; `worse` is `checks.worse`, the last step's demand."""
    problems = (*_unreachable(canary.steps, router), *_not_growing(canary.steps))
    if problems or replicas < 1:
        return Plan(steps=(), problems=problems)
    steps: list[StepPlan] = []
    warnings: list[str] = []
    for wished in canary.steps:
        step = _step(wished, router.reach(wished.weight, replicas))
        if steps and steps[-1].pods == step.pods:
            warnings.append(_merging(steps[-1], step, replicas))
            step = _merged(steps.pop(), step)
        steps.append(step)
    last = len(steps) - 1
    return Plan(
        steps=tuple(_demanding(step, worse, last=number == last) for number, step in enumerate(steps)),
        warnings=(*(_reached(step) for step in steps if abs(step.share - step.weight) >= 1.0), *warnings),
    )


def policy(
    canary: CanaryConfig, worse: float, replicas: int, now: datetime, *, router: Router, target: str
) -> CanaryPolicy:
    """What the machine decides by, with an absolute deadline. Raises Unusable, every problem at once.

    `target`: what the platform calls it.
    """
    plan = planned(canary, worse, replicas, router)
    if plan.problems:
        raise Unusable("the steps of the canary cannot be taken", problems=plan.problems)
    if replicas < 1:
        raise Unusable(f"{target} has no replicas, so there is no stable side", remedy="scale it to 2 or more")
    return CanaryPolicy(
        steps=plan.steps,
        replicas=replicas,
        warmup=canary.warmup,
        ready_within=canary.ready_within,
        promote_within=canary.promote_within,
        bake=canary.bake,
        deadline=now + canary.deadline,
        on_inconclusive=canary.on_inconclusive,
        on_lost=canary.on_lost,
        on_interrupt=canary.on_interrupt,
    )


def _unreachable(steps: tuple[StepConfig, ...], router: Router) -> tuple[Problem, ...]:
    return tuple(
        Problem(path=f"canary.steps[{number}].weight", what=refusal)
        for number, step in enumerate(steps)
        if (refusal := router.refusal(step.weight))
    )


def _not_growing(steps: tuple[StepConfig, ...]) -> tuple[Problem, ...]:
    return tuple(
        Problem(path=f"canary.steps[{number}].weight", what=f"must be above {before.weight:g}, the step before it")
        for number, (before, step) in enumerate(pairwise(steps), start=1)
        if step.weight <= before.weight
    )


def _step(wished: StepConfig, reach: Reach) -> StepPlan:
    return StepPlan(
        weight=wished.weight,
        pods=reach.pods,
        share=round(reach.share, 2),
        at_least=wished.at_least,
        at_most=wished.at_most,
        worse=wished.worse or 0.0,
        approve=wished.approve,
    )


def _demanding(step: StepPlan, worse: float, *, last: bool) -> StepPlan:
    if step.worse:
        return step
    if last:
        return replace(step, worse=worse)
    demand = next((times for below, times in LADDER if step.share < below), worse)
    return replace(step, worse=max(demand, worse))


def _merged(first: StepPlan, second: StepPlan) -> StepPlan:
    """One step that asks for everything both asked for: the longer hold, the harder demand, either approval."""
    demands = [worse for worse in (first.worse, second.worse) if worse]
    limits = [limit for limit in (first.at_most, second.at_most) if limit is not None]
    return replace(
        second,
        at_least=max(first.at_least, second.at_least),
        at_most=max(limits) if limits else None,
        worse=min(demands, default=0.0),
        approve=first.approve or second.approve,
    )


def _merging(first: StepPlan, second: StepPlan, replicas: int) -> str:
    return (
        f"the steps {first.weight:g} % and {second.weight:g} % are one: beside {replicas} stable pods both are "
        f"{nouns.counted(second.pods, 'canary pod')}, {second.share:.1f} %"
    )


def _reached(step: StepPlan) -> str:
    return f"{step.weight:g} % wished, {step.share:.1f} % reached with {nouns.counted(step.pods, 'canary pod')}"
