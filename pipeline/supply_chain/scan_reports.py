"""Scan reports: which of the scanners' reports attached to an image count."""

import json
from collections.abc import Iterable

from davy.pipeline.registry.artifact import CREATED
from davy.pipeline.registry.ports import Attachment
from davy.pipeline.supply_chain import documents, scans
from davy.pipeline.supply_chain.scans import Finding


def findings(attached: Iterable[Attachment]) -> tuple[Finding, ...]:
    """Of the newest SARIF of each scanner: no other scanner's report hides it. Raises scans.Broken.

    What is no SARIF at all says nothing, as long as another one is there. Two of one moment count both.
    """
    sarif = [one for one in attached if one.kind == documents.SARIF]
    readable = [one for one in sarif if not documents.wrong(one.kind, one.body)]
    if not readable:
        raise scans.BrokenScan(documents.wrong(documents.SARIF, sarif[-1].body) if sarif else "is not there")
    named = [(_scanners(one), one) for one in readable]
    newest = {scanners: max(_when(one) for other, one in named if other == scanners) for scanners, _ in named}
    counting = [one for scanners, one in named if _when(one) == newest[scanners]]
    return tuple(finding for one in counting for finding in scans.read(one.body.decode("utf-8-sig", "replace")))


def _when(evidence: Attachment) -> str:
    return evidence.annotations.get(CREATED, "")


def _scanners(evidence: Attachment) -> tuple[str, ...]:
    """The tools that it is of, by name."""
    names = set()
    for run in json.loads(evidence.body)["runs"]:
        tool = run.get("tool") if isinstance(run, dict) else None
        driver = tool.get("driver") if isinstance(tool, dict) else None
        names.add(str(driver.get("name", "")) if isinstance(driver, dict) else "")
    return tuple(sorted(names))
