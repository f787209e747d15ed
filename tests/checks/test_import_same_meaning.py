"""Each objective and check of a file comes to the same in davy.yaml, reckoned apart from davy, or is left out whole.

Keptn's are in test_keptn_criteria.py.
"""

import json
import math
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.checks import slo_formats
from davy.checks.judges.flagger import rules
from davy.checks.judges.threshold.rules import Check, MeasurementResult
from davy.checks.samples import selectors
from davy.pipeline.config.parsing.condition import Unanswered

pytestmark = pytest.mark.slow


def read(*documents):
    text = "\n---\n".join(map(json.dumps, documents))
    return slo_formats.read([("a.yaml", text)], thresholds=True)


def told(group):
    return "\n".join(map(str, group))


# ---- counters, as Prometheus would answer: a series is its labels and how much it grew in a second

SERIES = [
    {"__name__": "req_total", "code": "200", "job": "a"},
    {"__name__": "req_total", "code": "500", "job": "a"},
    {"__name__": "req_total", "code": "500", "job": "b"},
    {"__name__": "bad_total", "job": "a"},
    *({"__name__": "lat_seconds_bucket", "job": "a", "le": le} for le in ("0.3", "1", "+Inf")),
    {"__name__": "lat_seconds_count", "job": "a"},
]
LAST_BUCKET, COUNT = 6, 7
MATCHERS = ['job="a"', 'code=~"5.."', 'code!="500"', 'le="0.3"', 'le="+Inf"', 'job=~".*"']


@dataclass(frozen=True)
class Sum:
    """`sum(rate(name{…}[5m]))` with a guard behind it."""

    name: str
    matchers: tuple[str, ...]
    function: str
    guard: str = ""

    @property
    def selector(self):
        return f"{self.name}{{{','.join(self.matchers)}}}" if self.matchers else self.name

    def __str__(self):
        grown = f"{self.function}({self.selector}[{'{{.window}}' if self.function == 'rate' else '5m'}])"
        return f"sum({grown}){self.guard}"

    def value(self, grown):
        """None for no answer."""
        value = summed(self.selector, grown)
        if value is not None and self.function == "increase":
            value *= 300
        match self.guard:
            case " or vector(0)":
                return 0.0 if value is None else value
            case " or vector(1)":
                return 1.0 if value is None else value
            case " > 0":
                return value if value else None
        return value


@dataclass(frozen=True)
class Less:
    """All less the good ones."""

    of: Sum
    good: Sum

    def __str__(self):
        return f"{self.of} - ({self.good})"

    def value(self, grown):
        of, good = self.of.value(grown), self.good.value(grown)
        return None if of is None or good is None else of - good


def summed(selector, grown):
    meant = selectors.selector(selector)
    found = [grown[at] for at, labels in enumerate(SERIES) if grown[at] is not None and meant.matches(labels)]
    return sum(found) if found else None


def share_by_davy(slo, grown):
    """Bad events of all, as davy.yaml has it; None where it cannot be told."""
    if slo.histogram is not None:
        meant, bound = selectors.selector(slo.histogram), f"{slo.under.total_seconds():g}"
        total, good = (summed(str(meant.joined(f'le="{le}"')), grown) for le in ("+Inf", bound))
    else:
        total, good = summed(slo.total, grown), summed(slo.good, grown) if slo.good else None
    if not total:
        return None
    if slo.errors is not None:
        return (summed(slo.errors, grown) or 0.0) / total
    return None if good is None else (total - good) / total


def share_by_file(kind, part, total, grown):
    over, of = part.value(grown), total.value(grown)
    if over is None or not of:
        return None
    return over / of if kind == "bad" else (of - over) / of


sums = st.builds(
    Sum,
    st.sampled_from(["req_total", "bad_total", "lat_seconds_bucket", "lat_seconds_count"]),
    st.lists(st.sampled_from(MATCHERS), max_size=2, unique=True).map(tuple),
    st.sampled_from(["rate", "rate", "increase"]),
    st.sampled_from(["", "", " or vector(0)", " or vector(1)", " > 0"]),
)
bare = st.builds(Sum, st.sampled_from(["req_total", "bad_total", "lat_seconds_bucket", "lat_seconds_count"]),
                 st.lists(st.sampled_from(MATCHERS), max_size=2, unique=True).map(tuple), st.just("rate"))  # fmt: skip


@st.composite
def growths(draw):
    grown = draw(st.lists(st.none() | st.integers(0, 5), min_size=len(SERIES), max_size=len(SERIES)))
    # A histogram: each bucket holds the ones below, and its count is the last.
    buckets = sorted(value or 0 for value in grown[4:7])
    return [*grown[:4], *buckets, buckets[-1]]


