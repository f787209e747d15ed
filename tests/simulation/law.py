"""Law: what must hold, asked after every write and every round of the controllers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from davy.canary.engine.driver.loop import Outcome
from davy.canary.platforms.held_update import HELD_MIN_READY_SECONDS, PREFIX
from davy.canary.platforms.kubernetes.annotations import FENCE, RELEASE
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Conflict, DavyError, LockedOut
from davy.pipeline.core.verdict import Decision
from simulation.controller import limits
from simulation.exchange import DEPLOYMENT, LEASES, MAPS
from simulation.objects import Doc

if TYPE_CHECKING:
    from simulation.machine import Machine
    from simulation.world import World

AT_ONCE = 5.0
"""Seconds from a failing look to the rollback, beside the runner's own pace."""
WITH_FAULTS = 75.0
"""The same while something else does not answer: a call is tried for 15 s, and a tick has several."""
ALL = 1_000_000
"""Weight of a promotion, in canary pods."""


def image_of(deployment: Doc) -> str:
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def notes_of(deployment: Doc) -> Doc:
    return deployment["metadata"].get("annotations") or {}


def marks_of(deployment: Doc) -> list[str]:
    """Everything of davy's on it."""
    labels = deployment["metadata"].get("labels") or {}
    return sorted(key for key in (*notes_of(deployment), *labels) if key.startswith(PREFIX))


@dataclass
class Era:
    """One rollout, as the cluster saw it."""

    release: str
    stable: str
    """Image of the stable side."""
    canary: str
    floor: int
    """Stable pods that must serve."""
    weight: int
    """Canary pods that were allowed so far."""
    looks: int = 0
    """That said PROMOTE, since the weight grew last."""
    words: int = 0
    """People's `promote`s that were not used yet."""
    disturbed: bool = False
    """Somebody else changed template or strategy, or stable is sick itself: what the pods do is no runner's doing."""
    over: bool = False


