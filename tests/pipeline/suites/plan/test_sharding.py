"""The spread: properties that hold for any durations, and what earlier runs say."""

from datetime import UTC, datetime
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from davy.pipeline.suites.history.record import RunRecord
from davy.pipeline.suites.plan import sharding
from davy.pipeline.suites.plan.sharding import START

SECONDS = st.dictionaries(st.text("abc/_", min_size=1, max_size=4), st.floats(0.001, 1000), min_size=1, max_size=30)
WORKERS = st.integers(1, 9)


def ran(items: dict[str, dict[str, float]], number: int = 0) -> RunRecord:
    return RunRecord(id=f"r{number}", at=datetime(2026, 1, 1, tzinfo=UTC), service="s", revision="", items=items)


@given(SECONDS, WORKERS)
def test_every_file_is_in_exactly_one_shard(seconds: dict[str, float], count: int) -> None:
    made = sharding.shards(seconds, count)
    assert len(made) == count
    assert sorted(item for shard in made for item in shard) == sorted(seconds)


@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=7), st.integers(1, 3))
def test_shards_keep_grahams_bound(durations: list[float], count: int) -> None:
    """Longest first is at most 4/3 - 1/3m of the best there is; the best is found by trying all."""
    seconds = {f"f{at}": each for at, each in enumerate(durations)}
    longest = max(sum(seconds[item] for item in shard) for shard in sharding.shards(seconds, count))
    best = min(
        max(sum(each for each, place in zip(durations, places, strict=True) if place == own) for own in range(count))
        for places in product(range(count), repeat=len(durations))
    )
    assert best * (1 - 1e-9) <= longest <= (4 / 3 - 1 / (3 * count)) * best * (1 + 1e-9)


@given(SECONDS, WORKERS)
def test_a_queue_ends_at_most_one_file_after_the_ideal(seconds: dict[str, float], workers: int) -> None:
    queue = [seconds[item] for item in sharding.longest_first(seconds)]
    assert sharding.makespan(queue, workers) <= sharding.ideal(queue, workers) + max(queue) + 1e-9


@given(SECONDS, WORKERS, st.randoms())
def test_shards_are_the_same_in_whatever_order_the_files_come(seconds: dict[str, float], count: int, chance) -> None:  # type: ignore[no-untyped-def]
    items = list(seconds)
    chance.shuffle(items)
    assert sharding.shards({item: seconds[item] for item in items}, count) == sharding.shards(seconds, count)


@given(SECONDS, WORKERS, st.floats(0, 50))
def test_every_file_is_in_exactly_one_bundle(seconds: dict[str, float], workers: int, start: float) -> None:
    made = sharding.bundles(seconds, workers, start=start)
    assert sorted(item for bundle in made for item in bundle) == sorted(seconds)
    assert all(made)


@settings(max_examples=200)
@given(SECONDS, WORKERS, st.floats(0, 50))
def test_bundles_give_no_worker_more_than_its_part_and_one_file(
    seconds: dict[str, float], workers: int, start: float
) -> None:
    made = [sum(seconds[item] for item in bundle) for bundle in sharding.bundles(seconds, workers, start=start)]
    assert max(made) <= sharding.ideal(seconds.values(), workers) * (1 + 1e-9)


@given(SECONDS)
def test_alone_there_is_no_need_to_cut_what_has_a_dear_start(seconds: dict[str, float]) -> None:
    assert len(sharding.bundles(seconds, 1, start=1e6)) <= 2  # Two where the last sum is off by a rounding.


def test_the_queue_begins_with_the_longest_and_goes_by_name_where_they_are_even() -> None:
    assert sharding.longest_first({"b": 1.0, "a": 1.0, "c": 9.0}) == ("c", "a", "b")


def test_a_makespan_is_when_the_last_one_ends() -> None:
    assert sharding.makespan([4, 3, 2, 1], 2) == 5
    assert sharding.makespan([], 3) == 0


def test_newer_runs_count_more() -> None:
    for seconds, expected in (((10.0, 2.0, 2.0, 2.0), 2.0), ((10.0, 10.0, 2.0, 2.0, 2.0), 10.0)):
        newest_first = [ran({"e2e": {"a": each}}) for each in seconds]
        assert sharding.guess(newest_first, "e2e", "", ["a"]).seconds == {"a": expected}


def test_a_new_file_is_expected_to_take_the_median_and_not_nothing() -> None:
    guess = sharding.guess([ran({"e2e": {"a": 1.0, "b": 5.0, "c": 9.0}})], "e2e", "", ["a", "b", "c", "new"])
    assert guess.seconds["new"] == 5.0
    assert guess.known


def test_without_earlier_runs_all_files_count_the_same() -> None:
    guess = sharding.guess([], "e2e", "", ["a", "b"])
    assert guess.seconds == {"a": 1.0, "b": 1.0}
    assert not guess.known


def test_a_file_that_only_another_cell_has_run_takes_as_long_as_there() -> None:
    guess = sharding.guess([ran({"e2e[chrome]": {"a": 7.0}, "e2e2": {"a": 99.0}})], "e2e", "firefox", ["a"])
    assert guess.seconds == {"a": 7.0}


def test_a_start_is_expected_once_for_each_bundle() -> None:
    guess = sharding.guess([ran({"e2e": {"a": 1.0, "b": 2.0, START: 4.0}})], "e2e", "", ["a", "b"])
    assert guess.total(["a", "b"]) == 7.0
    assert guess.total(["a"]) == 5.0
