"""Plan: what a ladder can find at this traffic, in words, as JSON, and as YAML to paste."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from davy.checks.forecast.ladder import ExpectedCourse, Fate, Ladder, PlannedMetric, Rung
from davy.checks.forecast.power import (
    MOST,
    POWER,
    RUNGS,
    burns,
    course,
    excess_until_found,
    possible,
    recommended,
    requests_to_find,
    smallest_found,
    span,
)
from davy.pipeline.core.text.sanitize import harmless
from davy.pipeline.core.text.time_text import shown
from davy.workflows import wiring
from davy.workflows.judge.traffic_and_rules import UNKNOWN_REPLICAS, Situation

VERSION = 1
WIDTH = 80
RATIOS = (1.5, 2.0, 5.0, 10.0)
DEADLINES = tuple(timedelta(hours=hours) for hours in (1, 2, 3, 4, 6, 8, 12, 24, 48, 96, 168))
DOUBT = timedelta(days=99)
"""Longer waits are shown as such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """The ladder that fits this traffic, and the deadline it needs."""

    ladder: Ladder
    deadline: timedelta
    """With warm-ups, as davy.yaml has it."""


def advice(known: Situation) -> Advice:
    """Steps at shares that the pods can reach, or at 5, 20 and 50 % where their number is unknown.

    The deadline is the configured one, or the next by which half of the healthy canaries are promoted.
    """
    replicas = known.replicas or UNKNOWN_REPLICAS
    router = wiring.router()
    reaches = dict.fromkeys(router.reach(100 * share, replicas) for share, _ in RUNGS)
    shares = tuple(reach.share / 100 for reach in reaches)
    first = _advice(known, shares, known.canary.deadline)
    for deadline in (known.canary.deadline, *DEADLINES):
        if deadline >= known.canary.deadline:
            one = _advice(known, shares, deadline)
            if course(one.ladder).fate is Fate.PROMOTED:
                return one
    return first


def _advice(known: Situation, shares: tuple[float, ...], deadline: timedelta) -> Advice:
    room = max(deadline - len(shares) * known.canary.warmup, timedelta(seconds=1))
    ladder = replace(known.ladder, deadline=room)
    return Advice(ladder=replace(ladder, rungs=recommended(ladder, shares)), deadline=deadline)


def text(known: Situation) -> str:
    """The whole plan, in 80 columns."""
    best = advice(known)
    blocks = [*_head(known)]
    for signal in known.signals:
        blocks += ["", *_waits(known, signal), "", *_courses(known.ladder, signal)]
    blocks += ["", *_advised(known, best)]
    return harmless("\n".join(blocks))


def _head(known: Situation) -> Iterator[str]:
    on = f" on {known.replicas} pods" if known.replicas else ""
    yield f"{known.service}: {known.rps:,.4g} requests a second{on} ({known.source})"
    burning = list(_burning(known))
    yield from burning
    if not burning:
        yield (
            f"At most {_percent(known.rules.alpha)} of healthy canaries are rolled back; "
            f"{known.rules.tolerate:g}x stable is tolerated."
        )
    yield f"Deadline {shown(known.canary.deadline)}; warm-up {shown(known.canary.warmup)} a step is taken off it."
    yield from (f"note: {note}" for note in known.notes)


def _burning(known: Situation) -> Iterator[str]:
    """Metrics of which stable itself is beyond the burn guard."""
    for signal in known.signals:
        speed = burns(signal, known.rules)
        if speed is not None:
            yield from textwrap.wrap(
                f"{signal.name}: stable itself burns its budget at {speed:.3g}x, above {known.rules.burn:g}x: every "
                "canary is rolled back by the burn guard, however healthy.",
                WIDTH,
            )


