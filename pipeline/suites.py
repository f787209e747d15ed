"""Suites: runs them all, merges their reports into one, and says whether traffic may move."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from davy.pipeline import junit
from davy.pipeline.alongside import spoken
from davy.pipeline.config import DeliveryConfig
from davy.pipeline.errors import DavyError
from davy.pipeline.events import Event, LogLine, Result, Stage, StageFinished, StageStarted, SuiteFinished
from davy.pipeline.junit import CaseResult, Suite
from davy.pipeline.model import Image
from davy.pipeline.ports import Clock, SuiteOrder, SuiteRun, SuiteRunner
from davy.pipeline.redaction import harmless
from davy.pipeline.suiteconfig import SuiteConfig

UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
REPORT = "junit.xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A suite, and the kind of place it runs in: `image` or `kubernetes`."""

    where: str
    order: SuiteOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """What became of the suites."""

    suites: tuple[Suite, ...]
    report: Path | None
    """The merged JUnit; None where there was no suite."""

    @property
    def passed(self) -> bool:
        """True where no suite failed."""
        return all(suite.result is Result.PASSED for suite in self.suites)

    @property
    def sentence(self) -> str:
        """For people: each suite's count, or why it failed."""
        return " · ".join(_short(suite) for suite in self.suites) or "no suites"


def orders(config: DeliveryConfig, images: Mapping[str, Image], out: Path) -> tuple[Wanted, ...]:
    """What to run. `images`: by name, as built; each suite's files belong in a folder of its own under `out`."""
    return tuple(
        Wanted(where=suite.in_, order=_order(suite, images[suite.image or config.images[0].name], out))
        for suite in config.tests
    )


def run(
    wanted: Sequence[Wanted],
    runners: Mapping[str, SuiteRunner],
    clock: Clock,
    out: Path,
    shown: Callable[[str], str] = harmless,
) -> Generator[Event, None, Tested]:
    """Run every suite, also after one failed: a release engineer wants all that is wrong, not the first."""
    began = clock.now()
    yield StageStarted(at=began, stage=Stage.TEST)
    ended: list[Suite] = []
    try:
        for one in wanted:
            if clock.interrupted():
                raise KeyboardInterrupt
            ended.append((yield from _one(one.order, runners[one.where], clock, shown)))
    except DavyError as error:
        now, note = clock.now(), shown(error.what.splitlines()[0])
        yield StageFinished(at=now, stage=Stage.TEST, result=Result.FAILED, took=now - began, note=note)
        raise
    tested = Tested(suites=tuple(ended), report=_kept(ended, out))
    now = clock.now()
    result = Result.SKIPPED if not ended else Result.PASSED if tested.passed else Result.FAILED
    yield StageFinished(at=now, stage=Stage.TEST, result=result, took=now - began, note=shown(tested.sentence))
    return tested


def _one(
    order: SuiteOrder, runner: SuiteRunner, clock: Clock, shown: Callable[[str], str]
) -> Generator[Event, None, Suite]:
    began = clock.now()
    lines = spoken(lambda say: runner.run(order, say))
    try:
        while True:
            try:
                line = next(lines)
            except StopIteration as end:
                run: SuiteRun = end.value
                break
            yield LogLine(at=clock.now(), source=f"test {order.name}", line=shown(line))
    except BaseException:
        runner.stop()
        raise
    now = clock.now()
    suite = junit.ended(order.name, run, now - began)
    yield _finished(suite, run, clock, shown)
    return suite


def _finished(suite: Suite, run: SuiteRun, clock: Clock, shown: Callable[[str], str]) -> SuiteFinished:
    return SuiteFinished(
        at=clock.now(),
        suite=suite.name,
        result=suite.result,
        took=suite.took,
        passed=suite.count(CaseResult.PASSED),
        failed=suite.count(CaseResult.FAILED),
        errors=suite.count(CaseResult.ERROR),
        skipped=suite.count(CaseResult.SKIPPED),
        because=shown(suite.because),
        log=str(run.log),
    )


def _kept(ended: Sequence[Suite], out: Path) -> Path | None:
    if not ended:
        return None
    out.mkdir(parents=True, exist_ok=True)
    path = out / REPORT
    path.write_text(junit.merged(ended), encoding="utf-8")
    return path


def _short(suite: Suite) -> str:
    if suite.result is not Result.PASSED:
        return f"{suite.name} failed: {suite.because}"
    skipped = suite.count(CaseResult.SKIPPED)
    return f"{suite.name} {suite.count(CaseResult.PASSED)} passed" + (f", {skipped} skipped" if skipped else "")


def _order(suite: SuiteConfig, image: Image, out: Path) -> SuiteOrder:
    return SuiteOrder(
        name=suite.name,
        image=image,
        run=suite.run,
        env=suite.env,
        network=suite.network,
        memory_bytes=int(suite.memory[:-2]) * UNITS[suite.memory[-2:]],
        cpus=suite.cpus,
        timeout=timedelta(seconds=suite.timeout.total_seconds()),
        collect=suite.collect,
        out=out / suite.name,
    )
