"""Tries: the story of one piece of a suite, folded from its runs, and whether it is to run again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from davy.pipeline import junit
from davy.pipeline.cases import Attempt, Case, CaseResult, Suite, blamed
from davy.pipeline.events import Result
from davy.pipeline.junitreading import Reading
from davy.pipeline.ports import SuiteRun
from davy.pipeline.testing.expansion import Piece
from davy.pipeline.testing.filing import filed, shared_out

FAULTS = 3
"""So often the place may fail a piece before that counts as the piece's own failure."""

Excused = Callable[[str], bool]
"""Whether a failure of the case, by its key, fails nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When a piece is tried again, and when it has passed."""

    retries: int = 0
    threshold: int = 1
    """So many of all tries must pass. Above 1 every try is of the whole piece."""
    faults: int = FAULTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One run of a piece."""

    run: SuiteRun
    suite: Suite
    items: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """True where nothing failed that counts."""
        return self.suite.result is Result.PASSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All that became of a piece so far."""

    label: str
    """Names it where no test case has a name: `e2e`, `e2e chrome/2-of-8`."""
    piece: Piece
    runs: tuple[Try, ...] = ()

    @property
    def tries(self) -> tuple[Try, ...]:
        """Of the tests: every one spends a retry but the first."""
        return tuple(each for each in self.runs if not each.run.fault)

    @property
    def faults(self) -> tuple[Try, ...]:
        """Runs that the place failed, and not the test."""
        return tuple(each for each in self.runs if each.run.fault)

    @property
    def at_fault(self) -> bool:
        """True where the place failed the last run."""
        return bool(self.runs) and self.runs[-1].run.fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """It runs once more."""

    piece: Piece
    attempt: int
    """From 1; a fault of the place does not count."""
    failed: tuple[str, ...] = ()
    """Keys of the cases that failed."""


def told(
    story: Story,
    run: SuiteRun,
    took: timedelta,
    items: tuple[str, ...],
    excused: Excused,
    *,
    found: Reading | None = None,
) -> Story:
    """The story after one more run, of these items. `found`: what its report files say, where it has some."""
    made = Try(run=run, suite=_read(story.label, run, took, excused, found), items=items)
    return replace(story, runs=(*story.runs, made))


def again(story: Story, rules: Rules) -> Again | None:
    """The next run; None where the story is over."""
    if story.at_fault:
        return _same(story) if len(story.faults) <= rules.faults else None
    left = rules.retries + 1 - len(story.tries)
    if rules.threshold > 1:
        passes = sum(each.passed for each in story.tries)
        is_open = passes < rules.threshold <= passes + left
        return Again(piece=story.piece, attempt=len(story.tries) + 1) if is_open else None
    failed = [case for case in cases(story, rules) if case.fails]
    if not failed or left <= 0:
        return None
    return Again(
        piece=replace(story.piece, items=_items(story, failed)),
        attempt=len(story.tries) + 1,
        failed=_keys(story, failed),
    )


def ended(story: Story, rules: Rules) -> Suite:
    """What the piece adds up to, with every case once and its attempts."""
    found, last = cases(story, rules), story.runs[-1]
    took = sum((each.suite.took for each in story.runs), timedelta(0))
    made = Suite(name=story.label, cases=found, took=took, exit_code=0, notes=last.suite.notes)
    if story.at_fault:
        words = f"the place failed it {len(story.faults)} times: {last.suite.because}"
        return replace(made, exit_code=None, because=words)
    if rules.threshold > 1:
        passes = sum(each.passed for each in story.tries)
        words = f"passed {passes} of {len(story.tries)} tries, {rules.threshold} are needed"
        return made if passes >= rules.threshold else replace(made, exit_code=last.run.exit_code, because=words)
    failed = [case for case in found if case.fails]
    return replace(made, exit_code=last.run.exit_code, because=_because(last, failed)) if failed else made


