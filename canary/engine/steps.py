"""Steps: from the weights wished for to the pods that give them. Pure."""

from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from davy.pipeline.config.sections.canary import CanaryConfig, StepConfig
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.events import CanaryPolicy, StepPlan
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text import nouns

MOST = 50.0
"""By replicas stable stays whole beside at most as many canary pods: half of the traffic."""

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


def share(pods: int, replicas: int) -> float:
    """Percent of traffic that `pods` canary pods beside `replicas` stable ones get."""
    return 100.0 * pods / (replicas + pods) if pods else 0.0


def pods_for(weight: float, replicas: int) -> int:
    """Canary pods whose share is nearest to `weight` percent; ties go up; from 1 to `replicas`."""
    exact = replicas * weight / (100.0 - weight) if weight < 100.0 else float(replicas)
    low = min(max(int(exact), 1), replicas)
    return min((min(low + 1, replicas), low), key=lambda pods: abs(share(pods, replicas) - weight))


def planned(canary: CanaryConfig, worse: float, replicas: int) -> Plan:
    """The plan for a Deployment of `replicas` pods; `worse` is `checks.worse`, the last step's demand."""
    problems = (*_too_large(canary.steps), *_not_growing(canary.steps))
    if problems or replicas < 1:
        return Plan(steps=(), problems=problems)
    steps: list[StepPlan] = []
    warnings: list[str] = []
    for wished in canary.steps:
        step = _step(wished, replicas)
        if steps and steps[-1].pods == step.pods:
            warnings.append(_merging(steps[-1], step, replicas))
            step = _merged(steps.pop(), step)
        steps.append(step)
    last = len(steps) - 1
    return Plan(
        steps=tuple(_demanding(step, worse, last=number == last) for number, step in enumerate(steps)),
        warnings=(*(_reached(step) for step in steps if abs(step.share - step.weight) >= 1.0), *warnings),
    )


def policy(canary: CanaryConfig, worse: float, replicas: int, now: datetime) -> CanaryPolicy:
    """What the machine decides by, with an absolute deadline. Raises Unusable, every problem at once."""
    plan = planned(canary, worse, replicas)
    if plan.problems:
        raise Unusable("the steps of the canary cannot be taken", problems=plan.problems)
    if replicas < 1:
        raise Unusable("the Deployment has no replicas, so there is no stable side", remedy="scale it to 2 or more")
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


def _too_large(steps: tuple[StepConfig, ...]) -> tuple[Problem, ...]:
    return tuple(
        Problem(
            path=f"canary.steps[{number}].weight",
            what=(
                f"{step.weight:g}%: by replicas at most {MOST:g} % can be reached before stable pods have to go; "
                f"write {MOST:g}% or less, the promotion takes it from there to 100 %"
            ),
        )
        for number, step in enumerate(steps)
        if step.weight > MOST
    )


def _not_growing(steps: tuple[StepConfig, ...]) -> tuple[Problem, ...]:
    return tuple(
        Problem(path=f"canary.steps[{number}].weight", what=f"must be above {before.weight:g}, the step before it")
        for number, (before, step) in enumerate(pairwise(steps), start=1)
        if step.weight <= before.weight
    )


def _step(wished: StepConfig, replicas: int) -> StepPlan:
    pods = pods_for(wished.weight, replicas)
    return StepPlan(
        weight=wished.weight,
        pods=pods,
        share=round(share(pods, replicas), 2),
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
