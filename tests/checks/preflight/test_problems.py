"""What is wrong with the checks is found before anything is touched."""

from datetime import UTC, datetime, timedelta

from davy.checks.metrics.memory import SimulatedMetrics
from davy.checks.preflight.problems import problems
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.checks import ChecksConfig

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SLO = {
    "name": "availability",
    "objective": 99.9,
    "errors": 'http_total{job="shop",code=~"5.."}',
    "total": 'http_total{job="shop"}',
}
LATENCY = {"name": "latency", "objective": 99, "histogram": "http_seconds_bucket", "under": "500ms"}


def found(*slos, thresholds=(), label="pod", pods=("shop-1",), judge="sequential"):
    metrics = SimulatedMetrics()
    metrics.count("http_total", {label: "shop-1", "job": "shop", "code": "200"}, 5)
    metrics.observe("http_seconds", {label: "shop-1"}, {"0.25": 1, "0.5": 1}, 3)
    metrics.scrape(NOW - timedelta(seconds=10))
    config = made(
        ChecksConfig, {"prometheus": "http://p.example", "slos": slos, "thresholds": thresholds, "judge": judge}
    )
    return [(problem.path, problem.what) for problem in problems(config, metrics, pods, NOW)]


def test_good_checks_have_no_problem_even_without_a_single_error_so_far():
    assert found(SLO, LATENCY) == []


def test_a_metric_that_is_not_there_is_said_with_the_part_that_is_wrong():
    ((path, what),) = found({**SLO, "total": 'http_total{job="shpo"}'})
    assert path == "checks.slos[0].total"
    assert 'without job="shpo" it has: there `job` is shop' in what
    ((_, what),) = found({**SLO, "total": 'http_totals{job="shop"}'})
    assert "no series in the last five minutes" in what
    ((_, what),) = found({**SLO, "total": 'http_total{job="x",code="9"}'})
    assert "http_total itself has" in what


def test_an_error_selector_with_a_label_that_does_not_exist_is_a_problem():
    ((path, what),) = found({**SLO, "errors": 'http_total{job="shop",status=~"5.."}'})
    assert path == "checks.slos[0].errors"
    assert "status" in what
    ((path, _),) = found({**SLO, "errors": "http_errors"})
    assert path == "checks.slos[0].errors"


def test_series_without_the_label_of_the_pod_cannot_tell_canary_from_stable():
    paths = found(SLO, LATENCY, label="instance")
    assert [path for path, _ in paths] == ["checks.slos[0].total", "checks.slos[1].histogram"]
    assert all("cannot tell canary from stable" in what for _, what in paths)
    ((_, what),) = found(LATENCY, pods=("checkout-7",))
    assert "never the name of a pod" in what


def test_one_of_several_bounds_that_does_not_exist_is_said_where_it_stands():
    ((path, what),) = found({**LATENCY, "bounds": ["250ms", "300ms"]})
    assert path == "checks.slos[0].bounds"
    assert "no bucket bound 0.3; it has 0.25, 0.5" in what
    assert found({**LATENCY, "bounds": ["250ms"]}) == []


def test_a_bound_that_does_not_exist_is_said_with_those_that_do():
    ((path, what),) = found({**LATENCY, "under": "300ms"})
    assert path == "checks.slos[0].under"
    assert "0.25, 0.5" in what
    ((_, what),) = found({**LATENCY, "histogram": "http_total"})
    assert "no label `le`" in what


def test_all_problems_are_reported_at_once():
    paths = [
        path
        for path, _ in found(
            {**SLO, "total": "rate(http_total[5m])"},
            {"name": "availability", "objective": 99},
            {"name": "c", "objective": 99, "histogram": "http_seconds_bucket"},
            thresholds=[{"name": "d", "query": "up", "success": "fine"}],
        )
    ]
    assert set(paths) == {
        "checks",
        "checks.slos[0].total",
        "checks.slos[1].errors",
        "checks.slos[2].under",
        "checks.thresholds[0]",
    }


def test_nothing_to_judge_by_is_a_problem():
    assert found() == [("checks", "no SLO and no threshold to judge by; a canary without a question is never promoted")]
    ((_, what),) = found(SLO, judge="threshold")
    assert "no threshold" in what


def test_a_query_the_server_refuses_is_a_problem():
    ((path, what),) = found(SLO, thresholds=[{"name": "d", "query": "sum(", "success": "> 1"}])
    assert path == "checks.thresholds[0].query"
    assert "sum(" in what
