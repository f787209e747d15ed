"""The reference of davy.yaml: a table for every part of the file, out of its JSON Schema."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from davy.pipeline.config.json_schema import schema

BEGIN, END = "<!-- made from the schema: ./dev -s documents -->\n", "<!-- made from the schema: end -->\n"
PARTS = {
    "Config": "The file",
    "ImageConfig": "images[]",
    "SecretConfig": "images[].secrets[]",
    "BuildConfig": "build",
    "ScanConfig": "build.scan",
    "SignConfig": "build.sign",
    "SuiteConfig": "tests[]",
    "ServiceConfig": "tests[].services[]",
    "CloudConfig": "tests[].cloud",
    "ResultsConfig": "results",
    "ArchiveConfig": "results.archive",
    "S3Config": "results.archive.s3",
    "DeployConfig": "deploy",
    "KubernetesConfig": "deploy.kubernetes",
    "CanaryConfig": "canary",
    "StepConfig": "canary.steps[]",
    "ChecksConfig": "checks",
    "PrometheusConfig": "checks.prometheus",
    "BasicAuthConfig": "checks.prometheus.basic_auth",
    "AuthorizationConfig": "checks.prometheus.authorization",
    "OAuth2Config": "checks.prometheus.oauth2",
    "SigV4Config": "checks.prometheus.sigv4",
    "TlsConfig": "checks.prometheus.tls_config",
    "SloConfig": "checks.slos[]",
    "GateConfig": "checks.gate",
    "ThresholdConfig": "checks.thresholds[]",
    "FlaggerConfig": "checks.flagger",
    "KayentaConfig": "checks.kayenta",
}
LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}

Shape = Mapping[str, Any]


def text(document: str) -> str:
    """The document with its made part renewed."""
    before, _, rest = document.partition(BEGIN)
    return f"{before}{BEGIN}\n{reference()}\n{END}{rest.partition(END)[2]}"


def reference() -> str:
    """Every key, its type, default and meaning."""
    whole = schema()
    parts = {"Config": whole, **whole["$defs"]}
    left_out = set(parts) ^ set(PARTS)
    if left_out:
        raise ValueError(f"give {', '.join(sorted(left_out))} a heading in PARTS, or take it away")
    return "\n".join(_section(name, parts[name]) for name in PARTS)


def _section(name: str, part: Shape) -> str:
    needed = set(part.get("required", ()))
    rows = [_row(key, shape, key in needed) for key, shape in part["properties"].items()]
    head = ["| key | type | default | |", "|---|---|---|---|"]
    return "\n".join([f"### {PARTS[name]}", "", *head, *rows, ""])


def _row(key: str, shape: Shape, needed: bool) -> str:
    default = "**needed**" if needed else _default(shape.get("default"))
    said = {word: one[word] for one in (shape, *shape.get("anyOf", ())) for word in LIMITS if word in one}
    limits = ", ".join(f"{LIMITS[word]} {value:g}" for word, value in said.items())
    kind = " ".join(filter(None, (_type(shape), limits)))
    return f"| `{key}` | {kind} | {default} | {shape.get('description', '')} |".replace("  ", " ")


def _default(value: Any) -> str:
    if value is None or value in ({}, []):
        return "none"
    if isinstance(value, bool):
        return f"`{json.dumps(value)}`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return "`" + (", ".join(map(str, value)) if isinstance(value, list) else str(value)) + "`"


def _type(shape: Shape) -> str:
    if "$ref" in shape:
        return _link(shape["$ref"])
    if "anyOf" in shape:
        return " or ".join(dict.fromkeys(_any_of(shape)))
    if "enum" in shape:
        return ", ".join(f"`{choice}`" for choice in shape["enum"])
    match shape.get("type"):
        case "array":
            return f"list of {_type(shape['items'])}"
        case "object":
            return "text by name"
        case "string":
            return "duration" if "500ms" in shape.get("examples", ()) else "text"
        case "boolean":
            return "`true`, `false`"
        case kind:
            return str(kind)


def _any_of(shape: Shape) -> Iterator[str]:
    for one in shape["anyOf"]:
        if "%" in one.get("pattern", ""):
            yield "share"
        elif one.get("type") == "number" and any("%" in other.get("pattern", "") for other in shape["anyOf"]):
            continue  # A share may be written without its sign.
        elif one.get("type") != "null":
            yield _type(one)


def _link(reference: str) -> str:
    heading = PARTS[reference.rsplit("/", 1)[-1]]
    return f"[{heading}](#{heading.lower().replace(' ', '-').replace('.', '').replace('[]', '')})"
