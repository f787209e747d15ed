"""How much the bad events of stable pods cluster, from their own history."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.checks.statistics.dispersion import estimated
from davy.pipeline.core.verdict import Counts


def history(size, *, blocks=360, pods=9, rate=0.001, requests=600, seed=7, shock=()):
    """Pods whose bad events come in clusters of a geometric size with mean `size`; 6 h of one-minute blocks."""
    chance = random.Random(seed)
    made = []
    for block in range(blocks):
        more = 20 if block in shock else 1
        made.append({f"p{pod}": Counts(bad=clustered(chance, requests * rate * more, size), total=requests)
                     for pod in range(pods)})  # fmt: skip
    return made


def clustered(chance, expected, size):
    """A Poisson number of clusters, each of a geometric size; `expected` events in the mean."""
    bad, left = 0, chance.expovariate(expected / size)
    while left < 1:
        bad += 1
        while chance.random() > 1 / size:
            bad += 1
        left += chance.expovariate(expected / size)
    return bad


@pytest.mark.parametrize(("size", "truth"), [(1, 1), (2, 3), (4, 7)])
def test_clusters_of_a_known_size_are_measured_as_what_they_are(size, truth):
    """Geometric clusters of mean 4 scatter seven times as much as single events: E[s^2]/E[s] = 2s - 1."""
    seen = [estimated(history(size, seed=seed)) for seed in range(4)]
    assert all(one.is_measured and one.pods == 9 for one in seen)
    assert sum(one.value for one in seen) / 4 == pytest.approx(truth, rel=0.1)


def test_a_shock_that_hits_all_pods_is_no_cluster():
    assert estimated(history(1, shock=range(100, 110))).value == pytest.approx(1, abs=0.1)


def test_the_formula_on_a_block_counted_by_hand():
    """e = 4, 4, 4; (12-4)^2 + 4^2 + 4^2 = 96 over 3 * 4 * 2/3 = 8, and the same again."""
    block = {"a": Counts(bad=12, total=100), "b": Counts(bad=0, total=100), "c": Counts(bad=0, total=100)}
    assert estimated([block] * 9).value == pytest.approx(12)
    assert estimated([block] * 9).events == 108


@pytest.mark.parametrize(
    ("blocks", "pods", "events"),
    [
        ([], 0, 0),
        ([{"a": Counts(bad=500, total=1000)}], 0, 0),
        ([{"a": Counts(bad=500, total=1000), "b": Counts(bad=0, total=0)}], 0, 0),
        ([{"a": Counts(bad=100, total=1000), "b": Counts(bad=100, total=1000)}], 2, 200),
        ([{name: Counts(bad=33, total=1000) for name in "abc"}], 3, 99),
    ],
)
def test_a_history_too_thin_is_said_and_two_is_assumed(blocks, pods, events):
    seen = estimated(blocks)
    assert (seen.value, seen.pods, seen.events, seen.is_measured) == (2.0, pods, events, False)
    assert "assumed" in seen.said


def test_a_thin_history_that_clusters_more_than_assumed_is_believed():
    seen = estimated([{"a": Counts(bad=50, total=100), "b": Counts(bad=0, total=100)}])
    assert seen.value == pytest.approx(50)
    assert not seen.is_measured


def test_what_is_said_names_the_value_and_what_it_rests_on():
    block = {name: Counts(bad=bad, total=100) for name, bad in zip("abc", (12, 0, 0), strict=True)}
    assert estimated([block] * 100).said == "dispersion 12, measured on 1,200 bad events of 3 stable pods side by side"
    assert estimated([block]).said == (
        "dispersion 12 assumed: the history holds only 12 bad events of 3 stable pods side by side; "
        "100 of 3 are needed to measure it"
    )


counts = st.integers(0, 10**12).flatmap(lambda n: st.builds(Counts, bad=st.integers(0, n), total=st.just(n)))


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("abcdef"), counts), max_size=5), st.randoms())
def test_no_history_gives_less_than_one_or_depends_on_an_order(blocks, chance):
    seen = estimated(blocks)
    assert 1 <= seen.value < 10**13
    mixed = [dict(chance.sample(list(block.items()), len(block))) for block in chance.sample(blocks, len(blocks))]
    again = estimated(mixed)
    assert again.value == pytest.approx(seen.value)
    assert (again.pods, again.events) == (seen.pods, seen.events)
