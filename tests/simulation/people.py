"""People, and tools that people set up: words for the runner, and hands on the same Deployment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import TYPE_CHECKING, Any

from davy.canary.engine.driver.rollout import Resume, rollout
from davy.canary.platforms.held_update import PREFIX
from davy.canary.platforms.kubernetes.annotations import ROLLOUT
from davy.pipeline.core.events import Event
from davy.workflows.rollout.request import lives, said
from simulation.exchange import DEPLOYMENT, LEASES, MAPS
from simulation.law import image_of
from simulation.machine import Machine
from simulation.manifest import defaulted
from simulation.objects import Unfit
from simulation.runner import Runner

if TYPE_CHECKING:
    from davy.canary.engine.driver.loop import Outcome
    from simulation.objects import Doc
    from simulation.scene import Scene
    from simulation.world import World

MAP, LEASE = f"{MAPS}/davy-checkout", f"{LEASES}/davy-checkout"


class Task(Runner):
    """`davy canary abort`, `hold` or `promote`: the word is left, and carried out here where no runner lives."""

    word = "abort"

    def _played(self) -> Outcome | None:
        machine = self.machine
        ended: list[Outcome] = []
        machine.world.tell(machine.name, "says", self.word)
        events = said(
            self.word,
            by=machine.name,
            why="because",
            alive=lives(machine.lock, machine.api.server_now()),
            journal=machine.journal,
            clock=machine,
            act=lambda: self._acted(ended),
        )
        for event in events:
            self.tell(event)
        return ended[0] if ended else None

    def _acted(self, ended: list[Outcome]) -> Iterator[Event]:
        ended.append((yield from rollout(Resume(runner=self.machine.name), self.ports(), self.manner.patience)))


def word(scene: Scene, name: str, what: str, after: float) -> None:
    """A person's command."""
    errand = Task(Machine(scene.world, name, pace=scene.pace), lambda: Resume(runner=name), lambda: scene.manner)
    errand.word = what
    scene.runners.append(errand)
    errand.start(after)


# ---- hands on the Deployment ----


def _with_spec(deployment: Doc, **spec: object) -> Doc:
    return {**deployment, "spec": {**deployment["spec"], **spec}}


def with_image(deployment: Doc, image: str) -> Doc:
    """`kubectl set image`."""
    template = deployment["spec"]["template"]
    first, *others = template["spec"]["containers"]
    spec = {**template["spec"], "containers": [{**first, "image": image}, *others]}
    return _with_spec(deployment, template={**template, "spec": spec})


def _without(marks: Mapping[str, str] | None, names: Callable[[str], bool]) -> dict[str, str]:
    return {key: value for key, value in (marks or {}).items() if not names(key)}


def _undo(world: World, chance: Random) -> Doc:
    """`kubectl rollout undo`, which a paused Deployment has to be resumed for."""
    now, sets = world.server.deployment, sorted(world.server.controller.sets, key=lambda each: each.revision)
    if len(sets) < 2:
        return now
    before = sets[-2]
    revision = now["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
    meta = {**now["metadata"], "annotations": {**before.notes, "deployment.kubernetes.io/revision": revision}}
    return {**_with_spec(now, template=before.template, paused=False), "metadata": meta}


def _image(world: World, chance: Random) -> Doc:
    return with_image(world.server.deployment, "shop/app@sha256:9")


def _restart(world: World, chance: Random) -> Doc:
    """`kubectl rollout restart`."""
    now = world.server.deployment
    template = now["spec"]["template"]
    notes = {"kubectl.kubernetes.io/restartedAt": f"{world.timeline.now:.0f}"}
    return _with_spec(now, template={**template, "metadata": {**template["metadata"], "annotations": notes}})


def _paused(world: World, chance: Random) -> Doc:
    return _with_spec(world.server.deployment, paused=not world.server.deployment["spec"].get("paused"))


def _unmarked(world: World, chance: Random) -> Doc:
    """davy's annotations, or its label, taken away."""
    now = world.server.deployment
    meta = dict(now["metadata"])
    if chance.random() < 0.5:
        one = chance.choice((PREFIX, PREFIX + "fence", PREFIX + "restore", PREFIX + "release"))
        meta["annotations"] = _without(meta.get("annotations"), lambda key: key.startswith(one))
    else:
        meta["labels"] = _without(meta.get("labels"), lambda key: key == ROLLOUT)
    return {**now, "metadata": meta}


def _scaled(world: World, chance: Random) -> Doc:
    return _with_spec(world.server.deployment, replicas=chance.choice((1, 2, 3, 5, 8)))


EDITS = (_undo, _image, _restart, _paused, _unmarked, _scaled)


def edit(world: World, chance: Random) -> None:
    """One change by hand."""
    how = chance.choice(EDITS)
    world.tell("kubectl", how.__name__.strip("_"), "")
    _sent(world, "kubectl", how(world, chance))


def scale(world: World, chance: Random) -> None:
    """An autoscaler's."""
    after = _scaled(world, chance)
    world.tell("autoscaler", "scales", f"to {after['spec']['replicas']}")
    _sent(world, "autoscaler", after)


def apply_again(world: World, manifest: Doc, *, whole: bool) -> None:
    """A GitOps tool's: the manifest's own fields are put back, or the whole object is replaced."""
    now = world.server.deployment
    world.tell("gitops", "replaces" if whole else "applies", f"over {image_of(now)}")
    spec: dict[str, Any] = {**now["spec"], **manifest["spec"], "replicas": now["spec"]["replicas"]}
    after = {**now, "spec": dict(manifest["spec"]) if whole else spec}
    if whole:
        meta = {**manifest["metadata"], "generation": now["metadata"]["generation"]}
        after = {**after, "metadata": meta}
    _sent(world, "gitops", after)


def _sent(world: World, who: str, deployment: Doc) -> None:
    """The API server may refuse it: then their tool says so, and nothing is changed."""
    try:
        world.server.write(who, DEPLOYMENT, defaulted(deployment))
    except Unfit as error:
        world.tell(who, "is refused", str(error))


def damage(world: World, chance: Random) -> None:
    """Somebody tidies up: the journal or the lock is deleted, or cut short."""
    path = chance.choice((MAP, MAP, MAP, LEASE))
    there = world.server.found(path)
    if there is None:
        return
    how = "deleted"
    after: Doc | None = None
    if path == MAP and chance.random() < 0.5:
        how = "cut short"
        data = {key: value[: len(value) // 2] for key, value in there["data"].items()}
        after = {**there, "data": data}
    world.tell("kubectl", how, path.rpartition("/")[0].rpartition("/")[2])
    world.server.write("kubectl", path, after)
