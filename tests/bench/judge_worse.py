"""Where davy is worse: every cell in which a rival with an honest error rate beats it, found and printed."""

import math
from collections.abc import Iterator

from bench.judge_cells import Scores
from bench.judge_tables import BASES, KAYENTA, RATIOS, SHARED, TESTS, THRESHOLDS

DOUBT = 2.5
"""Standard errors between two shares, below which neither is called better."""


def worse(scores: Scores) -> Iterator[str]:
    """A line for each."""
    yield "WHERE DAVY IS WORSE  than a rival that at the same base rate flags at most 1 % of healthy canaries"
    lines = [*_slower(scores), *_false(scores)]
    yield from lines or ["  nowhere in these tables"]


def _slower(scores: Scores) -> Iterator[str]:
    for base in BASES:
        for ratio in RATIOS[1:]:
            key = f"{base:g} {ratio:g}"
            ours = scores["rates", key, "davy"]
            for rule in (*TESTS, *THRESHOLDS, *KAYENTA):
                theirs = scores["rates", key, rule]
                if scores["rates", f"{base:g} 1", rule].flagged > 0.01:
                    continue
                spread = (ours.error**2 + theirs.error**2) ** 0.5 or 1e-9
                if (theirs.flagged - ours.flagged) / spread > DOUBT:
                    yield (
                        f"  {ratio:g}x at {100 * base:g} %: {rule} finds {100 * theirs.flagged:.3g} %, "
                        f"davy {100 * ours.flagged:.3g} %"
                    )
                elif theirs.median_flag < ours.median_flag:
                    yield (
                        f"  {ratio:g}x at {100 * base:g} %: {rule} needs {theirs.median_flag / 60:.3g} min, "
                        f"davy {_minutes(ours.median_flag)}"
                    )


def _minutes(seconds: float) -> str:
    return "finds under half" if math.isinf(seconds) else f"{seconds / 60:.3g}"


def _false(scores: Scores) -> Iterator[str]:
    for base in BASES[1:]:
        for scenario in SHARED:
            key = f"{base:g} {scenario.name}"
            ours = scores["shared", key, "davy"]
            if ours.flagged > 0.01:
                yield f"  {scenario.name} at {100 * base:g} %: davy rolls back {100 * ours.flagged:.3g} %"
