"""Pod reading: every pod's own counts out of the metrics server, page by page."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from davy.checks.backtest import pod_file, pod_reader
from davy.checks.backtest.pod_counts import PodCounts
from davy.checks.metrics.memory import SimulatedMetrics
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.core.errors import Unreachable, Unusable
from davy.pipeline.core.verdict import Counts, Gap

START = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
SCRAPE = timedelta(seconds=15)
CONFIG = made(
    ChecksConfig,
    {
        "prometheus": "http://127.0.0.1:9",
        "slos": [
            {"name": "availability", "objective": 99.9, "errors": 'http_total{code="500"}', "total": "http_total"},
            {
                "name": "latency",
                "objective": 99,
                "histogram": "seconds_bucket",
                "under": "500ms",
                "bounds": ["250ms", "500ms", "1s"],
            },
        ],
    },
)


def scraped(metrics, until, serve, since=START - timedelta(minutes=5)):
    """`serve(at)` counts what was served in the 15 seconds before a scrape."""
    at = since
    while at <= until:
        serve(at)
        metrics.scrape(at)
        at += SCRAPE


def busy(metrics, pods):
    def serve(at):
        for pod in pods:
            metrics.count("http_total", {"pod": pod, "code": "200"}, 99)
            metrics.count("http_total", {"pod": pod, "code": "500"}, 1)
            metrics.observe("seconds", {"pod": pod}, {"0.25": 30, "0.5": 5, "1": 2}, 100)

    return serve


def read(metrics, hours=2, warmup=timedelta(minutes=1), heard=lambda part: None):
    end = START + timedelta(hours=hours)
    return pod_reader.read(metrics, CONFIG, warmup=warmup, start=START, end=end, told=heard)


def test_pages_lose_nothing_and_double_nothing():
    metrics, parts = SimulatedMetrics(), []
    scraped(metrics, START + timedelta(hours=2), busy(metrics, ("a", "b")))
    counts = read(metrics, heard=parts.append).counts
    steps = 2 * 60 * 4
    assert counts.whole("availability") == dict.fromkeys("ab", Counts(bad=steps, total=100 * steps))
    assert counts.end == steps
    assert counts.sums("latency", 0, steps) == tuple([n] * steps for n in (200, 10, 60, 10, 4))
    assert parts == sorted(parts)
    assert parts[-1] == 1.0


def test_a_pod_that_comes_later_is_counted_from_its_warm_up_on():
    metrics = SimulatedMetrics()

    def serve(at):
        busy(metrics, ("a", "b", "c") if at > START + timedelta(minutes=40) else ("a", "b"))(at)

    scraped(metrics, START + timedelta(hours=1), serve)
    counts = read(metrics, hours=1, warmup=timedelta(minutes=5)).counts
    born = 40 * 4 + 1
    assert counts.lives()["c"][0] == pytest.approx(born + 5 * 4, abs=1)
    assert counts.lives()["a"] == (0, 240)


def test_the_first_error_of_a_label_that_was_never_seen_is_counted():
    metrics = SimulatedMetrics()

    def serve(at):
        metrics.count("http_total", {"pod": "a", "code": "200"}, 100)
        metrics.observe("seconds", {"pod": "a"}, {"0.25": 1, "0.5": 1, "1": 1}, 100)
        if at == START + timedelta(minutes=30) + SCRAPE:  # Right behind a page's edge.
            metrics.count("http_total", {"pod": "a", "code": "500"}, 3)

    scraped(metrics, START + timedelta(hours=1), serve)
    assert read(metrics, hours=1).counts.whole("availability")["a"].bad == 3


def test_a_restart_is_no_flood_and_no_loss():
    metrics = SimulatedMetrics()

    def serve(at):
        if at == START + timedelta(minutes=20):
            metrics.restart(pod="a")
        busy(metrics, ("a",))(at)

    scraped(metrics, START + timedelta(hours=1), serve)
    assert read(metrics, hours=1).counts.whole("availability")["a"] == Counts(bad=240, total=24_000)


def test_every_slo_without_a_past_is_named_at_once():
    with pytest.raises(Unusable) as caught:
        read(SimulatedMetrics())
    assert [problem.path for problem in caught.value.problems] == ["checks.slos[0]", "checks.slos[1]"]


def test_a_retention_shorter_than_asked_is_told():
    metrics = SimulatedMetrics()
    first = START + timedelta(hours=4)
    scraped(metrics, START + timedelta(hours=5), busy(metrics, ("a", "b")), since=first)
    held = read(metrics, hours=5)
    assert any("the first 4h" in note for note in held.notes)


def test_an_hour_that_was_not_scraped_is_told():
    metrics = SimulatedMetrics()
    metrics.fail(Gap.STALE, START + timedelta(minutes=30), START + timedelta(minutes=50))
    scraped(metrics, START + timedelta(hours=1), busy(metrics, ("a", "b")))
    held = read(metrics, hours=1)
    assert any("were not scraped" in note for note in held.notes)


def test_a_server_that_is_away_is_no_empty_past():
    metrics = SimulatedMetrics()
    metrics.fail(Gap.UNREACHABLE, START, START + timedelta(days=1))
    with pytest.raises(Unreachable):
        read(metrics)


def lines_of(*documents):
    return [json.dumps(one) for one in documents]


HEADER = {"davy_pods": 1, "start": 1.7e9, "window": 15.0, "metrics": {"errors": [], "latency": ["0.25", "0.5"]}}


def test_what_was_exported_is_read_as_it_was():
    metrics = SimulatedMetrics()
    scraped(metrics, START + timedelta(minutes=30), busy(metrics, ("a", "b")))
    counts = read(metrics, hours=0.5).counts
    again = pod_file.read(pod_file.written(counts), "past.jsonl")
    assert (again.start, again.length, again.bounds) == (counts.start, counts.length, counts.bounds)
    assert again.lives() == counts.lives()
    for metric in counts.bounds:
        assert again.sums(metric, 0, counts.end) == counts.sums(metric, 0, counts.end)
        assert again.whole(metric) == counts.whole(metric)


def test_every_malformed_line_is_told_with_its_number():
    bad = [
        *lines_of(HEADER, {"t": 15.0, "pods": {"a": {"errors": [10, 1]}}}),
        "{",
        *lines_of(
            {"t": -15.0, "pods": {}},
            {"t": 30.0, "pods": {"a": {"errors": [1, 2]}}},
            {"t": 30.0, "pods": {"a": {"latency": [9, 1]}}},
            {"t": 30.0, "pods": {"a": {"speed": [9, 1]}}},
            {"t": 30.0, "pods": {"a": {"errors": [9.5, 1]}}},
            {"t": float("nan"), "pods": {}},
            {"t": 45.0, "pods": []},
            {"t": 45.0, "pods": {"a": {"errors": [10, 1]}}},
        ),
    ]
    with pytest.raises(Unusable) as caught:
        pod_file.read(bad, "past.jsonl")
    assert [problem.line for problem in caught.value.problems] == [3, 4, 5, 6, 7, 8, 9, 10]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "[]",
        "null",
        '{"davy_trace": 1}',
        json.dumps({**HEADER, "window": 0}),
        json.dumps({**HEADER, "window": 1e9}),
        json.dumps({**HEADER, "start": "now"}),
        json.dumps({**HEADER, "metrics": {}}),
        json.dumps({**HEADER, "metrics": {"errors": "none"}}),
    ],
)
def test_a_header_that_is_none_is_told(header):
    with pytest.raises(Unusable) as caught:
        pod_file.read([header], "past.jsonl")
    assert caught.value.problems[0].line == 1


def test_counts_too_large_for_their_place_are_refused_not_wrapped():
    line = {"t": 15.0, "pods": {"a": {"errors": [2**53 + 1, 0]}}}
    with pytest.raises(Unusable):
        pod_file.read(lines_of(HEADER, line), "past.jsonl")
    counts = PodCounts(start=0.0, length=15.0, bounds={"errors": ()})
    counts.put("errors", 0, "a", Counts(bad=0, total=2**60))
    assert counts.whole("errors")["a"].total == 2**53


def test_counts_of_any_size_that_is_exact_are_kept_and_written_as_they_are():
    counts = PodCounts(start=0.0, length=15.0, bounds={"errors": ()})
    for window, total in enumerate((7, 5_000_000_000, 2**32 - 1, 2**32, 2**53)):
        counts.put("errors", window, "a", Counts(bad=total // 1000, total=total))
    lines = list(pod_file.written(counts))
    assert json.loads(lines[2])["pods"]["a"]["errors"] == [5_000_000_000, 5_000_000]
    again = pod_file.read(lines, "past.jsonl")
    assert list(pod_file.written(again)) == lines
    assert again.sums("errors", 0, 5)[0] == [7, 5_000_000_000, 2**32 - 1, 2**32, 2**53]


@pytest.mark.parametrize(
    ("times", "line", "says"),
    [
        ((15.0, 15.0), 3, "15 is there twice"),
        ((15.0, 30.0, 15.0), 4, "15 is before the line above it, 30"),
        ((15.0, 16.0), 3, "16 is there twice"),
        ((45.0, 15.0, 30.0), 3, "before the line above it, 45"),
    ],
)
def test_a_past_whose_lines_are_there_twice_or_out_of_order_is_refused_with_the_line(times, line, says):
    lines = [{"t": t, "pods": {"a": {"errors": [25, 1]}, "b": {"errors": [25, 0]}}} for t in times]
    with pytest.raises(Unusable) as caught:
        pod_file.read(lines_of(HEADER, *lines), "past.jsonl")
    assert caught.value.problems[0].line == line
    assert says in caught.value.problems[0].what
