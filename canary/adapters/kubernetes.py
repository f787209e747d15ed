"""Kubernetes: the Deployment under release, read and written through its API."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from davy.canary import manifests, readiness
from davy.canary.adapters.lease import current_fence
from davy.canary.adapters.rights import JOB_RIGHTS, RIGHTS, Right, baseline_rights, missing, refusal
from davy.canary.marks import FENCE, fence_from
from davy.canary.ports import Baseline, Speed, Standing, Surroundings
from davy.canary.selectors import selector_text
from davy.canary.surroundings import surroundings_of
from davy.pipeline.adapters.kubeanswers import understood
from davy.pipeline.adapters.kubeapi import MERGE_PATCH, KubeApi, Refused
from davy.pipeline.errors import Conflict, DavyError, Forbidden, Missing, Unusable
from davy.pipeline.events import Restore
from davy.pipeline.excerpt import excerpt
from davy.pipeline.model import Workload

Doc = dict[str, Any]

LAST_LINES = 20


@understood
class KubernetesCluster:
    """`canary.ports.Cluster` on a real Deployment."""

    def __init__(self, api: KubeApi, workload: Workload, *, baseline: str = "", jobs: bool = False) -> None:
        """`baseline`: the Deployment of fresh pods of the stable version; empty where none is kept.

        `jobs`: the rights that suites in the cluster need are asked about, too.
        """
        self._rights = (*RIGHTS, *baseline_rights(baseline), *(JOB_RIGHTS if jobs else ()))
        self._api, self._workload, self._baseline = api, workload, baseline
        self._fence = 0
        self._last: Doc | None = None
        """The Deployment as last seen: a write need not read it first, for every patch tests what it leans on."""
        space = f"namespaces/{workload.namespace}"
        self._deployments = f"/apis/apps/v1/{space}/deployments"
        self._path = f"{self._deployments}/{workload.name}"
        self._sets = f"/apis/apps/v1/{space}/replicasets"
        self._core = f"/api/v1/{space}"
        self._slices = f"/apis/discovery.k8s.io/v1/{space}/endpointslices"

    # ---- reading ----

    def standing(self) -> Standing:
        """See the port. Without the rights for it, the error names every right that is missing."""
        try:
            return self._standing()
        except Forbidden as error:
            raise self._without_rights(error) from error

    def _standing(self) -> Standing:
        deployment = self._read()
        slices = self._api.get(self._slices)["items"]
        standing = readiness.standing_of(self._workload, deployment=deployment, slices=slices, **self._of(deployment))
        kept = self._kept(slices) if self._baseline else None
        return replace(standing, baseline=kept, at=self._api.server_now())

    def _of(self, deployment: Doc) -> dict[str, list[Doc]]:
        """What its selector selects."""
        chosen = {"labelSelector": selector_text(deployment["spec"]["selector"])}
        sets, pods = self._api.get(self._sets, chosen)["items"], self._api.get(f"{self._core}/pods", chosen)["items"]
        return {"replica_sets": sets, "pods": pods}

    def _kept(self, slices: list[Doc]) -> Baseline:
        """One that is not there has no image and no pod: a rollout goes on without a comparison."""
        try:
            deployment = self._api.get(f"{self._deployments}/{self._baseline}")
        except Missing:
            return Baseline(name=self._baseline)
        return readiness.baseline_of(self._baseline, deployment=deployment, slices=slices, **self._of(deployment))

    def surroundings(self) -> Surroundings:
        """See the port. Where a right is missing, what it would have shown is left out and the right is named."""
        lacking = self._lacking()
        if any(str(right) == "get deployments.apps" for right in lacking):
            raise refusal(self._workload, lacking)
        space = f"namespaces/{self._workload.namespace}"
        return surroundings_of(
            self._read(),
            autoscalers=self._listed(f"/apis/autoscaling/v2/{space}/horizontalpodautoscalers", lacking),
            budgets=self._listed(f"/apis/policy/v1/{space}/poddisruptionbudgets", lacking),
            missing_rights=tuple(str(right) for right in lacking),
        )

    def words(self, pod: str) -> str:
        """See the port. Whatever cannot be read is left out: the words are for people, after the fact.

        On a connection of its own: it is asked for beside the rollback.
        """
        api, parts = self._api.again(), []
        with suppress(DavyError):
            document = api.get(f"{self._core}/pods/{pod}")
            parts = [part for status in _statuses(document) for part in self._log(api, pod, status)]
        return "\n".join([*parts, *self._warnings(api, pod)])[-4000:]

    # ---- writing ----

    def take(self, fence: int) -> None:
        """See the port."""
        for _ in range(5):
            deployment = self._read()
            found = _fence_of(deployment)
            if found > fence:
                self._check_lease(fence)
            if found != fence:
                try:
                    self._last = self._api.patch(self._path, manifests.take(deployment, fence), MERGE_PATCH)
                except Conflict:
                    continue
            self._fence = fence
            return
        raise Conflict(f"Deployment {self._workload} changes faster than it can be taken.", remedy="Try again.")

    def untake(self) -> None:
        """See the port. Where the fence is another's, or gone, there is nothing to take away."""
        with suppress(Refused):
            self._last = self._api.patch(self._path, manifests.untake(self._fence))

    def begin(self, *, release: str, images: Mapping[str, str], surge: int, restore: Restore, stable_hash: str) -> None:
        """See the port."""
        self._write(
            lambda seen: manifests.begin(
                seen,
                self._fence,
                release=release,
                images=images,
                surge=surge,
                restore=restore,
                stable_hash=stable_hash,
            )
        )

    def grow(self, surge: int) -> None:
        """See the port."""
        self._write(lambda _: manifests.grow(self._fence, surge))

    def hold(self) -> None:
        """See the port."""
        self._write(lambda _: manifests.hold(self._fence))

    def promote(self, restore: Restore) -> None:
        """See the port."""
        self._write(lambda _: manifests.promote(self._fence, restore))

    def roll_back(self, restore: Restore, speed: Speed, bad_pods: int) -> None:
        """See the port."""
        self._write(
            lambda seen: manifests.roll_back(seen, self._fence, restore=restore, speed=speed, bad_pods=bad_pods)
        )

    def settle(self, restore: Restore) -> None:
        """See the port."""
        self._write(lambda seen: manifests.settle(seen, self._fence, restore))

    # ---- how ----

    def _without_rights(self, error: Forbidden) -> Forbidden:
        """Who the API server does not know at all cannot be told what it may do."""
        try:
            lacking = self._lacking()
        except Forbidden:
            return error
        return refusal(self._workload, lacking) if lacking else error

    def _lacking(self) -> tuple[Right, ...]:
        return missing(self._api, self._workload, tuple(dict.fromkeys(self._rights)))

    def _read(self) -> Doc:
        try:
            self._last = self._api.get(self._path)
        except Missing as error:
            raise Missing(
                f"There is no Deployment {self._workload.name} in the namespace {self._workload.namespace}.",
                remedy="Check `deploy.kubernetes` and its context; "
                f"`kubectl -n {self._workload.namespace} get deployments` lists what is there.",
            ) from error
        return self._last

    def _write(self, wanted: Callable[[Doc], manifests.Ops]) -> None:
        """One patch. Refused, it is looked at why: another fence is a Conflict, else it is tried on what is there now.

        The fence is missing where someone replaced the whole Deployment, or is none that a lock gave: then the Lease
        says whether we may go on.
        """
        if not self._fence:
            raise Conflict(f"Deployment {self._workload} was not taken before it was written to.")
        try:
            self._last = self._api.patch(self._path, self._ops(wanted, self._last or self._read()))
        except Refused:
            if _fence_of(self._read()) != self._fence:
                self._take_again()
            self._last = self._api.patch(self._path, self._ops(wanted, self._read()))

    def _take_again(self) -> None:
        self._check_lease(self._fence)
        self.take(self._fence)

    def _check_lease(self, fence: int) -> None:
        """Fences come from the Lease alone: where it says ours, any other on the Deployment is none of davy's."""
        current = current_fence(self._api, self._workload)
        if current != fence:
            raise self._fenced_out(current, fence)

    def _ops(self, wanted: Callable[[Doc], manifests.Ops], seen: Doc) -> manifests.Ops:
        try:
            return wanted(seen)
        except KeyError as error:
            there = ", ".join(readiness.images(seen["spec"]))
            raise Unusable(
                f"Deployment {self._workload} has no container {error.args[0]!r}; it has {there}.",
                remedy="Name the right one in `images[].container`.",
            ) from error

    def _fenced_out(self, found: int, ours: int) -> Conflict:
        return Conflict(
            f"Deployment {self._workload} was taken by another runner (fence {found}, ours is {ours}); "
            "this runner writes no more.",
            remedy="`davy canary status` shows who has it.",
        )

    def _listed(self, path: str, lacking: tuple[Right, ...]) -> list[Doc]:
        if any(right.resource == path.rpartition("/")[2] for right in lacking):
            return []
        items: list[Doc] = self._api.get(path)["items"]
        return items

    def _log(self, api: KubeApi, pod: str, status: Doc) -> list[str]:
        name, found = str(status["name"]), []
        wanted: dict[str, Any] = {"container": name, "tailLines": LAST_LINES}
        for query in ([{**wanted, "previous": "true"}] if status.get("restartCount") else []) + [wanted]:
            with suppress(DavyError):
                if text := api.text(f"{self._core}/pods/{pod}/log", query).strip():
                    when = ", before its last restart" if "previous" in query else ""
                    found.append(f"[{name}{when}]\n{text}")
        return found

    def _warnings(self, api: KubeApi, pod: str) -> list[str]:
        with suppress(DavyError):
            query = {"fieldSelector": f"involvedObject.name={pod},type=Warning"}
            events = api.get(f"{self._core}/events", query)["items"]
            return [f"[event] {one.get('reason', '')}: {excerpt(str(one.get('message', '')))}" for one in events[-5:]]
        return []


def _fence_of(deployment: Doc) -> int:
    return fence_from(readiness.annotations(deployment).get(FENCE, ""))


def _statuses(pod: Doc) -> list[Doc]:
    status = pod.get("status", {})
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
