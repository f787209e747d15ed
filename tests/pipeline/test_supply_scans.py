"""What scanners found, read without trust, and the policy over it."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.core.errors import Unusable
from davy.pipeline.supply_chain import acceptances, policy, scans
from davy.pipeline.supply_chain.policy import ScanPolicy, judged
from davy.pipeline.supply_chain.scans import BrokenScan, Finding, Severity

TODAY = date(2026, 6, 1)

GRYPE = {
    "matches": [
        {
            "vulnerability": {
                "id": "GHSA-1",
                "severity": "High",
                "fix": {"versions": ["1.2.4", "1.3.0"], "state": "fixed"},
            },
            "relatedVulnerabilities": [{"id": "CVE-2026-1"}],
            "artifact": {"name": "openssl", "version": "1.2.3"},
        },
        {
            "vulnerability": {
                "id": "CVE-2026-2",
                "severity": "Negligible",
                "fix": {"versions": [], "state": "wont-fix"},
            },
            "artifact": {"name": "zlib", "version": "1.0"},
        },
    ],
    "descriptor": {"name": "grype"},
}
TRIVY = {
    "SchemaVersion": 2,
    "ArtifactName": "app",
    "Results": [
        {
            "Target": "app (debian 12)",
            "Vulnerabilities": [
                {
                    "VulnerabilityID": "CVE-2026-1",
                    "PkgName": "openssl",
                    "InstalledVersion": "1.2.3",
                    "FixedVersion": "1.2.4",
                    "Severity": "CRITICAL",
                },
                {"VulnerabilityID": "CVE-2026-3", "PkgName": "tar", "InstalledVersion": "1", "Severity": "UNKNOWN"},
            ],
        },
        {"Target": "/etc/key", "Secrets": [{"RuleID": "private-key", "Severity": "HIGH"}]},
        {"Target": "Dockerfile", "Misconfigurations": [{"ID": "DS002", "Severity": "LOW", "Status": "PASS"}]},
    ],
}


def sarif(**more: Any) -> dict[str, Any]:
    rules = [
        {"id": "CVE-2026-1", "properties": {"security-severity": "9.8"}},
        {"id": "CVE-2026-4", "defaultConfiguration": {"level": "error"}},
    ]
    results = [
        {
            "ruleId": "CVE-2026-1",
            "ruleIndex": 0,
            "message": {"text": "Package: openssl\nInstalled Version: 1.2.3\nSeverity: CRITICAL\nFixed Version: 1.2.4"},
        },
        {
            "ruleId": "CVE-2026-4",
            "message": {"text": "bad"},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": "lib/a.jar"}}}],
        },
        {"ruleId": "CVE-2026-1", "message": {"text": "x"}, "suppressions": [{"kind": "external"}]},
        {"ruleId": "CVE-2026-1", "message": {"text": "y"}, "kind": "pass"},
    ]
    return {"version": "2.1.0", "runs": [{"tool": {"driver": {"rules": rules}}, "results": results, **more}]}


def test_grypes_json_is_read() -> None:
    first, second = scans.read(json.dumps(GRYPE))
    assert (first.id, first.severity, first.package, first.version) == ("GHSA-1", Severity.HIGH, "openssl", "1.2.3")
    assert (first.fixed_in, first.aliases) == ("1.2.4, 1.3.0", ("CVE-2026-1",))
    assert (second.severity, second.fixed_in) == (Severity.NEGLIGIBLE, "")


def test_trivys_json_is_read_with_secrets_and_without_what_passed() -> None:
    found = scans.read(json.dumps(TRIVY))
    assert [(one.id, one.severity.word) for one in found] == [
        ("CVE-2026-1", "critical"),
        ("CVE-2026-3", "unknown"),
        ("private-key", "high"),
    ]


def test_sarif_is_read_without_what_was_suppressed_or_passed() -> None:
    first, second = scans.read(json.dumps(sarif()))
    assert (first.severity, first.package, first.version, first.fixed_in) == (
        Severity.CRITICAL,
        "openssl",
        "1.2.3",
        "1.2.4",
    )
    assert (second.severity, second.package, second.fixed_in) == (Severity.HIGH, "lib/a.jar", None)


def test_the_same_weakness_twice_is_one_finding() -> None:
    doubled = {"matches": GRYPE["matches"] * 3}
    assert len(scans.read(json.dumps(doubled))) == 2


def test_of_two_words_on_the_same_weakness_the_worse_one_counts() -> None:
    place = {"locations": [{"physicalLocation": {"artifactLocation": {"uri": "lib/a.jar"}}}], "message": {"text": "x"}}
    results = [{"ruleId": "R1", "level": level, **place} for level in ("note", "error", "warning")]
    (found,) = scans.read(json.dumps({"runs": [{"results": results}]}))
    assert found.severity is Severity.HIGH
    fix = {"id": "CVE-1", "severity": "High", "fix": {"state": "fixed", "versions": ["2"]}}
    open_ = {"id": "CVE-1", "severity": "High", "fix": {"state": "not-fixed"}}
    for order in ([fix, open_], [open_, fix]):
        matches = [{"vulnerability": one, "artifact": {"name": "a", "version": "1"}} for one in order]
        (found,) = scans.read(json.dumps({"matches": matches}))
        assert found.fixed_in == "2"


def test_a_rule_of_a_plugin_counts_and_an_index_into_its_list_means_no_rule_of_the_tools() -> None:
    """SARIF 2.1.0, 3.49.4 and 3.52: `ruleIndex` is into the list of the tool component that the result names."""
    plugin = {"name": "p", "rules": [{"id": "CVE-2026-9", "properties": {"security-severity": "9.9"}}]}
    said = sarif(results=[{"ruleId": "CVE-2026-9", "ruleIndex": 0, "message": {"text": "x"}}])
    said["runs"][0]["tool"]["driver"]["rules"][0] = {"id": "other", "defaultConfiguration": {"level": "note"}}
    said["runs"][0]["tool"]["extensions"] = [plugin]
    assert [one.severity for one in scans.read(json.dumps(said))] == [Severity.CRITICAL]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("{}", "is neither SARIF nor JSON"),
        ("[]", "is neither SARIF nor JSON"),
        ('{"runs": []}', "nothing was scanned"),
        (json.dumps(sarif(invocations=[{"executionSuccessful": False}])), "says itself that the scan failed"),
        ('{"matches": [3]}', "something else where a finding should be"),
        ('{"matches": [{"vulnerability": {"severity": "High"}, "artifact": {}}]}', "a finding without id"),
        ('{"Results": [{"Vulnerabilities": {}}]}', "no list in Vulnerabilities"),
        ('{"Results": 3}', "something else"),
    ],
)
def test_a_report_that_cannot_be_read_is_broken_and_no_pass(text: str, says: str) -> None:
    with pytest.raises(BrokenScan, match=says):
        scans.read(text)


def test_an_enormous_report_is_refused() -> None:
    with pytest.raises(BrokenScan, match="larger than 64 MiB"):
        scans.read(" " * (scans.MOST_CHARACTERS + 1))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "runs",
                    "results",
                    "matches",
                    "Results",
                    "Vulnerabilities",
                    "tool",
                    "driver",
                    "rules",
                    "fix",
                    "message",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_whatever_json_comes_it_is_findings_or_broken(said: Any) -> None:
    try:
        found = scans.read(json.dumps(said))
    except BrokenScan:
        return
    assert all(isinstance(one, Finding) for one in found)


# ---- the list of accepted findings ------------------------------------------------------------------------------

LIST = """\
- id: CVE-2026-1
  package: openssl
  reason: the code is not reached
  owner: team-shop
  expires: 2026-06-01
