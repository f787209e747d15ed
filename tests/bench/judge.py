"""`nox -s bench -- judge`: the judge's error rates, speed and price beside its rivals' and beside the bounds."""

import argparse
import sys
import time
from collections.abc import Sequence

from bench import judge_rollouts, judge_tables
from bench.judge_bounds import neyman_pearson, wald
from bench.judge_cells import Scores, scored
from bench.judge_worse import worse

NOTE = """\
Bounds: the fewest requests that any rule needs whose false rollbacks are at most 1 % at whatever base rate.
  mean (Wald 1945): ln(1/.01) / I, with I = p [s r ln r - (1+s(r-1)) ln(1+s(r-1))] nats a request of all traffic
  median (Neyman and Pearson 1933): the best single look that knows the ratio finds half; no sequential rule gets there
"""


def main(arguments: Sequence[str]) -> int:
    """0 where every limit holds."""
    said = _said(arguments)
    scale = 5.0 if said.full else said.scale
    began = time.monotonic()
    cells = [
        *judge_rollouts.limit_cells(scale),
        *judge_tables.rates_cells(scale),
        *judge_tables.shared_cells(scale),
        *judge_tables.latency_cells(scale),
        *judge_rollouts.rollout_cells(scale),
        *judge_rollouts.verdict_cells(scale),
    ]
    print(f"bench judge: seed {said.seed}, {sum(cell.rollouts for cell in cells):,} rollouts\n")
    scores = scored(cells, said.seed, said.jobs)
    print(NOTE)
    tables = (
        judge_tables.rates, judge_tables.shared, judge_tables.latency, judge_rollouts.rollouts,
        judge_rollouts.verdicts, worse,
    )  # fmt: skip
    for table in tables:
        print("\n".join(table(scores)), end="\n\n")
    kept = _limits(scores)
    print(f"\n{time.monotonic() - began:.0f} s")
    return 0 if kept else 1


def _said(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench judge", description=__doc__)
    parser.add_argument("--full", action="store_true", help="five times as many rollouts")
    parser.add_argument("--scale", type=float, default=1.0, help="so many times as many rollouts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    return parser.parse_args(arguments)


def _limits(scores: Scores) -> bool:
    print("LIMITS  100 rps, 10 % share, p = 0.1 %, objective 99.9 %")
    kept = True
    for what, measured, most, beside in judge_rollouts.limits(scores):
        held = measured <= most
        kept = kept and held
        print(f"{what:<36}{measured:>8.2f}  at most {most:>6.2f}  {'held' if held else 'NOT HELD':<9} {beside}")
    found = scores["limits", "5x", "davy"].median_flag * judge_tables.RPS
    for name, bound in (
        ("Wald, tolerating 1x", wald(0.1, 5.0, 0.001)),
        ("Wald, tolerating 1.1x", wald(0.1, 5.0, 0.001, null=1.1)),
        ("Neyman-Pearson, tolerating 1x", neyman_pearson(0.1, 5.0, 0.001)),
        ("Neyman-Pearson, tolerating 1.1x", neyman_pearson(0.1, 5.0, 0.001, null=1.1)),
    ):
        print(f"  fivefold: {found / bound:.2f} times the bound by {name} ({bound / 1000:.1f}k)")
    return kept


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
