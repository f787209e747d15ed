"""Planning: how long a step must last, against the published table and against the judge itself."""

import math
import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.checks.forecast.ladder import Fate, Ladder, PlannedMetric, Rung
from davy.checks.forecast.power import (
    course,
    excess_until_found,
    health,
    information,
    parts,
    recommended,
    requests_to_find,
    smallest_found,
)
from davy.checks.judges.sequential.case import Metric, Rules, SequentialCase
from davy.pipeline.core.verdict import Counts, Decision, Pair

RULES = Rules()

MINUTES = {
    0.05: {(0.0001, 2): 1161, (0.0001, 5): 97, (0.0001, 10): 28, (0.001, 2): 116, (0.001, 5): 10, (0.001, 10): 3,
           (0.01, 1.5): 52, (0.01, 2): 12, (0.01, 5): 1},
    0.10: {(0.0001, 2): 624, (0.0001, 5): 53, (0.0001, 10): 16, (0.001, 2): 62, (0.001, 5): 5, (0.001, 10): 2,
           (0.01, 1.5): 28, (0.01, 2): 6, (0.01, 5): 1},
    0.20: {(0.0001, 2): 363, (0.0001, 5): 33, (0.0001, 10): 10, (0.001, 2): 36, (0.001, 5): 3, (0.001, 10): 1,
           (0.01, 1.5): 16, (0.01, 2): 4},
    0.50: {(0.0001, 2): 255, (0.0001, 5): 25, (0.0001, 10): 8, (0.001, 2): 25, (0.001, 5): 3, (0.001, 10): 1,
           (0.01, 1.5): 11, (0.01, 2): 3},
}  # fmt: skip
"""By share, then by (base rate, ratio): minutes at 100 requests a second for 80 % power."""


def signal(base, **more):
    return PlannedMetric(name="availability", base=base, **more)


@pytest.mark.parametrize(
    ("share", "base", "ratio", "minutes"),
    [(share, *cell, minutes) for share, row in MINUTES.items() for cell, minutes in row.items()],
)
def test_the_table_of_minutes_is_the_published_one(share, base, ratio, minutes):
    needed = requests_to_find(signal(base), RULES, share, ratio) / 100 / 60
    assert needed == pytest.approx(minutes, abs=0.5 + 0.005 * minutes)


@pytest.mark.parametrize(("ratio", "errors"), [(2, 37), (5, 13), (10, 9), (100, 5)])
def test_extra_errors_depend_neither_on_traffic_nor_on_the_base_rate(ratio, errors):
    for base in (1e-4, 1e-3, 5e-3):
        assert round(excess_until_found(signal(base), RULES, 0.1, ratio)) == errors


def test_the_information_for_health_is_the_published_formula():
    for share in (0.05, 0.5):
        published = 0.001 * (math.log(1 + share) - share * math.log(2))
        assert information(share, 1.0, 2.0, 0.001) == pytest.approx(published, rel=1e-12)


def test_a_clean_canary_is_inside_its_objective_after_3600_requests():
    needed = (3.0 + 0.6) / health(1.0, 0.0, 0.999)
    assert needed == pytest.approx(3600, rel=0.01)


@given(
    share=st.floats(0.01, 0.5), ratio=st.floats(0.1, 50), null=st.floats(0.5, 4), base=st.floats(1e-6, 0.02)
)  # fmt: skip
def test_information_is_never_negative_and_none_against_the_truth_itself(share, ratio, null, base):
    assert information(share, ratio, null, base) >= 0
    assert information(share, null, null, base) == 0


def test_what_is_tolerated_or_impossible_is_never_found():
    assert requests_to_find(signal(0.001), RULES, 0.1, 1.1) == float("inf")
    assert requests_to_find(signal(0.3), RULES, 0.1, 5) == float("inf")


def test_clusters_of_errors_take_as_many_times_longer():
    one, seven = (requests_to_find(signal(0.001, dispersion=phi), RULES, 0.1, 5) for phi in (1, 7))
    assert seven == pytest.approx(7 * one)


