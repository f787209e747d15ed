"""Completeness: whether the parts of several CI jobs are all there is of the suites, and what they add up to."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from davy.pipeline.config.sections.suites import SuiteConfig
from davy.pipeline.core.errors import Problem
from davy.pipeline.core.events import Result
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.suites.parts.part_file import CellEnd, PartFile, SuitePart
from davy.pipeline.suites.reports.cases import Case, CaseResult, Suite, reason, shortage

FEW = 5
"""Names that a sentence has room for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReport:
    """A part with what it is called, and the cases of its report by suite."""

    name: str
    """Its folder, as it was named."""
    part: PartFile
    cases: Mapping[str, tuple[Case, ...]]


def misfits(jobs: Sequence[PartReport], service: str, known: Sequence[str]) -> Iterator[Problem]:
    """Why these are not the parts of one run: another service or commit, a part that is there twice, no such suite."""
    revisions = sorted({job.part.revision for job in jobs})
    if len(revisions) > 1:
        shown = ", ".join(revision[:12] or "none" for revision in revisions)
        yield Problem(what=f"the parts are of several commits: {shown}")
    first: dict[tuple[str, tuple[int, ...]], str] = {}
    for job in jobs:
        if job.part.service != service:
            yield Problem(file=job.name, what=f"is of service {job.part.service!r}, not of {service!r}")
        for one in job.part.suites:
            if one.suite not in known:
                yield Problem(file=job.name, what=f"has a suite {one.suite!r}, which the configuration has not")
            key = (one.suite, one.shard)
            if key in first:
                yield Problem(file=job.name, what=f"{_named(one)} is there twice: {first[key]} has it, too")
            first.setdefault(key, job.name)
    for suite in known:
        counts = sorted({one.shard[1] for one in _of(jobs, suite) if one.shard})
        if len(counts) > 1 or (counts and any(not one.shard for one in _of(jobs, suite))):
            ways = [f"in {count}" for count in counts] + ["whole"] * any(not one.shard for one in _of(jobs, suite))
            yield Problem(what=f"suite {suite} was split in several ways: {', '.join(ways)}")


def missing(jobs: Sequence[PartReport], wanted: Sequence[str]) -> tuple[str, ...]:
    """What of the wanted suites no part ran, a sentence each. Files tell it where the suite has some: a plan gives
    no machine an empty share, so its number is then nobody's."""
    return tuple(sentence for suite in wanted for sentence in _missing(suite, _of(jobs, suite)))


def _missing(suite: str, parts: Sequence[SuitePart]) -> Iterator[str]:
    if not parts:
        yield f"suite {suite} was run by no part"
        return
    files = {file for one in parts for file in one.files}
    left = sorted(files - {file for one in parts for file in one.share})
    if left:
        yield f"of suite {suite} no part ran {_few(left)}"
    if files or not parts[0].shard:
        return
    numbers = {one.shard[0] for one in parts}
    gone = [f"{number}/{parts[0].shard[1]}" for number in range(1, parts[0].shard[1] + 1) if number not in numbers]
    if gone:
        yield f"of suite {suite} there is no part {_few(gone)}"


def added_up(jobs: Sequence[PartReport], wanted: Sequence[SuiteConfig]) -> tuple[Suite, ...]:
    """Each suite, or cell, over all parts, in the order of the configuration. A failed part fails it."""
    made: list[Suite] = []
    for config in wanted:
        ends: dict[str, list[tuple[PartReport, CellEnd]]] = {}
        for job in jobs:
            for one in job.part.suites:
                for end in one.ends if one.suite == config.name else ():
                    ends.setdefault(end.name, []).append((job, end))
        made += [_added_up(name, each, config.at_least) for name, each in ends.items()]
        if not ends and config.at_least and _of(jobs, config.name):
            made.append(_added_up(config.name, [], config.at_least))
    return tuple(made)


def _added_up(name: str, ends: Sequence[tuple[PartReport, CellEnd]], at_least: int) -> Suite:
    cases = tuple(case for job, _ in ends for case in job.cases.get(name, ()))
    failed = [(job, end) for job, end in ends if end.result is not Result.PASSED]
    exit_code = next((end.exit_code for _, end in ends if end.exit_code != 0), 0)
    took = sum((end.took for _, end in ends), timedelta(0))
    whole = Suite(name=name, cases=cases, took=took, exit_code=exit_code)
    words = [end.because or f"it failed in {job.name}" for job, end in failed]
    if not failed and any(case.fails for case in cases):
        words.append(f"{reason(cases)}, though its part says that it passed")
    words.append(shortage(whole.tests, at_least))
    because = "; ".join(dict.fromkeys(filter(None, words)))
    if because and not any(case.fails for case in cases):
        # CI systems read the merged report alone: what failed stands in it.
        cases += (Case(name=name, result=CaseResult.ERROR, message=because, own=True),)
    return Suite(name=name, cases=cases, took=took, exit_code=exit_code, because=because)


def _of(jobs: Sequence[PartReport], suite: str) -> tuple[SuitePart, ...]:
    return tuple(one for job in jobs for one in job.part.suites if one.suite == suite)


def _named(one: SuitePart) -> str:
    return f"{one.suite} {one.shard[0]}/{one.shard[1]}" if one.shard else one.suite


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + more
