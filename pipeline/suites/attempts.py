"""Attempts: the story of one piece of a suite, folded from its runs, and whether it is to run again."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from davy.pipeline.config.sections.suites import SuiteConfig
from davy.pipeline.core.events import Result
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.suites.plan.pieces import Cell, Piece
from davy.pipeline.suites.ports import SuiteRun
from davy.pipeline.suites.reports import exit_codes, merged_cases, writer
from davy.pipeline.suites.reports.attribution import files_of, seen, shared_out
from davy.pipeline.suites.reports.cases import Case, CaseResult, Suite, reason
from davy.pipeline.suites.reports.reader import ReportReading

FAULTS = 3
"""So often the place may fail a piece before that counts as the piece's own failure."""

Excused = Callable[[str], bool]
"""Whether a failure of the case, by its key, fails nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRules:
    """When a piece is tried again, and when it has passed."""

    retries: int = 0
    threshold: int = 1
    """So many of all tries must pass. Above 1 every try is of the whole piece."""
    faults: int = FAULTS
    up_to: int | None = None
    """Of all pieces, so many tests may fail at first; with one more nothing is tried again."""

    def of(self, cell: Cell) -> "RetryRules":
        """As they are for this cell, which may have a word of its own."""
        return self if cell.pass_threshold is None else replace(self, threshold=cell.pass_threshold)


def rules_of(suite: SuiteConfig) -> RetryRules:
    """As davy.yaml has them."""
    return RetryRules(retries=suite.retries, threshold=suite.pass_threshold, up_to=suite.retries_up_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One run of a piece."""

    run: SuiteRun
    suite: Suite
    items: tuple[str, ...]
    tools: frozenset[str] = frozenset()
    """What ran, as far as the command and the report tell it."""

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
    command: str = ""
    """What it runs: some tools have exit codes of their own."""

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
    found: ReportReading | None = None,
) -> Story:
    """The story after one more run, of these items. `found`: what its report files say, where it has some."""
    tools = exit_codes.tools_in(story.command) | (found.tools if found else frozenset())
    made = Try(run=run, suite=_read(story.label, run, took, found), items=items, tools=tools)
    return replace(story, runs=(*story.runs, _excused(made, story.label, excused)))


def again(story: Story, rules: RetryRules) -> Again | None:
    """The next run; None where the story is over."""
    rules = rules.of(story.piece.cell)
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
        failed=_keys(failed),
    )


def failures(stories: Iterable[Story]) -> int:
    """Tests that failed at the first try of their piece."""
    first = (case for story in stories for each in story.tries[:1] for case in each.suite.cases)
    return sum(case.fails and not case.own for case in first)


def ended(story: Story, rules: RetryRules) -> Suite:
    """What the piece adds up to, with every case once and its attempts."""
    rules = rules.of(story.piece.cell)
    found, last = cases(story, rules), story.runs[-1]
    took = sum((each.suite.took for each in story.runs), timedelta(0))
    made = Suite(name=story.label, cases=found, took=took, exit_code=0, notes=last.suite.notes)
    if story.at_fault:
        words = f"the place failed it {len(story.faults)} times: {last.suite.because}"
        return replace(made, exit_code=None, because=words)
    if rules.threshold > 1:
        passes = sum(each.passed for each in story.tries)
        words = f"passed {passes} of {len(story.tries)} tries, {rules.threshold} are needed"
        because = reason(found) if passes >= rules.threshold else words
    else:
        because = _because(last, [case for case in found if case.fails])
    return replace(made, exit_code=last.run.exit_code, because=because) if because else made


def cases(story: Story, rules: RetryRules) -> tuple[Case, ...]:
    """Every case once, in the order they were first told, with its attempts where there were several.

    A fault's cases are left out, but for one that ended the story.
    """
    counting = (*story.tries, *(story.runs[-1:] if story.at_fault else ()))
    needed = rules.of(story.piece.cell).threshold
    return merged_cases.folded([(each.suite.cases, each.passed) for each in counting], needed)


def durations(story: Story) -> tuple[dict[str, float], float | None]:
    """Seconds by file, and what beginning cost where that is known. Of the first try: later ones ran less."""
    if not story.tries or not story.tries[0].items:
        return {}, None
    first = story.tries[0]
    return shared_out(first.suite.took.total_seconds(), first.suite.cases, first.items)


def _read(label: str, run: SuiteRun, took: timedelta, found: ReportReading | None) -> Suite:
    """The run's report. What ended a run from outside is no test's failure, so it is a case of its own."""
    suite = writer.ended(label, run, took, found)
    if run.exit_code is not None or run.because:
        return suite
    stopped = writer.whole(label, took, CaseResult.ERROR, "it was stopped")
    return replace(suite, cases=(*suite.cases, stopped), because=suite.because or stopped.message)


def _excused(made: Try, label: str, excused: Excused) -> Try:
    """With quarantined cases marked. Such a case excuses itself, and nothing else that the run says of itself."""
    cases = tuple(
        replace(case, quarantined=not case.own and any(map(excused, case.names))) for case in made.suite.cases
    )
    held = sum(case.quarantined and case.result.bad for case in cases)
    if not held:
        return made
    if not any(case.fails for case in cases) and (words := _unexcused(made, cases)):
        cases = (*cases, writer.whole(label, made.suite.took, CaseResult.FAILED, words))
    because = made.run.because or reason(cases)
    # What is left of it is no failure where only such cases failed.
    code = made.run.exit_code if because else 0
    return replace(made, suite=replace(made.suite, cases=cases, because=because, exit_code=code))


def _unexcused(made: Try, cases: Sequence[Case]) -> str:
    """Why the command ended as it did, as far as the cases in quarantine do not say it; empty where they do."""
    code, bad = made.run.exit_code, sum(case.result.bad for case in cases)
    if not code:
        return ""
    if not exit_codes.says_tests_failed(code, bad, made.tools):
        return f"{exit_codes.exited(code)}, which tests in quarantine do not excuse"
    ran = seen(cases, made.items)
    missing = [item for item in made.items if item not in ran]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        return f"{exit_codes.exited(code)}, and {missing[0]}{more} has no test in its report"
    return ""


def _same(story: Story) -> Again:
    """What the place failed, once more as it was."""
    failed = [case for each in story.tries[-1:] for case in each.suite.cases if case.fails]
    piece = replace(story.piece, items=story.runs[-1].items)
    return Again(piece=piece, attempt=len(story.tries) + 1, failed=_keys(failed))


def _keys(failed: Sequence[Case]) -> tuple[str, ...]:
    """Of the tests; what stands for the piece itself is none."""
    return tuple(dict.fromkeys(case.key for case in failed if not case.own))


def _items(story: Story, failed: Sequence[Case]) -> tuple[str, ...]:
    """The files with failures, and those of which the report does not tell that all of them ran.

    A tool that stops at the first failure leaves files out, or calls the rest skipped. All that last ran where the run
    did not get to its end, and where a failure cannot be laid to one file.
    """
    last = story.tries[-1]
    ended = not last.run.because and exit_codes.got_to_its_end(last.run.exit_code, last.tools)
    found = files_of(failed, last.items)
    if not last.items or not ended or None in found:
        return last.items
    ran = seen(last.suite.cases, last.items)
    held_back = files_of((case for case in last.suite.cases if case.result is CaseResult.SKIPPED), last.items)
    return tuple(item for item in last.items if item in found or item not in ran or item in held_back)


def _because(last: Try, failed: Sequence[Case]) -> str:
    """Of the last run where it failed; else of what failed before and was not made good."""
    return (last.suite.because or reason(failed)) if failed else ""
