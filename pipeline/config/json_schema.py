"""JSON schema: the JSON Schema of `davy.yaml`, for editors and for people who read."""

import inspect
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from davy.pipeline.config.document import Config
from davy.pipeline.config.parsing import section
from davy.pipeline.config.parsing.section import Section
from davy.pipeline.core.text import time_text

DRAFT = "https://json-schema.org/draft/2020-12/schema"
DURATION = r"^\s*(\d+(\.\d+)?\s*(ms|s|m|h|d)\s*)+$|\$\{"
WEIGHT = {"anyOf": [{"type": "string", "pattern": r"^\s*\d+(\.\d+)?%?\s*$|\$\{"}, {"type": "number"}]}
SERVER: dict[str, Any] = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/PrometheusConfig"}]}
REPLACED = ("type", "items", "minItems")
SHORT_FORMS: dict[tuple[str, str], dict[str, Any]] = {
    ("CanaryConfig", "steps"): {
        "items": {"anyOf": [*WEIGHT["anyOf"], {"$ref": "#/$defs/StepConfig"}]},
        "default": ["10%", "25%", "50%"],
    },
    ("GateConfig", "budget_left"): {"anyOf": WEIGHT["anyOf"], "default": "0%"},
    ("ChecksConfig", "prometheus"): {
        "anyOf": [*SERVER["anyOf"], {"type": "array", "minItems": 1, "items": SERVER}],
        **dict.fromkeys(REPLACED),
    },
}
"""What the parser also takes: `5%` for a step of that weight, a URL for a Prometheus, one for a list of one."""
SAID = {
    ("Config", "build"): "How images are built.",
    ("Config", "results"): "What becomes of the results of suites.",
    ("Config", "service"): "Name of the service, in reports and releases.",
    ("Config", "images"): "Images to build, push and deploy; the first is the one suites run in by default.",
    ("Config", "tests"): "Suites that must pass before any traffic moves.",
    ("Config", "deploy"): "Where it is deployed.",
    ("Config", "canary"): "How much traffic the new version takes, how long, and what happens next.",
    ("Config", "checks"): "What the canary is judged by.",
    ("SuiteConfig", "name"): "Name of the suite; no two share one.",
    ("SuiteConfig", "env"): "Environment of the suite.",
    ("KubernetesConfig", "namespace"): "Namespace of the Deployment.",
    ("KubernetesConfig", "deployment"): "Name of the Deployment.",
    ("DeployConfig", "kubernetes"): "The Deployment and its cluster.",
    ("CanaryConfig", "steps"): "Shares of traffic, growing; `5%`, or a mapping with more to say.",
    ("SloConfig", "name"): "Name of the objective, in verdicts.",
    ("ThresholdConfig", "name"): "Name of the check, in verdicts.",
    ("ThresholdConfig", "query"): "PromQL; `{canary}` and `{stable}` become regexes of pod names.",
    ("ThresholdConfig", "interval"): "Time between measurements.",
    ("ChecksConfig", "flagger"): "How checks of `style: flagger` are counted.",
    ("ChecksConfig", "kayenta"): "For `judge: mannwhitney`: a canary config of Kayenta's and how it is run.",
    ("KayentaConfig", "variables"): "Other variables of its templates: Kayenta's extended scope parameters.",
    ("PrometheusConfig", "url"): "Base URL of the API.",
    ("PrometheusConfig", "timeout"): "An answer that takes longer counts as none.",
    ("ChecksConfig", "prometheus"): "The Prometheus to ask: its URL, or a mapping; or a list of several.",
    ("ChecksConfig", "judge"): "`sequential` compares canary and stable; `threshold` holds queries against limits; "
    "`mannwhitney` is Kayenta's.",
    ("ChecksConfig", "slos"): "Objectives by raw counters, for the sequential judge.",
    ("ChecksConfig", "thresholds"): "Queries held against conditions.",
    ("ChecksConfig", "burn_weight"): "Weight of the burn guard in the roll-back evidence.",
}


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the file, by the keys that the file uses."""
    made = TypeAdapter(Config).json_schema(by_alias=True, mode="validation")
    parts = {"Config": Config} | {kind.__name__: kind for kind in _parts(Config)}
    for name, kind in parts.items():
        document = made if name == "Config" else made["$defs"][name]
        document.pop("title", None)
        # Not every pydantic takes it from the class.
        said = {**document, "description": inspect.cleandoc(kind.__doc__ or "")}
        document.clear()
        document.update(sorted(said.items()))
        for key, shape in document["properties"].items():
            _told(name, key, shape, kind)
    return {"$schema": DRAFT, "title": "davy.yaml", **made}


def _parts(kind: type[Section]) -> list[type[Section]]:
    inner = [one for field in section.fields(kind) for one in section.held(field.type)]
    return inner + [deeper for one in inner for deeper in _parts(one)]


def _told(name: str, key: str, shape: dict[str, Any], kind: type[Section]) -> None:
    shape.pop("title", None)
    for one in (shape, *shape.get("anyOf", ())):
        if "500ms" in one.get("examples", ()):
            one["pattern"] = DURATION
    default = section.keys(kind)[key].default
    if isinstance(default, timedelta):
        shape["default"] = time_text.shown(default)
    elif isinstance(default, Section):
        shape["default"] = {}
    shape |= SHORT_FORMS.get((name, key), {})
    for gone in [word for word, value in shape.items() if value is None and word in REPLACED]:
        del shape[gone]
    if (name, key) in SAID:
        shape["description"] = SAID[name, key]
