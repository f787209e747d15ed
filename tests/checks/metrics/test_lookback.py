"""What a metrics server answered before, remembered: the answers stay what they were, and cost less."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.checks.metrics.lookback import Lookback
from davy.checks.metrics.memory import SimulatedMetrics
from davy.checks.ports import Histogram, Series
from davy.pipeline.core.errors import Unreachable
from davy.pipeline.core.verdict import Gap

AT = datetime(2026, 3, 1, tzinfo=UTC)
OVERLAP = timedelta(seconds=10)
BACK = 300
LOOKS = 25


def at(seconds):
    return AT + timedelta(seconds=seconds)


class Counted:
    """A server, and how many samples it gave."""

    def __init__(self, server):
        self.server = server
        self.given = 0
        self.spans = []

    def samples_of(self, selectors, start, end):
        found = self.server.samples_of(selectors, start, end)
        self.spans.append((end - start).total_seconds())
        self.given += sum(len(one.samples) + len(one.histograms) for each in found for one in each)
        return found


class Late:
    """Series `m` of targets that are scraped every 2 s, each stored some time after it was scraped, in order."""

    def __init__(self, plans):
        self.metrics = SimulatedMetrics()
        self.plans = plans
        self.waiting = [[] for _ in plans]

    def until(self, second):
        """One scrape of every target that is up by then."""
        for number, plan in enumerate(self.plans):
            if plan["born"] <= second < plan["dies"] or second >= plan["returns"]:
                self.waiting[number].append(second)
            held_up = plan["hangs"] <= second < plan["hangs"] + plan["delay"]
            while self.waiting[number] and not held_up and self.waiting[number][0] <= second - plan["lag"]:
                scraped = self.waiting[number].pop(0)
                self.metrics.record({"__name__": "m", "pod": str(number)}, at(scraped).timestamp(), float(scraped))


PLAN = st.fixed_dictionaries(
    {
        "born": st.integers(0, 200),
        "dies": st.integers(100, 700),
        "returns": st.integers(500, 1200),
        "lag": st.sampled_from([0, 0, 1, 7]),
        "hangs": st.integers(200, 900),
        "delay": st.sampled_from([0, 0, 20, 130, 400]),
    }
)


def by_pod(answer):
    return sorted((one.labels["pod"], one.samples) for one in answer)


@settings(max_examples=40)
@given(st.lists(PLAN, min_size=1, max_size=3), st.integers(2, 30))
def test_every_answer_is_what_the_server_says_of_the_whole_span(plans, every):
    late = Late(plans)
    memory = Lookback(late.metrics, OVERLAP)
    for second in range(0, 600 + every * LOOKS, 2):
        late.until(second)
        if second >= 600 and (second - 600) % every < 2:
            span = (["m", 'm{pod="0"}'], at(second - BACK), at(second))
            for ours, whole in zip(memory.samples_of(*span), late.metrics.samples_of(*span), strict=True):
                assert by_pod(ours) == by_pod(whole)


def test_a_series_that_is_stored_much_later_than_the_others_is_seen_within_a_minute():
    plan = {"born": 0, "dies": 9999, "returns": 9999, "hangs": 0, "delay": 0}
    late = Late([{**plan, "lag": 0}, {**plan, "born": 600, "lag": 40}])
    memory, seen = Lookback(late.metrics, OVERLAP), []
    for second in range(0, 720, 2):
        late.until(second)
        if second >= 600 and len(memory.samples("m", at(second - BACK), at(second))) == 2:
            seen.append(second)
    assert seen[0] <= 600 + 60
    assert seen == list(range(seen[0], 720, 2))


@pytest.fixture
def metrics():
    return SimulatedMetrics()


def scraped(metrics, seconds, pod="a"):
    for second in seconds:
        metrics.record({"__name__": "m", "pod": pod}, at(second).timestamp(), float(second))


def test_a_look_after_another_reads_little_more_than_what_is_new(metrics):
    scraped(metrics, range(0, 1000, 2))
    counted = Counted(metrics)
    memory = Lookback(counted, OVERLAP)
    for second in range(400, 520, 2):
        assert len(memory.samples("m", at(second - BACK), at(second))[0].samples) == BACK // 2
    assert counted.given < 2 * BACK // 2 + 60 * 8


def test_a_series_that_comes_back_or_was_stored_late_is_read_whole(metrics):
    counted = Counted(metrics)
    memory = Lookback(counted, OVERLAP)
    scraped(metrics, range(0, 402, 2))
    memory.samples("m", at(100), at(400))
    scraped(metrics, range(300, 402, 2), pod="b")
    found = memory.samples("m", at(102), at(402))
    assert {one.labels["pod"]: len(one.samples) for one in found} == {"a": 149, "b": 51}
    assert counted.spans == [300, 12, 300]


def test_the_past_is_asked_for_as_it_is_and_not_kept(metrics):
    scraped(metrics, range(0, 3600, 15))
    counted = Counted(metrics)
    memory = Lookback(counted, OVERLAP)
    for _ in range(2):
        assert len(memory.samples("m", at(0), at(3600))[0].samples) == 239
    assert counted.spans == [3600, 3600]


def test_after_a_failure_nothing_is_missing(metrics):
    scraped(metrics, range(0, 1000, 2))
    metrics.fail(Gap.UNREACHABLE, at(410), at(500))
    memory = Lookback(metrics, OVERLAP)
    memory.samples("m", at(100), at(400))
    with pytest.raises(Unreachable):
        memory.samples("m", at(120), at(420))
    assert memory.samples("m", at(120), at(520)) == metrics.samples("m", at(120), at(520))


def test_native_histograms_are_remembered_as_samples_are():
    class Natives:
        def samples_of(self, selectors, start, end):
            points = tuple(
                (at(second).timestamp(), Histogram(count=second, sum=0.0, buckets=((0.0, 1.0, float(second)),)))
                for second in range(0, 1000, 15)
                if start < at(second) <= end
            )
            return tuple((Series(labels={"pod": "a"}, samples=(), histograms=points),) for _ in selectors)

    counted = Counted(Natives())
    memory = Lookback(counted, timedelta(seconds=30))
    for second in (600, 615, 630):
        span = (["h"], at(second - BACK), at(second))
        assert memory.samples_of(*span) == Natives().samples_of(*span)
    assert counted.given == 20 + 3 + 3
