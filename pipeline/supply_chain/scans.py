"""Scans: what a scanner found, read without trust from SARIF 2.1, Grype's JSON or Trivy's JSON."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

from davy.pipeline.core.json import tree

MOST_CHARACTERS = 64 * 2**20
MOST_FINDINGS = 100_000
LONGEST = 200
"""Characters of one foreign text that are kept."""
WORDS = re.compile(r"^\s*(Package|Installed Version|Fixed Version):\s*(.*?)\s*$", re.MULTILINE)
"""How Trivy says in SARIF's message what its own JSON has fields for."""


class BrokenScan(ValueError):
    """The report cannot be read; the text is a sentence for people."""


class Severity(IntEnum):
    """How bad; scanners' words are mapped to these. UNKNOWN is no harmless: it is counted apart."""

    UNKNOWN = 0
    NEGLIGIBLE = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5

    @property
    def word(self) -> str:
        """For people and JSON."""
        return self.name.lower()


NAMES = {"moderate": Severity.MEDIUM, "important": Severity.HIGH, "informational": Severity.NEGLIGIBLE} | {
    severity.word: severity for severity in Severity
}
LEVELS = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "note": Severity.LOW, "none": Severity.NEGLIGIBLE}
# CVSS's own scale: https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support
SCORES = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One weakness in one package."""

    id: str
    """`CVE-…`, `GHSA-…`, or the rule's name."""
    severity: Severity
    package: str = ""
    version: str = ""
    fixed_in: str | None = None
    """Empty: no version mends it. None: the report does not say."""
    aliases: tuple[str, ...] = ()


def read(text: str) -> tuple[Finding, ...]:
    """Every finding, each once, as bad as its worst word. Raises Broken, also for a report that says it failed."""
    if len(text) > MOST_CHARACTERS:
        raise BrokenScan("is larger than 64 MiB")
    try:
        said = tree.parsed(text)
    except (ValueError, RecursionError) as error:
        what = "is empty" if not text.strip() else f"is no JSON: {str(error)[:LONGEST]}"
        raise BrokenScan(what) from error
    found: dict[tuple[str, str, str], Finding] = {}
    for finding in _findings(said):
        where = (finding.id, finding.package, finding.version)
        found[where] = _worse(found[where], finding) if where in found else finding
        if len(found) > MOST_FINDINGS:
            raise BrokenScan("holds more than 100,000 findings")
    return tuple(found.values())


def _worse(one: Finding, other: Finding) -> Finding:
    """Of two words on the same weakness what holds more against the image: neither may hide the other."""
    known = next((fix for fix in (one.fixed_in, other.fixed_in) if fix), None)
    open_ = None if None in (one.fixed_in, other.fixed_in) else ""
    return replace(
        one,
        severity=max(one.severity, other.severity),
        fixed_in=known or open_,
        aliases=tuple(dict.fromkeys((*one.aliases, *other.aliases))),
    )


def _findings(said: Any) -> Iterator[Finding]:
    if isinstance(said, dict) and isinstance(said.get("runs"), list):
        return _sarif(said["runs"])
    if isinstance(said, dict) and isinstance(said.get("matches"), list):
        return _grype(said["matches"])
    if isinstance(said, dict) and ("Results" in said or ("SchemaVersion" in said and "ArtifactName" in said)):
        return _trivy(said.get("Results") or [])
    raise BrokenScan("is neither SARIF nor JSON of Grype or Trivy")


def _grype(matches: list[Any]) -> Iterator[Finding]:
    for match in matches:
        weakness, package = _part(match, "vulnerability"), _part(match, "artifact")
        fix = _part(weakness, "fix")
        state = str(fix.get("state", ""))
        versions = ", ".join(_text(version) for version in _list(fix, "versions"))
        yield Finding(
            id=_needed(weakness, "id"),
            severity=NAMES.get(str(weakness.get("severity", "")).lower(), Severity.UNKNOWN),
            package=_text(package.get("name")),
            version=_text(package.get("version")),
            fixed_in=versions if versions or state in ("not-fixed", "wont-fix") else None,
            aliases=tuple(_text(_dict(other).get("id")) for other in _list(_dict(match), "relatedVulnerabilities")),
        )


