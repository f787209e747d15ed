"""Merge: what `davy test merge` does: the parts of several CI jobs as one verdict and one report."""

from collections.abc import Iterator, Sequence
from dataclasses import field, replace
from functools import partial
from pathlib import Path

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.events import Result
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.files import own_files, plain_file
from davy.pipeline.suites import driver
from davy.pipeline.suites.parts import completeness, part_file
from davy.pipeline.suites.parts.completeness import PartReport
from davy.pipeline.suites.reports import highlights, reader, writer
from davy.pipeline.suites.reports.cases import Case, CaseResult, Suite
from davy.workflows import wiring
from davy.workflows.story.options import ViewOptions, part
from davy.workflows.story.player import keeper, play
from davy.workflows.story.stages import End, Story, framed
from davy.workflows.story.task import Task, started
from davy.workflows.suites.run import chosen

CHUNK = 2**20
REMEDY = "Hand over the davy-out of every job of one run, each once, in a folder of its own."


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeOptions:
    """What the command line of `davy test merge` says."""

    folders: tuple[Path, ...]
    file: Path
    suites: tuple[str, ...]
    out: Path
    view: ViewOptions = field(metadata=part(ViewOptions))


def merge(task: Task, options: MergeOptions) -> Ending:
    """Raises Unusable where these are not the parts of one run."""
    wanted = chosen(task, options.suites)
    jobs = tuple(_read(task, options.folders))
    problems = tuple(completeness.misfits(jobs, task.config.service, [suite.name for suite in task.config.tests]))
    if problems:
        raise Unusable("These are not the parts of one run.", problems=problems, remedy=REMEDY)
    gone = completeness.missing(jobs, [suite.name for suite in wanted])
    every = (*completeness.added_up(jobs, wanted), *map(_gone, gone))
    events = framed(started(task, "test"), task.clock, _story(task, every))
    return play(events, task.clock, options.view, keeper(task.out))


def _story(task: Task, every: Sequence[Suite]) -> Story:
    shown = wiring.washing(task.config)
    own_files.write(task.out / driver.REPORT, writer.merged(every))
    for suite in every:
        yield highlights.finished(suite, task.clock.now(), suite.took, shown)
    failed = [f"{suite.name} failed: {suite.because}" for suite in every if suite.result is not Result.PASSED]
    if failed:
        return End(ending=Ending.REJECTED, sentence=shown(" · ".join(failed)))
    return End(ending=Ending.DONE, sentence="every suite passed, and no part is missing" if every else "no suite ran")


def _gone(sentence: str) -> Suite:
    """A missing part as a suite that could not run, so that who reads the report alone sees it."""
    case = Case(name="davy test merge", result=CaseResult.ERROR, message=sentence, own=True)
    return Suite(name="missing", cases=(case,), took=driver.NO_TIME, exit_code=None, because=sentence)


def _read(task: Task, folders: Sequence[Path]) -> Iterator[PartReport]:
    """Raises Unusable with every folder that is no part."""
    problems: list[Problem] = []
    for folder in folders:
        if folder.resolve() == task.out.resolve():
            problems.append(Problem(file=str(folder), what="is what --out names: it would be written over"))
            continue
        try:
            part = part_file.parsed(plain_file.content(folder / part_file.NAME, part_file.MOST_BYTES))
            yield PartReport(name=str(folder), part=part, cases=_cases(folder / driver.REPORT, part))
        except FileNotFoundError as error:
            missing = Path(str(error.filename)).name
            problems.append(Problem(file=str(folder), what=f"has no {missing}: its `davy test` did not come to an end"))
        except OSError as error:
            problems.append(Problem(file=str(folder), what=plain_file.why(error)))
        except ValueError as error:
            problems.append(Problem(file=str(folder / part_file.NAME), what=str(error)))
    if problems:
        raise Unusable("A part cannot be read.", problems=tuple(problems), remedy=REMEDY)


def _cases(report: Path, part: part_file.PartFile) -> dict[str, tuple[Case, ...]]:
    """By suite: the report's outermost suites are davy's. Raises OSError, and ValueError where it is cut or broken."""
    if not any(one.ends for one in part.suites):
        return {}
    with plain_file.open_file(report) as file:
        found = reader.reading(iter(partial(file.read, CHUNK), b""), own=True, by_suite=True)
    if found.broken:
        raise ValueError(f"its junit.xml cannot be read: {found.broken}")
    cases: dict[str, list[Case]] = {}
    for case in found.cases:
        outer, *inner = case.suites or ("",)
        cases.setdefault(outer, []).append(replace(case, suites=tuple(inner)))
    return {suite: tuple(each) for suite, each in cases.items()}
