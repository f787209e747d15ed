"""Kayenta's rule: its own test vectors, and reports of its users.

Numbers and expected labels are facts of https://github.com/spinnaker/kayenta (Apache-2.0) at a69573be: its
MannWhitneySuite, ClassifierSuite, ScorerSuite, DetectorSuite, TransformSuite and StatisticSuite. The order of a sample
says nothing, so samples of mostly zeros are kept here without them. Two cases of MannWhitneySuite with 800 values a
side are left out.
"""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.checks.judges.kayenta.rules import (
    Classified,
    Direction,
    Label,
    Limits,
    Mark,
    Measure,
    NanStrategy,
    Yardstick,
    classified,
    cleaned,
    marked,
    scored,
)
from davy.checks.statistics.mann_whitney import blurred, cles, deviation, fences, mean_ratio, percentile, root, shift

SAMPLES = json.loads(Path(__file__).with_name("kayenta_samples.json").read_text())
ZEROS = {"many errors": 210, "few errors": 210, "rare errors": 60, "rarer errors": 60}
HIGHER, LOWER = [20.0, 22.0, 21.0, 25.0, 30.0], [1.0, 2.2, 1.1, 2.5, 3.0]
BUSY = [54.9, 54.5, 55.1, 55.6, 57.4]


def sample(name):
    values = SAMPLES[name]
    return values + [0.0] * (ZEROS.get(name, 0) - len(values))


@pytest.mark.parametrize(
    ("first", "second", "confidence", "expected"),
    [
        ([10, 20, 30, 40], [1, 2, 3, 4], 0.95, (6.0, 39.0, 22.5)),
        ("pages", "pages before", 0.95, (-0.500002521696696, -3.486287505871302e-5)),
        ("more pages", "more pages before", 0.98, (-0.4999173250549087, -6.912685789769486e-6)),
        ("many errors", "few errors", 0.95, (3.521755377702165e-5, 2.02456461662334e-5, 2.6279243045155653e-5)),
        # https://github.com/spinnaker/kayenta/issues/780
        ([100] * 7 + [1] * 3, [1] * 10, 0.98, (6.825022991538781e-5, 99.0, 98.99992904170193)),
    ],
    ids=["apart", "R, 90 values", "R, 180 values", "R, mostly zeros: low above high", "issue 780"],
)
def test_interval_and_estimate_are_those_of_kayenta_and_r(first, second, confidence, expected):
    found = shift(*(sample(s) if isinstance(s, str) else s for s in (first, second)), confidence)
    assert (found.low, found.high, found.estimate)[: len(expected)] == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_the_deviations_at_the_ends_are_those_of_r():
    first, second, quantile = sample("many errors"), sorted(sample("few errors")), 1.9599639845400536
    low, high = min(first) - max(second), max(first) - min(second)
    ends = [deviation(mu, first, second) - level for level in (quantile, -quantile) for mu in (low, high)]
    assert ends == pytest.approx([17.090968923762254, -20.997687930433106, 21.01089689284236, -17.077759961353])
    assert (low, high) == (-3.124999999999986, 5.555555555555557)


