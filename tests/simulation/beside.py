"""Beside: what the engine does beside its ticks, as a task on the simulated time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from davy.canary.ports.background import Work

if TYPE_CHECKING:
    from simulation.machine import Machine

T = TypeVar("T")


class _Task(Generic[T]):
    def __init__(self, machine: Machine, work: Callable[[], T]) -> None:
        self._machine = machine
        self._gave: list[T] = []
        machine.helpers += 1
        name = f"{machine.name}'s helper {machine.helpers}"
        self._task = machine.world.timeline.start(name, lambda: self._gave.append(work()))

    def done(self, within: float = 0.0) -> bool:
        self._machine.live()
        self._machine.world.timeline.wait(self._task, within)
        self._machine.live()
        return self._task.done

    def result(self) -> T:
        if self._task.error is not None:
            raise self._task.error
        return self._gave[0]


class Beside:
    """`canary.aside.Aside`, for one machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def begin(self, work: Callable[[], T]) -> Work[T]:
        return _Task(self._machine, work)
