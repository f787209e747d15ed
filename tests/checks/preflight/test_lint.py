"""The query linter: what it finds, and what it leaves alone."""

from datetime import UTC, datetime

import pytest

from davy.checks.metrics.memory import SimulatedMetrics
from davy.checks.ports import Answer
from davy.checks.preflight import lint, problems
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.checks import ChecksConfig

AT = datetime(2026, 3, 1, tzinfo=UTC)
GOOD = 'sum(rate(errors{pod=~"{canary}"}[5m])) / sum(rate(total{pod=~"{canary}"}[5m]))'


def config(query=GOOD, **more):
    threshold = {"name": "q", "query": query, "success": "<= 0.3", **more}
    return made(ChecksConfig, {"prometheus": "http://p", "judge": "threshold", "thresholds": [threshold]})


def found(query, **more):
    return [(remark.rule, remark.severity.value) for remark in lint.remarks(config(query, **more))]


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ('rate(x{pod=~"{canary}"}[59s])', ("short-window", "error")),
        ('sum(rate(x{pod=~"{canary}"}[5m])) or vector(0)', ("or-vector", "warning")),
        ('(vector(0)) or rate(x{pod=~"{canary}"}[5m])', ("or-vector", "warning")),
        ('irate(x{pod=~"{canary}"}[5m])', ("irate", "warning")),
        ('absent(x{pod=~"{canary}"})', ("absent", "warning")),
        ('histogram_quantile(0.99, sum by (le) (rate(x{pod=~"{canary}"}[5m])))', ("quantile", "warning")),
        ('max_over_time(rate(x{pod=~"{canary}"}[5m])[10m:1m])', ("subquery", "warning")),
        ("sum(rate(x[5m]))", ("sides", "warning")),
        ('rate(x{pod=~"{stable}"}[5m])', ("sides", "warning")),
        ('rate(x{pod=~"{canary}"}[5m]) / ignoring(pod) rate(y[5m])', ("sides", "warning")),
        ("sum(", ("unparsed", "warning")),
    ],
)
def test_each_rule_finds_its_own_and_nothing_else(query, rule):
    assert found(query) == [rule]


def test_a_rate_of_a_sum_is_an_error_and_the_sum_of_rates_is_none():
    assert ("rate-after-sum", "error") in found('rate(sum(x{pod=~"{canary}"})[5m:15s])')
    assert ("rate-after-sum", "error") in found('increase((sum by (a) (x{pod=~"{canary}"}))[5m:])')
    assert "rate-after-sum" not in dict(found('max_over_time(sum(x{pod=~"{canary}"})[5m:])'))


@pytest.mark.parametrize(
    "query",
    [
        GOOD,
        'rate(x{pod=~"{canary}"}[60s])',
        'sum(rate(x{pod=~"{canary}"}[5m])) / sum(rate(x{pod=~"{stable}"}[5m]))',
        'max(container_memory_working_set_bytes{pod=~"{canary}"})',
        'a{pod=~"{canary}"} or b{pod=~"{canary}"}',
        "1",
    ],
)
def test_good_queries_are_left_alone(query):
    assert found(query) == []


def test_what_is_accepted_is_not_said():
    assert found("sum(irate(x[5m]))", accept=["irate"]) == [("sides", "warning")]
    assert found("sum(irate(x[5m]))", accept=["irate", "sides"]) == []


def test_every_finding_says_where_why_and_what_to_do():
    (remark,) = lint.remarks(config('rate(x{pod=~"{canary}"}[30s])'))
    assert remark.place == ("checks", "thresholds", 0, "query")
    assert "fewer than 4 scrapes of 15s" in remark.why
    assert remark.remedy == "make it 1m00s or longer"
    assert str(remark).endswith("(short-window)")


def test_a_recording_rule_is_no_counter():
    slo = {"name": "a", "objective": 99, "errors": 'job:errors:rate5m{job="x"}', "total": "total"}
    (remark,) = lint.remarks(made(ChecksConfig, {"prometheus": "http://p", "slos": [slo]}))
    assert (remark.rule, remark.place) == ("recorded", ("checks", "slos", 0, "errors"))


def served(*answers):
    metrics = SimulatedMetrics()
    for query, values in answers:
        metrics.answer(query, lambda _, values=values: Answer(values=tuple(values)))
    return metrics


QUANTILE = 'histogram_quantile(0.99, sum by (le) (rate(x_bucket{pod=~"{canary}"}[5m])))'
BUCKETS = 'x_bucket{pod=~"new-1"}'


def advice(metrics, query, **more):
    return problems.warnings(config(query, **more), metrics, ["new-1"], AT)


def test_a_limit_that_is_no_bound_is_said_with_the_bounds_beside_it():
    bounds = [({"le": le}, 1.0) for le in ("0.25", "0.5", "+Inf")]
    metrics = served((f"count by (le) ({BUCKETS})", bounds), (f"count({BUCKETS})", [({}, 9.0)]))
    (said,) = [one for one in advice(metrics, QUANTILE) if "(bound)" in one]
    assert said.startswith("checks.thresholds[0].query: 0.3 is no bucket bound")
    assert "use 0.25 or 0.5" in said
    assert not [one for one in advice(metrics, QUANTILE, success="<= 0.5") if "(bound)" in one]
    assert not [one for one in advice(metrics, QUANTILE, accept=["bound"]) if "(bound)" in one]


def test_a_question_about_very_many_series_is_said():
    for count, wanted in ((10_000.0, 0), (10_001.0, 1)):
        metrics = served(('count(up{pod=~"new-1"})', [({}, count)]))
        assert len([one for one in advice(metrics, 'up{pod=~"{canary}"}') if "(cardinality)" in one]) == wanted


def test_a_server_that_gives_no_advice_is_no_reason_to_stop():
    assert advice(served(), 'up{pod=~"{canary}"}') == ()


def test_errors_of_the_linter_stop_a_release_before_it_begins():
    metrics = served(('rate(x{pod=~"new-1"}[5s])', [({}, 1.0)]))
    (problem,) = problems.problems(config('rate(x{pod=~"{canary}"}[5s])'), metrics, ["new-1"], AT)
    assert problem.path == "checks.thresholds[0].query"
    assert "(short-window)" in problem.what
