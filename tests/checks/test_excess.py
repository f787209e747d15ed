"""Objectives by their good events wherever those by errors are read, and counts that cannot be."""

import json
import math
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from davy.checks.budget.budget import Budget, Spent, refusals, remarks, sentence
from davy.checks.budget.queries import MARK
from davy.checks.budget.reader import read
from davy.checks.forecast.base_rates import traffic
from davy.checks.forecast.ladder import PlannedMetric
from davy.checks.forecast.power import burns
from davy.checks.judges.sequential.case import Rules
from davy.checks.metrics.memory import SimulatedMetrics
from davy.checks.ports import Answer
from davy.checks.preflight import problems as preflight
from davy.checks.statistics.nats import excess
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.config.sections.objectives import GateConfig, SloConfig
from davy.pipeline.core.errors import Unusable
from davy.pipeline.core.verdict import Gap
from davy.workflows.cli.commands import judge
from davy.workflows.cli.param_types import Number

NOW = datetime(2026, 3, 1, 12, 0, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
GOOD = SloConfig(name="ok", objective=99, good="good_total", total="all_total", window=HOUR)
ERRORS = SloConfig(name="ok", objective=99, errors="bad_total", total="all_total", window=HOUR)


class Server(SimulatedMetrics):
    """Answers sums by the counter that they name, and since when there are samples."""

    def __init__(self, *, began=timedelta(days=1), **counts):
        super().__init__()
        self.counts, self.began = counts, NOW - began

    def query(self, promql, at):
        if "timestamp" in promql:
            span, step = (int(part.rstrip("s")) for part in promql.split("[")[1].split("]")[0].split(":"))
            last = int(at.timestamp()) // step * step
            looks = [look for look in range(last, int(at.timestamp()) - span, -step) if look >= self.began.timestamp()]
            # The newest sample at that moment, of a target that is scraped every five seconds.
            found = self.began.timestamp() + (min(looks) - self.began.timestamp()) // 5 * 5 if looks else None
            return Answer(values=() if found is None else (({}, found),))
        parts = [part for part in promql.split(" or ") if "label_replace" in part]
        values = []
        for part in parts:
            name = part.split("increase(")[1].split("[")[0]
            if name in self.counts:
                values.append(({MARK: part.split('"')[3]}, float(self.counts[name])))
        if parts:
            return Answer(values=tuple(values))
        names = [part.split("[")[0] for part in promql.split("increase(")[1:]]
        if not names:
            return Answer(values=(({}, 3.0),))
        if not all(name in self.counts for name in names):
            return Answer(values=())
        first, *others = [float(self.counts[name]) for name in names]
        return Answer(values=(({}, first - sum(others)),))


def status(slo, server) -> Budget:
    return read([slo], lambda: server, NOW)[0]


@pytest.mark.parametrize(("slo", "name", "kind"), [(GOOD, "good_total", "good"), (ERRORS, "bad_total", "bad")])
@pytest.mark.parametrize("times", [2, 3, 1.2])
def test_more_events_of_a_kind_than_events_cannot_be_told_and_never_passes_a_gate(slo, name, kind, times):
    found = status(slo, Server(all_total=352, **{name: 352 * times}))
    assert found.gap is Gap.EXCESS
    assert sentence(found).startswith(f"Cannot tell: {352 * times:,.0f} {kind} events of 352: {name} counts others")
    assert len(refusals([found], GateConfig())) == 1


@pytest.mark.parametrize(("slo", "name"), [(GOOD, "good_total"), (ERRORS, "bad_total")])
def test_what_increase_makes_of_a_race_is_no_excess(slo, name):
    found = status(slo, Server(all_total=352, **{name: 352.9}))
    assert isinstance(found.spent, Spent)


def test_an_error_counter_that_never_was_is_none_bad_and_said():
    found = status(ERRORS, Server(all_total=352))
    assert found.left == 1
    assert "But no series of bad_total was there at any time in the window" in sentence(found)
    assert "no series of bad_total" in remarks([found], GateConfig())[0]
    seen = status(ERRORS, Server(all_total=352, bad_total=0))
    assert (seen.left, seen.unseen, remarks([seen], GateConfig())) == (1, "", ())
    assert "no series" not in sentence(seen)


@pytest.mark.parametrize("began", [55, 61, 260, 299, 301, 505, 1000, 3000])
@pytest.mark.parametrize("window", [HOUR, timedelta(days=1), timedelta(days=30)])
def test_where_the_data_begin_is_known_to_a_scrape(began, window):
    slo = SloConfig(name="ok", objective=99, errors="bad_total", total="all_total", window=window)
    found = status(slo, Server(all_total=352, began=timedelta(seconds=began)))
    assert found.since is not None
    assert abs(found.since - (NOW - timedelta(seconds=began))) <= timedelta(seconds=15)


def config(*slos):
    return made(ChecksConfig, {"prometheus": "http://prometheus", "slos": slos})


BY_GOOD = {"name": "ok", "objective": 99.5, "good": "good_total", "total": "all_total"}


def test_base_rates_of_good_events_are_all_less_those():
    seen = traffic(Server(all_total=1000, good_total=980), config(BY_GOOD), NOW, HOUR)
    assert (seen.rates["ok"].bad, seen.rates["ok"].total) == (20, 1000)


def test_good_events_that_nobody_has_and_more_than_there_are_are_problems():
    with pytest.raises(Unusable) as caught:
        traffic(Server(all_total=1000), config(BY_GOOD), NOW, HOUR)
    assert [problem.path for problem in caught.value.problems] == ["checks.slos[0].good"]
    with pytest.raises(Unusable) as caught:
        traffic(Server(all_total=1000, good_total=2000), config(BY_GOOD), NOW, HOUR)
    assert caught.value.problems[0].what == "2,000 good events of 1,000"


def test_an_objective_of_neither_is_told_with_all_three_kinds():
    bare = ChecksConfig(prometheus=config().prometheus, slos=(SloConfig(name="ok", objective=99, total="all_total"),))
    problems = [problem.what for problem in preflight.problems(bare, Server(), ["a"], NOW)]
    assert any("`errors` and `total`, or `good` and `total`, or `histogram`" in what for what in problems)


def planned(*options):
    return CliRunner().invoke(judge.plan.command(), list(options), catch_exceptions=False, env={})


def test_above_the_burn_limit_the_plan_says_what_the_judge_does(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = planned("--rps", "100", "--bad", "10%", "--objective", "99.9").output
    assert "errors: stable itself burns its budget at 100x, above 14.4x: every canary is" in told
    assert "promoted" not in told
    assert "of healthy canaries are rolled back" not in told
    assert "healthy   rolled back after" in told
    document = json.loads(planned("--rps", "100", "--bad", "10%", "--objective", "99.9", "-o", "json").output)
    assert document["metrics"][0]["burns"] == pytest.approx(100)
    assert {one["fate"] for one in document["ladder"]["courses"]} == {"found"}


@pytest.mark.parametrize("bad", [1.43, 1.45])
def test_just_below_the_burn_limit_nothing_burns(tmp_path, monkeypatch, bad):
    monkeypatch.chdir(tmp_path)
    told = planned("--rps", "100", "--bad", f"{bad}%", "--objective", "99.9").output
    assert ("stable itself burns" in told) is (bad > 1.44)


def test_no_canary_is_worse_than_all_bad(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = planned("--rps", "100", "--bad", "60%").output
    rows = [line.split() for line in told.splitlines() if line.strip().startswith(("2x", "5x", "10x"))]
    assert [row[1:] for row in rows] == [["-", "-", "-"]] * 3
    document = json.loads(planned("--rps", "100", "--bad", "60%", "-o", "json").output)
    assert {one["ratio"] for one in document["ladder"]["courses"]} == {1.0, 1.5}


@pytest.mark.parametrize("text", ["nan", "NaN", "-nan", "inf", "-inf", "1e999"])
def test_what_is_no_number_is_refused(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    for options in (["--rps", text, "--bad", "1%"], ["--rps", "1", "--bad", text], ["--rps", "1", "--bad", f"{text}%"],
                    ["--rps", "1", "--bad", "1%", "--dispersion", text]):  # fmt: skip
        assert planned(*options).exit_code == 2
    assert math.isfinite(Number(0, 1).convert("0.5", None, None))


def test_the_burn_of_stable_is_told_by_the_objective_alone():
    assert burns(PlannedMetric(name="a", base=0.5), Rules()) is None
    assert burns(PlannedMetric(name="a", base=0.5, objective=0.9), Rules()) is None
    assert burns(PlannedMetric(name="a", base=0.02, objective=0.999), Rules()) == pytest.approx(20)
    assert excess(0.5, 0.5) == 0 < excess(1.0, 0.5) < math.inf
