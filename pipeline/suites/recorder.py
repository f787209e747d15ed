"""Recorder: what of a run of suites is kept for the next one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from statistics import median

from davy.pipeline.core.artifacts import Revision
from davy.pipeline.core.events import Result
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.suites import attempts
from davy.pipeline.suites.attempts import Story
from davy.pipeline.suites.history.record import CaseRecord, RunRecord
from davy.pipeline.suites.plan import pieces, sharding
from davy.pipeline.suites.plan.pieces import PlannedSuite
from davy.pipeline.suites.reports.cases import Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedSuite:
    """A suite, or one cell of its matrix, with all that became of its pieces."""

    suite: Suite
    """Under its name in records: `e2e[chrome]`."""
    stories: tuple[Story, ...]


def record(
    ended: Iterable[EndedSuite], *, release: str, at: datetime, service: str, revision: Revision | None
) -> RunRecord:
    """The run. Without a revision, where git was not asked, that stays empty."""
    every = tuple(ended)
    return RunRecord(
        id=release,
        at=at,
        service=service,
        revision=revision.sha if revision else "",
        branch=revision.branch or "" if revision else "",
        dirty=revision.dirty if revision else False,
        passed=all(one.suite.result is Result.PASSED for one in every),
        cases=tuple(case for one in every for case in _cases(one.suite)),
        items={one.suite.name: items for one in every if (items := durations(one.stories))},
    )


def run_id(release: str, asked: Sequence[PlannedSuite], *, whole: bool) -> str:
    """Of the run in the archive. CI jobs that share the suites begin in the same second: each says which part it was.

    `whole`: it runs all there is, in full.
    """
    shards = {f"{number}-of-{of}" for number, of in filter(None, (ask.shard for ask in asked))}
    names = [] if whole else [ask.suite.name for ask in asked]
    return "-".join((release, *names, *sorted(shards)))


def durations(stories: Iterable[Story]) -> Mapping[str, float]:
    """Seconds by test file, and of a start; by the shard's number where there are no files.

    Where a report says no times, its files share what the run took but for the start that the others had.
    """
    every = tuple(stories)
    told = [attempts.durations(story) for story in every]
    starts = [start for _, start in told if start is not None]
    usual = median(starts) if starts else 0.0
    found = {} if not starts else {sharding.START: usual}
    for seconds, start in told:
        less = 0.0 if start is not None or not seconds else usual / len(seconds)
        found |= {item: max(sharding.LEAST, took - less) for item, took in seconds.items()}
    for story in every:
        if not story.piece.items and story.tries:
            found[pieces.shard_key(*story.piece.shard)] = story.tries[0].suite.took.total_seconds()
    return {item: round(seconds, 3) for item, seconds in found.items()}


def _cases(suite: Suite) -> Iterator[CaseRecord]:
    files: dict[str, set[str]] = {}
    for case in suite.cases:
        files.setdefault(case.key, set()).add(case.file)
    for case in suite.cases:
        yield CaseRecord(
            suite=suite.name,
            name=case.key,
            result=case.result.value,
            seconds=case.seconds,
            attempts=max(1, len(case.attempts)),
            flaky=case.flaky,
            quarantined=case.quarantined,
            own=case.own,
            file=case.file if len(files[case.key]) > 1 else "",
        )