CASES = {
    "pass": ("near ten", "near ten too", {}, Label.PASS, False),
    "high": ("near twenty", "near ten too", {}, Label.HIGH, False),
    "low": ("near ten", "near twenty too", {}, Label.LOW, False),
    "lower, and only higher is bad": (
        "near ten", "near twenty too", {"direction": Direction.INCREASE}, Label.PASS, False
    ),
    "higher, and only lower is bad": (
        "near twenty", "near ten too", {"direction": Direction.DECREASE}, Label.PASS, False
    ),
    "higher is bad": ("near twenty", "near ten too", {"direction": Direction.INCREASE}, Label.HIGH, False),
    "lower is bad": ("near ten", "near twenty too", {"direction": Direction.DECREASE}, Label.LOW, False),
    "large input": ("many errors", "few errors", {}, Label.HIGH, False),
    "mean ratio high": (HIGHER, LOWER, {"allowed": Limits(decrease=0.8, increase=1.2)}, Label.HIGH, False),
    "mean ratio low": (
        "near ten",
        "near twenty too",
        {"allowed": Limits(decrease=0.8, increase=1.2), "direction": Direction.DECREASE},
        Label.LOW,
        False,
    ),
    "mean ratio allowed": (
        [10.0, 12.2, 10.1, 12.5, 23.0], HIGHER, {"allowed": Limits(decrease=0.5, increase=1.0)}, Label.PASS, False
    ),
    "mean ratio allowed, large input": (
        "many errors", "few errors", {"allowed": Limits(decrease=1.0, increase=5.0)}, Label.PASS, False
    ),
    "critical high": (
        HIGHER, LOWER, {"critical": True, "severe": Limits(decrease=1.0, increase=1.2)}, Label.HIGH, True
    ),
    "critical low": (
        [2.0, 2.0, 2.0, 2.0, 3.0],
        [10.0, 20.2, 10.1, 20.5, 30.0],
        {"critical": True, "severe": Limits(decrease=1.2, increase=1.0)},
        Label.LOW,
        True,
    ),
    "critical, but not severe": (
        HIGHER,
        LOWER,
        {
            "critical": True,
            "allowed": Limits(decrease=1.0, increase=5.0),
            "severe": Limits(decrease=1.0, increase=13.0),
        },
        Label.HIGH,
        False,
    ),
    "critical, but allowed": (
        HIGHER,
        LOWER,
        {
            "critical": True,
            "allowed": Limits(decrease=1.0, increase=13.0),
            "severe": Limits(decrease=1.0, increase=15.0),
        },
        Label.PASS,
        False,
    ),
    "critical by default limits": (HIGHER, LOWER, {"critical": True}, Label.HIGH, True),
    "all tied": ([1.0] * 3, [1.0] * 2, {"direction": Direction.DECREASE}, Label.PASS, False),
    "the same values": (
        [1.0, 2.0, 3.0, 4.0, 5.0], [5.0, 4.0, 3.0, 2.0, 1.0], {"direction": Direction.DECREASE}, Label.PASS, False
    ),
    "one zero first": ([0.0, 1.0, 1.0, 1.0, 1.0], [1.0] * 5, {"direction": Direction.DECREASE}, Label.PASS, False),
    "no data": ([], [1.0, 2.0, 3.0], {}, Label.NO_DATA, False),
    "no data, critical": ([], [1.0, 2.0, 3.0], {"critical": True}, Label.NO_DATA, True),
    "no data, replaced": ([], [1.0, 2.0, 3.0], {"nan": NanStrategy.REPLACE}, Label.PASS, False),
    "no data on both sides, critical": ([], [], {"critical": True}, Label.NO_DATA, True),
    "no data, must have": ([], [1.0, 2.0], {"must_have_data": True}, Label.NO_DATA_FAILS, False),
    "no data, must have, critical": (
        [], [1.0, 2.0], {"must_have_data": True, "critical": True}, Label.NO_DATA, True
    ),
    "mostly tied": ([1.0, 1.0, 1.0, 1.0, 10.0], [1.0] * 5, {}, Label.PASS, False),
    "two constants": ([10.0] * 5, [1.0] * 5, {}, Label.HIGH, False),
    "a constant over zeros": ([10.0] * 5, [0.0] * 5, {}, Label.HIGH, False),
    "zeros before, with limits": (BUSY, [0.0] * 5, {"allowed": Limits(decrease=0.8, increase=1.2)}, Label.HIGH, False),
    "zeros after, with limits": ([0.0] * 5, BUSY, {"allowed": Limits(decrease=0.8, increase=1.2)}, Label.LOW, False),
    "zeros before, critical": (
        [
            0.05000000074505806, 0.05000000074505806, 0.01666666753590107, 0.01666666753590107, 0.01666666753590107,
            0.05000000074505806, 0.03333333507180214, 0.05000000260770321, 0.05000000260770321, 0.13333333656191826,
        ],
        [0.0] * 10,
        {"critical": True, "nan": NanStrategy.REPLACE, "severe": Limits(decrease=0.8, increase=1.2)},
        Label.HIGH,
        True,
    ),
    "zeros on both sides": ([0.0] * 5, [0.0] * 5, {"allowed": Limits(decrease=0.8, increase=1.2)}, Label.PASS, False),
}  # fmt: skip


@pytest.mark.parametrize(("canary", "baseline", "rule", "label", "critical"), CASES.values(), ids=CASES)
def test_a_metric_gets_the_label_that_kayenta_gives_it(canary, baseline, rule, label, critical):
    sides = [sample(side) if isinstance(side, str) else side for side in (canary, baseline)]
    found = classified(Yardstick(name="m", **rule), *sides, tolerance=0.1, confidence=0.95)
    assert (found.label, found.critical) == (label, critical)


@pytest.mark.parametrize(
    ("canary", "baseline", "decrease", "label"),
    [
        ("rare errors", "rarer errors", 0.5, Label.PASS),
        ("slow", "fast", 0.2, Label.HIGH),
        ("near 21", "near 25", 0.2, Label.LOW),
    ],
)
def test_with_the_common_language_effect_too(canary, baseline, decrease, label):
    rule = Yardstick(name="m", measure=Measure.CLES, allowed=Limits(decrease=decrease, increase=0.8))
    assert classified(rule, sample(canary), sample(baseline), tolerance=0.2, confidence=0.98).label is label


