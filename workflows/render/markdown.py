"""Markdown: a release for the CI's summary page. Foreign text is escaped."""

import re
from collections.abc import Callable, Iterable, Sequence

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import CaseTold, Result, SuiteFinished
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text import time_text
from davy.pipeline.core.verdict import Evidence, Verdict
from davy.pipeline.release.summary import Report, folded, summarized
from davy.pipeline.suites.reports.formats.text import ILLEGAL

__all__ = ["Report", "folded", "markdown", "summarized"]

MARKS = {Result.PASSED: "✅", Result.FAILED: "❌", Result.SKIPPED: "⏭️"}
SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-!|~>])")
LONGEST_WORDS = 2000
"""Characters of one foreign text; GitHub takes no step summary above 1 MiB."""
MOST_ROWS = 50
LINK = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&'*+,;=%-]{1,500}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A number of each suite; one that is nought everywhere is left out, unless `always`."""

    title: str
    of: Callable[[SuiteFinished], int]
    always: bool = False


COLUMNS = (
    Column(title="Parts", of=lambda suite: suite.parts if suite.parts > 1 else 0),
    Column(title="Passed", of=lambda suite: suite.passed, always=True),
    Column(title="Failed", of=lambda suite: suite.failed + suite.errors, always=True),
    Column(title="Flaky", of=lambda suite: suite.flaky),
    Column(title="Quarantined", of=lambda suite: suite.quarantined),
    Column(title="Skipped", of=lambda suite: suite.skipped, always=True),
)


