"""Masked attachment: evidence as others may read it, with no secret in it."""

from dataclasses import replace

from davy.pipeline.core.json import tree as jsontree
from davy.pipeline.core.secrets.masks import Masks
from davy.pipeline.registry.ports import Attachment


def masked_evidence(evidence: Attachment, masks: Masks) -> Attachment:
    """The same where it holds none. JSON is masked by its values, so that it stays JSON."""
    annotations = masks.value(evidence.annotations)
    body = _body(evidence.body, masks)
    if body == evidence.body and annotations == evidence.annotations:
        return evidence
    return replace(evidence, body=body, annotations=annotations)


def _body(body: bytes, masks: Masks) -> bytes:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body
    if not masks.secrets or masks.text(text) == text:
        return body
    try:
        tree = jsontree.parsed(text)
    except (ValueError, RecursionError):
        return masks.text(text).encode()
    return jsontree.compact(masks.value(tree)).encode()
