"""Run: what `davy image …` does: promote, copy, attach, sign, verify, scan."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from davy.pipeline.config import file
from davy.pipeline.config.document import DeliveryConfig
from davy.pipeline.config.sections.build import SignConfig
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Missing, Problem, Rejected, Unusable
from davy.pipeline.core.images import references
from davy.pipeline.core.text import moments
from davy.pipeline.core.text.sanitize import one_line
from davy.pipeline.files import plain_file
from davy.pipeline.registry.artifact import CREATED
from davy.pipeline.registry.dry_run import ForeseenImages
from davy.pipeline.registry.ports import Attachment, ImageStore
from davy.pipeline.supply_chain import documents, evidence, policy
from davy.pipeline.supply_chain.evidence import KINDS, Claim
from davy.pipeline.supply_chain.ports import Signer
from davy.pipeline.supply_chain.scans import Finding
from davy.workflows import wiring
from davy.workflows.images import builder_attestations, scangate
from davy.workflows.images import scan as scanning
from davy.workflows.images import show as showing
from davy.workflows.images.options import (
    AttachOptions,
    CopyOptions,
    GateOptions,
    ImageOptions,
    KeyOptions,
    PromoteOptions,
    ScanOptions,
    ShowOptions,
    SignOptions,
    TrustOptions,
    VerifyOptions,
    WriteOptions,
)
from davy.workflows.render.json_text import json_text
from davy.workflows.story import command_line

CHECK, HUB = "Check the name and the tag.", "Check them, or write registry/name where it is not on Docker Hub."
MOST_ATTACHED_BYTES = 32 * 2**20


def _config(path: Path) -> DeliveryConfig | None:
    """The file's, where there is one: none is needed to look at an image."""
    if not path.exists() and not command_line.was_said("file"):
        return None
    config = file.delivery(path, os.environ)
    wiring.masks(config, path.resolve().parent)
    return config


@contextmanager
def _opened(options: ImageOptions) -> Iterator[tuple[ImageStore, Image, DeliveryConfig | None]]:
    """The store, which only tells where nothing is to be written, the image meant, and the file's configuration.

    Raises Missing, Unusable.
    """
    reference, config = references.read(options.reference), _config(options.file)
    hub = references.on_the_hub(options.reference)
    if hub:
        _talk(f"`{options.reference}` alone means {hub} on Docker Hub; for another write registry/name")
    with closing(wiring.images(config)) as real:
        store: ImageStore = ForeseenImages(real, _talk) if _is_dry(options) else real
        digest = store.digest(reference.name, reference.wanted)
        if digest is None:
            raise Missing(f"There is no {options.reference} in its registry.", remedy=HUB if hub else CHECK)
        yield store, Image(name=reference.name, digest=digest), config


def _is_dry(options: ImageOptions) -> bool:
    return isinstance(options, WriteOptions) and options.dry_run


def _talk(line: str) -> None:
    click.echo(one_line(line), err=True)


def show(options: ShowOptions) -> Ending:
    """One image with all that is said of it."""
    with _opened(options.image) as (store, image, _):
        showing.shown(store, image, options.image.output)
    return Ending.DONE


def promote(options: PromoteOptions) -> Ending:
    """Tags, moved to the very digest. Raises Rejected where evidence that is asked for is missing."""
    tags, wanted = references.tags(options.tags), _claims(options.require)
    with _opened(options.image) as (store, image, config):
        _required(options, config, store, image, wanted)
        store.tag(image, tags)
    named = [f"{image.name}:{tag}" for tag in tags]
    document = {"image": image.reference, "tags": list(tags), "required": [claim.value for claim in wanted]}
    _print(options.image, "davy_promotion", document, [f"{name} is {image.digest}" for name in named])
    return Ending.DONE


def _claims(words: Sequence[str]) -> tuple[Claim, ...]:
    asked = [part.strip() for word in words for part in word.split(",") if part.strip()]
    known = [claim.value for claim in Claim if claim not in (Claim.INPUTS, Claim.OTHER)]
    problems = tuple(
        Problem(what=f"--require {word!r} is none of {', '.join(known)}") for word in asked if word not in known
    )
    if problems:
        raise Unusable("Nobody knows such evidence.", problems=problems)
    return tuple(dict.fromkeys(Claim(word) for word in asked))


def _required(
    options: PromoteOptions, config: DeliveryConfig | None, store: ImageStore, image: Image, wanted: Sequence[Claim]
) -> None:
    if not wanted:
        return
    plain = [claim for claim in wanted if claim is not Claim.SIGNATURE]
    attached = store.attached(image) if plain else ()
    claims = [evidence.said(one) for one in attached]
    lacking = list(evidence.missing(plain, [*claims, *builder_attestations.claims(store, image)], image.digest))
    if Claim.SCAN in (claim.claim for claim in claims) and Claim.SCAN in wanted:
        refused = scangate.refused(attached, scangate.gate(options.image.file, GateOptions(), config))
        for line in refused.lines:
            _talk(line)
        lacking += [refused.why] if refused.why else []
    if Claim.SIGNATURE in wanted and (why := _signer(options.trust, options.image.file, config).verify(image)):
        lacking.append(f"it is not signed as it should be: {why}")
    if lacking:
        raise Rejected(
            f"{image.reference} is not promoted: {'; '.join(lacking)}.",
            remedy="`davy image show` lists what is attached; `davy test` and `davy release` attach their verdicts.",
        )


