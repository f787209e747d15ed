"""The drivers that build images and run suites, on the twins in memory."""

from collections.abc import Generator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from xml.etree import ElementTree as ET

import pytest

from davy.pipeline.config.document import Config
from davy.pipeline.config.file import parsed
from davy.pipeline.core.artifacts import Image, Revision
from davy.pipeline.core.errors import Rejected, Unreachable
from davy.pipeline.core.events import Event, LogLine, Result, StageFinished, SuiteFinished
from davy.pipeline.suites import driver
from davy.pipeline.suites.plan import order
from davy.pipeline.suites.ports import SuitePlace, SuiteRunner
from davy.pipeline.threads import spoken
from twins.suites import MemoryPlace, MemorySuite, MemorySuites

T = TypeVar("T")
CONFIG: Config = parsed(
    """
service: checkout
images:
  - {name: r.test/shop/web, context: web, args: {A: b}}
  - {name: r.test/shop/job, context: job, dockerfile: Jobfile, target: slim}
tests:
  - {name: unit, in: image, run: pytest, memory: 1Gi, env: {A: b}, timeout: 5m}
  - {name: e2e, in: kubernetes, image: r.test/shop/job, run: e2e}
deploy: {kubernetes: {deployment: checkout}}
checks: {prometheus: "http://p:9090", slos: [{name: a, objective: 99, errors: e, total: t}]}
""",
    "davy.yaml",
    {},
)
REVISION = Revision(
    sha="1234567890abcdef" * 2 + "12345678",
    committed_at=datetime(2026, 3, 1, tzinfo=UTC),
    version="v1",
    source="https://example.com/shop",
)
BUILT = {name: Image(name=name, digest=f"sha256:{name[-3:]}") for name in ("r.test/shop/web", "r.test/shop/job")}


class Ticking:
    """A clock on which each look takes a second."""

    def __init__(self, *, interrupted: bool = False) -> None:
        self._now, self._interrupted = datetime(2026, 3, 1, tzinfo=UTC), interrupted

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now

    def elapsed(self) -> timedelta:
        return self.now() - datetime(2026, 3, 1, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    def interrupted(self) -> bool:
        return self._interrupted


def played(story: Generator[Event, None, T]) -> tuple[list[Event], T]:
    events: list[Event] = []
    while True:
        try:
            events.append(next(story))
        except StopIteration as end:
            return events, end.value


def suites_played(
    folder: Path, scenes: Mapping[str, MemorySuite] | None = None, cluster: SuiteRunner | None = None
) -> tuple[list[Event], driver.Tested]:
    runner = MemorySuites(scenes=scenes or {})
    return played(driver.run(wanted(folder), places(runner, cluster or runner), Ticking(), folder))


def wanted(folder: Path) -> tuple[order.Wanted, ...]:
    asked = order.asks(CONFIG.tests, lambda _: ())
    return order.wanted(asked, CONFIG, BUILT, folder, folder=Path(), release="r1")


def places(unit: SuiteRunner, e2e: SuiteRunner) -> dict[str, SuitePlace]:
    return {"unit": MemoryPlace(made=lambda: unit), "e2e": MemoryPlace(made=lambda: e2e)}


# ---- suites ---------------------------------------------------------------------------------------------------------


def test_an_order_of_a_suite_holds_what_the_file_says() -> None:
    unit, e2e = wanted(Path("out"))
    assert (unit.order.image, e2e.order.image) == (BUILT["r.test/shop/web"], BUILT["r.test/shop/job"])
    assert (unit.order.memory_bytes, unit.order.timeout) == (2**30, timedelta(minutes=5))
    assert unit.order.out == Path("out/unit")


def test_suites_that_pass_leave_one_merged_report(tmp_path: Path) -> None:
    events, outcome = suites_played(
        tmp_path, {"unit": MemorySuite(junit='<testsuite><testcase name="a"/></testsuite>')}
    )
    assert outcome.passed
    assert outcome.report == tmp_path / "junit.xml"
    root = ET.fromstring(outcome.report.read_text())  # noqa: S314 - our own
    assert [suite.get("name") for suite in root] == ["unit", "e2e"]
    assert isinstance(events[-1], StageFinished)
    assert (events[-1].result, events[-1].note) == (Result.PASSED, "unit 1 passed · e2e 1 passed")


def test_a_failing_suite_fails_the_stage_and_the_others_still_run(tmp_path: Path) -> None:
    events, outcome = suites_played(
        tmp_path, {"unit": MemorySuite(exit_code=None, because="out of memory (limit 1024 MiB)")}
    )
    assert not outcome.passed
    ends = [event for event in events if isinstance(event, SuiteFinished)]
    assert [(end.suite, end.result) for end in ends] == [("unit", Result.FAILED), ("e2e", Result.PASSED)]
    assert ends[0].because == "out of memory (limit 1024 MiB)"
    assert outcome.sentence == "unit failed: out of memory (limit 1024 MiB) · e2e 1 passed"


def test_each_suite_runs_where_the_file_says(tmp_path: Path) -> None:
    _, outcome = suites_played(tmp_path, {}, MemorySuites(act=lambda _: MemorySuite(exit_code=4)))
    assert [suite.exit_code for suite in outcome.suites] == [0, 4]


def test_what_a_suite_prints_can_not_command_the_ci(tmp_path: Path) -> None:
    events, _ = suites_played(tmp_path, {"unit": MemorySuite(lines=("::error::no",))})
    assert [event.line for event in events if isinstance(event, LogLine)] == ["\\::error::no"]
    assert (tmp_path / "unit" / "log.txt").read_text() == "::error::no\n"


def test_a_place_that_does_not_answer_is_raised_after_it_was_told(tmp_path: Path) -> None:
    runner = MemorySuites(scenes={"unit": MemorySuite(fault=Unreachable("no Docker"))})
    events: list[Event] = []
    with pytest.raises(Unreachable):
        events.extend(driver.run(wanted(tmp_path), places(runner, runner), Ticking(), tmp_path))
    assert isinstance(events[-1], StageFinished)
    assert events[-1].note == "no Docker"


def test_an_interrupted_run_begins_no_suite(tmp_path: Path) -> None:
    runner = MemorySuites()
    with pytest.raises(KeyboardInterrupt):
        list(driver.run(wanted(tmp_path), places(runner, runner), Ticking(interrupted=True), tmp_path))
    assert not list(tmp_path.iterdir())


def test_without_suites_the_stage_is_skipped(tmp_path: Path) -> None:
    events, outcome = played(driver.run((), {}, Ticking(), tmp_path))
    assert outcome.passed
    assert outcome.report is None
    assert isinstance(events[-1], StageFinished)
    assert events[-1].result is Result.SKIPPED


def test_a_call_is_spoken_line_by_line_and_its_error_comes_through() -> None:
    def work(say: object) -> None:
        assert callable(say)
        say("one")
        raise Rejected("no")

    story = spoken(work)
    assert next(story) == "one"
    with pytest.raises(Rejected):
        next(story)
