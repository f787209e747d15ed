"""Environment: what stands around a Deployment and could pull at it, from documents. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from davy.canary.platforms.kubernetes.documents import annotations, containers, images, labels
from davy.canary.platforms.kubernetes.selectors import selects
from davy.canary.ports.surroundings import Autoscaler, Budget, Surroundings

Doc = Mapping[str, Any]

ARGO_ID = "argocd.argoproj.io/tracking-id"
FLUX = {"kustomize.toolkit.fluxcd.io/name": "Flux Kustomization", "helm.toolkit.fluxcd.io/name": "Flux HelmRelease"}
FIELD_MANAGERS = {
    "argocd-controller": "Argo CD",
    "kustomize-controller": "Flux Kustomization",
    "helm-controller": "Flux HelmRelease",
}


def surroundings_of(
    deployment: Doc, *, autoscalers: Sequence[Doc], budgets: Sequence[Doc], missing_rights: tuple[str, ...]
) -> Surroundings:
    """`autoscalers` and `budgets`: all of the namespace."""
    spec = deployment["spec"]
    name, pod_labels = deployment["metadata"]["name"], labels(spec["template"])
    return Surroundings(
        strategy=str(spec.get("strategy", {}).get("type", "RollingUpdate")),
        containers=images(spec),
        without_readiness=tuple(one["name"] for one in containers(spec) if "readinessProbe" not in one),
        autoscalers=tuple(_autoscaler(one) for one in autoscalers if _scales(one, name)),
        budgets=tuple(
            _budget(one)
            for one in budgets
            if one["spec"].get("selector") is not None and selects(one["spec"]["selector"], pod_labels)
        ),
        missing_rights=missing_rights,
        managers=tuple(dict.fromkeys(_managers(deployment))),
    )


def _scales(autoscaler: Doc, name: str) -> bool:
    target = autoscaler["spec"].get("scaleTargetRef") or {}
    return target.get("kind") == "Deployment" and target.get("name") == name


def _autoscaler(document: Doc) -> Autoscaler:
    spec = document["spec"]
    return Autoscaler(
        name=document["metadata"]["name"],
        at_least=int(spec.get("minReplicas") or 1),
        at_most=int(spec["maxReplicas"]),
    )


def _budget(document: Doc) -> Budget:
    spec = document["spec"]
    rule = next((f"{key}: {spec[key]}" for key in ("maxUnavailable", "minAvailable") if key in spec), "no rule")
    return Budget(
        name=document["metadata"]["name"],
        allowed=int((document.get("status") or {}).get("disruptionsAllowed", 0)),
        rule=rule,
    )


def _managers(deployment: Doc) -> Iterator[str]:
    """By the marks that Argo CD and Flux put on what they apply, and by the fields they own.

    https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
    https://fluxcd.io/flux/components/kustomize/kustomizations/
    """
    notes, marks = annotations(deployment), labels(deployment)
    if ARGO_ID in notes:
        yield f"Argo CD application {notes[ARGO_ID].partition(':')[0]}"
    for label, kind in FLUX.items():
        if label in marks:
            space = marks.get(label.replace("/name", "/namespace"), "")
            yield f"{kind} {space}/{marks[label]}" if space else f"{kind} {marks[label]}"
    if ARGO_ID in notes or FLUX.keys() & marks.keys():
        return
    for entry in deployment["metadata"].get("managedFields") or []:
        if entry.get("manager") in FIELD_MANAGERS:
            yield FIELD_MANAGERS[entry["manager"]]