- id: private-key
  reason: a key for tests
  owner: team-shop
  expires: 2026-05-31
"""


def test_every_problem_of_the_list_is_said_with_its_line() -> None:
    text = """\
- id: CVE-1
  reason: ""
  owner: ann
  expires: 2026-01-01
- CVE-2
- id: CVE-3
  reason: x
  owner: ann
  expires: soon
  until: 2027-01-01
"""
    with pytest.raises(Unusable) as caught:
        acceptances.read(text, "accepted.yaml")
    said = [(problem.line, problem.what) for problem in caught.value.problems]
    assert [line for line, _ in said] == [1, 5, 9, 10]
    assert "has no reason" in said[0][1]
    assert "is no day" in said[2][1]
    assert "until" in str(caught.value.problems[3])


@pytest.mark.parametrize("text", ["a: 1", "- [", "3"])
def test_what_is_no_list_is_unusable(text: str) -> None:
    with pytest.raises(Unusable):
        acceptances.read(text, "accepted.yaml")


def test_a_finding_accepted_twice_is_a_problem_and_an_empty_file_accepts_nothing() -> None:
    entry = LIST.partition("- id: private")[0]
    with pytest.raises(Unusable, match="accepted"):
        acceptances.read(entry + entry, "accepted.yaml")
    assert acceptances.read("# nothing yet\n", "accepted.yaml") == ()


# ---- the policy -------------------------------------------------------------------------------------------------


def of(text: str = LIST) -> tuple[acceptances.Acceptance, ...]:
    return acceptances.read(text, "accepted.yaml")


def test_an_acceptance_counts_up_to_its_last_day_and_not_after_it() -> None:
    findings = scans.read(json.dumps(TRIVY))
    on_the_day = judged(findings, ScanPolicy(), of(), TODAY)
    assert [finding.id for finding, _ in on_the_day.accepted] == ["CVE-2026-1"]
    assert [finding.id for finding in on_the_day.held] == ["private-key"]
    after = judged(findings, ScanPolicy(), of(), date(2026, 6, 2))
    assert [finding.id for finding in after.held] == ["CVE-2026-1", "private-key"]
    assert "team-shop owns it: the code is not reached" in policy.notes(after)[0]


def test_an_acceptance_of_a_package_is_for_that_package_and_an_alias_is_the_finding() -> None:
    (first, _) = scans.read(json.dumps(GRYPE))
    (entry, _) = of()
    assert entry.covers(first)
    assert not entry.covers(Finding(id="CVE-2026-1", severity=Severity.HIGH, package="libssl"))


def test_only_what_can_be_mended_is_held_where_that_is_asked_and_not_knowing_is_no_excuse() -> None:
    findings = [
        Finding(id="A", severity=Severity.HIGH, fixed_in="2"),
        Finding(id="B", severity=Severity.HIGH, fixed_in=""),
        Finding(id="C", severity=Severity.HIGH, fixed_in=None),
    ]
    assert [one.id for one in judged(findings, ScanPolicy(fixable_only=True), (), TODAY).held] == ["A", "C"]
    assert len(judged(findings, ScanPolicy(), (), TODAY).held) == 3


def test_an_unknown_severity_is_said() -> None:
    found = judged(scans.read(json.dumps(TRIVY)), ScanPolicy(severity=Severity.CRITICAL), of(), TODAY)
    assert found.passed
    assert policy.sentence(found, ScanPolicy(severity=Severity.CRITICAL)) == (
        "nothing critical among 3 findings; 1 accepted; 1 of unknown severity"
    )


def test_the_table_shows_the_worst_first_and_says_how_much_is_left_out() -> None:
    many = [Finding(id=f"CVE-{number:03}", severity=Severity(3 + number % 3)) for number in range(90)]
    lines = policy.table(judged(many, ScanPolicy(severity=Severity.MEDIUM), (), TODAY))
    assert lines[1].startswith("critical")
    assert lines[-1] == "… and 40 more"
    assert len(lines) == 52


SEVERITIES = st.sampled_from(list(Severity))
FINDINGS = st.builds(
    Finding, id=st.sampled_from("abc"), severity=SEVERITIES, package=st.sampled_from(["p", "q"]),
    fixed_in=st.sampled_from([None, "", "2"]),
)  # fmt: skip


@given(st.lists(FINDINGS), SEVERITIES, SEVERITIES, st.booleans())
def test_a_stricter_policy_never_holds_less(findings: list[Finding], one: Severity, two: Severity, only: bool) -> None:
    strict, mild = min(one, two), max(one, two)
    less = judged(findings, ScanPolicy(severity=mild, fixable_only=only), (), TODAY)
    more = judged(findings, ScanPolicy(severity=strict, fixable_only=False), (), TODAY)
    assert set(less.held) <= set(more.held)
