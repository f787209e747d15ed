"""View: a rollout's state and what was seen of its target, at one moment. Whatever is decided is asked here. Pure."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from davy.canary.engine.state import State
from davy.canary.ports.router import Router
from davy.canary.ports.snapshot import PodView, Snapshot
from davy.canary.ports.terms import Terms
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.verdict import Verdict
from davy.pipeline.core.workload import ReadyPod, Sides


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the machine decides on."""

    state: State
    snapshot: Snapshot
    terms: Terms
    """The platform's."""
    router: Router
    verdict: Verdict | None = None
    """The newest; None before the first look."""
    unready_since: Mapping[str, datetime] = field(default_factory=dict)
    """By pod that is not Ready, since when this runner saw it so."""
    is_interrupted: bool = False
    """True once Ctrl-C or SIGTERM came."""
    is_looking: bool = False
    """True while a look is under way that may still say something."""

    # ---- whose pods ----

    @property
    def stable_pods(self) -> tuple[PodView, ...]:
        """Stable's pods that are to stay."""
        hashes = self._stable_hashes
        return tuple(pod for pod in self.snapshot.pods if pod.hash in hashes and not pod.terminating)

    @property
    def canary_pods(self) -> tuple[PodView, ...]:
        """The pods that are not stable's and are to stay."""
        hashes = self._stable_hashes
        return tuple(pod for pod in self.snapshot.pods if pod.hash not in hashes and not pod.terminating)

    @property
    def serving(self) -> tuple[int, int]:
        """Pods that get traffic: (stable, canary). A terminating pod that still gets some counts."""
        hashes = self._stable_hashes
        pods = [pod.hash in hashes for pod in self.snapshot.pods if pod.serving]
        return pods.count(True), pods.count(False)

    @property
    def weight(self) -> float:
        """Percent of traffic that the canary gets, as the router says."""
        stable, canary = self.serving
        return self.router.weight(stable, canary)

    @property
    def is_whole(self) -> bool:
        """Stable serves with all the replicas wished for."""
        return self.serving[0] >= self.snapshot.replicas

    @property
    def wanted(self) -> int:
        """Canary pods of the step. Where somebody shrank the target, both sides shrank in proportion."""
        pods, replicas = self.state.plan.pods, self.state.policy.replicas
        if self.snapshot.replicas >= replicas:
            return pods
        return max(1, pods * self.snapshot.replicas // replicas)

    @property
    def sides(self) -> Sides:
        """The question the judge is asked about: the pods that serve.

        Canary are those of the target's own version alone: pods of the release before may still be terminating, and
        their answers speak neither for nor against this one.
        """
        snapshot, started = self.snapshot, self.state.started
        ready = [(pod.hash, ReadyPod(name=pod.name, ready_since=pod.ready_since))
                 for pod in snapshot.pods if pod.ready_since]  # fmt: skip
        own = {snapshot.hash} - {started.stable_hash}
        kept = snapshot.baseline
        return Sides(
            canary=tuple(pod for side, pod in ready if side in own),
            stable=tuple(pod for side, pod in ready if side == started.stable_hash),
            baseline=kept.ready_pods(started.restore.images) if kept else (),
            started_at=started.at,
        )

    @property
    def _stable_hashes(self) -> set[str]:
        """Of stable, and of a version that has its images all the same: who restarts the pods by hand makes such."""
        own = {self.snapshot.hash} if self.has_stable_template else set()
        return {self.state.started.stable_hash, *own} - {""}

    # ---- whose template, marks and hold ----

    @property
    def has_canary_template(self) -> bool:
        """The target's template is the one being released."""
        return self.state.started.images.items() <= self.snapshot.images.items()

    @property
    def has_stable_template(self) -> bool:
        """The target's template is the one from before."""
        return self.state.started.restore.images.items() <= self.snapshot.images.items()

    @property
    def is_foreign(self) -> bool:
        """Somebody gave the target a third template, or began another release of it."""
        return self.is_anothers or not (self.has_canary_template or self.has_stable_template)

    @property
    def is_anothers(self) -> bool:
        """The marks are another release's."""
        return self.snapshot.release not in ("", self.state.started.release)

    @property
    def is_marked(self) -> bool:
        """The target carries this rollout's marks."""
        return self.snapshot.held is not None and self.snapshot.release == self.state.started.release

    @property
    def is_bare(self) -> bool:
        """Nothing of this rollout is on the target."""
        return not self.snapshot.marked and self.snapshot.held is None and self.has_stable_template

    @property
    def is_given_back(self) -> bool:
        """The hold is off: the platform replaces pods as the user's own settings say."""
        own, before = self.snapshot.own, self.state.started.restore
        return not self.snapshot.is_frozen and self.terms.is_given_back(own, before)

    @property
    def is_sent_back(self) -> bool:
        """Stable's template, and nothing holds the platform: a person may bring the one back without the other."""
        held = self.terms.is_holding(self.snapshot.own, self.state.started.restore)
        return not held and not self.snapshot.is_frozen and self.has_stable_template

    def is_settled(self, since: datetime, now: datetime) -> bool:
        """Nothing of davy's is written on it any more, and the user's own settings are back.

        Where somebody keeps writing settings or marks of their own, they are theirs after `promote_within`.
        """
        snapshot, state = self.snapshot, self.state
        same = self.terms.is_as_before(snapshot.own, state.started.restore) and not snapshot.traces
        return snapshot.held is None and (same or now - since > state.policy.promote_within)