def _waits(known: Situation, signal: PlannedMetric) -> Iterator[str]:
    promised = f", objective {_percent(signal.objective)}" if signal.objective is not None else ""
    clusters = f", clusters {signal.dispersion:g}" if signal.dispersion > 1 else ""
    yield f"{signal.name}: {_percent(signal.base)} bad on stable{promised}{clusters}"
    yield "  One step alone, to find in 8 of 10 rollouts a canary that is worse by"
    yield "    step  " + f"{'share':>7}{'pods':>6}" + "".join(f"{_times(ratio):>11}" for ratio in RATIOS)
    for number, step in enumerate(known.steps.steps, start=1):
        cells = (_wait(_found_after(known, signal, step.share / 100, ratio)) for ratio in RATIOS)
        pods = str(step.pods) if known.replicas else "-"
        yield f"    {number:<6}{step.share:>5.3g} %{pods:>6}" + "".join(f"{cell:>11}" for cell in cells)
    first = known.ladder.rungs[0].share
    price = (excess_until_found(signal, known.rules, first, ratio) for ratio in RATIOS)
    cells = (f"{cost:.0f}" if cost < 1e9 else "-" for cost in price)
    yield f"    {'extra bad, step 1':<19}" + "".join(f"{cell:>11}" for cell in cells)


def _found_after(known: Situation, signal: PlannedMetric, share: float, ratio: float) -> timedelta | None:
    return span(requests_to_find(signal, known.rules, share, ratio), known.rps)


def _courses(ladder: Ladder, signal: PlannedMetric) -> Iterator[str]:
    steps = " > ".join(_share(rung.share) for rung in ladder.rungs)
    yield f"  The whole ladder, {steps}"
    yield f"    {'worse by':<10}{'half of them':<30}{'8 of 10':<27}{'extra bad':>9}"
    for ratio in (1.0, *RATIOS):
        if not possible(signal, ratio):
            # More than all events would be bad: no canary is like that.
            yield f"    {_times(ratio):<10}{'-':<30}{'-':<27}{'-':>9}"
            continue
        half, most = course(ladder, signal.name, ratio), course(ladder, signal.name, ratio, POWER)
        name = "healthy" if ratio == 1 else _times(ratio)
        late = _fate(most) if half.fate is Fate.FOUND else ""
        yield f"    {name:<10}{_fate(half):<30}{late:<27}{half.excess:>9.0f}"
    yield f"  {_smallest(ladder, signal)}"


def _fate(one: ExpectedCourse) -> str:
    match one.fate:
        case Fate.FOUND:
            return f"rolled back after {_wait(one.at)}"
        case Fate.PROMOTED:
            return f"promoted after {_wait(one.at)}"
        case Fate.UNDECIDED:
            return f"undecided at step {len(one.left) + 1}"


def _smallest(ladder: Ladder, signal: PlannedMetric) -> str:
    if any(burns(one, ladder.rules) is not None for one in ladder.signals):
        return "Every canary is rolled back, also one that is like stable."
    least = smallest_found(ladder, signal.name)
    if least is None and course(ladder, signal.name, MOST).fate is Fate.PROMOTED:
        return "Any regression stays inside the objective for so long that it is promoted."
    if least is None:
        return "Nothing can be found before the deadline: more share, more time or more traffic."
    below = course(ladder, signal.name, least * 0.97)
    ends = "promoted" if below.fate is Fate.PROMOTED else "often undecided"
    return f"Found in 8 of 10 rollouts: from {least:.2g}x on. A little less is {ends}."


def _advised(known: Situation, best: Advice) -> Iterator[str]:
    if any(_burning(known)):
        yield "No ladder helps while stable itself burns its budget that fast: mend the service, or its objective."
        return
    yield "Recommended: leave a small share once a large regression is excluded"
    healthy = course(best.ladder)
    yield f"  a healthy canary: {_fate(healthy)}, beside warm-up"
    for signal in known.signals:
        least = smallest_found(best.ladder, signal.name)
        found = f"found in 8 of 10 rollouts from {least:.2g}x on" if least else "no regression is found in time"
        yield f"  {signal.name}: {found}"
    if healthy.fate is Fate.UNDECIDED:
        yield "  no deadline up to 7 days is long enough: more traffic, or send some of your own"
    elif best.deadline > known.canary.deadline:
        yield f"  {shown(known.canary.deadline)} is too short for this traffic; {shown(best.deadline)} would do"
    yield ""
    yield yaml(best)


