"""Evidence: what is attached to an image, read into claims that a promotion can ask for."""

import base64
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.images import oci
from davy.pipeline.core.json import tree
from davy.pipeline.registry.artifact import CREATED
from davy.pipeline.registry.ports import Attachment
from davy.pipeline.supply_chain import attestations, documents

SBOMS = ("https://spdx.dev/Document", "https://cyclonedx.org/bom")
KINDS = {
    "spdx": documents.SPDX,
    "cyclonedx": documents.CYCLONEDX,
    "sarif": documents.SARIF,
    "in-toto": attestations.IN_TOTO,
    "vex": "application/vnd.openvex+json",
}
"""Short names of media types."""
BUNDLE = "application/vnd.dev.sigstore.bundle"
SIGNATURES = ("application/vnd.dev.cosign.artifact.sig", "application/vnd.cncf.notary.signature")


class Claim(StrEnum):
    """What evidence can be of."""

    TESTS = "tests"
    CANARY = "canary"
    PROVENANCE = "provenance"
    SBOM = "sbom"
    SCAN = "scan"
    SIGNATURE = "signature"
    INPUTS = "inputs"
    """What it was made from: davy's own record, for the next `davy build`."""
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadClaim:
    """One piece of evidence as a claim."""

    claim: Claim
    kind: str
    """Its predicate type, or its media type."""
    result: str = ""
    """`PASSED`, `promoted`, …; empty for what has none."""
    good: bool = True
    at: str = ""
    by: str = ""
    digest: str = ""
    about: str = ""
    """The digest that the statement itself names; empty where it names none."""


def said(evidence: Attachment) -> ReadClaim:
    """What it claims. Nothing is trusted: what cannot be read claims nothing."""
    statement = _statement(evidence)
    kind = str(statement.get("predicateType") or evidence.annotations.get(attestations.PREDICATE) or evidence.kind)
    predicate = _part(statement, "predicate")
    result = str(predicate.get("result") or "")[:40]
    claim = _claim(kind, evidence.kind)
    own = _part(predicate, "davy") or predicate
    return ReadClaim(
        claim=claim,
        kind=kind,
        result=result if claim in (Claim.TESTS, Claim.CANARY) else "",
        good=_is_good(claim, result),
        at=evidence.annotations.get(CREATED, ""),
        by=str(own.get("runner") or "")[:200],
        digest=evidence.digest,
        about=_subject(statement),
    )


def of_kind(kind: str, about: str) -> ReadClaim:
    """A claim that is known by its predicate type alone."""
    return ReadClaim(claim=_claim(kind, ""), kind=kind, about=about)


def missing(wanted: Sequence[Claim], claims: Iterable[ReadClaim], digest: str) -> tuple[str, ...]:
    """Why the image has not what is asked for, a sentence each; of several of a kind the newest counts."""
    found = sorted((one for one in claims if one.about in ("", digest)), key=lambda one: one.at)
    newest = {one.claim: one for one in found}
    sentences = []
    for claim in wanted:
        one = newest.get(claim)
        if one is None:
            sentences.append(f"nothing of {claim.value} is attached to {digest}")
        elif not one.good:
            when = f" of {one.at}" if one.at else ""
            sentences.append(f"the newest word of {claim.value}{when} is {one.result or 'not readable'}")
        elif not one.about and claim in (Claim.TESTS, Claim.CANARY):
            sentences.append(f"the word of {claim.value} does not say that it is about {digest}")
    return tuple(sentences)


def _is_good(claim: Claim, result: str) -> bool:
    match claim:
        case Claim.TESTS:
            return result in ("PASSED", "WARNED")
        case Claim.CANARY:
            return result == "promoted"
        case _:
            return True


def _claim(kind: str, media_type: str) -> Claim:
    if kind == attestations.TESTED:
        return Claim.TESTS
    if kind == attestations.JUDGED:
        return Claim.CANARY
    if kind.startswith("https://slsa.dev/provenance/"):
        return Claim.PROVENANCE
    if kind.startswith(SBOMS) or media_type in (KINDS["spdx"], KINDS["cyclonedx"]):
        return Claim.SBOM
    if media_type == oci.INPUTS:
        return Claim.INPUTS
    if media_type == KINDS["sarif"]:
        return Claim.SCAN
    if media_type.startswith(SIGNATURES) or "sigstore.dev/cosign/sign" in kind or media_type.startswith(BUNDLE):
        return Claim.SIGNATURE
    return Claim.OTHER


def _statement(evidence: Attachment) -> dict[str, Any]:
    """The in-toto statement in it, also in an envelope or in sigstore's bundle; empty where there is none."""
    whole = _read(evidence.body)
    envelope = _part(whole, "dsseEnvelope") or whole
    payload = envelope.get("payload")
    if isinstance(payload, str):
        try:
            return _read(base64.b64decode(payload))
        except ValueError:
            return {}
    return whole if "predicateType" in whole else {}


def _read(body: bytes) -> dict[str, Any]:
    try:
        found = tree.parsed(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _part(whole: dict[str, Any], key: str) -> dict[str, Any]:
    held = whole.get(key)
    return held if isinstance(held, dict) else {}


def _subject(statement: dict[str, Any]) -> str:
    subjects = statement.get("subject")
    for subject in subjects if isinstance(subjects, list) else ():
        digest = _part(subject, "digest").get("sha256") if isinstance(subject, dict) else None
        if isinstance(digest, str):
            return f"sha256:{digest}"
    return ""
