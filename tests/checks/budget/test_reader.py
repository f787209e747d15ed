"""The budgets' driver against a server that counts: few questions, and each kind of missing told apart."""

import re
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from davy.checks.budget import reader
from davy.checks.budget.budget import Budget, Spent, sentence
from davy.checks.budget.queries import MARK
from davy.checks.ports import Answer, Series
from davy.pipeline.config.sections.objectives import SloConfig
from davy.pipeline.core.errors import Forbidden, Unreachable, Unusable
from davy.pipeline.core.verdict import Gap

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
AVAILABILITY = SloConfig(name="availability", objective=99.9, errors="errors_total", total="all_total")
PART = re.compile(r'label_replace\(sum\(increase\((\w+)\[(\d+)s\]\)\), "davy_asks", "(\w+:\d+)", "", ""\)')
BEGUN = re.compile(r"min\(min_over_time\(timestamp\((\w+)\)\[(\d+)s:(\d+)s\]\)\)")


class Server:
    """Counters that grow evenly since they began; answers the two questions that the driver has."""

    def __init__(self, rates: dict[str, float], *, began: timedelta = timedelta(days=90)) -> None:
        self.rates, self.began = rates, NOW - began
        self.asked: list[str] = []
        self.error: Exception | None = None
        self.lock = threading.Lock()

    def query(self, promql: str, at: datetime) -> Answer:
        with self.lock:
            self.asked.append(promql)
        if self.error:
            raise self.error
        begun = BEGUN.fullmatch(promql)
        if begun:
            return self._begun(begun[1], int(begun[2]), int(begun[3]), at)
        assert re.fullmatch(rf"{PART.pattern}( or {PART.pattern})*", promql)
        values = []
        for name, seconds, mark in PART.findall(promql):
            since = max(self.began, at - timedelta(seconds=int(seconds)))
            if name in self.rates:
                values.append(({MARK: mark}, self.rates[name] * (at - since).total_seconds()))
        return Answer(values=tuple(values))

    def _begun(self, name: str, span: int, step: int, at: datetime) -> Answer:
        """The server looks at whole multiples of the step, as a subquery does."""
        last = int(at.timestamp()) // step * step
        looks = [look for look in range(last, int(at.timestamp()) - span, -step) if look >= self.began.timestamp()]
        return Answer(values=(({}, float(min(looks))),) if looks and name in self.rates else ())

    def samples(self, selector: str, start: datetime, end: datetime) -> tuple[Series, ...]:
        raise AssertionError(selector)

    def samples_of(self, selectors: Sequence[str], start: datetime, end: datetime) -> tuple[tuple[Series, ...], ...]:
        raise AssertionError(selectors)

    def heard(self) -> tuple[str, ...]:
        return ()


def asked(server: Server, *slos: SloConfig) -> tuple[Budget, ...]:
    source: Callable[[], Server] = lambda: server  # noqa: E731
    return reader.read(slos or (AVAILABILITY,), source, NOW)


def test_a_budget_is_read_over_its_window_with_every_burn_rate() -> None:
    server = Server({"all_total": 100.0, "errors_total": 0.05})
    (one,) = asked(server)
    assert isinstance(one.spent, Spent)
    assert one.spent.total == pytest.approx(100 * 30 * 86400)
    assert one.left == pytest.approx(0.5)
    assert one.since is None
    assert [(burn.long, burn.short) for burn in one.burns] == [(pytest.approx(0.5), pytest.approx(0.5))] * 4
    assert len(server.asked) == 3


def test_no_error_series_is_no_error_yet() -> None:
    (one,) = asked(Server({"all_total": 100.0}))
    assert one.left == 1


@pytest.mark.parametrize("began", [timedelta(days=20), timedelta(days=3), timedelta(hours=5), timedelta(minutes=10)])
def test_data_that_begin_within_the_window_are_said_with_since_when(began: timedelta) -> None:
    (one,) = asked(Server({"all_total": 100.0, "errors_total": 0.05}, began=began))
    assert one.since is not None
    assert abs(one.since - (NOW - began)) <= timedelta(hours=8)
    if began < timedelta(hours=7):
        assert abs(one.since - (NOW - began)) <= timedelta(minutes=5)
    assert one.left == pytest.approx(0.5)
    assert "data begin at" in sentence(one)


def test_what_is_missing_is_told_apart() -> None:
    absent, idle, nan = (
        SloConfig(name=name, objective=99, errors="errors_total", total=f"{name}_total")
        for name in ("absent", "idle", "nan")
    )
    server = Server({"all_total": 1.0, "idle_total": 0.0, "nan_total": float("nan"), "errors_total": 0.0})
    found = asked(server, AVAILABILITY, absent, idle, nan)
    assert [one.name for one in found] == ["availability", "absent", "idle", "nan"]
    assert [one.gap for one in found] == [None, Gap.ABSENT, Gap.EMPTY, Gap.NAN]
    assert "there is no series of absent_total" in sentence(found[1])


@pytest.mark.parametrize("error", [Unreachable("it did not answer"), Unusable("too many samples")])
def test_a_server_that_gives_no_answer_is_the_budgets_gap_with_its_words(error: Exception) -> None:
    server = Server({"all_total": 1.0})
    server.error = error
    (one,) = asked(server)
    assert one.gap is Gap.UNREACHABLE
    assert str(error) in sentence(one)


def test_credentials_that_may_not_ask_end_it() -> None:
    server = Server({})
    server.error = Forbidden("may not")
    with pytest.raises(Forbidden):
        asked(server)
