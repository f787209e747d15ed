"""Attestations: what is said of an image, as in-toto statements that others can read and sign.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from davy.pipeline.core.artifacts import Image, Revision
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import CanaryFinished, Result, SuiteFinished
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.images import oci
from davy.pipeline.core.json import codec
from davy.pipeline.core.text import moments
from davy.pipeline.core.verdict import Verdict
from davy.pipeline.registry.artifact import CREATED
from davy.pipeline.registry.ports import Attachment

IN_TOTO = "application/vnd.in-toto+json"
TYPE = "https://in-toto.io/Statement/v1"
PREDICATE = "in-toto.io/predicate-type"
"""The annotation by which buildx says it, too."""
PROVENANCE = "https://slsa.dev/provenance/v1"
TESTED = "https://in-toto.io/attestation/test-result/v0.1"
JUDGED = "https://davy.dev/attestation/canary-verdict/v1"
BUILD_TYPE = "https://davy.dev/build/v1"
OUTCOMES = {
    Ending.DONE: "promoted",
    Ending.ROLLED_BACK: "rolled_back",
    Ending.UNDECIDED: "undecided",
    Ending.INTERRUPTED: "interrupted",
    Ending.STUCK: "stuck",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """The run that a statement comes from."""

    release: str
    service: str
    runner: str
    """Who runs it: the CI job's link, or `user@host`."""
    at: datetime
    revision: Revision | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """How an image was made, for a builder that says nothing of it itself."""

    name: str
    dockerfile: str
    target: str = ""
    args: Mapping[str, str] = field(default_factory=dict)
    platforms: tuple[str, ...] = ()
    bases: Mapping[str, str] = field(default_factory=dict)
    """By reference, the digest that it was pinned to."""
    version: str = ""
    """Of davy."""


def tested(image: Image, suites: Sequence[SuiteFinished], occasion: Occasion) -> Attachment:
    """The suites' results; each suite is a test of the statement, for the cases are in the JUnit."""
    names = {result: [suite.suite for suite in suites if suite.result is result] for result in Result}
    predicate = {
        "result": "FAILED" if names[Result.FAILED] else "PASSED",
        "configuration": _source(occasion.revision),
        "passedTests": names[Result.PASSED],
        "warnedTests": names[Result.SKIPPED],
        "failedTests": names[Result.FAILED],
        "davy": {**_occasion(occasion), "suites": [_suite(suite) for suite in suites]},
    }
    if occasion.runner.startswith("https://"):
        predicate["url"] = occasion.runner
    return stated(image, TESTED, predicate, occasion)


def judged(image: Image, end: CanaryFinished, verdict: Verdict | None, occasion: Occasion) -> Attachment:
    """How the canary ended, and the last verdict with its numbers."""
    predicate: dict[str, Any] = {
        "result": OUTCOMES.get(end.ending, end.ending.name.lower()),
        "sentence": end.sentence,
        "weights": list(end.weights),
        **_occasion(occasion),
        "finishedOn": moments.rfc3339(occasion.at),
    }
    if verdict is not None:
        # The counts of every window are in the journal; here the sums are enough.
        predicate["verdict"] = {key: held for key, held in codec.plain(verdict).items() if key != "windows"}
    return stated(image, JUDGED, predicate, occasion)


def provenance(image: Image, making: Making, occasion: Occasion) -> Attachment:
    """SLSA provenance v1, as far as davy knows it: https://slsa.dev/spec/v1.0/provenance."""
    parameters = {
        "dockerfile": making.dockerfile,
        "target": making.target,
        "args": dict(making.args),
        "platforms": list(making.platforms),
    }
    bases = [
        {"uri": f"pkg:docker/{quote(name, safe='/:')}", "digest": {"sha256": digest.removeprefix("sha256:")}}
        for name, digest in sorted(making.bases.items())
        if digest
    ]
    predicate = {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {key: value for key, value in parameters.items() if value},
            "resolvedDependencies": [*_source(occasion.revision), *bases],
        },
        "runDetails": {
            "builder": {"id": occasion.runner, "version": {"davy": making.version}},
            "metadata": {"invocationId": occasion.release, "finishedOn": moments.rfc3339(occasion.at)},
        },
    }
    return stated(image, PROVENANCE, predicate, occasion)


def stated(image: Image, kind: str, predicate: Mapping[str, Any], occasion: Occasion) -> Attachment:
    """Any predicate as evidence on the image."""
    subject = {"name": image.name, "digest": {"sha256": image.digest.removeprefix("sha256:")}}
    body = oci.packed({"_type": TYPE, "subject": [subject], "predicateType": kind, "predicate": predicate})
    annotations = {CREATED: moments.rfc3339(occasion.at), PREDICATE: kind, "dev.davy.release": occasion.release}
    return Attachment(kind=IN_TOTO, body=body, media_type=IN_TOTO, annotations=annotations)


def _source(revision: Revision | None) -> list[dict[str, Any]]:
    if revision is None:
        return []
    named = {"uri": f"git+{revision.source}"} if revision.source else {"name": "source"}
    dirty = {"annotations": {"dirty": True}} if revision.dirty else {}
    return [{**named, "digest": {"gitCommit": revision.sha}, **dirty}]


def _occasion(occasion: Occasion) -> dict[str, Any]:
    return {"release": occasion.release, "service": occasion.service, "runner": occasion.runner}


def _suite(suite: SuiteFinished) -> dict[str, Any]:
    counts: Iterable[str] = ("passed", "failed", "errors", "skipped")
    said = {name: getattr(suite, name) for name in counts}
    return {"name": suite.suite, "result": suite.result.value, "seconds": suite.took.total_seconds(), **said}
