"""Weather: spells of faults between the runners and the API server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from simulation.exchange import Request
from simulation.timeline import Timeline
from simulation.wire import Fault


@dataclass(frozen=True)
class Spell:
    """From one moment to another, some requests meet a fault."""

    begins: float
    ends: float
    faults: Sequence[Fault]
    odds: float = 1.0
    where: tuple[str, ...] = ()
    """Parts of paths; none: everywhere."""
    methods: tuple[str, ...] = ()

    def meets(self, request: Request, now: float) -> bool:
        return (
            self.begins <= now < self.ends
            and (not self.methods or request.method in self.methods)
            and (not self.where or any(part in request.path for part in self.where))
        )


class Weather:
    """All spells of one simulation."""

    def __init__(self, timeline: Timeline, chance: Random) -> None:
        self._timeline, self._chance = timeline, chance
        self.spells: list[Spell] = []

    def fault(self, request: Request) -> Fault | None:
        if not self.spells:
            return None
        for spell in self.spells:
            if spell.meets(request, self._timeline.now) and self._chance.random() < spell.odds:
                return self._chance.choice(spell.faults)
        return None

    def keeps_from(self, path: str, since: float) -> bool:
        """True where a spell lay over writes to this path since then."""
        return any(
            spell.begins <= self._timeline.now
            and spell.ends >= since
            and (not spell.where or any(part in path for part in spell.where))
            and (not spell.methods or "PATCH" in spell.methods)
            for spell in self.spells
        )

    def is_clear(self, now: float) -> bool:
        """No spell lies over anything now, or will soon."""
        return not any(spell.begins < now + 60 and spell.ends > now for spell in self.spells)

    def clear(self) -> None:
        """Nothing happens any more."""
        self.spells.clear()