def holds_the_meaning(found, kind, part, total, grown):
    if not found.objectives:
        assert found.refused
        return
    (slo,) = found.objectives
    assert slo.objective == 99.9
    wanted, got = share_by_file(kind, part, total, grown), share_by_davy(slo, grown)
    if wanted is not None and summed(total.selector, grown) and got is not None:
        assert got == pytest.approx(wanted)


@settings(max_examples=60)
@given(st.one_of(sums, st.builds(Less, sums, sums)), sums, growths())
def test_a_sloth_objective_counts_what_its_queries_count(part, total, grown):
    sli = {"events": {"error_query": str(part), "total_query": str(total)}}
    found = read({"version": "prometheus/v1", "slos": [{"name": "a", "objective": 99.9, "sli": sli}]})
    holds_the_meaning(found, "bad", part, total, grown)


@settings(max_examples=60)
@given(st.sampled_from(["good", "bad"]), sums, sums, growths(), st.booleans())
def test_an_openslo_objective_counts_what_its_queries_count(kind, part, total, grown, raw):
    queries = {kind: part.selector if raw else str(part), "total": total.selector if raw else str(total)}
    ratio = {"counter": raw} | {
        key: {"metricSource": {"type": "Prometheus", "spec": {"query": query}}} for key, query in queries.items()
    }
    spec = {"indicator": {"spec": {"ratioMetric": ratio}}, "objectives": [{"target": 0.999}]}
    found = read({"apiVersion": "openslo/v1", "kind": "SLO", "metadata": {"name": "a"}, "spec": spec})
    if raw:
        part, total = (Sum(one.name, one.matchers, "rate") for one in (part, total))
    holds_the_meaning(found, kind, part, total, grown)


@settings(max_examples=60)
@given(st.booleans(), bare, bare, growths())
def test_a_pyrra_objective_counts_what_its_selectors_count(latency, part, total, grown):
    metrics = {"success" if latency else "errors": {"metric": part.selector}, "total": {"metric": total.selector}}
    spec = {"target": "99.9", "window": "4w", "indicator": {"latency" if latency else "ratio": metrics}}
    head = {"apiVersion": "pyrra.dev/v1alpha1", "kind": "ServiceLevelObjective", "metadata": {"name": "a"}}
    found = read({**head, "spec": spec})
    holds_the_meaning(found, "good" if latency else "bad", part, total, grown)


# ---- Argo Rollouts

LIMITS = st.sampled_from([0.0, 0.5, 0.95, 1.0])
ANSWERS = [(), (0.5,), (0.95,), (1.0,), (-1.0,), (math.nan,), (math.inf,), (0.4, 0.99), (0.99, math.nan)]
COMPARE = {
    "<": lambda one, two: one < two, "<=": lambda one, two: one <= two, ">": lambda one, two: one > two,
    ">=": lambda one, two: one >= two, "==": lambda one, two: one == two,
}  # fmt: skip


def first(operator, limit):
    return f"result[0] {operator} {limit}", lambda answer: COMPARE[operator](answer[0], limit)


def every(operator, limit):
    return f"all(result, # {operator} {limit})", lambda answer: all(COMPARE[operator](one, limit) for one in answer)


EMPTY = ("len(result) == 0", lambda answer: len(answer) == 0)
NAN = ("isNaN(result[0])", lambda answer: math.isnan(answer[0]))
atoms = st.one_of(
    st.builds(first, st.sampled_from(sorted(COMPARE)), LIMITS),
    st.builds(every, st.sampled_from(sorted(COMPARE)), LIMITS),
    st.sampled_from([EMPTY, NAN]),
)


def joined(sign, one, two):
    if sign == "||":
        return f"{one[0]} || {two[0]}", lambda answer: one[1](answer) or two[1](answer)
    return f"{one[0]} && {two[0]}", lambda answer: one[1](answer) and two[1](answer)


conditions = st.one_of(atoms, st.builds(joined, st.sampled_from(["||", "&&"]), atoms, atoms))
whole = st.none() | st.integers(-1, 5)


def asked(condition, answer):
    """Argo's own answer; None where the expression cannot be evaluated."""
    try:
        return condition[1](answer)
    except IndexError:
        return None


def by_argo(success, failure, answer):
    failed = asked(failure, answer) if failure else False
    if failed is None:
        return MeasurementResult.ERROR
    good = asked(success, answer) if success else True
    if good is None:
        return MeasurementResult.ERROR
    if failed:
        return MeasurementResult.FAILURE
    return (
        MeasurementResult.SUCCESS
        if good
        else MeasurementResult.FAILURE
        if not failure
        else MeasurementResult.INCONCLUSIVE
    )


def by_davy(check, answer):
    try:
        return check.result_of(answer)
    except Unanswered:
        return MeasurementResult.ERROR


