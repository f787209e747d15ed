"""Scan: the gate between an image and the way on. The scanner is the user's; the policy is the file's."""

from collections.abc import Generator, Sequence
from datetime import date
from pathlib import Path

from davy.pipeline.config.sections.build import ScanConfig
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import Missing, Rejected, Unreachable, Unusable
from davy.pipeline.core.events import Event, LogLine, Warned
from davy.pipeline.core.text import time_text
from davy.pipeline.files import plain_file
from davy.pipeline.supply_chain import acceptances, policy, scans
from davy.pipeline.supply_chain.acceptances import Acceptance
from davy.pipeline.supply_chain.policy import PolicyVerdict, ScanPolicy
from davy.pipeline.supply_chain.ports import Scanner, ScanOrder
from davy.pipeline.supply_chain.scans import Finding, Severity
from davy.pipeline.threads import spoken
from davy.workflows import wiring
from davy.workflows.story.task import Task

REMEDY = "Mend what is listed, or accept it in the file of `build.scan.ignore` with a reason, an owner and an end."


def scanned(task: Task, images: Sequence[Image]) -> Generator[Event, None, None]:
    """Scan every image where `build.scan` is configured. Raises Rejected where one is refused, and where a scanner
    fails; Unreachable where it had to be stopped. Every image is scanned before the word is said.
    """
    said = task.config.build.scan
    if said is None:
        return
    entries = exceptions(task.folder / said.ignore) if said.ignore else ()
    by, scanner = policy_of(said), wiring.scanner(task.config, task.clock)
    refused = []
    for image in images:
        found = yield from _findings(task, said, image, scanner)
        judgement = policy.judged(found, by, entries, task.clock.now().date())
        yield from _told(task, image, judgement, by)
        if not judgement.passed:
            refused.append(f"{image.short}: {policy.sentence(judgement, by)}")
    if refused:
        raise Rejected(f"The scan refuses {'; '.join(refused)}.", remedy=REMEDY)


def policy_of(said: ScanConfig) -> ScanPolicy:
    """As configured."""
    return ScanPolicy(severity=Severity[said.severity.upper()], fixable_only=said.fixable_only)


def exceptions(file: Path) -> tuple[Acceptance, ...]:
    """The list of accepted findings. Raises Unusable with every problem."""
    return acceptances.read(text(file), str(file))


def findings(file: Path) -> tuple[Finding, ...]:
    """A report's findings. Raises Rejected where it cannot be read: what nobody knows is no pass."""
    try:
        return scans.read(text(file))
    except scans.BrokenScan as error:
        raise Rejected(
            f"The scan's report {file} {error}.", remedy="Look at what the scanner itself printed."
        ) from error


def text(file: Path) -> str:
    """What a file says. Raises Unusable."""
    try:
        return plain_file.text(file, scans.MOST_CHARACTERS)
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"{file} {plain_file.why(error)}.") from error


def reports_of(said: ScanConfig, image: Image, folder: Path) -> tuple[Path, ...]:
    """The files that scanners of the pipeline's own left for the image."""
    return tuple(folder / report.replace("{image}", image.name.rsplit("/", 1)[-1]) for report in said.reports)


def _findings(
    task: Task, said: ScanConfig, image: Image, scanner: Scanner
) -> Generator[Event, None, tuple[Finding, ...]]:
    found: list[Finding] = []
    if said.run:
        found += yield from _run(task, said, image, scanner)
    for report in reports_of(said, image, task.folder):
        if not report.exists():
            raise Rejected(
                f"The scan's report {report} is not there, and nothing says that {image.short} was scanned.",
                remedy="Let the scanner write it before davy runs; `build.scan.reports` names it.",
            )
        found += findings(report)
    return tuple(found)


def _run(task: Task, said: ScanConfig, image: Image, scanner: Scanner) -> Generator[Event, None, tuple[Finding, ...]]:
    """Raises Unreachable where it was stopped, Rejected where it failed: neither is a pass."""
    report = task.out / "scan" / f"{image.name.rsplit('/', 1)[-1]}-{image.digest[7:19]}.json"
    order = ScanOrder(image=image, run=said.run or "", report=report, folder=task.folder, limit=said.timeout)
    source, shown = f"scan {image.name.rsplit('/', 1)[-1]}", wiring.washing(task.config)
    lines = spoken(lambda say: scanner.scan(order, say))
    while True:
        try:
            line = next(lines)
        except StopIteration as end:
            code: int | None = end.value
            break
        yield LogLine(at=task.clock.now(), source=source, line=shown(line))
    if code is None:
        raise Unreachable(
            f"The scanner of {image.short} was stopped after {time_text.shown(said.timeout)}.",
            remedy="See its lines for what it waited for: often its database of weaknesses. `build.scan.timeout`.",
        )
    if not report.exists():
        raise _without_report(image, code)
    found = findings(report)
    if code != 0 and policy.judged(found, policy_of(said), (), date.max).passed:
        raise Rejected(
            f"The scanner of {image.short} ended with {code}, though its report holds nothing against it.",
            remedy="See its lines. Where it judges by a rule of its own, let davy judge: it should end with 0.",
        )
    return found


def _without_report(image: Image, code: int) -> Missing | Rejected:
    if code == 127:
        return Missing(
            f"The scanner of {image.short} is not there: the shell found no such command.",
            remedy="Install it, or mend `build.scan.run`.",
        )
    return Rejected(
        f"The scanner of {image.short} ended with {code} and left no report.",
        remedy="It must write $REPORT: SARIF, or JSON of Grype or Trivy. See its lines.",
    )


def _told(task: Task, image: Image, judgement: PolicyVerdict, by: ScanPolicy) -> Generator[Event, None, None]:
    source, shown, now = f"scan {image.name.rsplit('/', 1)[-1]}", wiring.washing(task.config), task.clock.now()
    yield LogLine(at=now, source=source, line=shown(policy.sentence(judgement, by)))
    if not judgement.passed:
        for line in policy.table(judgement):
            yield LogLine(at=now, source=source, line=shown(line))
    for note in policy.notes(judgement):
        yield Warned(at=now, what=shown(note))
