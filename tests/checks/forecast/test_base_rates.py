"""Base rates: today's traffic as the metrics server sums it up."""

from datetime import UTC, datetime, timedelta

import pytest

from davy.checks.forecast.base_rates import traffic
from davy.checks.metrics.memory import SimulatedMetrics
from davy.checks.ports import Answer
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.core.errors import Unusable

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ERRORS = {"name": "availability", "objective": 99.9, "errors": 'e{app="shop"}', "total": 't{app="shop"}'}
SLOW = {"name": "latency", "objective": 99, "histogram": "h_bucket", "under": "250ms"}


def config(*slos):
    return made(ChecksConfig, {"prometheus": "http://prometheus", "slos": slos})


class Sums(SimulatedMetrics):
    """Answers each question by the first word it holds."""

    def __init__(self, answers):
        super().__init__()
        self.answers = answers

    def query(self, promql, at):
        value = next(value for word, value in self.answers.items() if word in promql)
        return Answer(values=() if value is None else (({}, value),))


def test_rate_share_and_pods_are_those_of_the_last_hour():
    seen = traffic(Sums({"count by": 9.0, "increase(e{": 36.0, "increase(t{": 36000.0}), config(ERRORS), NOW, HOUR)
    assert (seen.rps, seen.pods) == (10.0, 9)
    assert seen.rates["availability"].rate == pytest.approx(0.001)


def test_an_error_counter_that_was_never_born_is_taken_for_one_error():
    seen = traffic(Sums({"count by": 9.0, "increase(e{": None, "increase(t{": 36000.0}), config(ERRORS), NOW, HOUR)
    assert seen.rates["availability"].bad == 0
    assert seen.rates["availability"].rate == pytest.approx(1 / 36000)


def test_slow_answers_are_all_less_those_within_the_bound():
    metrics = Sums({"count by": 3.0, " - sum": 180.0, "sum(increase(h_bucket{le": 3600.0})
    seen = traffic(metrics, config(SLOW), NOW, HOUR)
    assert seen.rates["latency"].rate == pytest.approx(0.05)
    assert seen.rps == 1.0


def test_every_slo_without_events_is_named():
    with pytest.raises(Unusable) as caught:
        traffic(Sums({"sum": None, "count": None}), config(ERRORS, SLOW), NOW, HOUR)
    assert [problem.path for problem in caught.value.problems] == ["checks.slos[0]", "checks.slos[1]"]


def test_a_bound_that_the_histogram_has_not_is_said():
    metrics = Sums({"count by": 3.0, " - sum": None, "sum(increase(h_bucket{le": 3600.0})
    with pytest.raises(Unusable, match="cannot be read") as caught:
        traffic(metrics, config(SLOW), NOW, HOUR)
    assert "no bucket bound 0.25" in caught.value.problems[0].what