def yaml(best: Advice) -> str:
    """For davy.yaml."""
    steps = [f"    - {_step(rung)}" for rung in best.ladder.rungs]
    return "\n".join(["canary:", f"  deadline: {_spell(best.deadline)}", "  steps:", *steps])


def _step(rung: Rung) -> str:
    return (
        f"{{weight: {_share(rung.share).replace(' ', '')}, worse: {rung.worse:g}, at_least: {_spell(rung.at_least)}}}"
    )


def _spell(spell: timedelta) -> str:
    """As davy.yaml has it, to the second."""
    minutes, seconds = divmod(round(spell.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    said = "".join(f"{count}{unit}" for count, unit in ((hours, "h"), (minutes, "m"), (seconds, "s")) if count)
    return said or "0s"


def document(known: Situation) -> dict[str, object]:
    """`{"davy_judge_plan": 1, …}`; spans are seconds, null for never; shares and rates 0 to 1."""
    best = advice(known)
    return {
        "davy_judge_plan": VERSION,
        "service": known.service,
        "source": known.source,
        "rps": known.rps,
        "replicas": known.replicas,
        "power": POWER,
        "notes": list(known.notes),
        "metrics": [_metric(known, signal) for signal in known.signals],
        "ladder": _ladder(known.ladder),
        "recommended": {**_ladder(best.ladder), "yaml": yaml(best)},
    }


def _metric(known: Situation, signal: PlannedMetric) -> dict[str, object]:
    return {
        "name": signal.name,
        "base": signal.base,
        "objective": signal.objective,
        "dispersion": signal.dispersion,
        "burns": burns(signal, known.rules),
        "alone": [
            {
                "share": rung.share,
                "ratio": ratio,
                "seconds": _seconds(_found_after(known, signal, rung.share, ratio)),
                "extra_bad": _finite(excess_until_found(signal, known.rules, rung.share, ratio)),
            }
            for rung in known.ladder.rungs
            for ratio in RATIOS
        ],
    }


def _ladder(ladder: Ladder) -> dict[str, object]:
    return {
        "deadline_seconds": ladder.deadline.total_seconds(),
        "steps": [
            {"share": rung.share, "worse": rung.worse, "at_least_seconds": rung.at_least.total_seconds()}
            for rung in ladder.rungs
        ],
        "courses": [
            {
                "metric": signal.name,
                "ratio": ratio,
                "power": power,
                "fate": one.fate.value,
                "seconds": one.at.total_seconds(),
                "steps_left_seconds": [left.total_seconds() for left in one.left],
                "extra_bad": one.excess,
            }
            for signal in ladder.signals
            for ratio in (1.0, *RATIOS)
            for power in (0.5, POWER)
            if possible(signal, ratio)
            for one in (course(ladder, signal.name, ratio, power),)
        ],
        "smallest_found": {signal.name: smallest_found(ladder, signal.name) for signal in ladder.signals},
    }


def _seconds(spell: timedelta | None) -> float | None:
    return None if spell is None else spell.total_seconds()


def _finite(number: float) -> float | None:
    return number if number < float("inf") else None


def _wait(spell: timedelta | None) -> str:
    if spell is None:
        return "never"
    return shown(spell) if spell < DOUBT else "over 99d"


def _times(ratio: float) -> str:
    return f"{ratio:g}x"


def _share(share: float) -> str:
    return f"{100 * share:.3g} %"


def _percent(share: float | None) -> str:
    return f"{100 * (share or 0):.4g} %"
