"""Scene: one seed from its draw to its verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from davy.canary.engine.driver.loop import Patience
from davy.canary.engine.driver.rollout import Order
from davy.pipeline.core.events import Asked, CanaryPolicy, StepPlan
from simulation.judge import MOODS, WEIGHTS
from simulation.law import marks_of
from simulation.machine import Machine
from simulation.runner import Manner, Runner, enforce_order, resume_order, start_order
from simulation.world import NEW, World

SIZES = ((1,), (1,), (2,), (1, 2), (1, 2), (2, 3), (1, 2, 4))
"""Canary pods of the steps."""
LONGEST = 1200.0
"""Seconds in which a runner must come to an end once no fault happens any more."""
MOST_CALLS = 20_000


@dataclass(frozen=True)
class Result:
    """How a seed went."""

    seed: int
    kinds: tuple[str, ...]
    mood: str
    broken: tuple[tuple[str, str], ...]
    endings: tuple[str, ...]
    calls: int
    log: Sequence[tuple[float, str, str, str]]


def seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


def step_plan(pods: int, replicas: int, chance: Random) -> StepPlan:
    share = 100.0 * pods / (replicas + pods)
    return StepPlan(
        weight=share,
        pods=pods,
        share=share,
        at_least=seconds(chance.choice((2, 5))),
        at_most=chance.choice((None, None, None, seconds(20))),
        worse=2.0,
        approve=chance.random() < 0.1,
    )


class Scene:
    """A world, its first runner, and everything that is to happen."""

    def __init__(self, seed: int) -> None:
        chance = Random(f"{seed}:scene")
        self.chance = chance
        replicas = chance.choice((2, 3, 4, 4, 6))
        spec = chance.choice(
            (
                {},
                {"minReadySeconds": 2},
                {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}},
            )
        )
        self.world = World(seed, replicas, **spec)
        self.replicas = replicas
        sizes = [
            pods for pods in chance.choice(((1,), (1,), (2,), (1, 2), (1, 2), (2, 3), (1, 2, 4))) if pods <= replicas
        ]
        self._steps = tuple(step_plan(pods, replicas, chance) for pods in sizes)
        self.pace = chance.choice((1.0, 3.0, 4.0, 5.0, 6.0, 8.0))
        self._deadline = seconds(15.0 * self.pace + chance.choice((10.0, 20.0, 40.0)))
        self._choices = {
            "on_inconclusive": chance.choice(("hold", "hold", "roll_back")),
            "on_lost": chance.choice(("roll_back", "roll_back", "hold")),
            "on_interrupt": chance.choice(("roll_back", "roll_back", "hold")),
        }
        self._times = {
            "ready_within": seconds(chance.choice((20, 40))),
            "promote_within": seconds(chance.choice((40, 90))),
            "bake": seconds(chance.choice((0, 3, 10))),
        }
        self.manner = Manner(
            chance.choices(tuple(MOODS), WEIGHTS)[0],
            interval=chance.choice((2.0, 3.0, 5.0)),
            takes=chance.choice((0.0, 0.0, 0.0, 3.0)),
            beside=chance.random() < 0.25,
            patience=Patience(going_on=seconds(chance.choice((20, 60))), rolling_back=seconds(120)),
        )
        self.runners: list[Runner] = []
        self.first = self.runner("ci-1", lambda machine: start_order(machine, lambda: self.policy(machine), "r1"))
        self.manifest = self.world.server.deployment

    def policy(self, machine: Machine) -> CanaryPolicy:
        """Its deadline is by the machine's own clock, as the command has it; the engine knows how wrong that is."""
        return CanaryPolicy(
            steps=self._steps,
            replicas=self.replicas,
            warmup=timedelta(0),
            deadline=machine.now() + self._deadline,
            **self._times,
            **self._choices,
        )

    def choose(self, **choices: str) -> None:
        """What the configuration says of it."""
        self._choices |= choices
        self.world.promotes_late = self._choices["on_inconclusive"] == "promote"

    def runner(self, name: str, order: Callable[[Machine], Order]) -> Runner:
        """Ready to be started."""
        machine = Machine(self.world, name, pace=self.pace)
        made = Runner(machine, lambda: order(machine), lambda: self.manner)
        self.runners.append(made)
        return made

    def release(self, name: str, release: str, image: str = NEW) -> Runner:
        return self.runner(name, lambda machine: start_order(machine, lambda: self.policy(machine), release, image))

    def resume(self, name: str) -> Runner:
        return self.runner(name, resume_order)

    def enforce(self, name: str) -> Runner:
        return self.runner(name, enforce_order)

    # ---- the play ----

    def play(self) -> None:
        """Until everybody ended, somebody touched what was left, and nothing of a rollout is there."""
        self.first.start()
        self._all_end()
        self.world.weather.clear()
        self._touched()
        self._cleared()
        self._as_it_was()

    def _all_end(self) -> None:
        timeline = self.world.timeline
        for number in range(100):
            if number >= len(self.runners):
                return
            runner = self.runners[number]
            if runner.task is None:
                continue
            timeline.wait(runner.task, LONGEST)
            if not runner.is_over:
                self.world.law.breaks("5", f"{runner.machine.name} comes to no end within {LONGEST:.0f} s")
                runner.machine.dead = True

    def _later(self, runner: Runner) -> None:
        self.world.timeline.sleep(40.0)
        runner.start()
        self._all_end()

    def _touched(self) -> None:
        """Whoever comes next carries out on_lost."""
        server = self.world.server
        if not marks_of(server.deployment):
            return
        self._later(self.enforce("cron"))

    def _cleared(self) -> None:
        """A person aborts what is held, and takes it back."""
        server = self.world.server
        if not marks_of(server.deployment):
            return
        person = Machine(self.world, "person", pace=self.pace)
        person.journal.ask(Asked(at=person.now(), what="abort", by="person", why="enough"))
        self._later(self.resume("person's davy"))

    def _as_it_was(self) -> None:
        law, server = self.world.law, self.world.server
        self.world.timeline.sleep(60.0)
        now = server.deployment
        sick = law.era is not None and law.era.stable in self.world.natures
        if (left := law.left(now)) and not sick:
            law.breaks("9", f"these marks are left: {', '.join(left)}")
        if law.era is None or law.era.disturbed:
            return
        for key in ("strategy", "minReadySeconds", "progressDeadlineSeconds", "paused"):
            if now["spec"].get(key) != self.manifest["spec"].get(key):
                law.breaks("9", f"{key} is {now['spec'].get(key)}, it was {self.manifest['spec'].get(key)}")


def _ending(runner: Runner) -> str:
    if runner.outcome:
        return runner.outcome.ending.name
    if runner.error:
        return type(runner.error).__name__
    return "killed" if runner.machine.dead else "said" if runner.machine.is_over else "never came"


def played(seed: int, prepare: Callable[[Scene], tuple[str, ...]]) -> Result:
    """One seed; `prepare` puts its faults in."""
    scene = Scene(seed)
    kinds = prepare(scene)
    try:
        scene.play()
    finally:
        scene.world.timeline.end()
    world = scene.world
    endings = tuple(_ending(runner) for runner in scene.runners)
    calls = sum(machine.calls for machine in world.machines.values())
    return Result(seed, kinds, scene.manner.mood, tuple(world.law.broken), endings, calls, world.log)