class Law:
    """The witness of a world. What is broken stands in `broken`, as (invariant, sentence)."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.era: Era | None = None
        self.broken: list[tuple[str, str]] = []
        self._fence = 0
        self._brought: set[str] = set()
        """Marks that others put there: `kubectl rollout undo` brings old annotations back."""
        self._words = 0
        self._early = 0
        """Said after a rollout was announced in the journal and before its first patch."""
        self._taken: dict[str, int] = {}
        """By runner, the fence of its Lease."""
        self._reads: dict[str, bool] = {}

    def breaks(self, name: str, sentence: str) -> None:
        self.broken.append((name, f"{self._world.timeline.now:.2f} {sentence}"))
        self._world.tell("law", name, sentence)

    def left(self, deployment: Doc) -> list[str]:
        """davy's marks that davy has to take away."""
        return [mark for mark in marks_of(deployment) if mark not in self._brought]

    # ---- the witness ----

    def wrote(self, who: str, path: str, before: Doc | None, after: Doc | None) -> None:
        machine = self._world.machines.get(who)
        if path.startswith(MAPS):
            self._heard(after)
            self._journaled(machine, before, after)
        elif path.startswith(LEASES):
            self._locked(after)
        elif path == DEPLOYMENT and before is not None and after is not None:
            if machine is None:
                self._meddled(before, after)
            else:
                self._davy_wrote(machine, before, after)

    def moved(self) -> None:
        """A round of the controllers."""
        era, controller = self.era, self._world.server.controller
        if era is None or era.over or era.disturbed:
            return
        canary = sum(each.size for each in controller.sets if each.image != era.stable)
        if canary > era.weight:
            self.breaks("3", f"{canary} canary pods, {era.weight} were allowed")
        stable, _ = controller.serving(era.stable)
        if era.weight < ALL and stable < era.floor:
            self.breaks("1", f"{stable} stable pods serve, {era.floor} were there")

    def judged(self, machine: Machine, decision: Decision) -> None:
        """A look, as the runner hears of it."""
        machine.last = decision
        self._world.tell(machine.name, "look", decision.value)
        if decision is Decision.ROLL_BACK and self.era and not self.era.over:
            if machine.condemned is not self.era:
                self._expect_rollback(machine, self.era)
            machine.condemned = self.era
        elif decision is Decision.PROMOTE and self.era:
            self.era.looks += 1

    def _expect_rollback(self, machine: Machine, era: Era) -> None:
        """Nothing is waited for: not the journal, not the lock, not a pod's words."""
        timeline, weather = self._world.timeline, self._world.weather
        heard, stalled = timeline.now, machine.stood_still

        def check() -> None:
            late = image_of(self._world.server.deployment) == era.canary and self.era is era
            excused = era.disturbed or machine.dead or machine.stood_still != stalled
            if late and not excused and not weather.keeps_from(DEPLOYMENT, heard):
                self.breaks("2", f"{machine.name} was told to roll back at {heard:.2f}, and did not in {within:.0f} s")

        within = 2 * machine.pace + (AT_ONCE if weather.is_clear(heard) else WITH_FAULTS)
        timeline.at(heard + within, check)

    def read(self, who: str, path: str) -> None:
        """A runner got an answer from this path."""
        if path.startswith(MAPS):
            self._reads[who] = True

    # ---- writes ----

    def _heard(self, after: Doc | None) -> None:
        """People's words are counted where they are recorded."""
        words = ((after or {}).get("data") or {}).get("asked", "").count('"what":"promote"')
        if words > self._words and self.era and not self.era.over:
            self.era.words += words - self._words
        elif words > self._words:
            self._early += words - self._words
        self._words = words

    def _journaled(self, machine: Machine | None, before: Doc | None, after: Doc | None) -> None:
        """An old runner's events come after no newer one's."""
        if machine is None or before is None or after is None:
            return
        older, newer = (int(notes_of(each).get(FENCE) or 0) for each in (before, after))
        if newer < older:
            self.breaks("6", f"{machine.name} wrote the journal with fence {newer} over {older}")

    def _locked(self, after: Doc | None) -> None:
        if after is None:
            return
        holder, fence = after["spec"].get("holderIdentity"), int(after["spec"].get("leaseTransitions") or 0)
        if holder and self._taken.get(holder) != fence:
            self._taken[holder] = fence
            self._reads[holder] = False

    def _davy_wrote(self, machine: Machine, before: Doc, after: Doc) -> None:
        if before["spec"] != after["spec"] or not set(marks_of(before)) ^ set(marks_of(after)) <= {FENCE}:
            machine.touched = True
        ours = machine.lock.fence
        self._fencing(machine, ours)
        if before["spec"] == after["spec"]:
            self._fence = max(self._fence, int(notes_of(after).get(FENCE) or 0))
        self._opened(before, after)
        era = self.era
        if era is None:
            return
        weight = self._weight(era, after)
        if machine.condemned is era and weight and before["spec"] != after["spec"]:
            self.breaks("2", f"{machine.name} was told to roll back, and wrote something else")
        if weight > era.weight:
            self._grown(machine, era, weight)
        if image_of(before) == era.canary and not weight and self._is_held(after):
            self.breaks("2", "the rollback is not whole in one write")
        if not marks_of(after):
            era.over = True

    def _fencing(self, machine: Machine, ours: int) -> None:
        if ours < self._fence:
            self.breaks("6", f"{machine.name} wrote with fence {ours}, a newer runner had written {self._fence}")
        for other, fence in self._taken.items():
            if other != machine.name and fence > ours and self._reads.get(other):
                self.breaks("6", f"{machine.name} wrote after {other} had taken the lock and read how things stand")

    def _opened(self, before: Doc, after: Doc) -> None:
        """A first patch begins an era."""
        release = notes_of(after).get(RELEASE, "")
        fresh = self.era is None or self.era.over or self.era.release != release
        if release and fresh and image_of(before) != image_of(after):
            serve, _ = self._world.server.controller.serving(image_of(before))
            surge = limits(after["spec"])[0]
            self.era = Era(release, image_of(before), image_of(after), min(serve, after["spec"]["replicas"]), surge)
            self.era.disturbed = image_of(before) in self._world.natures
            self.era.words, self._early = self._early, 0

    def _is_held(self, deployment: Doc) -> bool:
        return bool(deployment["spec"].get("minReadySeconds") == HELD_MIN_READY_SECONDS)

    def _weight(self, era: Era, deployment: Doc) -> int:
        """How many canary pods this spec allows."""
        if image_of(deployment) != era.canary:
            return 0
        return limits(deployment["spec"])[0] if self._is_held(deployment) else ALL

    def _grown(self, machine: Machine, era: Era, weight: int) -> None:
        by_policy = weight == ALL and self._world.promotes_late
        known = machine.last in (Decision.GO_ON, Decision.PROMOTE)
        if not era.looks and not era.words and not (by_policy and known) and not era.disturbed:
            name = "4" if by_policy else "3"
            self.breaks(name, f"{machine.name} raised the weight from {era.weight} to {weight} on nothing")
        if not era.looks:
            era.words = max(era.words - 1, 0)
        era.weight, era.looks = weight, 0

    def _meddled(self, before: Doc, after: Doc) -> None:
        self._brought |= {mark for mark in marks_of(after) if mark not in marks_of(before)}
        era = self.era
        if era is None or before["spec"] == after["spec"]:
            return
        old, new = before["spec"]["replicas"], after["spec"]["replicas"]
        if {**before["spec"], "replicas": 0} != {**after["spec"], "replicas": 0}:
            era.disturbed = True
        if old != new and era.weight < ALL:
            # Both sides in proportion, rounded: one less is Kubernetes' own doing, and more than is wanted is nobody's.
            part = (new + era.weight) / (old + era.weight)
            era.floor = max(0, min(era.floor, int(era.floor * part) - 1, new))
            era.weight = max(era.weight, int(era.weight * part) + 2)

    # ---- ends ----

    def ended(self, machine: Machine, outcome: Outcome | None, error: BaseException | None) -> None:
        """A runner ended by itself. Neither: it did what it was there for, and plays no rollout."""
        era = self.era
        if outcome is None and error is None:
            return
        if error is not None and not isinstance(error, DavyError):
            self.breaks("traceback", f"{machine.name}: {type(error).__name__}: {error}")
            return
        ending = outcome.ending if outcome else error.ending  # type: ignore[union-attr]
        if ending is Ending.UNUSABLE and machine.touched:
            self.breaks("exit 2", f"{machine.name} had touched the Deployment: {error}")
        if era is None:
            return
        raised = error is not None and not isinstance(error, (LockedOut, Conflict))
        self._left(machine, era, ending, raised=raised)

    def _left(self, machine: Machine, era: Era, ending: Ending, *, raised: bool) -> None:
        serves = image_of(self._world.server.deployment) == era.canary
        if era.disturbed or not machine.touched:
            return
        if (
            raised
            and serves
            and not era.over
            and not self._world.weather.keeps_from(DEPLOYMENT, self._world.timeline.now - 60)
        ):
            self.breaks("5", f"{machine.name} ended with an error, and a canary serves on")
        if (
            machine.condemned is era
            and serves
            and not era.over
            and ending in (Ending.DONE, Ending.UNDECIDED, Ending.ROLLED_BACK)
        ):
            self.breaks("2", f"{machine.name} was told to roll back, ended as {ending.name}, and the canary serves")
        if ending in (Ending.DONE, Ending.ROLLED_BACK) and (left := self.left(self._world.server.deployment)):
            self.breaks("9", f"{machine.name} ended as {ending.name} and left {', '.join(left)}")
        if ending is Ending.DONE and not serves and machine.begun == era.release:
            self.breaks("10", f"{machine.name} ended as DONE, and {era.canary} does not serve")
        if ending is Ending.ROLLED_BACK and serves:
            self.breaks("2", f"{machine.name} ended as ROLLED_BACK, and the canary serves")
