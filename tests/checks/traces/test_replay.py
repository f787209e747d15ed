"""The replay of traces: known numbers, the issue's formulas written down a second time, and when it stops."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.checks.judges.sequential.case import Comparison, SequentialCase
from davy.checks.traces.reader import read
from davy.checks.traces.replay import sequential
from davy.checks.traces.result import ReplayEnd
from davy.checks.traces.trace import written
from davy.pipeline.core.verdict import Decision

HEADER = {
    "davy_trace": 1,
    "metrics": [
        {"name": "availability", "objective": 99.9, "weight": 0.5},
        {"name": "latency", "objective": 99.0, "bound": "0.5", "weight": 0.5},
    ],
    "parameters": {
        "alpha": 0.01,
        "beta": 0.05,
        "tolerate": 1.1,
        "worse": 2.0,
        "burn_weight": 0.2,
        "burn": 14.4,
        "dispersion": 1.0,
    },
}
WINDOW = {
    "t": 15,
    "canary": {
        "availability": {"total": 150, "bad": 1},
        "latency": {"total": 150, "bad": {"0.25": 12, "0.5": 3}},
    },
    "stable": {
        "availability": {"total": 1350, "bad": 2},
        "latency": {"total": 1350, "bad": {"0.25": 90, "0.5": 11}},
    },
}


def trace(header, *windows):
    return read([json.dumps(one).encode() for one in (header, *windows)], "t.jsonl")


def simple(tolerate=1.1, **parameters):
    return {"davy_trace": 1, "metrics": [{"name": "a"}], "parameters": {"tolerate": tolerate, **parameters}}


def counted(t, nc, nb, xc, xb):
    return {"t": t, "canary": {"a": {"total": nc, "bad": xc}}, "stable": {"a": {"total": nb, "bad": xb}}}


W1 = [
    counted(15, 150, 1350, 1, 2),
    counted(30, 148, 1362, 0, 1),
    counted(45, 151, 1340, 2, 1),
    counted(60, 149, 1355, 3, 2),
]
"""Golden numbers of these windows come from a program written apart from this one."""


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (simple(1.0), 5.224690393538),
        (simple(1.1), 4.869657888638),
        (simple(1.25), 4.387619914263),
        (simple(1.1, dispersion=2.0), 2.294545425663),
    ],
)
def test_the_golden_windows_give_the_golden_evidence(header, expected):
    last = sequential(trace(header, *W1)).looks[-1]
    assert last.log_e_roll_back == pytest.approx(expected, abs=1e-11)
    assert last.evidence[0].log_e_roll_back == pytest.approx(expected, abs=1e-11)


def test_the_golden_windows_give_the_golden_ratio():
    low, high = sequential(trace(simple(), *W1)).looks[-1].evidence[0].ratio
    assert f"{low:.4f}..{high:.4f}" == "1.3590..59.8177"


# ---- the formulas of the format, written down a second time, in loops and with nothing shared ----


def geomspace(first, last, count):
    return [first * (last / first) ** (i / (count - 1)) for i in range(count)]


def log_mean_exp(values):
    top = max(values)
    return top + math.log(sum(math.exp(value - top) for value in values) / len(values))


def relative(windows, null, ratios, phi):
    """2a.2 and 2a.4: the mean of tempered products of likelihood ratios."""
    logs = []
    for r in ratios:
        log = 0.0
        for nc, nb, xc, xb in windows:
            if nc and nb:
                rho = nc / (nc + nb)
                log += xc * math.log(r / null)
                log += (xc + xb) * math.log((1 + rho * (null - 1)) / (1 + rho * (r - 1)))
        logs.append(log / phi)
    return log_mean_exp(logs)


def absolute(windows, p0, steps, phi):
    """2a.6, at rates below 0.98; no such rate is no evidence."""
    bad, total = sum(w[2] for w in windows), sum(w[0] for w in windows)
    rates = [p0 * step for step in steps if p0 * step < 0.98] if p0 < 1 else []
    if not rates:
        return 0.0
    return log_mean_exp([(bad * math.log(q / p0) + (total - bad) * math.log((1 - q) / (1 - p0))) / phi for q in rates])


def reference(header, lines):
    """`(log_e_roll_back, log_e_burn, {metric: (log_e, log_e_promote, part)})` after these lines."""
    said = header["parameters"]
    burn_weight = said["burn_weight"] if any("objective" in one for one in header["metrics"]) else 0.0
    whole = sum(one.get("weight", 1) for one in header["metrics"])
    burns, found = {}, {}
    for metric in header["metrics"]:
        name, phi = metric["name"], metric.get("dispersion", said["dispersion"])
        by_bound = windows_of(lines, name)
        own = by_bound[metric["bound"] if "bound" in metric and metric["bound"] in by_bound else min(by_bound)]
        worse_than = [said["tolerate"] * step for step in geomspace(1.2, 10, 30)]
        log_e = log_mean_exp([relative(one, said["tolerate"], worse_than, phi) for one in by_bound.values()])
        arms = [relative(own, said["worse"], [said["worse"] * step for step in geomspace(0.05, 0.9, 25)], phi)]
        if "objective" in metric:
            p0 = 1 - metric["objective"] / 100
            burns[name] = absolute(own, said["burn"] * p0, geomspace(1.15, 30, 40), phi)
            arms.append(absolute(own, p0, geomspace(0.01, 0.87, 40), phi))
        found[name] = (log_e, log_mean_exp(arms), metric.get("weight", 1) / whole * (1 - burn_weight))
    terms = [math.log(weight) + log_e for log_e, _, weight in found.values()]
    burn = log_mean_exp(list(burns.values())) if burns else 0.0
    if burn_weight:
        terms.append(math.log(burn_weight) + burn)
    top = max(terms)
    return top + math.log(sum(math.exp(term - top) for term in terms)), burn, found


def windows_of(lines, name):
    """By bound (`""` for plain counts) the windows as (canary, stable, bad canary, bad stable)."""
    found = {}
    for line in lines:
        sides = [(line.get(side) or {}).get(name) or {"total": 0, "bad": None} for side in ("canary", "stable")]
        bounds = next((list(side["bad"]) for side in sides if isinstance(side["bad"], dict)), [""])
        for bound in bounds:
            bad = [(one["bad"] or {}).get(bound, 0) if bound else one["bad"] or 0 for one in sides]
            found.setdefault(bound, []).append((sides[0]["total"], sides[1]["total"], *bad))
    if len(found) > 1:
        # Windows without any data of a histogram.
        found.pop("", None)
    return found


BOUNDS = ["0.1", "0.25", "0.5"]


@st.composite
def sides(draw, histogram):
    total = draw(st.integers(0, 2000))
    if not histogram:
        return {"total": total, "bad": draw(st.integers(0, min(total, 40)))}
    counts = sorted((draw(st.integers(0, min(total, 60))) for _ in BOUNDS), reverse=True)
    return {"total": total, "bad": dict(zip(BOUNDS, counts, strict=True))}


@st.composite
def traces(draw):
    metrics = [{"name": "a"}, {"name": "b", "bound": draw(st.sampled_from(BOUNDS))}]
    for metric in metrics:
        if draw(st.booleans()):
            metric["objective"] = draw(st.sampled_from([50.0, 90.0, 99.0, 99.9, 99.99]))
        if draw(st.booleans()):
            metric["weight"] = draw(st.sampled_from([0.25, 1, 3]))
        if draw(st.booleans()):
            metric["dispersion"] = draw(st.sampled_from([1, 1.5, 7]))
    parameters = {
        "alpha": draw(st.sampled_from([0.001, 0.01, 0.2])),
        "beta": draw(st.sampled_from([0.01, 0.05, 0.4])),
        "tolerate": draw(st.sampled_from([1.0, 1.1, 1.5])),
        "worse": draw(st.sampled_from([1.5, 2.0, 5.0])),
        "burn_weight": draw(st.sampled_from([0.0, 0.2, 0.5])),
        "burn": draw(st.sampled_from([1.0, 6, 14.4])),
        "dispersion": draw(st.sampled_from([1.0, 2.0])),
    }
    lines = []
    for index in range(draw(st.integers(1, 8))):
        line = {"t": 15 * (index + 1), "canary": {}, "stable": {}}
        for side in ("canary", "stable"):
            for metric, histogram in (("a", False), ("b", True)):
                kind = draw(st.integers(0, 9)) if index else 9
                line[side] |= {metric: None} if kind == 0 else {} if kind == 1 else {metric: draw(sides(histogram))}
        if draw(st.integers(0, 9)) == 0:
            del line["stable"]
        lines.append(line)
    return {"davy_trace": 1, "metrics": metrics, "parameters": parameters}, lines


@settings(max_examples=150, deadline=None)
@given(traces())
def test_the_figures_are_those_of_the_formulas(given_trace):
    header, lines = given_trace
    last = sequential(trace(header, *lines), to_end=True).looks[-1]
    log_roll_back, log_burn, metrics = reference(header, lines)
    near = {"rel": 1e-9, "abs": 1e-9}
    assert last.log_e_roll_back == pytest.approx(log_roll_back, **near)
    assert last.log_e_burn == pytest.approx(log_burn, **near)
    for one in last.evidence:
        log_e, log_promote, _ = metrics[one.metric]
        assert one.log_e_roll_back == pytest.approx(log_e, **near)
        assert one.log_e_promote == pytest.approx(log_promote, **near)
    assert sum(one.share for one in last.evidence) == pytest.approx(1)


@settings(max_examples=100, deadline=None)
@given(traces())
def test_the_verdict_is_the_first_limit_that_is_crossed(given_trace):
    header, lines = given_trace
    said = header["parameters"]
    verdict, at, read_ = ReplayEnd.INCONCLUSIVE, None, len(lines)
    for index in range(1, len(lines) + 1):
        log_roll_back, _, metrics = reference(header, lines[:index])
        if log_roll_back >= math.log(1 / said["alpha"]):
            verdict = ReplayEnd.ROLL_BACK
        elif all(promote >= math.log(1 / said["beta"]) for _, promote, _ in metrics.values()):
            verdict = ReplayEnd.PROMOTE
        if verdict is not ReplayEnd.INCONCLUSIVE:
            at, read_ = lines[index - 1]["t"], index
            break
    finding = sequential(trace(header, *lines))
    assert (finding.verdict, finding.at, finding.windows) == (verdict, at, read_)
    whole = sequential(trace(header, *lines), to_end=True)
    assert (whole.verdict, whole.at, whole.windows) == (verdict, at, len(lines))
    assert whole.sentence == finding.sentence or verdict is ReplayEnd.INCONCLUSIVE


@settings(max_examples=60, deadline=None)
@given(traces(), st.sampled_from(Comparison))
def test_the_fast_fold_is_the_rollouts_own(given_trace, form):
    """A replay adds up in place; a rollout makes a new case of each window. They are the same to the last digits."""
    for metric in given_trace[0]["metrics"]:
        metric["evidence"] = form
    read_trace = trace(given_trace[0], *given_trace[1])
    case = SequentialCase.opened(read_trace.rules, read_trace.metrics)
    for glance in read_trace.windows:
        case = case.counted(glance.counts)
    theirs = case.standing(read_trace.worse)
    last = sequential(read_trace, to_end=True).looks[-1]
    assert last.log_e_roll_back == pytest.approx(theirs.log_e_roll_back, rel=1e-12, abs=1e-12)
    for mine, other in zip(last.evidence, theirs.evidence, strict=True):
        for own, its in ((mine.canary, other.canary), (mine.stable, other.stable)):
            assert (own.bad, own.total) == (its.bad, its.total)
        assert mine.ratio == pytest.approx(other.ratio)
        assert mine.log_e_promote == pytest.approx(other.log_e_promote, rel=1e-12, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(traces())
def test_what_is_written_is_read_back(given_trace):
    first = trace(given_trace[0], *given_trace[1])
    again = read([line.encode() for line in written(first)], "t.jsonl")
    assert again.rules == first.rules
    for mine, other in zip(again.windows, first.windows, strict=True):
        assert {name: pair for name, pair in mine.counts.items() if pair.canary.total and pair.stable.total} == {
            name: pair for name, pair in other.counts.items() if pair.canary.total and pair.stable.total
        }
    if any(window.counts["b"].canary.total for window in first.windows if "b" in window.counts):
        assert again.metrics == first.metrics


# ---- the example ----


def test_the_example_of_the_format_is_not_enough_for_a_verdict():
    finding = sequential(trace(HEADER, WINDOW))
    assert (finding.verdict, finding.at, finding.windows) == (ReplayEnd.INCONCLUSIVE, None, 1)
    log_roll_back, log_burn, _ = reference(HEADER, [WINDOW])
    assert finding.looks[-1].log_e_roll_back == pytest.approx(log_roll_back, abs=1e-12)
    assert finding.looks[-1].log_e_roll_back == pytest.approx(-0.134838711516, abs=1e-11)
    assert finding.looks[-1].log_e_burn == pytest.approx(log_burn, abs=1e-12)


# ---- limits and rules ----


def test_a_limit_that_is_just_reached_is_crossed():
    evidence = sequential(trace(simple(), *W1), to_end=True).looks[-1].log_e_roll_back
    alpha = math.exp(-evidence)
    while -math.log(alpha) > evidence:
        alpha = math.nextafter(alpha, 1)
    assert sequential(trace(simple(alpha=alpha), *W1)).verdict is ReplayEnd.ROLL_BACK


def test_a_metric_without_any_data_never_promotes():
    header = {"davy_trace": 1, "metrics": [{"name": "a"}, {"name": "b", "objective": 99}], "parameters": {}}
    windows = [counted(15 * i, 10_000, 10_000, 10, 10) for i in range(1, 30)]
    finding = sequential(trace(header, *windows))
    assert finding.verdict is ReplayEnd.INCONCLUSIVE
    assert [one.log_e_promote > 3 for one in finding.looks[-1].evidence] == [True, False]
    assert finding.looks[-1].evidence[1].ratio is None


def test_without_stable_the_burn_alone_rolls_back():
    header = {"davy_trace": 1, "metrics": [{"name": "a", "objective": 99.9}]}
    finding = sequential(trace(header, {"t": 15, "canary": {"a": {"total": 100, "bad": 50}}}))
    assert finding.verdict is ReplayEnd.ROLL_BACK
    assert finding.looks[-1].evidence[0].log_e_roll_back == 0.0


def test_no_window_at_all_is_inconclusive():
    finding = sequential(trace(HEADER))
    assert (finding.verdict, finding.at, finding.windows) == (ReplayEnd.INCONCLUSIVE, None, 0)


def test_nothing_is_promoted_before_its_time_nor_at_a_window_with_a_gap():
    windows = [counted(15 * i, 5000, 5000, 0, 50) for i in range(1, 6)]
    assert sequential(trace(simple(), *windows)).at == 15
    assert sequential(trace(simple(promote_from=40), *windows)).at == 45
    assert sequential(trace(simple(promote_from=None), *windows)).verdict is ReplayEnd.INCONCLUSIVE
    windows[0]["gap"] = True
    assert sequential(trace(simple(), *windows)).at == 30


def test_data_rules_count_only_where_the_header_names_them():
    window = counted(15, 1000, 9000, 20, 10)
    assert sequential(trace(simple(), window)).verdict is ReplayEnd.ROLL_BACK
    strict = simple(bad_at_least=3, windows_at_least=2)
    assert sequential(trace(strict, window)).verdict is ReplayEnd.INCONCLUSIVE
    assert sequential(trace(strict, window, counted(30, 1000, 9000, 1, 1))).at == 30


def test_a_window_with_a_ratio_of_its_own_is_asked_for_that():
    windows = [counted(15 * i, 500, 4500, 1, 9) for i in range(1, 6)]
    never = simple(promote_from=None)
    plain = sequential(trace(never, *windows)).looks[-1].evidence[0].log_e_promote
    wide = sequential(trace(simple(promote_from=None, worse=5.0), *windows)).looks[-1].evidence[0].log_e_promote
    windows[-1]["worse"] = 5.0
    assert sequential(trace(never, *windows)).looks[-1].evidence[0].log_e_promote == pytest.approx(wide)
    assert wide > plain
    windows[-2]["worse"], windows[-3]["worse"] = 2.0, 5.0
    assert sequential(trace(never, *windows)).looks[-1].evidence[0].log_e_promote == pytest.approx(wide)


def test_a_long_trace_keeps_some_looks_and_the_last_one_in_order():
    windows = [counted(15 * i, 100, 900, 1, 9) for i in range(1, 200)]
    finding = sequential(trace(simple(promote_from=None, alpha=1e-9), *windows), keep=20)
    assert finding.windows == 199
    assert 20 <= len(finding.looks) <= 41
    times = [look.t for look in finding.looks]
    assert times == sorted(times)
    assert times[-1] == 15 * 199


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**53), st.integers(0, 2**53)), min_size=4, max_size=4), st.integers(1, 5))
def test_no_counts_however_large_give_anything_but_finite_numbers(pairs, windows):
    (nc, xc), (nb, xb) = [(max(p), min(p)) for p in pairs[:2]]
    header = {"davy_trace": 1, "metrics": [{"name": "a", "objective": 99.9}], "parameters": {}}
    lines = [counted(15 * i, nc, nb, xc, xb) for i in range(1, windows + 1)]
    last = sequential(trace(header, *lines), to_end=True).looks[-1]
    one = last.evidence[0]
    assert all(math.isfinite(v) for v in (last.log_e_roll_back, last.log_e_burn, one.log_e_promote, one.share))
    assert one.ratio is None or 0 < one.ratio[0] <= one.ratio[1]


def test_the_replay_decides_as_a_rollout_would_look_by_look():
    read_trace = trace(simple(), *W1)
    case = SequentialCase.opened(read_trace.rules, read_trace.metrics)
    decisions = []
    for glance in read_trace.windows:
        case = case.counted(glance.counts)
        decisions.append(case.standing(2.0).decision)
    assert decisions == [Decision.GO_ON] * 3 + [Decision.ROLL_BACK]
    assert sequential(read_trace).at == 60
