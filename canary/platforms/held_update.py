"""Held update: a Deployment's rolling update that is held half-way. How it is known, and how it is spoken of. Pure."""

from davy.canary.ports.terms import Hitch
from davy.pipeline.core.events import Restore
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.workload import Workload

PREFIX = "davy.dev/"


ROLLBACK = PREFIX + "rollback"
"""A JSON patch that brings stable back, for a person without davy: `kubectl rollout undo` does not.

It leaves minReadySeconds at the hold's week, so stable counts as not available and the canary is not taken away.
"""


HELD_MIN_READY_SECONDS = 604_800
"""A week: no canary pod becomes "available" on its own, so Kubernetes takes no stable pod away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldUpdate:
    """`canary.ports.terms.Terms` of a Deployment, real or simulated."""

    target: str = "the Deployment"
    keeper: str = "Kubernetes"
    controller: str = "the Deployment controller"
    place: str = "the cluster"
    by_hand: str = "kubectl"

    def is_holding(self, own: Restore, before: Restore) -> bool:
        """See the port. A person's `kubectl rollout undo` brings the template back without the settings."""
        return own.min_ready_seconds == HELD_MIN_READY_SECONDS != before.min_ready_seconds

    def is_given_back(self, own: Restore, before: Restore) -> bool:
        """See the port: pods count as available when the user's own setting says so."""
        return (own.min_ready_seconds or 0) == (before.min_ready_seconds or 0)

    def is_as_before(self, own: Restore, before: Restore) -> bool:
        """See the port."""
        return own.strategy == before.strategy

    def hint(self, hitch: Hitch, workload: Workload) -> str:
        """See the port."""
        kubectl, name = f"kubectl -n {workload.namespace}", f"deployment {workload.name}"
        match hitch:
            case Hitch.NOT_WHOLE:
                mark = ROLLBACK.replace(".", "\\.")
                patch = f"$({kubectl} get {name} -o jsonpath='{{.metadata.annotations.{mark}}}')"
                return (
                    f"See what keeps stable's pods: `{kubectl} get pods`. To send the rollback again by hand: "
                    f'`{kubectl} patch {name} --type=json -p "{patch}"`.'
                )
            case Hitch.NOT_CURRENT:
                return f"`{kubectl} describe {name}` may say why"
            case Hitch.NOT_MADE:
                return "a quota or an admission webhook may refuse them"


HELD_UPDATE = HeldUpdate()
