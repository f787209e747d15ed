"""What davy says of an image, and what it makes of what others said."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.core.artifacts import Image, Revision
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import CanaryFinished, Result, SuiteFinished
from davy.pipeline.core.images import oci
from davy.pipeline.core.verdict import Decision, Verdict
from davy.pipeline.registry import artifact
from davy.pipeline.registry.ports import Attachment
from davy.pipeline.supply_chain import attestations, evidence, image_facts
from davy.pipeline.supply_chain.attestations import Making, Occasion
from davy.pipeline.supply_chain.evidence import Claim

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
IMAGE = Image(name="registry.test/shop/app", digest="sha256:" + "ab" * 32)
REVISION = Revision(sha="c" * 40, committed_at=AT, source="https://git.test/shop", dirty=True)


def occasion(at: datetime = AT) -> Occasion:
    return Occasion(release="app-1", service="app", runner="https://ci.test/1", at=at, revision=REVISION)


def suite(name: str, result: Result = Result.PASSED) -> SuiteFinished:
    return SuiteFinished(at=AT, suite=name, result=result, took=timedelta(seconds=2), passed=3)


def ended(ending: Ending) -> CanaryFinished:
    return CanaryFinished(at=AT, ending=ending, sentence="said", weights=(5.0, 25.0))


def test_a_test_result_is_a_statement_about_the_digest_in_the_words_of_its_specification() -> None:
    made = attestations.tested(IMAGE, [suite("unit"), suite("e2e", Result.FAILED)], occasion())
    said = json.loads(made.body)
    assert said["_type"] == "https://in-toto.io/Statement/v1"
    assert said["subject"] == [{"name": IMAGE.name, "digest": {"sha256": "ab" * 32}}]
    assert said["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    predicate = said["predicate"]
    assert (predicate["result"], predicate["passedTests"], predicate["failedTests"]) == ("FAILED", ["unit"], ["e2e"])
    assert predicate["configuration"][0]["digest"] == {"gitCommit": "c" * 40}
    assert predicate["url"] == "https://ci.test/1"


def test_the_canarys_end_is_said_with_its_verdict_and_shares() -> None:
    verdict = Verdict(at=AT, decision=Decision.PROMOTE, sentence="good")
    said = json.loads(attestations.judged(IMAGE, ended(Ending.DONE), verdict, occasion()).body)["predicate"]
    assert (said["result"], said["weights"], said["verdict"]["sentence"]) == ("promoted", [5.0, 25.0], "good")
    assert "windows" not in said["verdict"]


def test_provenance_names_the_commit_the_bases_and_who_built() -> None:
    making = Making(
        name=IMAGE.name,
        dockerfile="Dockerfile",
        args={"A": "1"},
        bases={"docker.io/library/python:3": "sha256:" + "0" * 64},
    )
    said = json.loads(attestations.provenance(IMAGE, making, occasion()).body)["predicate"]
    assert said["buildDefinition"]["externalParameters"] == {"dockerfile": "Dockerfile", "args": {"A": "1"}}
    commit, base = said["buildDefinition"]["resolvedDependencies"]
    assert (commit["uri"], commit["annotations"]) == ("git+https://git.test/shop", {"dirty": True})
    assert base["digest"] == {"sha256": "0" * 64}
    assert said["runDetails"]["builder"]["id"] == "https://ci.test/1"


def test_what_davy_says_it_understands_again() -> None:
    good = evidence.said(attestations.tested(IMAGE, [suite("unit")], occasion()))
    assert (good.claim, good.result, good.good, good.about, good.by) == (
        Claim.TESTS, "PASSED", True, IMAGE.digest, "https://ci.test/1",
    )  # fmt: skip
    bad = evidence.said(attestations.judged(IMAGE, ended(Ending.ROLLED_BACK), None, occasion()))
    assert (bad.claim, bad.result, bad.good) == (Claim.CANARY, "rolled_back", False)


def test_the_newest_word_counts() -> None:
    old = evidence.said(attestations.tested(IMAGE, [suite("unit")], occasion()))
    new = evidence.said(attestations.tested(IMAGE, [suite("unit", Result.FAILED)], occasion(AT + timedelta(hours=1))))
    (why,) = evidence.missing([Claim.TESTS], [new, old], IMAGE.digest)
    assert "FAILED" in why
    assert evidence.missing([Claim.TESTS], [old], IMAGE.digest) == ()


def test_evidence_of_another_image_or_of_none_is_none() -> None:
    other = Image(name=IMAGE.name, digest="sha256:" + "00" * 32)
    found = evidence.said(attestations.tested(other, [suite("unit")], occasion()))
    assert "nothing of tests" in evidence.missing([Claim.TESTS], [found], IMAGE.digest)[0]
    bare = Attachment(
        kind=attestations.IN_TOTO,
        body=oci.packed({"predicateType": attestations.TESTED, "predicate": {"result": "PASSED"}}),
    )
    (why,) = evidence.missing([Claim.TESTS], [evidence.said(bare)], IMAGE.digest)
    assert "does not say that it is about" in why


def test_statements_in_envelopes_and_bundles_are_read_too() -> None:
    body = attestations.tested(IMAGE, [suite("unit")], occasion()).body
    envelope = {"payloadType": attestations.IN_TOTO, "payload": base64.b64encode(body).decode(), "signatures": []}
    for wrapped in (envelope, {"dsseEnvelope": envelope}):
        found = evidence.said(Attachment(kind="application/vnd.dsse.envelope.v1+json", body=oci.packed(wrapped)))
        assert (found.claim, found.about) == (Claim.TESTS, IMAGE.digest)


@pytest.mark.parametrize(
    ("kind", "claim"),
    [
        ("application/spdx+json", Claim.SBOM),
        ("application/vnd.cyclonedx+json", Claim.SBOM),
        ("application/sarif+json", Claim.SCAN),
        ("application/vnd.dev.cosign.artifact.sig.v1+json", Claim.SIGNATURE),
        ("application/vnd.cncf.notary.signature", Claim.SIGNATURE),
        ("text/plain", Claim.OTHER),
    ],
)
def test_what_others_attach_is_told_by_its_type(kind: str, claim: Claim) -> None:
    assert evidence.said(Attachment(kind=kind, body=b"")).claim is claim


@given(st.binary(max_size=200))
def test_no_body_can_break_the_reading(body: bytes) -> None:
    assert evidence.said(Attachment(kind="x/y", body=body)).claim is Claim.OTHER


# ---- manifests --------------------------------------------------------------------------------------------------

HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
ENTRY = st.builds(oci.Descriptor, digest=HEX.map("sha256:{}".format), size=st.integers(0, 9), kind=st.text(max_size=3))


@given(st.lists(ENTRY, max_size=6), st.randoms())
def test_the_list_of_what_is_attached_is_the_same_bytes_whoever_writes_it(
    entries: list[oci.Descriptor], chance
) -> None:
    once = {entry.digest: entry for entry in entries}
    mixed = list(once.values())
    chance.shuffle(mixed)
    made = artifact.listing(mixed)
    assert made == artifact.listing(once.values())
    assert {child.digest for child in oci.contents(made).children} == set(once)


def test_an_artifact_points_to_its_subject_and_has_a_configuration_that_every_registry_can_hold() -> None:
    subject = oci.Descriptor(digest=IMAGE.digest, size=7, media_type=oci.OCI_INDEX)
    made = json.loads(artifact.artifact(subject, Attachment(kind="a/b", body=b"body", annotations={"k": "v"})))
    assert made["subject"] == {"mediaType": oci.OCI_INDEX, "digest": IMAGE.digest, "size": 7}
    assert (made["artifactType"], made["annotations"], made["config"]["size"]) == ("a/b", {"k": "v"}, 2)
    assert artifact.fallback_tag(IMAGE.digest) == "sha256-" + "ab" * 32


def test_an_indexs_platforms_and_buildx_attestations_are_told_apart() -> None:
    child = {"mediaType": oci.OCI_MANIFEST, "size": 1}
    marks = {"vnd.docker.reference.type": "attestation-manifest"}
    said = {
        "schemaVersion": 2,
        "manifests": [
            {**child, "digest": "sha256:1", "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
            {
                **child,
                "digest": "sha256:2",
                "platform": {"os": "unknown", "architecture": "unknown"},
                "annotations": marks,
            },
        ],
        "annotations": {"a": "1"},
    }
    found = image_facts.facts(oci.packed(said))
    assert (found.platforms, found.attestations, found.annotations) == (("linux/arm64/v8",), ("sha256:2",), {"a": "1"})


def test_an_index_is_given_annotations_and_keeps_its_children() -> None:
    said = {"schemaVersion": 2, "mediaType": oci.DOCKER_LIST, "manifests": [{"digest": "sha256:1", "size": 1}]}
    made = json.loads(oci.annotated(oci.packed(said), oci.based({}, "docker.io/library/python:3", "sha256:9")))
    assert made["manifests"] == said["manifests"]
    assert made["mediaType"] == oci.OCI_INDEX
    assert made["annotations"] == {
        "org.opencontainers.image.base.name": "docker.io/library/python:3",
        "org.opencontainers.image.base.digest": "sha256:9",
    }
