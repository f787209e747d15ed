"""Draw: which kinds of things happen in a seed, and the seed played with them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from simulation.features import FEATURES
from simulation.scene import Result, Scene, played

KINDS = tuple(FEATURES)
NAMED_ONLY = ("unmeasured", "objects")
"""Kinds that come only with `--only`."""
DRAWN = tuple(kind for kind in KINDS if kind not in NAMED_ONLY)
"""The kinds that a seed may have when none is named."""
HOW_MANY = (0, 1, 1, 2, 2, 3, 4)


def drawn(seed: int, among: Sequence[str]) -> tuple[str, ...]:
    """A seed's kinds, in the order of the table."""
    chance = Random(f"{seed}:kinds")
    # The whole table is put in order, so that what a seed has does not hang on how many kinds there are to leave out.
    order = sorted(KINDS, key=lambda kind: Random(f"{seed}:{kind}").random())
    chosen = [kind for kind in order if kind in among][: chance.choice(HOW_MANY)]
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