@pytest.mark.parametrize(
    ("canary", "baseline", "label"),
    [
        ([0, 1, 2, 1, 0, 0], [0] * 6, Label.PASS),  # https://github.com/spinnaker/kayenta/issues/426
        ([100] * 7 + [1] * 3, [1] * 10, Label.PASS),  # …/issues/780
        ([100] * 8 + [1] * 2, [1] * 10, Label.HIGH),
    ],
)
def test_what_kayentas_users_wondered_at_is_so_here_too(canary, baseline, label):
    assert classified(Yardstick(name="m"), canary, baseline).label is label


def test_effects_without_a_mean_are_no_number_and_identical_samples_are_no_effect():
    rule = Yardstick(name="m", allowed=Limits(decrease=0.8, increase=1.2))
    assert math.isnan(classified(rule, BUSY, [0.0] * 5, tolerance=0.1, confidence=0.95).effect)
    assert math.isnan(classified(rule, [0.0] * 5, BUSY, tolerance=0.1, confidence=0.95).effect)
    assert classified(rule, [0.0] * 5, [0.0] * 5).effect == 1.0


@pytest.mark.parametrize(
    ("first", "second", "ratio"),
    [([1.0] * 5, [1.0] * 5, 1.0), ([10.0] * 5, [1.0] * 5, 10.0), ([10.0] * 5, [100.0] * 5, 0.1)],
)
def test_the_mean_ratio(first, second, ratio):
    assert mean_ratio(first, second) == pytest.approx(ratio, rel=1e-15)


@pytest.mark.parametrize(
    ("first", "second", "effect"),
    [
        ([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0, 3.0, 4.0, 5.0], 0.5),
        ("apart low", "apart high", 0.0),
        ("cles high", "cles high before", 0.771),
        ("cles low", "cles low before", 0.12),
    ],
)
def test_the_common_language_effect(first, second, effect):
    sides = [sample(side) if isinstance(side, str) else side for side in (first, second)]
    assert cles(*sides) == pytest.approx(effect, abs=0.001)


NIST = [95.1772, 95.1567, 95.1937, 95.1959, 95.1442, 95.0610, 95.1591, 95.1195, 95.1772, 95.0925, 95.1990, 95.1682]


@pytest.mark.parametrize(
    ("values", "percent", "value"),
    [
        ([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5], 5, 0.175),
        ([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5], 50, 1.75),
        ([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5], 100, 3.5),
        ([float(n) for n in range(10)], 50, 4.5),
        (NIST, 90, 95.19568),
        ([1.0], 100, 1.0),
        (SAMPLES["shares"], 25, 0.0),
        (SAMPLES["shares"], 75, 0.0416),
    ],
)
def test_percentiles(values, percent, value):
    assert percentile(values, percent) == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize(
    ("values", "factor", "widened", "outliers"),
    [
        ([21.0, 23.0, 24.0, 25.0, 50.0, 29.0, 23.0, 21.0], 1.5, False, [50.0]),
        ([1.0, 1.0, 1.0, 5.0, -1.0, -1.0, -1.0, -5.0], 1.5, False, [5.0, -5.0]),
        ([1.0, 1.0, 1.0, 1.0, 1.0, 20.0, 1.0, 1.0, 1.0, 1.0, 1.0], 3.0, False, [20.0]),
        ([10.0] * 200 + [10.5] * 100 + [99.0], 3.0, True, [99.0]),
        (SAMPLES["strengths"], 1.5, False, [1441.0]),
    ],
)
def test_outliers_lie_outside_the_fences(values, factor, widened, outliers):
    low, high = fences(values, factor, widened=widened)
    assert [value for value in values if not low <= value <= high] == outliers


def test_missing_points_are_left_out_or_zero_and_outliers_go_only_where_asked():
    values = [1.0, math.nan, 3.0]
    assert cleaned(values, Yardstick(name="m")) == (1.0, 3.0)
    assert cleaned(values, Yardstick(name="m", nan=NanStrategy.REPLACE)) == (1.0, 0.0, 3.0)
    many = [*[1.0, 2.0] * 100, 99.0]
    assert 99.0 in cleaned(many, Yardstick(name="m"))
    assert 99.0 not in cleaned(many, Yardstick(name="m", outlier_factor=3.0))
    assert cleaned([], Yardstick(name="m", outlier_factor=3.0)) == ()


def metric(label, group="g", *, critical=False, muted=False):
    return Classified(name=f"{label}", label=label, groups=(group,), critical=critical, muted=muted)