def _trivy(results: Any) -> Iterator[Finding]:
    for result in results if isinstance(results, list) else [None]:
        target = _text(_dict(result).get("Target"))
        for weakness in _list(_dict(result), "Vulnerabilities"):
            known = _dict(weakness)
            yield Finding(
                id=_needed(known, "VulnerabilityID"),
                severity=_named(known),
                package=_text(known.get("PkgName")),
                version=_text(known.get("InstalledVersion")),
                fixed_in=_text(known.get("FixedVersion")),
            )
        for secret in _list(_dict(result), "Secrets"):
            yield Finding(id=_needed(_dict(secret), "RuleID"), severity=_named(_dict(secret)), package=target)
        for setting in _list(_dict(result), "Misconfigurations"):
            if _dict(setting).get("Status", "FAIL") == "FAIL":
                yield Finding(id=_needed(_dict(setting), "ID"), severity=_named(_dict(setting)), package=target)


def _sarif(runs: list[Any]) -> Iterator[Finding]:
    if not runs:
        raise BrokenScan("holds no run: nothing was scanned")
    for run in runs:
        if any(_dict(one).get("executionSuccessful") is False for one in _list(_dict(run), "invocations")):
            raise BrokenScan("says itself that the scan failed")
        tool = _part(run, "tool")
        rules = [_dict(rule) for rule in _list(_part(tool, "driver"), "rules")]
        further = [_dict(rule) for part in _list(tool, "extensions") for rule in _list(_dict(part), "rules")]
        by_id = {str(rule.get("id")): rule for rule in (*further, *rules)}
        for result in _list(_dict(run), "results"):
            known = _dict(result)
            if _counts(known):
                yield _result(known, _rule(known, rules, by_id))


def _counts(result: Mapping[str, Any]) -> bool:
    """Not where the scanner says that it passed, or that a person suppressed it."""
    suppressed = any(_dict(one).get("status", "accepted") == "accepted" for one in _list(result, "suppressions"))
    return result.get("kind", "fail") == "fail" and not suppressed and result.get("baselineState") != "absent"


def _rule(
    result: Mapping[str, Any], rules: list[dict[str, Any]], by_id: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    """The one it names. An index may be into another tool component's list, so it counts only where the names agree."""
    index, named = result.get("ruleIndex"), result.get("ruleId")
    if isinstance(index, int) and 0 <= index < len(rules) and named in (None, rules[index].get("id")):
        return rules[index]
    return by_id.get(str(named), {})


def _result(result: Mapping[str, Any], rule: Mapping[str, Any]) -> Finding:
    words = dict(WORDS.findall(str(_part(result, "message").get("text", ""))))
    package = _text(words.get("Package"))
    fixed = words.get("Fixed Version")
    return Finding(
        id=_text(result.get("ruleId") or rule.get("id") or "") or _fail("holds a result without a rule"),
        severity=_scored(result, rule),
        package=package or _where(result),
        version=_text(words.get("Installed Version")),
        fixed_in=None if fixed is None else _text(fixed),
    )


def _scored(result: Mapping[str, Any], rule: Mapping[str, Any]) -> Severity:
    for properties in (_part(result, "properties"), _part(rule, "properties")):
        try:
            score = float(properties["security-severity"])
        except (KeyError, TypeError, ValueError):
            continue
        return next((severity for least, severity in SCORES if score >= least), Severity.NEGLIGIBLE)
    level = result.get("level") or _part(rule, "defaultConfiguration").get("level") or "warning"
    return LEVELS.get(str(level), Severity.UNKNOWN)


def _where(result: Mapping[str, Any]) -> str:
    for place in _list(result, "locations"):
        physical = _part(place, "physicalLocation")
        return _text(_part(physical, "artifactLocation").get("uri"))
    return ""


def _named(said: Mapping[str, Any]) -> Severity:
    return NAMES.get(str(said.get("Severity", "")).lower(), Severity.UNKNOWN)


def _dict(said: Any) -> dict[str, Any]:
    return said if isinstance(said, dict) else _fail("holds something else where a finding should be")


def _part(said: Any, key: str) -> dict[str, Any]:
    held = _dict(said).get(key)
    return held if isinstance(held, dict) else {}


def _list(said: Mapping[str, Any], key: str) -> list[Any]:
    held = said.get(key)
    if held is not None and not isinstance(held, list):
        _fail(f"holds no list in {key}")
    return held or []


def _needed(said: Mapping[str, Any], key: str) -> str:
    return _text(said.get(key)) or _fail(f"holds a finding without {key}")


def _fail(what: str) -> Any:
    raise BrokenScan(what)


def _text(said: Any) -> str:
    return " ".join(str(said).split())[:LONGEST] if isinstance(said, str | int | float) else ""
