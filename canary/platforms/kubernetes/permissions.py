"""Permissions: every verb davy needs in the cluster, in one table; the Role in the docs is tested against it."""

from typing import Any

from davy.canary.platforms.kubernetes.annotations import object_name
from davy.pipeline.clients.kubernetes.api import KubeApi
from davy.pipeline.core.errors import Forbidden, Missing, Problem, Unusable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """One verb on one kind of thing."""

    verb: str
    resource: str
    """With its subresource, as RBAC writes it: `pods/log`."""
    group: str = ""
    name: str = ""
    """Of the one object that is meant, where it is not davy's own or the Deployment under release."""

    def __str__(self) -> str:
        kind = f"{self.verb} {self.resource}" + (f".{self.group}" if self.group else "")
        return f"{kind} {self.name}".strip()


def _rights(group: str, resource: str, *verbs: str) -> tuple[Right, ...]:
    return tuple(Right(verb=verb, resource=resource, group=group) for verb in verbs)


RIGHTS = (
    *_rights("apps", "deployments", "get", "patch"),
    *_rights("apps", "replicasets", "list"),
    *_rights("", "pods", "get", "list"),
    *_rights("", "pods/log", "get"),
    *_rights("", "events", "list"),
    *_rights("discovery.k8s.io", "endpointslices", "list"),
    *_rights("autoscaling", "horizontalpodautoscalers", "list"),
    *_rights("policy", "poddisruptionbudgets", "list"),
    *_rights("coordination.k8s.io", "leases", "get", "create", "update"),
    *_rights("", "configmaps", "get", "create", "update"),
)
"""For a canary."""

WATCH_RIGHTS = (
    *_rights("apps", "deployments", "watch"),
    *_rights("", "pods", "watch"),
    *_rights("discovery.k8s.io", "endpointslices", "watch"),
    *_rights("", "configmaps", "watch"),
)
"""Not needed: without them all is asked for each second, and more often for people's words."""

JOB_RIGHTS = (
    *_rights("batch", "jobs", "create", "get", "list", "patch", "delete"),
    *_rights("", "pods", "list"),
    *_rights("", "pods/log", "get"),
)
"""For suites `in: kubernetes`, on top."""


def baseline_rights(name: str) -> tuple[Right, ...]:
    """On top, for the Deployment of baseline pods; none where none is kept. The Role grants it by its kind."""
    return (Right(verb="get", resource="deployments", group="apps", name=name),) if name else ()


def role(name: str, namespace: str, rights: tuple[Right, ...] = RIGHTS + WATCH_RIGHTS + JOB_RIGHTS) -> dict[str, Any]:
    """The RBAC Role that grants them, as a document."""
    verbs: dict[tuple[str, str], list[str]] = {}
    for right in rights:
        held = verbs.setdefault((right.group, right.resource), [])
        if right.verb not in held:
            held.append(right.verb)
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": name, "namespace": namespace},
        "rules": [
            {"apiGroups": [group], "resources": [resource], "verbs": held} for (group, resource), held in verbs.items()
        ],
    }


def missing(api: KubeApi, workload: Workload, rights: tuple[Right, ...] = RIGHTS) -> tuple[Right, ...]:
    """Those that these credentials lack, by the API server's own word. Everyone may ask this about themselves.

    The list of what they may is asked for first, in one question. It need not be whole: what it does not show is asked
    about one by one.
    """
    rules = _rules(api, workload.namespace)
    doubtful = [right for right in rights if not any(_allows(rule, right, _name(workload, right)) for rule in rules)]
    return tuple(right for right in doubtful if not _granted(api, workload, right))


def refusal(workload: Workload, lacking: tuple[Right, ...]) -> Forbidden:
    """The error that names every right that is missing."""
    return Forbidden(
        f"These credentials may not do all that davy needs in the namespace {workload.namespace}: "
        f"missing {', '.join(map(str, lacking))}.",
        remedy="Write your namespace and account into the Role and grant it: `kubectl apply -f docs/rbac.yaml`.",
    )


def demand_jobs(api: KubeApi, namespace: str) -> None:
    """Raises Forbidden with every right on Jobs that is missing, Unusable without the namespace, before any is made."""
    meant = Workload(namespace=namespace, name="")
    lacking = missing(api, meant, JOB_RIGHTS)
    if lacking:
        raise refusal(meant, lacking)
    # Rights are answered for, and lists are empty, also where there is no such namespace.
    try:
        api.get(f"/api/v1/namespaces/{namespace}")
    except Missing as error:
        what = f"there is no namespace {namespace!r} in the cluster of context {api.access.context!r}"
        raise Unusable(
            "Suites cannot run in the cluster.",
            problems=(Problem(what=what, path="deploy.kubernetes.namespace"),),
            remedy="Mend the name or the context, or make it: `kubectl create namespace`.",
        ) from error
    except Forbidden:
        return  # The Role need not grant it; then the first Job says so.


def _rules(api: KubeApi, namespace: str) -> list[dict[str, Any]]:
    """What these credentials may in the namespace, as far as the server lists it; nothing where it does not.

    https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/self-subject-rules-review-v1/
    """
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview"}
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    try:
        answer = api.request("POST", path, body={**review, "spec": {"namespace": namespace}}, repeatable=True)
    except (Forbidden, Missing):
        return []
    status = answer.get("status")
    # An authorizer that denies what another allows lists nothing and says that the list is not whole.
    if not isinstance(status, dict) or status.get("incomplete") is not False:
        return []
    rules = status.get("resourceRules")
    return [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []


def _allows(rule: dict[str, Any], right: Right, name: str) -> bool:
    """As RBAC reads a rule. https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources"""
    _, _, part = right.resource.partition("/")
    names = rule.get("resourceNames") or []
    return (
        _holds(rule, "verbs", right.verb)
        and _holds(rule, "apiGroups", right.group)
        and (_holds(rule, "resources", right.resource) or bool(part and f"*/{part}" in _said(rule, "resources")))
        and (not names or (bool(name) and name in names))
    )


def _holds(rule: dict[str, Any], key: str, wanted: str) -> bool:
    said = _said(rule, key)
    return "*" in said or wanted in said


def _said(rule: dict[str, Any], key: str) -> list[Any]:
    said = rule.get(key)
    return said if isinstance(said, list) else []


def _granted(api: KubeApi, workload: Workload, right: Right) -> bool:
    resource, _, part = right.resource.partition("/")
    asked = {
        "namespace": workload.namespace,
        "verb": right.verb,
        "group": right.group,
        "resource": resource,
        "subresource": part,
        "name": _name(workload, right),
    }
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    answer = api.request(
        "POST",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        body={**review, "spec": {"resourceAttributes": asked}},
        repeatable=True,
    )
    status = answer.get("status")
    return isinstance(status, dict) and status.get("allowed") is True


def _name(workload: Workload, right: Right) -> str:
    """A Role may be limited to the objects that davy touches; "create" cannot be."""
    if right.name:
        return right.name
    if right.verb not in {"get", "patch", "update"}:
        return ""
    return {
        "deployments": workload.name,
        "leases": object_name(workload),
        "configmaps": object_name(workload),
    }.get(right.resource, "")