P, H, L, N = Label.PASS, Label.HIGH, Label.LOW, Label.NO_DATA


@pytest.mark.parametrize(
    ("results", "weights", "score"),
    [
        ([metric(P)], {}, 100.0),
        ([metric(H)], {}, 0.0),
        ([metric(N)], {}, 0.0),
        ([metric(P, "a"), metric(P, "a"), metric(N, "b")], {}, 100.0),
        ([metric(P), metric(H)], {}, 50.0),
        ([metric(P), metric(H), metric(L)], {}, 33.33),
        ([metric(P, "a"), metric(P, "a"), metric(H, "b")], {"a": 75, "b": 25}, 75.0),
        ([metric(P, "a"), metric(H, "a"), metric(H, "b")], {"a": 50, "b": 50}, 25.0),
        ([metric(P, "a"), metric(N, "a"), metric(H, "b")], {"a": 50, "b": 50}, 50.0),
        ([metric(P), metric(H, critical=True)], {}, 0.0),
        ([metric(L), metric(P, critical=True)], {}, 50.0),
        ([metric(P), metric(N, critical=True)], {}, 0.0),
        ([metric(H, "a"), metric(L, "a"), metric(P, "a"), metric(H, "b")], {"a": 15, "b": 85}, 5.0),
        ([metric(P), metric(H, muted=True)], {}, 100.0),
        ([metric(P), metric(Label.NO_DATA_FAILS)], {}, 50.0),
        ([metric(P, "a"), metric(P, "b"), metric(H, "c")], {"a": 40}, 70.0),
        ([metric(P), metric(N)], {}, 0.0),
        ([metric(P), metric(P), metric(N)], {}, 100.0),
        ([metric(P), metric(H, critical=True, muted=True)], {}, 100.0),
    ],
)
def test_the_score_is_kayentas(results, weights, score):
    assert scored(results, weights).value == score


def test_the_limits_of_a_score_count_as_reached():
    assert [marked(value, 95, 75) for value in (95.0, 94.99, 75.0, 74.99)] == [
        Mark.PASS, Mark.MARGINAL, Mark.MARGINAL, Mark.FAIL,
    ]  # fmt: skip


def test_two_constants_get_the_same_verdict_every_time():
    rule = Yardstick(name="m")
    assert len({classified(rule, [2.0] * 30, [1.9] * 30) for _ in range(5)}) == 1
    made = blurred([5.0] * 40)
    assert made == blurred([5.0] * 40)
    spread = math.sqrt(sum((value - 5.0) ** 2 for value in made) / 40)
    assert spread == pytest.approx(5e-5, rel=0.1)


def test_a_sample_without_any_spread_left_is_an_error_that_fails_only_where_it_is_critical():
    """Infinite values are tied whatever is taken from them."""
    values = [math.inf, math.inf], [math.inf, math.inf, math.inf]
    assert classified(Yardstick(name="m"), *values).label is Label.PASS
    found = classified(Yardstick(name="m", critical=True), [math.inf, 1.0], [math.inf])
    assert found.label in Label


POINTS = st.lists(st.floats(0, 1e6) | st.just(0.0) | st.just(math.nan), max_size=25)


RULES = st.builds(
    Yardstick,
    name=st.just("m"),
    direction=st.sampled_from(Direction),
    critical=st.booleans(),
    nan=st.sampled_from(NanStrategy),
    measure=st.sampled_from(Measure),
    outlier_factor=st.sampled_from([None, 3.0]),
)


@given(POINTS, POINTS, RULES)
def test_any_points_get_a_label_and_only_in_the_direction_asked_for(a, b, rule):
    found = classified(rule, a, b)
    assert found.label is not Label.HIGH or rule.direction is not Direction.DECREASE
    assert found.label is not Label.LOW or rule.direction is not Direction.INCREASE
    assert 0 <= scored([found], {}).value <= 100


@given(st.lists(st.integers(0, 30), min_size=2, max_size=25), st.lists(st.integers(0, 30), min_size=2, max_size=25))
def test_the_order_of_the_points_says_nothing(a, b):
    rule = Yardstick(name="m")
    # By their words: an effect that is no number equals nothing.
    assert repr(classified(rule, a, b)) == repr(classified(rule, sorted(a), sorted(b, reverse=True)))


@given(st.floats(-1e3, 1e3), st.floats(0.1, 1e3), st.floats(0.1, 1e3))
def test_the_root_finder_finds_the_root(where, below, above):
    def function(x):
        return (x - where) ** 3 + (x - where)

    low, high = where - below, where + above
    assert root(function, low, high, function(low), function(high)) == pytest.approx(where, abs=1.01e-4)
