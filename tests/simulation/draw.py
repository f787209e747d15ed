"""Draw: which kinds of things happen in a seed, and the seed played with them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from simulation.features import FEATURES
from simulation.scene import Result, Scene, played

KINDS = tuple(FEATURES)
HOW_MANY = (0, 1, 1, 2, 2, 3, 4)


def drawn(seed: int) -> tuple[str, ...]:
    """A seed's kinds, in the order of the table."""
    chance = Random(f"{seed}:kinds")
    chosen = chance.sample(KINDS, chance.choice(HOW_MANY))
    return tuple(kind for kind in KINDS if kind in chosen)


def played_with(seed: int, kinds: Sequence[str]) -> Result:
    """Play a seed with exactly these kinds."""

    def prepare(scene: Scene) -> tuple[str, ...]:
        for kind in kinds:
            FEATURES[kind](scene, scene.world.luck(kind))
        return tuple(kinds)

    return played(seed, prepare)


def smallest(seed: int, kinds: Sequence[str], name: str) -> tuple[str, ...]:
    """Of a seed's kinds those that it takes to break the same invariant."""
    left = list(kinds)
    for kind in kinds:
        fewer = [one for one in left if one != kind]
        if any(broken == name for broken, _ in played_with(seed, fewer).broken):
            left = fewer
    return tuple(left)