@settings(max_examples=60)
@given(
    st.none() | conditions, st.none() | conditions,
    st.fixed_dictionaries({"count": whole, "failureLimit": whole, "inconclusiveLimit": whole,
                           "consecutiveErrorLimit": whole, "consecutiveSuccessLimit": whole}),
    st.booleans(), st.booleans(),
)  # fmt: skip
def test_an_argo_metric_measures_and_counts_as_argo_does(success, failure, limits, by_arguments, dry):
    said = {key: value for key, value in limits.items() if value is not None}
    arguments = [{"name": key, "value": str(value)} for key, value in said.items()]
    metric = {
        "name": "m", "interval": "1m", "provider": {"prometheus": {"query": "up"}},
        "successCondition": success[0] if success else None, "failureCondition": failure[0] if failure else None,
        **({key: f"{{{{args.{key}}}}}" for key in said} if by_arguments else said),
    }  # fmt: skip
    head = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": {"name": "t"}}
    dry_run = {"dryRun": [{"metricName": "m"}]} if dry else {}
    found = read({**head, "spec": {"args": arguments, "metrics": [metric], **dry_run}})
    if not found.thresholds:
        assert found.refused
        negative = [value for key, value in said.items() if value < 0 and key != "failureLimit"]
        assert dry or negative or not (success or failure)
        return
    (one,) = found.thresholds
    check = Check.of(one)
    assert {answer: by_davy(check, answer) for answer in ANSWERS} == {
        answer: by_argo(success, failure, answer) for answer in ANSWERS
    }
    endless = not said.get("count") and not said.get("consecutiveSuccessLimit")
    assert one.count == (said.get("count") or None)
    assert one.successes == (said.get("consecutiveSuccessLimit") or (3 if endless else None))
    assert ("measures until it is stopped" in told(found.notes)) is endless
    assert one.failure_limit == said.get("failureLimit", 0)
    assert check.inconclusive_limit == said.get("inconclusiveLimit", 0)
    assert one.error_limit == said.get("consecutiveErrorLimit", 4)


# ---- Flagger

bounds = st.dictionaries(st.sampled_from(["min", "max"]), st.sampled_from([0, 1, 99.5]), max_size=2)
references = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b"])}, optional={"namespace": st.sampled_from(["x", "y"])}
)
ticks = st.fixed_dictionaries(
    {"thresholdRange": bounds, "templateRef": references}, optional={"interval": st.sampled_from(["1m", "2m"])}
)
TEMPLATES = [("a", "x"), ("a", "y"), ("b", "x")]
VALUES = [(), (math.nan,), (-0.5,), (0.0,), (0.5,), (1.0,), (99.5,), (100.0,), (0.5, 2.0)]


@settings(max_examples=60)
@given(st.lists(ticks, min_size=1, max_size=3), st.sampled_from(["x", "y"]), st.integers(0, 3))
def test_a_flagger_metric_asks_its_own_template_and_holds_its_range(metrics, namespace, threshold):
    named = [{"name": f"m{at}", **one} for at, one in enumerate(metrics)]
    canary = {
        "apiVersion": "flagger.app/v1beta1", "kind": "Canary", "metadata": {"name": "c", "namespace": namespace},
        "spec": {"targetRef": {"name": "t"}, "analysis": {"threshold": threshold, "metrics": named}},
    }  # fmt: skip
    templates = [
        {
            "apiVersion": "flagger.app/v1beta1", "kind": "MetricTemplate",
            "metadata": {"name": name, "namespace": space},
            "spec": {"provider": {"type": "prometheus"}, "query": f"{name}_{space}[{{{{ interval }}}}]"},
        }
        for name, space in TEMPLATES
    ]  # fmt: skip
    found = read(canary, *templates)
    kept = {one.name: one for one in found.thresholds}
    for at, metric in enumerate(named):
        reference = metric["templateRef"]
        place = (reference["name"], reference.get("namespace", namespace))
        low, high = (metric["thresholdRange"].get(bound) for bound in ("min", "max"))
        ranged = bool(metric["thresholdRange"]) and (low is None or high is None or low <= high)
        assert (metric["name"] in kept) is (place in TEMPLATES and ranged)
        if metric["name"] not in kept:
            assert f"metrics[{at}]" in told(found.refused)
            continue
        one = kept[metric["name"]]
        assert one.query == f"{'_'.join(place)}[{metric.get('interval', '1m')}]"
        for values in VALUES:
            inside = bool(values) and (low is None or values[-1] >= low) and (high is None or values[-1] <= high)
            assert (rules.measured(rules.RangeCheck.of(one), values).result is MeasurementResult.SUCCESS) is inside
    if kept:
        assert found.flagger == ({"threshold": threshold} if threshold else {})
