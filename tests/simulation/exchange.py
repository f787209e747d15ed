"""Exchange: requests and replies, as they go over the wire, and the paths that there are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from simulation.objects import text

SPACE = "namespaces/shop"
DEPLOYMENTS = f"/apis/apps/v1/{SPACE}/deployments"
DEPLOYMENT = f"{DEPLOYMENTS}/checkout"
SETS = f"/apis/apps/v1/{SPACE}/replicasets"
PODS = f"/api/v1/{SPACE}/pods"
SLICES = f"/apis/discovery.k8s.io/v1/{SPACE}/endpointslices"
MAPS = f"/api/v1/{SPACE}/configmaps"
LEASES = f"/apis/coordination.k8s.io/v1/{SPACE}/leases"
EVENTS = f"/api/v1/{SPACE}/events"
SCALERS = f"/apis/autoscaling/v2/{SPACE}/horizontalpodautoscalers"
BUDGETS = f"/apis/policy/v1/{SPACE}/poddisruptionbudgets"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

LISTS = frozenset({DEPLOYMENTS, SETS, PODS, SLICES, MAPS, LEASES, EVENTS, SCALERS, BUDGETS})


class Request(NamedTuple):
    """One, as it came over the wire."""

    who: str
    method: str
    path: str
    query: Mapping[str, str]
    body: bytes | None = None
    kind: str = ""
    accept: str = ""

    @property
    def is_partial(self) -> bool:
        """Only the metadata is wanted."""
        return "as=PartialObjectMetadata" in self.accept


class Reply(NamedTuple):
    """What is sent back."""

    status: int
    body: bytes
    kind: str = "application/json"


def parse_request(
    who: str, method: str, target: str, *, body: bytes | None = None, kind: str = "", accept: str = ""
) -> Request:
    return Request(who, method, *_parsed(target), body, kind, accept)


@lru_cache(maxsize=1000)
def _parsed(target: str) -> tuple[str, Mapping[str, str]]:
    path, _, query = target.partition("?")
    return unquote(path), dict(parse_qsl(query))


def refusal(status: int, reason: str, message: str) -> Reply:
    """A Status, as Kubernetes sends it."""
    said = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason}
    return Reply(status, text({**said, "code": status}).encode())
