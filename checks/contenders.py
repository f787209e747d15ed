"""Contenders: the judges that are let loose on the same simulated rollouts, by name."""

from collections.abc import Callable, Mapping
from random import Random

from davy.checks.simulation import WARMUP, Outcome, Play, Scenario, dispersions, sequential, since, tempered
from davy.checks.trace import Trace

Judge = Callable[[Trace], Outcome]
Opened = Callable[[Play, Scenario, Random], Judge]
"""Made for one scenario: what is true (for the history of stable pods that it reads), and chance (to draw it)."""

HISTORIES = 20
"""So many histories are drawn for a scenario, and each rollout has one of them."""


def davy(play: Play, scenario: Scenario, dice: Random) -> Judge:
    """The sequential judge, with the dispersion that stable pods' own history shows."""
    # Without clusters every history says about 1; a few are enough.
    histories = [dispersions(play, scenario, dice) for _ in range(HISTORIES if scenario.cluster > 1 else 3)]
    return lambda trace: sequential(tempered(_warm(trace, scenario), dice.choice(histories)))


def untempered(play: Play, scenario: Scenario, dice: Random) -> Judge:
    """The same, believing that bad events come one by one."""
    del play, dice
    return lambda trace: sequential(_warm(trace, scenario))


def _warm(trace: Trace, scenario: Scenario) -> Trace:
    return since(trace, WARMUP) if scenario.cold > 1 else trace


CONTENDERS: Mapping[str, Opened] = {"davy": davy, "davy, dispersion 1": untempered}
