"""Policy: whether an image may go on with what a scanner found in it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.supply_chain.acceptances import Acceptance
from davy.pipeline.supply_chain.scans import Finding, Severity

MOST_ROWS = 50
HEAD = ("severity", "id", "package", "version", "fixed in", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanPolicy:
    """What is held against an image."""

    severity: Severity = Severity.HIGH
    """From this on."""
    fixable_only: bool = False
    """Only what a newer version mends; what does not say whether one does counts as if."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVerdict:
    """What the policy says of an image's findings."""

    held: tuple[Finding, ...] = ()
    """Held against it, the worst first."""
    accepted: tuple[tuple[Finding, Acceptance], ...] = ()
    expired: tuple[tuple[Finding, Acceptance], ...] = ()
    """Held against it again, for the acceptance has ended."""
    idle: tuple[Acceptance, ...] = ()
    """Entries that no finding matches."""
    unknown: int = 0
    """Findings without a severity; they are not held against it, and said."""
    total: int = 0

    @property
    def passed(self) -> bool:
        """Whether nothing is held against it."""
        return not self.held


def judged(
    findings: Iterable[Finding], policy: ScanPolicy, accepted: Sequence[Acceptance], today: date
) -> PolicyVerdict:
    """The policy applied. `today`: an acceptance counts up to and with its last day."""
    every = tuple(findings)
    counted = [finding for finding in every if _counts(finding, policy)]
    held: list[Finding] = []
    passed: list[tuple[Finding, Acceptance]] = []
    expired: list[tuple[Finding, Acceptance]] = []
    for finding in sorted(counted, key=lambda one: (-one.severity, one.id, one.package)):
        covering = [entry for entry in accepted if entry.covers(finding)]
        alive = [entry for entry in covering if entry.expires >= today]
        if alive:
            passed.append((finding, alive[0]))
            continue
        held.append(finding)
        expired += [(finding, entry) for entry in covering[:1]]
    return PolicyVerdict(
        held=tuple(held),
        accepted=tuple(passed),
        expired=tuple(expired),
        idle=tuple(entry for entry in accepted if not any(entry.covers(finding) for finding in every)),
        unknown=sum(finding.severity is Severity.UNKNOWN for finding in every),
        total=len(every),
    )


def _counts(finding: Finding, policy: ScanPolicy) -> bool:
    mendable = finding.fixed_in is None or bool(finding.fixed_in)
    return finding.severity >= policy.severity and (mendable or not policy.fixable_only)


def sentence(judgement: PolicyVerdict, policy: ScanPolicy) -> str:
    """In one line, for people."""
    what = f"{policy.severity.word} or worse" if policy.severity < Severity.CRITICAL else "critical"
    kind = f"{what}{' and mendable' if policy.fixable_only else ''}"
    more = f"; {len(judgement.accepted)} accepted" if judgement.accepted else ""
    more += f"; {judgement.unknown} of unknown severity" if judgement.unknown else ""
    if judgement.passed:
        return f"nothing {kind} among {judgement.total} findings{more}"
    counts = Counter(finding.severity for finding in judgement.held)
    told = ", ".join(f"{counts[severity]} {severity.word}" for severity in sorted(counts, reverse=True))
    return f"{told} held against it, of {judgement.total} findings{more}"


def notes(judgement: PolicyVerdict) -> tuple[str, ...]:
    """What of the list of accepted findings a person should look at."""
    ended = [
        f"the acceptance of {entry.id} ended on {entry.expires}, it counts again; {entry.owner} owns it: {entry.reason}"
        for _, entry in judgement.expired
    ]
    idle = [
        f"{entry.id}{f' in {entry.package}' if entry.package else ''} is accepted (line {entry.line}) and not found"
        for entry in judgement.idle
    ]
    return (*dict.fromkeys(ended), *idle)


def table(judgement: PolicyVerdict) -> tuple[str, ...]:
    """What is held against the image, a line each, in columns."""
    ended = {id(finding): entry for finding, entry in judgement.expired}
    rows = [HEAD] + [
        (
            finding.severity.word,
            finding.id,
            finding.package,
            finding.version,
            "?" if finding.fixed_in is None else finding.fixed_in or "no version",
            f"accepted until {ended[id(finding)].expires}" if id(finding) in ended else "",
        )
        for finding in judgement.held[:MOST_ROWS]
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    left = len(judgement.held) - MOST_ROWS
    return (*lines, f"… and {left} more") if left > 0 else tuple(lines)
