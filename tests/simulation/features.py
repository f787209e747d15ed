"""Features: the kinds of things that happen in a simulation, each put into a scene by the seed's own chance.

Every kind draws from a chance of its own, so a seed with fewer kinds (`--only`) has the others as they were.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from simulation import people
from simulation.pods import NEVER, Nature
from simulation.scene import Scene
from simulation.weather import Spell
from simulation.wire import Fault
from simulation.world import NEW

Feature = Callable[[Scene, Random], None]
LONG = 90.0
"""Seconds of a scene in which things happen."""
MOMENTS = ("before", "during", "after")
STATUSES = (400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 429, 500, 501, 502, 503, 504, 507, 511)
PLACES = ((), ("configmaps",), ("leases",), ("deployments/",), ("pods",), ("replicasets", "endpointslices"))


def _kill(scene: Scene, chance: Random) -> None:
    """The runner dies at any call; afterwards somebody goes on, or nobody does."""
    scene.first.machine.kill_at = (chance.randint(1, 120), chance.choice(MOMENTS))
    after = chance.uniform(5.0, 200.0)
    match chance.randrange(5):
        case 0 | 1:
            scene.resume("ci-2").start(after)
        case 2:
            scene.release("ci-2", "r2", "shop/app@sha256:3").start(after)
        case 3:
            scene.enforce("cron-1").start(after)
    if chance.random() < 0.3 and len(scene.runners) > 1:
        scene.runners[1].machine.kill_at = (chance.randint(1, 60), chance.choice(MOMENTS))
        scene.resume("ci-3").start(after + chance.uniform(35.0, 100.0))


def _second(scene: Scene, chance: Random) -> None:
    """Another runner comes while the first may be at work."""
    scene.world.slowest = chance.choice((0.05, 0.4))
    at = chance.uniform(0.0, LONG)
    order = chance.randrange(3)
    if order == 0:
        scene.resume("rival").start(at)
    elif order == 1:
        scene.release("rival", "r-rival", "shop/app@sha256:4").start(at)
    else:
        scene.enforce("rival").start(at)


def _spell(scene: Scene, chance: Random, faults: tuple[Fault, ...], longest: float = 60.0) -> None:
    for _ in range(chance.choice((1, 1, 2))):
        begins = chance.uniform(0.0, LONG)
        scene.world.weather.spells.append(
            Spell(
                begins=begins,
                ends=begins + chance.choice((2.0, 10.0, longest)),
                faults=faults,
                odds=chance.choice((0.1, 0.5, 1.0)),
                where=chance.choice(PLACES),
                methods=chance.choice(((), (), ("GET",), ("PUT", "PATCH", "POST"))),
            )
        )


def _lost(scene: Scene, chance: Random) -> None:
    """Requests that never arrive."""
    _spell(scene, chance, (Fault("lost"), Fault("reset")))


def _unanswered(scene: Scene, chance: Random) -> None:
    """Requests that are carried out and not answered; the client sends them again."""
    _spell(scene, chance, (Fault("unanswered"), Fault("hung up")))


def _status(scene: Scene, chance: Random) -> None:
    """Any status in place of an answer, or of one whose request was carried out."""
    kind = chance.choice(("instead", "instead", "after"))
    codes = chance.sample(STATUSES, chance.choice((1, 3)))
    if chance.random() < 0.2:
        codes = [chance.randint(400, 599)]
    if kind == "after":
        codes = [code for code in codes if code >= 500] or [504]
    _spell(scene, chance, tuple(Fault(kind, status=code) for code in codes))


def _page(scene: Scene, chance: Random) -> None:
    """A proxy's page, as 200."""
    _spell(scene, chance, (Fault("page"),))


def _cut(scene: Scene, chance: Random) -> None:
    """Answers that end in the middle."""
    _spell(scene, chance, (Fault("cut"), Fault("cut text")))


def _drip(scene: Scene, chance: Random) -> None:
    """Answers that take long to come whole."""
    _spell(scene, chance, (Fault("drip", seconds=chance.choice((8.0, 20.0, 45.0))),), longest=20.0)


