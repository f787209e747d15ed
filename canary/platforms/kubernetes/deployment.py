"""Deployment: the Deployment under release, read and written through its API."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from davy.canary.platforms.held_update import HELD_UPDATE
from davy.canary.platforms.kubernetes import documents, patches
from davy.canary.platforms.kubernetes.annotations import FENCE, fence_from
from davy.canary.platforms.kubernetes.environment import surroundings_of
from davy.canary.platforms.kubernetes.lease import current_fence
from davy.canary.platforms.kubernetes.permissions import JOB_RIGHTS, RIGHTS, Right, baseline_rights, missing, refusal
from davy.canary.platforms.kubernetes.pod_messages import last_words
from davy.canary.platforms.kubernetes.selectors import selector_text
from davy.canary.platforms.kubernetes.watches.mirror import Listening, Mirror, listed
from davy.canary.platforms.kubernetes.watches.replica_sets import Offspring
from davy.canary.ports.platform import Proposal, Speed
from davy.canary.ports.snapshot import Baseline, Snapshot
from davy.canary.ports.surroundings import Surroundings
from davy.pipeline.clients.kubernetes.answers import understood_as
from davy.pipeline.clients.kubernetes.api import MERGE_PATCH, KubeApi, RefusedRequest
from davy.pipeline.core.errors import Conflict, Forbidden, Missing, Unusable
from davy.pipeline.core.events import Restore
from davy.pipeline.core.workload import Workload

Doc = dict[str, Any]


@understood_as(
    snapshot="standing", propose="begin", size="grow", freeze="hold", complete="promote", restore="roll_back"
)
class KubernetesPlatform:
    """`canary.ports.platform.Platform` on a real Deployment."""

    terms = HELD_UPDATE

    def __init__(
        self,
        api: KubeApi,
        workload: Workload,
        *,
        baseline: str = "",
        jobs: bool = False,
        listening: Listening = Listening(),  # noqa: B008 - frozen
    ) -> None:
        """`baseline`: the Deployment of fresh pods of the stable version; empty where none is kept.

        `jobs`: the rights that suites in the cluster need are asked about, too. `listening`: how it hears of changes;
        without it everything is read at each look.
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
        self._listening = listening
        self._seen = {name: self._mirrored(name) for name in (workload.name, baseline) if name}
        self._slices = listed(api, listening, f"/apis/discovery.k8s.io/v1/{space}/endpointslices", {})
        self._kin: dict[str, Offspring] = {}
        self._said: tuple[tuple[object, ...], Snapshot] | None = None
        """The last snapshot, and by what it was reckoned."""

    # ---- reading ----

    def snapshot(self) -> Snapshot:
        """See the port. Without the rights for it, the error names every right that is missing."""
        try:
            return self._snapshot()
        except Forbidden as error:
            raise self._without_rights(error) from error
        except Exception:
            self._forget()  # Whatever of it was odd is not to be met again.
            raise

    def _snapshot(self) -> Snapshot:
        deployment = self._deployment()
        slices = self._slices.documents()
        kin = self._of(self._workload.name, deployment)
        stamps = (self._seen[self._workload.name].stamp, self._slices.stamp, self._kin[self._workload.name].stamp)
        said = self._said
        if said is None or said[0] != stamps:
            said = stamps, documents.snapshot_of(self._workload, deployment=deployment, slices=slices, **kin)
            self._said = said
        # To read the baseline forgets what was said, where something was found to be new.
        kept = self._kept(slices) if self._baseline else None
        return replace(said[1], baseline=kept, at=self._api.server_now())

    def _deployment(self) -> Doc:
        seen = self._seen[self._workload.name]
        found = seen.documents() or seen.documents(anew=True)
        self._last = found[0]
        return self._last

    def _mirrored(self, name: str) -> Mirror:
        path, query = f"{self._deployments}/{name}", {"fieldSelector": f"metadata.name={name}"}
        read = self._read if name == self._workload.name else lambda: self._api.get(path)
        return Mirror(
            self._api,
            self._listening,
            read,
            folder=self._deployments,
            query=query,
            glance=lambda: self._api.metadata(path),
        )

    def _of(self, name: str, deployment: Doc) -> dict[str, list[Doc]]:
        """What its selector selects."""
        selector, kin = selector_text(deployment["spec"]["selector"]), self._kin.get(name)
        if kin is None or kin.selector != selector:
            if kin is not None:
                kin.close()
            self._said = None
            kin = self._kin[name] = Offspring(self._api, self._listening, self._workload.namespace, selector)
        return kin.of(deployment)

    def _kept(self, slices: list[Doc]) -> Baseline:
        """One that is not there has no image and no pod: a rollout goes on without a comparison."""
        try:
            found = self._seen[self._baseline].documents()
        except Missing:
            found = []
        if not found:
            return Baseline(name=self._baseline)
        kin = self._of(self._baseline, found[0])
        return documents.baseline_of(self._baseline, deployment=found[0], slices=slices, **kin)

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
        """See the port. On a connection of its own: it is asked for beside the rollback."""
        return last_words(self._api.again(), f"{self._core}/pods/{pod}", f"{self._core}/events", pod)

    # ---- writing ----

    def take(self, fence: int) -> None:
        """See the port."""
        for _ in range(5):
            deployment = self._read()
            found = _fence_of(deployment)
            if found > fence:
                self._check_lease(fence)
            elif found < fence:
                self._check_newer(fence)
            if found != fence:
                try:
                    self._written(self._api.patch(self._path, patches.take(deployment, fence), MERGE_PATCH))
                except Conflict:
                    continue
            self._fence = fence
            self._forget()
            return
        raise Conflict(f"Deployment {self._workload} changes faster than it can be taken.", remedy="Try again.")

    def untake(self) -> None:
        """See the port. Where the fence is another's, or gone, there is nothing to take away."""
        with suppress(RefusedRequest):
            self._written(self._api.patch(self._path, patches.untake(self._fence)))

    def propose(self, proposal: Proposal, pods: int) -> None:
        """See the port."""
        self._write(lambda seen: patches.propose(seen, self._fence, proposal, pods))

    def size(self, pods: int) -> None:
        """See the port."""
        self._write(lambda _: patches.size(self._fence, pods))

    def freeze(self) -> None:
        """See the port."""
        self._write(lambda _: patches.freeze(self._fence))

    def complete(self, before: Restore) -> None:
        """See the port."""
        self._write(lambda _: patches.complete(self._fence, before))

    def restore(self, before: Restore, speed: Speed, bad_pods: int) -> None:
        """See the port."""
        self._write(lambda seen: patches.restore(seen, self._fence, before, speed=speed, bad_pods=bad_pods))

    def settle(self, before: Restore) -> None:
        """See the port."""
        self._write(lambda seen: patches.settle(seen, self._fence, before))

    # ---- how ----

    def _written(self, document: Doc) -> None:
        """What a write of ours left: nothing older is said from now on."""
        self._last = document
        self._seen[self._workload.name].learn(document)

    def _forget(self) -> None:
        """A runner before this one may have written until now."""
        for mirror in (*self._seen.values(), self._slices):
            mirror.forget()
        for kin in self._kin.values():
            kin.forget()

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

    def _write(self, wanted: Callable[[Doc], patches.Ops]) -> None:
        """One patch. Refused, it is looked at why: another fence is a Conflict, else it is tried on what is there now.

        The fence is missing where someone replaced the whole Deployment, or is none that a lock gave: then the Lease
        says whether we may go on.
        """
        if not self._fence:
            raise Conflict(f"Deployment {self._workload} was not taken before it was written to.")
        try:
            self._written(self._api.patch(self._path, self._ops(wanted, self._last or self._read())))
        except RefusedRequest:
            if _fence_of(self._read()) != self._fence:
                self._take_again()
            self._written(self._api.patch(self._path, self._ops(wanted, self._read())))

    def _take_again(self) -> None:
        self._check_lease(self._fence)
        self.take(self._fence)

    def _check_lease(self, fence: int) -> None:
        """Fences come from the Lease alone: where it says ours, any other on the Deployment is none of davy's."""
        current = current_fence(self._api, self._workload)
        if current != fence:
            raise self._fenced_out(current, fence)

    def _check_newer(self, fence: int) -> None:
        """Whoever came after us may have taken its fence away again: that gives us no right to write ours."""
        current = current_fence(self._api, self._workload)
        if current > fence:
            raise self._fenced_out(current, fence)

    def _ops(self, wanted: Callable[[Doc], patches.Ops], seen: Doc) -> patches.Ops:
        try:
            return wanted(seen)
        except KeyError as error:
            there = ", ".join(documents.images(seen["spec"]))
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


def _fence_of(deployment: Doc) -> int:
    return fence_from(documents.annotations(deployment).get(FENCE, ""))
