"""Documents: whether a file is what it is said to be, before it is attached to an image under that name."""

from typing import Any

from davy.pipeline.core.json import tree

SPDX, CYCLONEDX, SARIF = "application/spdx+json", "application/vnd.cyclonedx+json", "application/sarif+json"
SPDX_3 = "https://spdx.org/rdf/3."
"""What the `@context` of its JSON-LD begins with: https://spdx.github.io/spdx-spec/v3.0.1/serializations/."""


def wrong(kind: str, body: bytes) -> str:
    """Why the body is no document of this media type: what it is or lacks; empty where it is, or the type is unknown.

    Its mark and its outermost shape are looked at, as each standard demands them; its content is not.
    """
    if kind not in (SPDX, CYCLONEDX, SARIF):
        return ""
    try:
        said = tree.parsed(body)
    except (ValueError, RecursionError):
        return "is no JSON" if body.strip() else "is empty"
    if not isinstance(said, dict):
        return "is JSON, and no object"
    if kind == SPDX:
        return _spdx(said)
    if kind == CYCLONEDX:
        return "" if said.get("bomFormat") == "CycloneDX" else 'does not say `"bomFormat": "CycloneDX"`'
    return _sarif(said)


def _spdx(said: dict[str, Any]) -> str:
    if str(said.get("spdxVersion", "")).startswith("SPDX-"):
        return ""
    contexts = said.get("@context")
    named = contexts if isinstance(contexts, list) else [contexts]
    if any(str(one).startswith(SPDX_3) for one in named) and isinstance(said.get("@graph"), list):
        return ""
    return "has neither the `spdxVersion` of SPDX 2 nor the `@context` and `@graph` of SPDX 3"


def _sarif(said: dict[str, Any]) -> str:
    if not str(said.get("version", "")).startswith("2.1"):
        return 'does not say `"version": "2.1.0"`'
    return "" if isinstance(said.get("runs"), list) else "has no list of `runs`"
