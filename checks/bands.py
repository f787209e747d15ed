"""Bands: how far a whole distribution can lie from what was counted, at every look at once. Pure.

Howard and Ramdas 2022 (arXiv 1906.09712), the law of the iterated logarithm for empirical distributions. It asks of the
requests that they come one by one and alike; it is wide in the tail. For a picture, not for a verdict.
"""

import math

REACHES = {0.05: 8.123, 0.025: 8.623, 0.01: 9.284, 0.005: 9.783}
"""By the chance to miss: the constant C, as the authors' program `confseq` computes it."""


def reach(total: int, miss: float = 0.05) -> float:
    """Half the height of the band around every share above a bound, after so many requests: at most 1.

    `0.85 * sqrt((ln ln(e*total) + C) / total)`. `miss`: one of `REACHES`; raises KeyError for another.
    """
    constant = REACHES[miss]
    if total < 1:
        return 1.0
    return min(1.0, 0.85 * math.sqrt((math.log1p(math.log(total)) + constant) / total))