def _stall(scene: Scene, chance: Random) -> None:
    """The whole process stands still: for a moment, or longer than its lock lasts."""
    for _ in range(chance.choice((1, 2))):
        scene.first.machine.stalls[chance.randint(1, 100)] = chance.choice((3.0, 20.0, 45.0, 120.0))


def _skew(scene: Scene, chance: Random) -> None:
    """Wall clocks that are wrong."""
    for runner in scene.runners:
        runner.machine.ahead += chance.choice((-3600.0, -30.0, 30.0, 3600.0))


def _step(scene: Scene, chance: Random) -> None:
    """A wall clock that is set, forth or back."""
    machine = scene.first.machine
    by = chance.choice((-3600.0, -3600.0, -40.0, 40.0, 3600.0))

    def step() -> None:
        machine.ahead += by
        scene.world.tell("clock", "steps", f"by {by:.0f} s")

    scene.world.timeline.at(chance.uniform(1.0, LONG), step)


def _interrupt(scene: Scene, chance: Random) -> None:
    """Ctrl-C or SIGTERM."""
    scene.world.timeline.at(chance.uniform(0.1, LONG), scene.first.machine.interrupt)


def _sick(scene: Scene, chance: Random) -> None:
    """The new version's pods crash, or never get Ready, or stop being it."""
    scene.world.natures[NEW] = chance.choice(
        (
            Nature(crashes_after=chance.uniform(1.0, 40.0)),
            Nature(ready_after=NEVER),
            Nature(unready_after=chance.uniform(4.0, 40.0)),
            Nature(ready_after=chance.uniform(5.0, 30.0)),
        )
    )


def _unmeasured(scene: Scene, chance: Random) -> None:
    """The policy is to promote without a verdict, and the judge knows nothing, or nothing any more."""
    scene.choose(on_inconclusive="promote")
    scene.manner = replace(scene.manner, mood=chance.choice(("unknown", "falls silent", "flapping", "slow")))


def _rights(scene: Scene, chance: Random) -> None:
    """Rights that are lost for a while."""
    _spell(scene, chance, (Fault("instead", status=403),))


def _word(scene: Scene, chance: Random) -> None:
    """People's commands."""
    for number in range(chance.choice((1, 1, 2, 3))):
        what = chance.choice(("abort", "hold", "promote", "promote"))
        people.word(scene, f"person-{number + 1}", what, chance.uniform(2.0, LONG))


def _repeated(scene: Scene, chance: Random, act: Callable[[], None], times: int) -> None:
    for _ in range(times):
        scene.world.timeline.at(chance.uniform(0.5, LONG), act)


def _edit(scene: Scene, chance: Random) -> None:
    """People's hands on the Deployment."""
    _repeated(scene, chance, lambda: people.edit(scene.world, chance), chance.choice((1, 1, 2)))


def _scaler(scene: Scene, chance: Random) -> None:
    """An autoscaler."""
    _repeated(scene, chance, lambda: people.scale(scene.world, chance), chance.choice((1, 2, 4)))


def _gitops(scene: Scene, chance: Random) -> None:
    """A tool that applies the manifest of before, again and again."""
    whole, manifest = chance.random() < 0.4, scene.manifest
    if chance.random() < 0.4:
        # The template is the pipeline's, only the rest is the tool's.
        manifest = {**manifest, "spec": {k: v for k, v in manifest["spec"].items() if k != "template" or whole}}
    _repeated(scene, chance, lambda: people.apply_again(scene.world, manifest, whole=whole), chance.choice((1, 3)))


def _objects(scene: Scene, chance: Random) -> None:
    """The journal or the lock is deleted or cut."""
    _repeated(scene, chance, lambda: people.damage(scene.world, chance), chance.choice((1, 1, 2)))


FEATURES: dict[str, Feature] = {
    "kill": _kill,
    "second": _second,
    "lost": _lost,
    "unanswered": _unanswered,
    "status": _status,
    "page": _page,
    "cut": _cut,
    "drip": _drip,
    "stall": _stall,
    "skew": _skew,
    "step": _step,
    "interrupt": _interrupt,
    "sick": _sick,
    "rights": _rights,
    "unmeasured": _unmeasured,
    "word": _word,
    "edit": _edit,
    "scaler": _scaler,
    "gitops": _gitops,
    "objects": _objects,
}
