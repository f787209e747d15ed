"""Rules: what no single key of the configuration can break alone."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TypeVar

from davy.pipeline.config.parsing.reader import Misfits, made
from davy.pipeline.config.parsing.section import Section
from davy.pipeline.config.parsing.yaml_tree import Place, Tree
from davy.pipeline.config.sections import suites as suiterules
from davy.pipeline.config.sections import thresholds as otherrules
from davy.pipeline.config.sections.build import BuildConfig, of_build
from davy.pipeline.config.sections.canary import CanaryConfig, StepConfig
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.config.sections.images import rules
from davy.pipeline.config.sections.images.keys import ImageConfig
from davy.pipeline.config.sections.objectives import LOW, SloConfig
from davy.pipeline.config.sections.servers import PrometheusConfig, of_quorum, of_server
from davy.pipeline.config.sections.suites import SuiteConfig
from davy.pipeline.config.sections.thresholds import KayentaConfig
from davy.pipeline.config.sections.thresholds import ThresholdConfig as Threshold
from davy.pipeline.core.text import time_text

Finding = tuple[Place, str]
P = TypeVar("P", bound=Section)

SPLIT = re.compile(r""",(?=(?:[^"']|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*$)""")
"""Commas outside of quotes."""
ANYTHING = re.compile(r"""[^=!~]+=~(["'`])\(?\.\*\)?\1""")
"""A matcher that every series matches."""
SELECTOR = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*\s*(\{.*\})?|\{.*\})\s*", re.DOTALL)
MOST_LOOKS = 8000
"""The error rates of the sequential judge are kept up to this many looks."""
LARGEST_BY_REPLICAS = 50.0


def broken(tree: dict[str, Tree]) -> Iterator[Finding]:
    """Every rule that the file breaks. Parts that are wrong in themselves are left out, the rest is still asked."""
    images, suites = _items(tree, ("images",)), _items(tree, ("tests",))
    yield from _twice(images, "name", "image")
    yield from _twice(suites, "name", "suite", folders=True)
    yield from _twice(images, "container", "image for container")
    usable = [(place, image) for place, item in images if (image := attempt(ImageConfig, item))]
    yield from rules.broken(usable)
    written = {item["name"] for _, item in images if isinstance(item, dict) and isinstance(item.get("name"), str)}
    names = {str(name) for name in written} | rules.names(usable)
    for place, item in suites:
        yield from suiterules.suite(place, attempt(SuiteConfig, item), names)
    yield from _canary(tree.get("canary", {}))
    if "checks" in tree:
        yield from _checks(tree["checks"])
    if build := attempt(BuildConfig, tree.get("build", {})):
        yield from of_build(build)
    yield from _together(attempt(CanaryConfig, tree.get("canary", {})), attempt(ChecksConfig, tree.get("checks")))


def attempt(kind: type[P], value: Tree) -> P | None:
    """The part, or None where it is wrong in itself."""
    try:
        return made(kind, value)
    except Misfits:
        return None


def _items(tree: Tree, path: tuple[str, ...]) -> list[tuple[Place, Tree]]:
    value: Tree = tree
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return [((*path, index), item) for index, item in enumerate(value)] if isinstance(value, list) else []


def _twice(items: list[tuple[Place, Tree]], key: str, what: str, *, folders: bool = False) -> Iterator[Finding]:
    """`folders`: each has a folder of its name; some file systems do not tell `Unit` from `unit`."""
    seen: dict[str, str] = {}
    for place, item in items:
        name = item.get(key) if isinstance(item, dict) else None
        if not isinstance(name, str):
            continue
        known = name.casefold() if folders else name
        if known in seen:
            alike = "" if seen[known] == name else f", for {seen[known]!r} is the same folder on some machines"
            yield (*place, key), f"a second {what} {name!r}{alike}; each needs its own {key}"
        seen.setdefault(known, name)


def _canary(value: Tree) -> Iterator[Finding]:
    whole = attempt(CanaryConfig, value)
    deadline = whole.deadline if whole else None
    before = 0.0
    for place, item in _items({"canary": value}, ("canary", "steps")):
        step = attempt(StepConfig, item if isinstance(item, dict) else {"weight": item})
        if step is None:
            continue
        at = (*place, "weight") if isinstance(item, dict) else place
        if step.weight <= before:
            yield at, f"must be above {before:g}, the step before; a canary only grows"
        elif step.weight > LARGEST_BY_REPLICAS:
            yield (
                at,
                (
                    "must be at most 50: by replicas, canary pods are added to the stable ones, "
                    "and 50% already doubles the pods; the promotion that follows takes it to 100%"
                ),
            )
        before = max(before, step.weight)
        yield from _times(place, step, deadline)
    if whole and sum((step.at_least for step in whole.steps), whole.warmup) > whole.deadline:
        spent = time_text.shown(sum((step.at_least for step in whole.steps), whole.warmup))
        yield (
            ("canary", "deadline"),
            f"can never be met: warm-up and the steps' `at_least` take {spent}, the deadline is "
            f"{time_text.shown(whole.deadline)}",
        )


def _times(place: Place, step: StepConfig, deadline: timedelta | None) -> Iterator[Finding]:
    if step.at_most is not None and step.at_least > step.at_most:
        shown = time_text.shown(step.at_least), time_text.shown(step.at_most)
        yield (*place, "at_least"), f"{shown[0]} is longer than `at_most`, {shown[1]}"
    if step.at_most is not None and deadline is not None and step.at_most > deadline:
        shown = time_text.shown(step.at_most), time_text.shown(deadline)
        yield (*place, "at_most"), f"{shown[0]} is longer than `canary.deadline`, {shown[1]}"


def _checks(value: Tree) -> Iterator[Finding]:
    checks: Place = ("checks",)
    slos, thresholds = (
        _items({"checks": value}, ("checks", "slos")),
        _items({"checks": value}, ("checks", "thresholds")),
    )
    yield from _twice(slos + thresholds, "name", "check")
    for place, item in slos:
        slo = attempt(SloConfig, item)
        yield from (*_slo(place, slo), *_promise(place, slo)) if slo else ()
    for place, item in thresholds:
        threshold = attempt(Threshold, item)
        yield from otherrules.threshold(place, threshold) if threshold else ()
    whole = attempt(ChecksConfig, value)
    if isinstance(value, dict):
        judge = value.get("judge", "sequential")
        if judge == "sequential" and not slos and not value.get("slo_files"):
            yield (*checks, "slos"), "the sequential judge needs at least one SLO; write one, or set `judge: threshold`"
        if value.get("gate") is not None and not slos and not value.get("slo_files"):
            yield (
                (*checks, "gate"),
                "asks error budgets, and there is no objective that has one; write one under `slos`",
            )
        if judge == "threshold" and not thresholds:
            yield (*checks, "thresholds"), "the threshold judge needs at least one threshold"
        yield from _servers((*checks, "prometheus"), value.get("prometheus"))
        written = value.get("kayenta")
        said = attempt(KayentaConfig, written) if written else None
        if said or not written:
            yield from otherrules.kayenta(judge, said)
    if whole:
        yield from _whole(whole)


def _servers(place: Place, value: Tree) -> Iterator[Finding]:
    """Of a list of servers, or of one that stands there by itself."""
    several = isinstance(value, list)
    for index, item in enumerate(value if isinstance(value, list) else [value]):
        own = (*place, index) if several else place
        short = isinstance(item, str)
        server = attempt(PrometheusConfig, {"url": item} if short else item)
        yield from of_server(own, server, short=short) if server else ()


def _whole(whole: ChecksConfig) -> Iterator[Finding]:
    yield from of_quorum(("checks", "quorum"), whole.quorum, len(whole.prometheus))
    if not whole.interval:
        yield ("checks", "interval"), "must be above 0s"
    if whole.worse <= whole.tolerate:
        yield (
            ("checks", "worse"),
            f"must be above `tolerate` ({whole.tolerate:g}): what is still fine cannot be too bad to promote",
        )
    kept: Place = ("checks", "baseline_deployment")
    if whole.baseline == "fresh" and whole.baseline_deployment is None:
        yield kept, "is needed for `baseline: fresh`: the Deployment that runs fresh pods of the stable version"
    if whole.baseline != "fresh" and whole.baseline_deployment is not None:
        yield kept, f"is not looked at with `baseline: {whole.baseline}`; write `baseline: fresh`, or drop it"
    if whole.baseline == "none" and whole.judge == "sequential" and any(slo.objective is None for slo in whole.slos):
        yield ("checks", "baseline"), "with `none` the objective alone promotes, so every SLO needs an `objective`"


def _slo(place: Place, slo: SloConfig) -> Iterator[Finding]:
    said = {key for key in ("errors", "good", "total", "histogram", "under") if getattr(slo, key) is not None}
    if said & {"errors", "good", "total"} and said & {"histogram", "under"}:
        yield place, "mixes `errors`/`good`/`total` with `histogram`/`under`; an SLO takes one of the two pairs"
    elif {"errors", "good"} <= said:
        yield (*place, "good"), "says again what `errors` says; an SLO takes one of the two with `total`"
    elif said not in ({"errors", "total"}, {"good", "total"}, {"histogram", "under"}):
        yield place, "needs `errors` and `total`, or `good` and `total`, or `histogram` and `under`"
    if slo.bounds and slo.histogram is None:
        yield (*place, "bounds"), "are bounds of a `histogram`; an SLO of `errors` or `good` with `total` has none"
    if not slo.window:
        yield (*place, "window"), "must be above 0s"
    for key, text in (("errors", slo.errors), ("good", slo.good), ("total", slo.total), ("histogram", slo.histogram)):
        if text is not None and not SELECTOR.fullmatch(text):
            yield (
                (*place, key),
                'must be a plain selector, like http_requests_total{job="checkout"}: davy reads the raw counters '
                "and subtracts them itself, so no rate(), sum() or [5m]; other PromQL goes under `thresholds`",
            )


def _promise(place: Place, slo: SloConfig) -> Iterator[Finding]:
    """What is promised must be able to break and to be kept."""
    if slo.objective < otherrules.LEAST_OBJECTIVE and LOW not in slo.accept:
        words = f"{otherrules.low_objective(slo.objective)} If it is meant, write `accept: [{LOW}]`"
        yield (*place, "objective"), words
    for key, part in (("good", slo.good), ("errors", slo.errors)):
        if part is not None and slo.total is not None and _covers(part, slo.total):
            which = "good" if key == "good" else "bad"
            counts = "the same as `total`" if _covers(slo.total, part) else "all that `total` counts"
            yield (*place, key), f"counts {counts}: every event would be {which} for ever"


def _covers(one: str, other: str) -> bool:
    """True where a selector selects all that the other does: the same name, and no matcher that is not there too."""
    (name, mine), (same, theirs) = _taken_apart(one), _taken_apart(other)
    return name == same and mine <= theirs


def _taken_apart(selector: str) -> tuple[str, frozenset[str]]:
    name, _, matchers = selector.strip().removesuffix("}").partition("{")
    return name.strip(), frozenset(
        plain
        for one in SPLIT.split(matchers)
        if (plain := re.sub(r"\s*(=~|!~|!=|=)\s*", r"\1", one.strip())) and not ANYTHING.fullmatch(plain)
    )


def _together(canary: CanaryConfig | None, checks: ChecksConfig | None) -> Iterator[Finding]:
    if canary is None or checks is None or not checks.interval:
        return
    looks = canary.deadline / checks.interval
    if looks > MOST_LOOKS:
        yield (
            ("canary", "deadline"),
            f"{time_text.shown(canary.deadline)} at a look every {time_text.shown(checks.interval)} is {looks:,.0f} "
            f"looks; the judge's error rates hold for {MOST_LOOKS:,}: shorten it or lengthen `checks.interval`",
        )
    if checks.judge == "mannwhitney" and checks.kayenta is not None:
        spent = len(canary.steps) * (canary.warmup + checks.kayenta.lifetime)
        if spent > canary.deadline:
            yield (
                ("canary", "deadline"),
                f"can never be met: warm-up and `checks.kayenta.lifetime` at {len(canary.steps)} steps take "
                f"{time_text.shown(spent)}, the deadline is {time_text.shown(canary.deadline)}",
            )
    for index, step in enumerate(canary.steps):
        if step.worse is not None and step.worse <= checks.tolerate:
            yield (
                ("canary", "steps", index, "worse"),
                f"must be above `checks.tolerate` ({checks.tolerate:g})",
            )