def cases(story: Story, rules: Rules) -> tuple[Case, ...]:
    """Every case once, in the order they were first told, with its attempts where there were several.

    A fault's cases are left out, but for one that ended the story.
    """
    found: dict[tuple[str, int], list[Case]] = {}
    whole = (story.label, 0)
    for each in (*story.tries, *(story.runs[-1:] if story.at_fault else ())):
        numbered = dict(_numbered(each.suite.cases))
        for key, case in numbered.items():
            found.setdefault(key, []).append(case)
        if whole in found and whole not in numbered:
            # The piece itself had failed, by its exit code or its time; now it did not.
            found[whole].append(Case(name=story.label, seconds=each.suite.took.total_seconds()))
    return tuple(_counted(each, rules.threshold) for each in found.values())


def durations(story: Story) -> tuple[dict[str, float], float | None]:
    """Seconds by file, and what beginning cost where that is known. Of the first try: later ones ran less."""
    if not story.tries or not story.tries[0].items:
        return {}, None
    first = story.tries[0]
    return shared_out(first.suite.took.total_seconds(), first.suite.cases, first.items)


def _read(label: str, run: SuiteRun, took: timedelta, excused: Excused, found: Reading | None) -> Suite:
    """The run's report, with quarantined cases marked."""
    suite = junit.ended(label, run, took, found)
    marked = tuple(replace(case, quarantined=case.quarantined or excused(case.key)) for case in suite.cases)
    # Which cases failed it is said of those that count.
    said = blamed(marked) if suite.because == blamed(suite.cases) else suite.because
    suite = replace(suite, cases=marked, because=said)
    if run.because or run.exit_code is None:
        # What ended it from outside is no test's failure, and no quarantine excuses it.
        whole = Case(name=label, seconds=took.total_seconds(), result=CaseResult.ERROR, message=suite.because)
        return suite if any(case.fails for case in marked) else replace(suite, cases=(*marked, whole))
    if not any(case.result.bad for case in marked) or any(case.fails for case in marked):
        return suite
    # Its sentence named a test that is in quarantine: what is left of it is no failure.
    return replace(suite, because="", exit_code=0)


def _same(story: Story) -> Again:
    """What the place failed, once more as it was."""
    failed = [case for each in story.tries[-1:] for case in each.suite.cases if case.fails]
    piece = replace(story.piece, items=story.runs[-1].items)
    return Again(piece=piece, attempt=len(story.tries) + 1, failed=_keys(story, failed))


def _keys(story: Story, failed: Sequence[Case]) -> tuple[str, ...]:
    """Without the case that stands for the piece itself."""
    return tuple(case.key for case in failed if case.key != story.label)


def _numbered(told_cases: Sequence[Case]) -> Iterator[tuple[tuple[str, int], Case]]:
    """Two cases of one name in one report stay two."""
    times: dict[str, int] = {}
    for case in told_cases:
        yield (case.key, times.get(case.key, 0)), case
        times[case.key] = times.get(case.key, 0) + 1


def _counted(tries: Sequence[Case], threshold: int) -> Case:
    """The case that counts: the last; with a threshold a passed one where enough of them passed, else a bad one."""
    last = tries[-1]
    if threshold > 1:
        passed = [case for case in tries if not case.result.bad]
        bad = [case for case in tries if case.result.bad]
        last = passed[-1] if len(passed) >= threshold or not bad else bad[-1]
    if len(tries) == 1:
        return last
    return replace(last, attempts=tuple(_attempt(case) for case in tries))


def _attempt(case: Case) -> Attempt:
    return Attempt(result=case.result, seconds=case.seconds, message=case.message, text=case.text)


def _items(story: Story, failed: Sequence[Case]) -> tuple[str, ...]:
    """The files that had failures; all that last ran where a failure can not be laid to one of them."""
    last = story.tries[-1]
    if not last.items or last.run.because or last.run.exit_code is None:
        return last.items
    found = {filed(case, last.items) for case in failed}
    return last.items if None in found else tuple(item for item in last.items if item in found)


def _because(last: Try, failed: Sequence[Case]) -> str:
    if last.suite.because:
        return last.suite.because
    more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
    return f"{failed[0].name}{more} failed"
