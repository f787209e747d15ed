"""Lease: the lock of a workload, a `coordination.k8s.io` Lease that is taken by compare-and-swap.

Its `leaseTransitions` is the fence: it grows whenever the holder changes. All times in it are the API server's (read
from its Date header), so a runner with a wrong clock neither loses the lock early nor keeps it long. A time that the
server's clock has not reached yet was written by something else than davy: then nothing is believed but what is
watched, and the lock is taken over after one whole duration without a renewal.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from davy.canary.platforms.kubernetes.annotations import MANAGED_BY, object_name
from davy.canary.ports.lock import Holder
from davy.pipeline.clients.kubernetes.answers import understood
from davy.pipeline.clients.kubernetes.api import KubeApi
from davy.pipeline.clients.system_clock import uptime
from davy.pipeline.core.errors import Conflict, LockedOut, Missing, Unreachable
from davy.pipeline.core.workload import Workload

Doc = dict[str, Any]

BEGAN = datetime(2024, 1, 1, tzinfo=UTC)
"""Fences of new Leases count seconds from here: `leaseTransitions` has 31 bits, enough for 68 years."""

SLACK = timedelta(seconds=2)
"""The Date header is cut to seconds, and the servers of one cluster differ a little."""


def lease_path(workload: Workload, *, named: bool = True) -> str:
    """Of the Lease, or of all Leases of its namespace."""
    folder = f"/apis/coordination.k8s.io/v1/namespaces/{workload.namespace}/leases"
    return f"{folder}/{object_name(workload)}" if named else folder


def current_fence(api: KubeApi, workload: Workload) -> int:
    """The fence of the last one who took the lock; 0 where nobody ever did."""
    try:
        return int(api.get(lease_path(workload))["spec"].get("leaseTransitions") or 0)
    except Missing:
        return 0


@understood
class KubernetesLock:
    """`canary.ports.Lock` on a Lease."""

    def __init__(
        self,
        api: KubeApi,
        workload: Workload,
        *,
        lasts: timedelta = timedelta(seconds=30),
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = uptime,
    ) -> None:
        """`lasts`: without renewal for this long the lock is anyone's."""
        self._api, self._workload, self._lasts = api, workload, lasts
        self._sleep, self._monotonic = sleep, monotonic
        self._ours: Doc | None = None
        self._renewed = 0.0

    @property
    def fence(self) -> int:
        """Of the lock we hold; 0 where we hold none."""
        return int(self._ours["spec"]["leaseTransitions"]) if self._ours else 0

    def acquire(self, runner: str) -> int:
        """See the port. Looks once; waits only where the Lease holds a time from the future.

        Whoever holds it already gets a new fence.
        """
        for _ in range(5):
            try:
                self._ours = self._taken(runner)
            except Conflict:
                continue
            self._renewed = self._monotonic()
            return self.fence
        raise LockedOut(
            f"The lock of {self._workload} changes hands faster than it can be taken.",
            remedy="See who else releases it: `davy canary status`.",
        )

    def renew(self) -> None:
        """See the port. Writes once in a sixth of the duration; in between it costs nothing."""
        if self._ours is None:
            raise LockedOut(f"The lock of {self._workload} is not held by this runner.")
        if self._monotonic() - self._renewed < self._lasts.total_seconds() / 6:
            return
        for _ in range(3):
            began = self._monotonic()
            wanted = {**self._ours["spec"], "renewTime": _text(self._api.server_now())}
            try:
                self._ours = self._api.replace(lease_path(self._workload), {**self._ours, "spec": wanted})
            except (Conflict, Missing):
                self._ours = self._still_ours(self._ours)
            else:
                self._renewed = began
                return
        raise Unreachable(f"The lock of {self._workload} could not be renewed: it changed under three tries.")

    def release(self) -> None:
        """See the port. The Lease stays, empty: its transitions must go on growing."""
        if self._ours is None:
            return
        ours, self._ours = self._ours, None
        for _ in range(3):
            try:
                self._api.replace(lease_path(self._workload), {**ours, "spec": {**ours["spec"], "holderIdentity": ""}})
            except Conflict:
                try:
                    ours = self._still_ours(ours)
                except LockedOut:
                    return
            except Missing:
                return
            else:
                return

    def holder(self) -> Holder | None:
        """See the port."""
        try:
            return _holder(self._api.get(lease_path(self._workload))["spec"])
        except Missing:
            return None

    def _taken(self, runner: str) -> Doc:
        try:
            document = self._api.get(lease_path(self._workload))
        except Missing:
            return self._created(runner)
        spec = document["spec"]
        holder = _holder(spec)
        if holder is not None and holder.fence != self.fence and not self._lost(document, holder):
            raise _locked_out(self._workload, holder)
        before = int(spec.get("leaseTransitions") or 0)
        return self._written({**document, "spec": self._spec(runner, before + 1)}, self._api.replace)

    def _created(self, runner: str) -> Doc:
        """The first fence is above any that a Lease since deleted can have left on the Deployment."""
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": object_name(self._workload), "labels": MANAGED_BY},
            "spec": self._spec(runner, int((self._api.server_now() - BEGAN).total_seconds())),
        }
        return self._written(
            body, lambda _, new: self._api.create(lease_path(self._workload, named=False), new, repeatable=True)
        )

    def _written(self, wanted: Doc, write: Callable[[str, Doc], Doc]) -> Doc:
        """After a lost answer a repeated write meets itself: then the Lease says what we wrote, and it is ours."""
        try:
            return write(lease_path(self._workload), wanted)
        except Conflict:
            found = self._api.get(lease_path(self._workload))
            same = ("holderIdentity", "leaseTransitions", "acquireTime")
            if all(found["spec"].get(key) == wanted["spec"][key] for key in same):
                return found
            raise

    def _spec(self, runner: str, fence: int) -> Doc:
        now = _text(self._api.server_now())
        return {
            "holderIdentity": runner,
            "leaseDurationSeconds": max(1, round(self._lasts.total_seconds())),
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": fence,
        }

    def _lost(self, document: Doc, holder: Holder) -> bool:
        now = self._api.server_now()
        if holder.renewed_at <= now + SLACK:
            return holder.lost(now - SLACK)
        self._sleep(holder.lasts.total_seconds() + SLACK.total_seconds())
        again = self._api.get(lease_path(self._workload))
        return bool(again["metadata"]["resourceVersion"] == document["metadata"]["resourceVersion"])

    def _still_ours(self, ours: Doc) -> Doc:
        """The Lease as it is, where we still hold it. Raises LockedOut."""
        try:
            document = self._api.get(lease_path(self._workload))
        except Missing as error:
            self._ours = None
            raise LockedOut(
                f"The lock of {self._workload} is gone: someone deleted the Lease.", remedy="`davy canary resume`."
            ) from error
        spec, held = document["spec"], ours["spec"]
        if all(spec.get(key) == held[key] for key in ("holderIdentity", "leaseTransitions")):
            return document
        self._ours = None
        holder = _holder(spec)
        if holder is None:
            raise LockedOut(f"The lock of {self._workload} was taken from this runner and given back since.")
        raise _locked_out(self._workload, holder)


def _holder(spec: Doc) -> Holder | None:
    if not spec.get("holderIdentity") or not spec.get("renewTime"):
        return None
    renewed = datetime.fromisoformat(spec["renewTime"])
    return Holder(
        runner=spec["holderIdentity"],
        fence=int(spec.get("leaseTransitions") or 0),
        since=datetime.fromisoformat(spec["acquireTime"]) if spec.get("acquireTime") else renewed,
        renewed_at=renewed,
        lasts=timedelta(seconds=int(spec.get("leaseDurationSeconds") or 30)),
    )


def _locked_out(workload: Workload, holder: Holder) -> LockedOut:
    ends = holder.renewed_at + holder.lasts + SLACK
    return LockedOut(
        f"{workload} is being released by {holder.runner}, since {holder.since:%H:%M:%S} UTC "
        f"(last sign of life {holder.renewed_at:%H:%M:%S}).",
        remedy=f"Wait for it, or see `davy canary status`. If that runner is gone, the lock ends at {ends:%H:%M:%S} "
        "UTC; `davy canary resume` waits for that and takes over.",
    )


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
