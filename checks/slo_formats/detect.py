"""Detect: which tool's each document is, and the reader for it. Pure; the texts are read elsewhere."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from enum import Enum
from typing import assert_never

from davy.checks.slo_formats import argo, flagger, keptn, openslo, pyrra, sloth
from davy.checks.slo_formats.yaml_node import FileContents, YamlNode
from davy.pipeline.config.parsing import yaml_tree
from davy.pipeline.core.errors import Problem

KNOWN = "OpenSLO v1, Sloth, Pyrra; for `davy slo import` also Keptn, an AnalysisTemplate of Argo or a Canary of Flagger"


class Format(Enum):
    """Whose document it is."""

    OPENSLO = "OpenSLO"
    SLOTH = "Sloth"
    PYRRA = "Pyrra"
    KEPTN = "Keptn"
    ARGO = "Argo Rollouts"
    FLAGGER = "Flagger"
    BESIDE = "beside"
    """Known, and holds nothing to judge by."""


KINDS = {
    ("openslo/v1", "SLO"): Format.OPENSLO,
    ("sloth.slok.dev/v1", "PrometheusServiceLevel"): Format.SLOTH,
    ("pyrra.dev/v1alpha1", "ServiceLevelObjective"): Format.PYRRA,
    ("argoproj.io/v1alpha1", "AnalysisTemplate"): Format.ARGO,
    ("argoproj.io/v1alpha1", "ClusterAnalysisTemplate"): Format.ARGO,
    ("flagger.app/v1beta1", "Canary"): Format.FLAGGER,
    ("flagger.app/v1beta1", "MetricTemplate"): Format.BESIDE,
} | {
    ("openslo/v1", kind): Format.BESIDE
    for kind in ("SLI", "Service", "DataSource", "AlertPolicy", "AlertCondition", "AlertNotificationTarget")
}
KAYENTA = ("classifier", "judge", "configVersion")
HELM = re.compile(
    r"\{\{-?\s*(?:/\*|\$|\.(?:Values|Release|Chart|Files)\b"
    r"|(?:range|if|else|with|end|include|template|define|block|toYaml|tpl)\b)"
)
THRESHOLDS = frozenset({Format.KEPTN, Format.ARGO, Format.FLAGGER})


def read(texts: Iterable[tuple[str, str]], *, thresholds: bool = False) -> FileContents:
    """What files hold, of `(path, text)`. A document may refer to one in another file.

    Without `thresholds`, documents that hold only such are problems: they are no objectives.
    """
    found = FileContents()
    documents = [document for file, text in texts for document in _documents(found, file, text)]
    strangers = [document for document in documents if _format(document) is None]
    # Beside something known, what is not is left out by name, as kubectl would apply it; alone it is a mistake.
    some = thresholds and len(strangers) < len(documents)
    for document in strangers:
        (found.refused if some else found.problems).append(document.problem(_unknown(document)))
    for document in documents:
        form = _format(document)
        if form is None:
            continue
        if form in THRESHOLDS and not thresholds:
            what = f"is a document of {form.value}, which holds no objective"
            found.problems.append(document.problem(f"{what}; `davy slo import` says it as `checks.thresholds`"))
        else:
            _read(form, document, documents)
    if thresholds:
        flagger.read_alone(documents)
    if not (found.objectives or found.thresholds or found.refused or found.notes or found.problems):
        for document in documents:
            document.refuse(f"holds no objective: it is {_called(document)}; name what refers to it as well")
    return found.ordered()


def _called(document: YamlNode) -> str:
    kind = document.at("kind").value
    return f"of the kind {kind}" if kind else "a file of `indicators` for Keptn"


def _read(form: Format, document: YamlNode, documents: Sequence[YamlNode]) -> None:
    match form:
        case Format.OPENSLO:
            openslo.read(document, documents)
        case Format.SLOTH:
            sloth.read(document)
        case Format.PYRRA:
            pyrra.read(document)
        case Format.KEPTN:
            keptn.read(document, documents)
        case Format.ARGO:
            argo.read(document)
        case Format.FLAGGER:
            flagger.read(document, documents)
        case Format.BESIDE:
            pass
        case other:
            assert_never(other)


def _documents(found: FileContents, file: str, text: str) -> Iterator[YamlNode]:
    reading = yaml_tree.read_all(text, file)
    found.problems.extend(_told(problem, text) for problem in reading.problems)
    whole = reading.value if isinstance(reading.value, list) else []
    if not any(one is not None for one in whole) and not reading.problems:
        found.problems.append(Problem(what=f"is empty; it may hold documents of {KNOWN}", file=file))
    for index in range(len(whole)):
        # Between two `---` there may be nothing, or a comment: no document to kubectl and Sloth either.
        if whole[index] is not None:
            yield from _flat(YamlNode(found=found, reading=reading, place=(index,), value=whole[index]))


def _told(problem: Problem, text: str) -> Problem:
    """As people know the place: without the document's number, and a template of Helm's as such."""
    path = re.sub(r"^\[\d+\]\.?", "", problem.path)
    if HELM.search(text):
        what = "looks like a template of Helm's; render it first (`helm template …`) and name what comes out"
        return Problem(what=what, file=problem.file, line=problem.line)
    return replace(problem, path=path)


def _flat(node: YamlNode) -> Iterator[YamlNode]:
    """A list of objects, and Kubernetes' own kind of list, are the documents in it."""
    items = node.at("items") if node.at("kind").value in ("List", "ServiceLevelObjectiveList") else node
    if isinstance(items.value, list):
        for item in items.each():
            yield from _flat(item)
    else:
        yield node


def _format(document: YamlNode) -> Format | None:
    version, kind = document.at("apiVersion").value, document.at("kind").value
    if document.at("version").value == "prometheus/v1":
        return Format.SLOTH
    if document.at("spec_version").there:
        is_slo = isinstance(document.value, dict) and "objectives" in document.value
        return Format.KEPTN if is_slo else Format.BESIDE
    return KINDS.get((str(version), str(kind)))


def _unknown(document: YamlNode) -> str:
    if not isinstance(document.value, dict):
        return f"is no mapping of keys; it must be {KNOWN}"
    version, kind = document.at("apiVersion").value, document.at("kind").value
    if document.at("metrics").there and any(document.at(key).there for key in KAYENTA):
        return "is a canary config of Kayenta's; `checks.kayenta.config` takes it as it is"
    if isinstance(version, str) and version.startswith("openslo"):
        return f"is {kind} of {version}; davy reads openslo/v1"
    keys = ("apiVersion", "kind", "version", "spec_version")
    here = [f"{key} {document.at(key).value}" for key in keys if document.at(key).there]
    has = ", ".join(here) or "no `apiVersion` and no `version`"
    return f"is of no kind that davy reads (it has {has}); it must be {KNOWN}"