def markdown(report: Report) -> str:
    """For GITHUB_STEP_SUMMARY and for reading as it is."""
    parts = [
        _head(report),
        _stages(report),
        _images(report),
        _suites(report),
        _steps(report),
        _judged(report.verdict),
        _list("The judge's notes", report.notes),
        _troubles(report),
        _list("Warnings", [warned.what for warned in report.warnings]),
        _list("What happened", report.story),
        f"**What to do next:** {plain(report.end.remedy)}" if report.end and report.end.remedy else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def plain(text: str) -> str:
    """Foreign text in one line, with nothing left that Markdown, HTML or a mention would take as its own."""
    one = " ".join(ILLEGAL.sub("\ufffd", text).split())
    one = one[:LONGEST_WORDS] + ("…" if len(one) > LONGEST_WORDS else "")
    one = one.replace("&", "&amp;").replace("<", "&lt;")
    # A zero-width space ends what would be a mention or a bare link.
    return SPECIAL.sub(r"\\\1", one).replace("@", "@\u200b").replace("://", ":\u200b//")


def code(text: str) -> str:
    """Foreign text as a code span that it cannot leave."""
    one = " ".join(text.split()).replace("|", "\\|")[:LONGEST_WORDS]
    fence = "`" * (max((len(run) for run in re.findall(r"`+", one)), default=0) + 1)
    return f"{fence} {one} {fence}" if len(fence) > 1 else f"`{one}`"


def block(text: str) -> str:
    """Foreign lines as a code block that they cannot leave."""
    fence = "`" * max(3, max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    return f"{fence}text\n{text[:LONGEST_WORDS]}\n{fence}"


def _head(report: Report) -> str:
    revision = f" {code(report.revision.short)}" if report.revision else ""
    title = f"## {_mark(report.ending)} {plain(report.service) or 'davy'}{revision}"
    lines = [title]
    if report.rehearsal:
        lines.append("**REHEARSAL** — nothing was touched: simulated traffic, simulated cluster.")
    if report.sentence:
        lines.append(plain(report.sentence))
    facts = [f"release {code(report.release)}" if report.release else ""]
    facts += [f"workload {code(report.workload)}" if report.workload else ""]
    facts += [f"run by {plain(report.runner)}" if report.runner else ""]
    facts += [f"took {time_text.shown(report.end.took)}" if report.end else ""]
    if report.revision and report.revision.dirty:
        lines.append("The work tree was **dirty**: the images hold more than the commit does.")
    return "\n\n".join([*lines, " · ".join(fact for fact in facts if fact)]).strip()


def _mark(ending: Ending | None) -> str:
    if ending is None:
        return "⏳"
    return {Ending.DONE: "✅", Ending.ROLLED_BACK: "↩️", Ending.UNDECIDED: "⏸️"}.get(ending, "❌")


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    lines = [head, tuple("---" for _ in head), *rows[:MOST_ROWS]]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return text + (f"\n\n… and {len(rows) - MOST_ROWS} more." if len(rows) > MOST_ROWS else "")


def _stages(report: Report) -> str:
    rows = [
        (f"{MARKS[stage.result]} {stage.stage.value}", time_text.shown(stage.took), plain(stage.note))
        for stage in report.stages
    ]
    return _table(("Stage", "Time", ""), rows)


def _images(report: Report) -> str:
    rows = [
        (code(built.image.reference), time_text.shown(built.took), "reused" if built.is_reused else "built")
        for built in report.images
    ]
    return _table(("Image", "Time", ""), rows)


def _suites(report: Report) -> str:
    shown = [column for column in COLUMNS if column.always or any(column.of(suite) for suite in report.suites)]
    slow = any(suite.slowest for suite in report.suites)
    rows = [
        (
            f"{MARKS[suite.result]} {plain(suite.suite)}",
            *(str(column.of(suite)) for column in shown),
            *([_slowest(suite)] if slow else []),
            time_text.shown(suite.took),
            plain(suite.because),
        )
        for suite in report.suites
    ]
    titles = (*(column.title for column in shown), *(["Slowest"] if slow else []))
    table = _table(("Suite", *titles, "Time", "Why"), rows)
    return "\n\n".join(part for part in (table, *map(_cases, report.suites)) if part)


def _slowest(suite: SuiteFinished) -> str:
    return f"{code(suite.slowest.name)} {time_text.shown(suite.slowest.took)}" if suite.slowest else ""


def _cases(suite: SuiteFinished) -> str:
    """What failed, with its first words, and the cloud's page."""
    parts = [f"**{plain(suite.suite)}**: [the cloud's page]({address(suite.link)})" if address(suite.link) else ""]
    for case in suite.told:
        held = " (quarantined: fails nothing)" if case.quarantined else ""
        tries = f" after {case.attempts} attempts" if case.attempts > 1 else ""
        parts.append(f"{_sign(case)} {code(case.name)} {case.result}{tries}{held}" + _said(case))
    parts += [f"… and {suite.more} more; the JUnit report has them all."] if suite.more else []
    return "\n\n".join([*filter(None, parts), *map(plain, suite.notes)])


def _said(case: CaseTold) -> str:
    return f"\n\n{block(case.words)}" if case.words else ""


def _sign(case: CaseTold) -> str:
    return "⚠️" if case.quarantined or case.result == "flaky" else "❌"


def address(link: str) -> str:
    """The link, where nothing in it can end the Markdown around it; else nothing."""
    return link if LINK.fullmatch(link) else ""


def _steps(report: Report) -> str:
    rows = [
        (
            str(step.number + 1),
            "" if step.wished is None else f"{step.wished:g} %",
            "not reached" if step.reached is None else f"{step.reached:.1f} %",
            str(step.pods),
            plain(step.because),
        )
        for step in report.steps
    ]
    return _table(("Step", "Wished", "Reached", "Canary pods", "Why"), rows)


def _judged(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    rows = [_metric(evidence, verdict) for evidence in verdict.evidence]
    head = ("Metric", "Canary", "Stable", "Ratio (95 %)", "")
    return "\n\n".join(part for part in (f"**Verdict:** {plain(verdict.sentence)}", _table(head, rows)) if part)


def _metric(evidence: Evidence, verdict: Verdict) -> tuple[str, ...]:
    sides = [
        f"{side.bad:,} of {side.total:,} bad ({100 * side.rate:.2f} %)" if side.total else "no request"
        for side in (evidence.canary, evidence.stable)
    ]
    if evidence.value is not None:
        sides = [f"value {evidence.value:g}", ""]
    ratio = f"{evidence.ratio[0]:.2f} to {evidence.ratio[1]:.2f}" if evidence.ratio else ""
    note = f"no data: {evidence.gap.value}" if evidence.gap else "to blame" if verdict.blame == evidence.metric else ""
    return (plain(evidence.metric), *sides, ratio, note)


def _troubles(report: Report) -> str:
    if not report.troubles:
        return ""
    parts = [
        f"{code(trouble.pod)} {plain(trouble.kind.replace('_', ' '))}:\n\n{block(trouble.words)}"
        for trouble in report.troubles[:10]
    ]
    return "\n\n".join(["**Pods that could not work**", *parts])


def _list(title: str, lines: Iterable[str]) -> str:
    items = [f"- {plain(line)}" for line in lines]
    return "\n".join([f"**{title}**", "", *items[:MOST_ROWS]]) if items else ""
