"""Annotations: what a rollout leaves on a Deployment, its label too, and the names of davy's own objects. Pure."""

from davy.canary.platforms.held_update import PREFIX
from davy.pipeline.core.events import Restore
from davy.pipeline.core.json import codec, tree
from davy.pipeline.core.workload import Workload

FENCE = PREFIX + "fence"
"""The lock's number: writes by runners with another one are refused."""
ROLLOUT = PREFIX + "rollout"
"""A label: the marks mean something only beside it, or beside the hold.

Kubernetes copies a Deployment's annotations to its ReplicaSets, and `kubectl rollout undo` brings them back from there
long after the rollout was over. Labels it leaves alone.
https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/controller/deployment/util/deployment_util.go
"""
RELEASE = PREFIX + "release"
RESTORE = PREFIX + "restore"
"""What to put back, as JSON: enough to undo the rollout by hand."""
STABLE_HASH = PREFIX + "stable-hash"
PROMOTE = PREFIX + "promote"
"""A JSON patch that finishes the update, for a person without davy: the settings back, the new version kept."""
HELD_PROGRESS_DEADLINE_SECONDS = 2_147_483_647
"""The greatest there is, which Kubernetes takes for none: it then notes no pause among the Deployment's conditions.

With any other the rollback patch makes the controller write down first that the pause is over, fail its next write for
that, and try again; the canary stays in the endpoints for half as long again.
https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/controller/deployment/progress.go
"""
MANAGED_BY = {"app.kubernetes.io/managed-by": "davy"}
"""Labels of every object that davy makes."""


def restore_text(restore: Restore) -> str:
    """As it stands in the annotation."""
    return tree.canonical(codec.plain(restore))


MOST_MARK = 256 * 1024
"""Characters: all annotations of an object have no more than that together."""


def restore_from(text: str) -> Restore:
    """Raises ValueError where the text is none of ours."""
    restored: Restore = codec.value(Restore, tree.exact(text, MOST_MARK))
    return restored


MOST_FENCE = 2**31 - 1
"""`leaseTransitions` has 31 bits."""


def fence_from(text: str) -> int:
    """The fence that an annotation says; 0 where it says none that davy could have written."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        return 0
    number = int(text)
    return number if number <= MOST_FENCE else 0


def object_name(workload: Workload) -> str:
    """Name of the Lease and the ConfigMap that belong to a Deployment: at most 253 characters."""
    name = f"davy-{workload.name}"
    if len(name) <= 253:
        return name
    import hashlib  # noqa: PLC0415 - 4 ms that a name of this length alone is worth

    return f"{name[:240]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