def copy(options: CopyOptions) -> Ending:
    """The same image under another name."""
    name = references.name(options.name)
    with _opened(options.image) as (store, image, _):
        copied = store.copy(image, name)
        tags = references.tags(options.tags)
        if options.image.dry_run:
            for tag in tags:
                _talk(f"would put {name}:{tag} on {copied.digest}")
        elif tags:
            store.tag(copied, tags)
    document = {"image": copied.reference, "from": image.reference, "tags": list(tags)}
    _print(options.image, "davy_copy", document, [copied.reference])
    return Ending.DONE


def attach(options: AttachOptions) -> Ending:
    """A file, as evidence."""
    path = options.path
    try:
        body = plain_file.content(path, MOST_ATTACHED_BYTES)
    except OSError as error:
        remedy = "Attach a plain file of at most 32 MiB."
        raise Unusable(f"{path} {plain_file.why(error)}.", remedy=remedy) from error
    kind = str(KINDS.get(options.kind, options.kind))
    if "/" not in kind:
        known = ", ".join(KINDS)
        raise Unusable(f"--kind {kind!r} is neither a media type nor one of {known}.")
    if why := documents.wrong(kind, body):
        raise Unusable(
            f"{path} is no {options.kind} document: it {why}.", remedy="Attach the file that the tool wrote."
        )
    # By the file's own time, so that the same file twice is attached once.
    made = _time(path)
    named = {CREATED: made, "org.opencontainers.image.title": path.name}
    with _opened(options.image) as (store, image, _):
        digest = store.attach(image, Attachment(kind=kind, body=body, media_type=kind, annotations=named))
    document = {"image": image.reference, "kind": kind, "digest": digest}
    _print(options.image, "davy_attachment", document, [digest] if digest else [])
    return Ending.DONE


def _time(path: Path) -> str:
    return moments.rfc3339(datetime.fromtimestamp(path.stat().st_mtime, UTC))


def sign(options: SignOptions) -> Ending:
    """Signed by cosign."""
    with _opened(options.image) as (_, image, config):
        if options.image.dry_run:
            _talk(f"would sign {image.reference}")
        else:
            _signer(options.key, options.image.file, config).sign(image)
    document = {"image": image.reference, "signed": not options.image.dry_run}
    _print(options.image, "davy_signature", document, [image.reference])
    return Ending.DONE


def verify(options: VerifyOptions) -> Ending:
    """Whether it is signed as it should be."""
    with _opened(options.image) as (_, image, config):
        why = _signer(options.trust, options.image.file, config).verify(image)
    if why:
        raise Rejected(f"{image.reference} is not signed as it should be: {why}")
    _print(options.image, "davy_verification", {"image": image.reference, "verified": True}, [image.reference])
    return Ending.DONE


def _signer(options: KeyOptions, path: Path, config: DeliveryConfig | None) -> Signer:
    """By the command line, over what the file says."""
    kept = (config.build.sign if config else None) or SignConfig()
    words = {"key": options.key}
    if isinstance(options, TrustOptions):
        words |= {"public_key": options.public_key, "identity": options.identity, "issuer": options.issuer}
    named: dict[str, Any] = {key: word for key, word in words.items() if word}
    if options.no_log:
        named["log"] = False
    folder = path.resolve().parent
    # A key named on the command line is relative to where one stands.
    named |= {
        key: str(Path(named[key]).resolve()) for key in ("key", "public_key") if "://" not in named.get(key, "://")
    }
    return wiring.signer(kept.copied(**named), folder, config)


def scan(options: ScanOptions) -> Ending:
    """A scanner's reports held against the policy; REJECTED where the image is refused."""
    references.read(options.image.reference)
    gate = scangate.gate(options.image.file, options.gate, _config(options.image.file))
    by, judgement = gate.policy, gate.judged(one for report in options.reports for one in scanning.findings(report))
    document = {
        "image": options.image.reference,
        "passed": judgement.passed,
        "sentence": policy.sentence(judgement, by),
        "held": [_finding(one) for one in judgement.held],
        "accepted": [
            {**_finding(one), "owner": entry.owner, "reason": entry.reason} for one, entry in judgement.accepted
        ],
        "notes": list(policy.notes(judgement)),
    }
    for note in policy.notes(judgement):
        _talk(f"note: {note}")
    table = () if judgement.passed else policy.table(judgement)
    _print(options.image, "davy_scan", document, [*table, policy.sentence(judgement, by)])
    return Ending.DONE if judgement.passed else Ending.REJECTED


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "id": one.id,
        "severity": one.severity.word,
        "package": one.package,
        "version": one.version,
        "fixed_in": one.fixed_in,
    }


def _print(options: ImageOptions, kind: str, document: Mapping[str, Any], lines: Sequence[str]) -> None:
    """The result on stdout; under a dry run it is what would be."""
    dry = {"dry_run": True} if _is_dry(options) else {}
    if options.output == "json":
        click.echo(json_text({kind: 1, **document, **dry}))
    elif not dry:
        for line in lines:
            click.echo(one_line(line))
