"""The stable pods' own past: read in pages, counted by the minute, and never in a release's way."""

import random
from datetime import UTC, datetime, timedelta

from davy.checks.judges.sequential.history import MOST_PODS, StableHistory, week_ago
from davy.checks.metrics.memory import SimulatedMetrics
from davy.checks.ports import Answer, Series
from davy.checks.samples.blocks import BlockSpan, blocks_of
from davy.checks.samples.counts import Raw
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.core.errors import Unreachable
from davy.pipeline.core.verdict import Counts, Gap
from davy.pipeline.core.workload import ReadyPod

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SLO = {"name": "availability", "objective": 99.9, "errors": 'http_total{code="500"}', "total": "http_total"}
LATENCY = {"name": "latency", "objective": 99, "histogram": "http_seconds_bucket", "under": "500ms"}
HOUR = timedelta(hours=1)


def config(**more):
    return made(ChecksConfig, {"prometheus": "http://p.example", "slos": [SLO], **more})


def pods(count, age=timedelta(days=1)):
    return [ReadyPod(name=f"old-{n}", ready_since=NOW - age) for n in range(count)]


def lived(hours, count=4, cluster=1, rate=0.01, seed=1, **labels):
    """Pods that were scraped every 15 s so long, with bad events that come `cluster` at a time."""
    metrics, dice = SimulatedMetrics(), random.Random(seed)
    at = NOW - timedelta(hours=hours)
    while at < NOW:
        at += timedelta(seconds=15)
        for n in range(count):
            bad = cluster * sum(dice.random() < rate / cluster for _ in range(50))
            metrics.count("http_total", {"pod": f"old-{n}", "code": "200", **labels}, 50)
            metrics.count("http_total", {"pod": f"old-{n}", "code": "500", **labels}, bad)
        metrics.scrape(at - timedelta(seconds=1))
    return metrics


def read_whole(past, stable, looks=6):
    for n in range(looks):
        past.read(stable, NOW + n * timedelta(seconds=15))
    return past.dispersions()["availability"]


def test_errors_that_come_one_by_one_have_a_dispersion_near_one_and_clusters_of_four_one_near_four():
    single = read_whole(StableHistory(lived(2), config(dispersion_history="2h"), timedelta(0)), pods(4))
    assert single.is_measured
    assert 1.0 <= single.value < 1.3
    clusters = read_whole(StableHistory(lived(2, cluster=4), config(dispersion_history="2h"), timedelta(0)), pods(4))
    assert 3.0 < clusters.value < 5.0


def test_the_pages_together_hold_every_count_once():
    metrics = lived(3)
    past = StableHistory(metrics, config(dispersion_history="3h"), timedelta(0))
    stable = pods(4)
    found = read_whole(past, stable)
    assert past.cut() == ""
    whole = metrics.samples('http_total{code="500"}', NOW - 4 * HOUR, NOW)
    born = sum(one.samples[-1][1] - one.samples[0][1] for one in whole)
    assert found.events == born


def test_a_look_reads_a_few_pages_and_what_was_not_read_by_the_end_of_the_warm_up_is_said():
    metrics = lived(1, count=3)
    past = StableHistory(metrics, config(), timedelta(0))
    asked = metrics.asked
    past.read(pods(3), NOW)
    assert metrics.asked - asked == 6
    assert past.cut() == "of the past 6h00m only 1h30m was read (the warm-up was over before the rest)"


def test_pods_that_are_young_have_no_older_past_to_read():
    metrics = lived(1, count=3)
    past = StableHistory(metrics, config(), timedelta(minutes=1))
    asked = metrics.asked
    past.read(pods(3, age=timedelta(minutes=20)), NOW)
    assert metrics.asked - asked == 2
    assert past.cut() == ""


def test_a_server_that_is_away_costs_no_release_and_two_is_assumed():
    metrics = lived(1, count=3)
    metrics.fail(Gap.UNREACHABLE, NOW - HOUR, NOW + HOUR)
    past = StableHistory(metrics, config(), timedelta(0))
    past.read(pods(3), NOW)
    found = past.dispersions()["availability"]
    assert (found.value, found.is_measured) == (2.0, False)
    assert "could not be read" in found.said
    assert "did not answer" in past.cut()


def test_a_server_that_comes_back_in_time_is_asked_again():
    metrics = lived(1, count=3)
    metrics.fail(Gap.UNREACHABLE, NOW, NOW + timedelta(seconds=1))
    past = StableHistory(metrics, config(dispersion_history="1h"), timedelta(0))
    past.read(pods(3), NOW)
    metrics._faults.clear()
    past.read(pods(3), NOW + timedelta(seconds=15))
    assert past.dispersions()["availability"].is_measured
    assert past.cut() == ""


def test_of_many_pods_those_that_served_longest_are_read():
    metrics = SimulatedMetrics()
    asked = []
    metrics.samples_of = lambda selectors, start, end: (asked.extend(selectors), ((),) * len(selectors))[1]
    StableHistory(metrics, config(), timedelta(0)).read([*pods(1, age=HOUR), *pods(200)[100:]], NOW)
    assert asked[0].count("|") == MOST_PODS - 1
    assert "old-0|" not in asked[0]


def test_a_minute_has_what_each_pod_counted_in_it_and_a_gap_belongs_to_no_minute():
    def series(pod, code, *values):
        return Series(labels={"pod": pod, "code": code}, samples=tuple((15.0 * n, float(v)) for n, v in values))

    good = series("a", "200", (0, 100), (1, 110), (4, 140), (5, 150), (11, 900), (12, 910))
    bad = series("a", "500", (0, 7), (1, 7), (4, 9), (5, 9), (11, 50), (12, 51))
    span = BlockSpan(start=0, end=300, length=60, label="pod", since={"a": 0.0})
    assert blocks_of(Raw(total=(good, bad), bad=(bad,)), span) == {
        0: {"a": Counts(bad=0, total=10)},
        1: {"a": Counts(bad=2, total=42)},
        3: {"a": Counts(bad=1, total=11)},
    }


def test_the_week_before_is_told_and_asked_of_all_pods():
    metrics = SimulatedMetrics()
    shares = {NOW: 0.001, NOW - timedelta(weeks=1): 0.0012}
    query = 'sum(increase(http_total{code="500"}[3600s])) / sum(increase(http_total[3600s]))'
    metrics.answer(query, lambda at: Answer(values=(({}, shares[at]),)))
    (said,) = week_ago(metrics, config().slos, NOW)
    assert said == (
        "availability: 0.10% bad in the last hour, 0.12% in the same hour a week ago (all pods; no evidence)"
    )


def test_a_week_that_cannot_be_read_is_unknown():
    metrics = SimulatedMetrics()

    def away(at):
        raise Unreachable("no")

    for slos in (config().slos, config(slos=[LATENCY]).slos):
        metrics.query = lambda promql, at: away(at)
        assert "an unknown share bad in the last hour" in week_ago(metrics, slos, NOW)[0]
