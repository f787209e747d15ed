"""A file is attached under a name only where it is such a document."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.registry.ports import Attachment
from davy.pipeline.supply_chain import scan_reports, scans
from davy.pipeline.supply_chain.documents import CYCLONEDX, SARIF, SPDX, wrong

SPDX_3 = {"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": []}


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (SPDX, {"spdxVersion": "SPDX-2.3"}),
        (SPDX, SPDX_3),
        (SPDX, SPDX_3 | {"@context": [SPDX_3["@context"], {}]}),
        (CYCLONEDX, {"bomFormat": "CycloneDX", "specVersion": "1.6"}),
        (SARIF, {"version": "2.1.0", "runs": []}),
        ("text/plain", "anything"),
    ],
)
def test_a_document_is_known_by_its_mark(kind: str, said: object) -> None:
    text = json.dumps(said)
    assert wrong(kind, text.encode()) == wrong(kind, text.encode("utf-8-sig")) == ""


@given(st.binary() | st.recursive(st.none() | st.text(), st.lists).map(lambda said: json.dumps(said).encode()))
def test_what_is_no_object_is_none_of_them(body: bytes) -> None:
    assert all(wrong(kind, body) for kind in (SPDX, CYCLONEDX, SARIF))


def test_what_is_no_sarif_hides_none_and_stands_for_none() -> None:
    result = {"ruleId": "CVE-1", "level": "error"}
    good = json.dumps({"version": "2.1.0", "runs": [{"results": [result]}]}).encode()
    attached = [Attachment(kind=SARIF, body=body) for body in (good, b"{}", b"")]
    assert [one.id for one in scan_reports.findings(attached)] == ["CVE-1"]
    with pytest.raises(scans.BrokenScan, match="is empty"):
        scan_reports.findings(attached[1:])
