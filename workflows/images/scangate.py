"""Scan gate: what `davy image` holds against an image: reports in files, and those attached to it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from davy.pipeline.config.document import DeliveryConfig
from davy.pipeline.config.sections.build import ScanConfig
from davy.pipeline.registry.ports import Attachment
from davy.pipeline.supply_chain import policy, scan_reports, scans
from davy.pipeline.supply_chain.acceptances import Acceptance
from davy.pipeline.supply_chain.policy import PolicyVerdict, ScanPolicy
from davy.pipeline.supply_chain.scans import Finding
from davy.workflows import wiring
from davy.workflows.images import scan
from davy.workflows.images.options import GateOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A policy, what is accepted, and the day that ends it."""

    policy: ScanPolicy
    accepted: tuple[Acceptance, ...]
    today: date

    def judged(self, findings: Iterable[Finding]) -> PolicyVerdict:
        """What it says of them."""
        return policy.judged(findings, self.policy, self.accepted, self.today)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why the gate says no, and what a person should see of it."""

    why: str = ""
    """Empty: it does not."""
    lines: tuple[str, ...] = ()


def gate(file: Path, options: GateOptions, config: DeliveryConfig | None) -> Gate:
    """By `build.scan`, else by its defaults; the command line, where it has the options, counts over both."""
    kept = (config.build.scan if config else None) or ScanConfig()
    words = {"severity": options.severity, "fixable_only": options.fixable_only}
    named = {key: word for key, word in words.items() if word}
    listed = options.ignore or (file.resolve().parent / kept.ignore if kept.ignore else None)
    with wiring.clock() as clock:
        today = clock.now().date()
    return Gate(
        policy=scan.policy_of(kept.copied(**named)),
        accepted=scan.exceptions(listed) if listed else (),
        today=today,
    )


def refused(attached: Iterable[Attachment], gate: Gate) -> Refused:
    """The attached reports held against the policy. What cannot be read is no pass."""
    try:
        judgement = gate.judged(scan_reports.findings(attached))
    except scans.BrokenScan as error:
        return Refused(why=f"the scan that is attached cannot be judged: the report {error}")
    notes = tuple(f"note: {note}" for note in policy.notes(judgement))
    if judgement.passed:
        return Refused(lines=notes)
    why = f"the scan that is attached refuses it: {policy.sentence(judgement, gate.policy)}"
    return Refused(why=why, lines=(*notes, *policy.table(judgement)))
