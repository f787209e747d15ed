"""k6: a load test as a suite: its thresholds are the test cases, its exit code is told by k6's own table."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

from davy.pipeline.core.json import tree
from davy.pipeline.suites.ports import SuiteOrder, SuiteRun
from davy.pipeline.suites.reports.formats.text import ILLEGAL

Doc = Mapping[str, Any]

THRESHOLDS_FAILED = 99
WORDS = {
    97: "the run on k6's cloud failed",
    98: "k6 lost sight of its run in the cloud",
    100: "the script's setup took too long",
    101: "the script's teardown took too long",
    102: "k6 ran out of time",
    103: "the run was stopped through k6's REST API",
    104: "the script's options, or k6's, are not valid",
    105: "k6 was told to end by a signal",
    106: "k6 could not open its REST API",
    107: "the script raised an exception",
    108: "the script ended the test by abort()",
    109: "k6 itself broke",
    110: "the script marked the test as failed",
    127: "there is no k6 here: install it where the suite runs, or use an image that has it",
}
"""By exit code. https://github.com/grafana/k6/blob/v1.8.1/errext/exitcodes/codes.go"""
FAULTS = frozenset({97, 98, 105, 106, 109})
"""The place failed, and not what was tested."""


def ordered(order: SuiteOrder) -> SuiteOrder:
    """The order, with its k6 script as a command; as it is where it has none.

    The summary goes where a report belongs, so that it comes out of every place the way reports do.
    """
    script = order.settings.get("k6")
    if not script:
        return order
    return replace(order, run=f'k6 run --quiet --no-color --summary-export "$JUNIT" {shlex.quote(str(script))}')


def told(order: SuiteOrder, run: SuiteRun) -> SuiteRun:
    """What became of it, with the summary as JUnit; as it is where the order has no k6 script."""
    if not order.settings.get("k6"):
        return run
    report = junit(order.name, run.junit or "")
    if run.because or run.exit_code in (0, None):
        return replace(run, junit=report)
    if run.exit_code == THRESHOLDS_FAILED and report:
        return replace(run, junit=report)
    because = WORDS.get(run.exit_code, "") if run.exit_code is not None else ""
    return replace(run, junit=report, because=because, fault=run.exit_code in FAULTS)


def junit(name: str, summary: str) -> str | None:
    """JUnit of a summary: a case for each threshold, and one that tells requests and checks. None where it is none."""
    try:
        document = tree.parsed(summary)
        metrics = dict(document["metrics"])
        cases = [*_thresholds(metrics), _course(metrics, document.get("root_group") or {})]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    suite = ET.Element("testsuite", name=name)
    for classname, case, failure, output in cases:
        element = ET.SubElement(suite, "testcase", classname=_clean(classname), name=_clean(case), time="0")
        if failure:
            ET.SubElement(element, "failure", message=_clean(failure))
        if output:
            ET.SubElement(element, "system-out").text = _clean(output)
    return ET.tostring(suite, encoding="unicode")


Case = tuple[str, str, str, str]
"""Class, name, why it failed, output."""


def _thresholds(metrics: Mapping[str, Doc]) -> Iterator[Case]:
    for metric, told_ in sorted(metrics.items()):
        for rule, verdict in sorted((told_.get("thresholds") or {}).items()):
            failure = f"{rule} does not hold: {_values(told_)}" if _is_crossed(verdict) else ""
            yield "thresholds", f"{metric}: {rule}", failure, ""


def _is_crossed(verdict: object) -> bool:
    """The exported summary says true of a threshold that was crossed; `{ok: …}` is handleSummary's own form."""
    return not verdict.get("ok", False) if isinstance(verdict, dict) else bool(verdict)


def _course(metrics: Mapping[str, Doc], root: Doc) -> Case:
    told_ = [f"{name}: {_values(metrics[name])}" for name in SHOWN if name in metrics]
    checks = [f"{'ok  ' if not fails else 'FAIL'} {path} ({passes} of {passes + fails})"
              for path, passes, fails in _checks(root)]  # fmt: skip
    return "k6", "requests and checks", "", "\n".join([*told_, *checks])


SHOWN = ("http_reqs", "http_req_failed", "http_req_duration", "iterations", "checks")


def _values(metric: Doc) -> str:
    own = metric.get("values", metric)
    return ", ".join(f"{key} {value:g}" for key, value in own.items() if isinstance(value, (int, float)))


def _checks(group: Doc, above: str = "") -> Iterator[tuple[str, int, int]]:
    """Every check with how often it passed and failed, also those of groups in it."""
    path = " / ".join(part for part in (above, str(group.get("name", ""))) if part)
    for check in _each(group.get("checks")):
        name = " / ".join(part for part in (path, str(check.get("name", ""))) if part)
        yield name, int(check.get("passes", 0)), int(check.get("fails", 0))
    for inner in _each(group.get("groups")):
        yield from _checks(inner, path)


def _each(of: object) -> list[Doc]:
    """A list in one form of the summary, a table by name in the other."""
    found = list(of.values()) if isinstance(of, dict) else of if isinstance(of, list) else []
    return [one for one in found if isinstance(one, dict)]


def _clean(text: str) -> str:
    return ILLEGAL.sub("\ufffd", text)
