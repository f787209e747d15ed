"""Documents of a cluster, as texts, for tests of what they say."""

from typing import Any

import yaml

DEPLOYMENT = """
metadata:
  name: checkout
  uid: d-1
  generation: 3
  resourceVersion: "70"
  annotations: {deployment.kubernetes.io/revision: "2"}
spec:
  replicas: 2
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}}
  progressDeadlineSeconds: 600
  selector: {matchLabels: {app: checkout}}
  template:
    metadata: {labels: {app: checkout}}
    spec: {containers: [{name: mesh, image: mesh:1}, {name: app, image: app:2}]}
status: {observedGeneration: 3}
"""

REPLICA_SET = """
metadata:
  name: checkout-{hash}
  uid: {uid}
  labels: {{app: checkout, pod-template-hash: {hash}}}
  annotations: {{deployment.kubernetes.io/revision: "{revision}"}}
  ownerReferences: [{{kind: Deployment, uid: {owner}, controller: true}}]
spec: {{template: {{spec: {{containers: [{{name: mesh, image: mesh:1}}, {{name: app, image: "{image}"}}]}}}}}}
"""

POD = """
metadata:
  name: {name}
  labels: {{app: checkout, pod-template-hash: {hash}}}
  creationTimestamp: "2026-01-05T09:00:00Z"
  ownerReferences: [{{kind: ReplicaSet, uid: {owner}, controller: true}}]
spec: {{}}
status:
  phase: Running
  conditions: [{{type: Ready, status: "{ready}", lastTransitionTime: "2026-01-05T09:00:07Z"}}]
"""


def document(text: str, **names: Any) -> dict[str, Any]:
    """The document of a text; with names, filled in first."""
    found: dict[str, Any] = yaml.safe_load(text.format(**names) if names else text)
    return found


def deployment(**spec: Any) -> dict[str, Any]:
    """The Deployment with these fields of its spec."""
    made = document(DEPLOYMENT)
    made["spec"] |= spec
    return made


def replica_set(hash_: str, *, revision: int = 2, image: str = "app:2", uid: str = "", owner: str = "d-1") -> Any:
    """A ReplicaSet of the Deployment, or of another."""
    return document(REPLICA_SET, hash=hash_, uid=uid or f"rs-{hash_}", revision=revision, owner=owner, image=image)


def pod(name: str, hash_: str, *, ready: bool = True, owner: str = "") -> dict[str, Any]:
    """A pod of that side."""
    return document(POD, name=name, hash=hash_, ready=str(ready), owner=owner or f"rs-{hash_}")


def slice_of(**ready: bool | None) -> dict[str, Any]:
    """An EndpointSlice with these pods."""
    return {
        "endpoints": [
            {
                "targetRef": {"kind": "Pod", "name": name.replace("_", "-")},
                "conditions": {} if value is None else {"ready": value},
            }
            for name, value in ready.items()
        ]
    }
