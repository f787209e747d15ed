"""Results: what became of the suites, as a table and the words of what failed, for a terminal of 80 columns."""

from collections.abc import Iterator, Sequence

from davy.pipeline.core.events import CaseTold, SuiteFinished
from davy.pipeline.core.text.sanitize import harmless, one_line
from davy.pipeline.core.text.time_text import shown
from davy.workflows.render.markdown import COLUMNS
from davy.workflows.render.text.table import table

WIDTH = 77
"""Of a terminal of 80 columns, after the summary's margin."""
NAME = 12
"""Columns that a suite's name has at least."""


def results(suites: Sequence[SuiteFinished]) -> list[str]:
    """Lines; none where no suite ran."""
    if not suites:
        return []
    return [*_table(suites), *(line for suite in suites for line in _told(suite))]


def _table(suites: Sequence[SuiteFinished]) -> list[str]:
    columns = [column for column in COLUMNS if column.title != "Skipped" or any(suite.skipped for suite in suites)]
    columns = [column for column in columns if column.always or any(column.of(suite) for suite in suites)]
    head = (*(column.title.lower() for column in columns), "time")
    numbers = [(*(str(column.of(suite)) for column in columns), shown(suite.took)) for suite in suites]
    right = table([head, *numbers], right=range(len(head)))
    room = max(NAME, WIDTH - 2 - max(map(len, right)))
    names = ["suite", *(_short(one_line(suite.suite), room) for suite in suites)]
    return table(list(zip(names, right, strict=True)))


def _told(suite: SuiteFinished) -> Iterator[str]:
    """What a person looks at next, under the suite's name."""
    lines = [line for case in suite.told for line in _case(case)]
    lines += [f"… and {suite.more} more; the JUnit report has them all"] if suite.more else []
    lines += [one_line(note) for note in suite.notes]
    if suite.slowest:
        lines.append(f"slowest: {shown(suite.slowest.took)} {one_line(suite.slowest.name)}")
    if suite.link:
        lines.append(one_line(suite.link))
    if lines:
        yield ""
        yield one_line(suite.suite)
        yield from (f"  {line}" for line in lines)


def _case(case: CaseTold) -> Iterator[str]:
    tries = f", {case.attempts} attempts" if case.attempts > 1 else ""
    held = ", quarantined" if case.quarantined else ""
    yield f"{case.result}: {one_line(case.name)}{tries}{held}"
    yield from (f"  | {line}" for line in harmless(case.words).split("\n") if line.strip())


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