def test_a_metric_with_half_of_the_evidence_needs_more_of_it():
    metrics = (Metric(name="a", objective=0.999), Metric(name="b", objective=0.99))
    assert parts(metrics, RULES) == pytest.approx((0.4, 0.4))
    assert requests_to_find(signal(0.001, part=0.4), RULES, 0.1, 5) > requests_to_find(signal(0.001), RULES, 0.1, 5)


LADDER = Ladder(
    rungs=(
        Rung(share=0.05, at_least=timedelta(minutes=5), worse=10),
        Rung(share=0.2, at_least=timedelta(minutes=5), worse=5),
        Rung(share=0.5, at_least=timedelta(minutes=10), worse=2),
    ),
    signals=(signal(0.001, part=0.8),),
    rules=RULES,
    rps=100,
    deadline=timedelta(minutes=50),
)


def test_a_healthy_canary_takes_every_step_and_is_promoted():
    healthy = course(LADDER)
    assert healthy.fate is Fate.PROMOTED
    assert healthy.left == tuple(sorted(healthy.left))
    assert (len(healthy.left), healthy.at, healthy.excess) == (3, healthy.left[-1], 0)
    assert healthy.at >= timedelta(minutes=20)


def test_a_worse_canary_is_found_sooner_and_costs_less():
    courses = [course(LADDER, "availability", ratio) for ratio in (2, 5, 10, 50)]
    assert {one.fate for one in courses} == {Fate.FOUND}
    assert [one.at for one in courses] == sorted((one.at for one in courses), reverse=True)
    assert courses[1].excess > courses[3].excess


def test_the_smallest_ratio_found_is_where_finding_ends():
    smallest = smallest_found(LADDER, "availability")
    assert course(LADDER, "availability", smallest, 0.8).fate is Fate.FOUND
    assert course(LADDER, "availability", smallest * 0.98, 0.8).fate is not Fate.FOUND


def test_without_traffic_nothing_is_found_and_nothing_promoted():
    idle = replace(LADDER, rps=0)
    assert course(idle).fate is Fate.UNDECIDED
    assert smallest_found(idle, "availability") is None


def test_inside_its_objective_a_regression_may_be_promoted():
    lenient = replace(LADDER, signals=(signal(0.0001, objective=0.999, part=0.8),))
    assert course(lenient, "availability", 2.0).fate is Fate.PROMOTED


def test_the_recommended_ladder_leaves_five_percent_at_10x_twenty_at_5x_and_fifty_at_2x():
    rungs = recommended(LADDER, (0.05, 0.2, 0.5))
    assert [rung.worse for rung in rungs] == [10, 5, 2]
    assert all(rung.at_least > timedelta(0) for rung in rungs)
    assert sum((rung.at_least for rung in rungs), timedelta(0)) <= LADDER.deadline


@given(rps=st.floats(0.1, 1e4), base=st.floats(1e-5, 0.05))
def test_a_recommended_ladder_always_fits_its_deadline(rps, base):
    ladder = replace(LADDER, rps=rps, signals=(signal(base, part=0.8),))
    whole = sum((rung.at_least for rung in recommended(ladder, (0.05, 0.2, 0.5))), timedelta(0))
    assert whole <= ladder.deadline


def poisson(dice, mean):
    """Knuth's, for small means."""
    floor, product, count = math.exp(-mean), dice.random(), 0
    while product > floor:
        product *= dice.random()
        count += 1
    return count


def test_the_judge_finds_it_in_about_eight_of_ten_rollouts_in_the_planned_time():
    one = Metric(name="availability")
    looks = int(requests_to_find(signal(0.01), RULES, 0.1, 3) / 1500) + 1
    dice, found = random.Random(3), 0
    for _ in range(60):
        case = SequentialCase.opened(Rules(), (one,))
        for _ in range(looks):
            bad = poisson(dice, 150 * 0.03)
            pair = Pair(canary=Counts(bad=bad, total=150), stable=Counts(bad=poisson(dice, 13.5), total=1350))
            case = case.counted({"availability": pair})
            if case.standing(2.0, may_promote=False).decision is Decision.ROLL_BACK:
                found += 1
                break
    assert 40 <= found <= 59
