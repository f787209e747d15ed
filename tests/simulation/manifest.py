"""Manifests: a Deployment as a user wrote it, and as the API server keeps it."""

from __future__ import annotations

from simulation.objects import Doc, Unfit
from simulation.pods import REVISION

STRATEGY = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}


def first_deployment(replicas: int, image: str, **spec: object) -> Doc:
    """As a user's manifest made it, long ago."""
    template = {
        "metadata": {"labels": {"app": "checkout"}},
        "spec": {"containers": [{"name": "app", "image": image, "readinessProbe": {"httpGet": {"path": "/"}}}]},
    }
    meta = {
        "name": "checkout",
        "namespace": "shop",
        "uid": "uid-checkout",
        "generation": 1,
        "resourceVersion": "1",
        "annotations": {REVISION: "1"},
    }
    base = {"replicas": replicas, "selector": {"matchLabels": {"app": "checkout"}}, "template": template}
    return {**defaulted({"metadata": meta, "spec": {**base, **spec}}), "status": {"observedGeneration": 1}}


def defaulted(deployment: Doc) -> Doc:
    """A Deployment with the API's defaults, in the form that is kept. Raises Unfit where it is not valid."""
    spec = dict(deployment["spec"])
    spec["strategy"] = spec.get("strategy") or STRATEGY
    if spec.get("progressDeadlineSeconds") is None:
        spec["progressDeadlineSeconds"] = 600
    for key in ("minReadySeconds", "paused"):
        if not spec.get(key):
            spec.pop(key, None)
    rolling = spec["strategy"].get("rollingUpdate") or STRATEGY["rollingUpdate"]
    if str(rolling["maxSurge"]) in ("0", "0%") and str(rolling["maxUnavailable"]) in ("0", "0%"):
        raise Unfit(422, "Invalid", "maxUnavailable: may not be 0 when `maxSurge` is 0")
    if spec["progressDeadlineSeconds"] <= spec.get("minReadySeconds", 0):
        raise Unfit(422, "Invalid", "progressDeadlineSeconds: must be greater than minReadySeconds")
    meta = {key: value for key, value in deployment["metadata"].items() if value != {} or key != "labels"}
    return {**deployment, "metadata": meta, "spec": spec}
