"""Bands around a distribution as it was counted: for all values and all looks at once. For pictures, not for verdicts.

They are far too wide for the tails that a bad release shows in first.
"""

import math

CONSTANTS = {0.05: 8.122719346, 0.025: 8.622649648, 0.01: 9.283543400, 0.005: 9.783365231}
"""By miss, the constant C of the bound: Howard and Ramdas, Bernoulli 2022 (arXiv 1906.09712), theorem 2 with A = 0.85:
the C at which the smallest of 4 exp(-g C) (1 + 1/((g-1) log h)) is the miss, with g = 2/h (A - sqrt(2(h-1)/C))^2 > 1
and 1 < h < 2A^2."""


def reach(total: int, miss: float = 0.05) -> float:
    """How far the counted share below any value may be from the true one, after so many events.

    All values and all looks together are off by more with at most the probability `miss`, one of `CONSTANTS`.
    1 (nothing is known) without events.
    """
    if total < 1:
        return 1.0
    return min(1.0, 0.85 * math.sqrt((math.log(1 + math.log(total)) + CONSTANTS[miss]) / total))
