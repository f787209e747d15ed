"""Simulate: `nox -s simulate -- --seeds N`. One line for each seed that breaks an invariant, and a summary."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from simulation.draw import KINDS, drawn, played_with, smallest
from simulation.scene import Result

SAY_EVERY = 10.0


def main(words: list[str]) -> int:
    asked = _asked(words)
    only = None if asked.only is None else tuple(filter(None, asked.only.split(",")))
    if unknown := sorted(set(only or ()) - set(KINDS)):
        print(f"no such kind: {', '.join(unknown)}; there are {', '.join(KINDS)}", file=sys.stderr)
        return 2
    endings: Counter[str] = Counter()
    breaks: Counter[str] = Counter()
    calls, said = 0, time.monotonic()
    for seed in range(asked.start, asked.start + asked.seeds):
        result = played_with(seed, drawn(seed) if only is None else only)
        calls += result.calls
        endings.update(result.endings)
        if asked.verbose:
            _tell(result)
        if result.broken:
            breaks.update({name for name, _ in result.broken})
            print(_broken(result, shrink=not asked.as_it_is), flush=True)
        if time.monotonic() - said > SAY_EVERY:
            said = time.monotonic()
            print(f"{seed - asked.start + 1} of {asked.seeds} seeds, {breaks.total()} broken", file=sys.stderr)
    spent = time.process_time()
    print(
        f"{asked.seeds} seeds, {calls} calls, {asked.seeds / spent:.0f} seeds a CPU second; "
        f"broken: {dict(sorted(breaks.items())) or 'nothing'}; endings: {dict(endings.most_common())}"
    )
    return 1 if breaks else 0


def _asked(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000, help="how many (2000)")
    parser.add_argument("--start", type=int, default=0, help="the first one (0)")
    parser.add_argument("--only", metavar="KIND,KIND", help=f"exactly these: {', '.join(KINDS)}")
    parser.add_argument("--as-it-is", action="store_true", help="do not look for the smallest set of kinds that breaks")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the log of calls")
    return parser.parse_args(words)


def _tell(result: Result) -> None:
    print(f"seed {result.seed}: {', '.join(result.kinds) or 'nothing happens'}; the judge is {result.mood}")
    for at, who, what, how in result.log:
        print(f"{at:10.3f}  {who:<10} {what} {how}".rstrip())


def _broken(result: Result, *, shrink: bool) -> str:
    name, sentence = result.broken[0]
    kinds = smallest(result.seed, result.kinds, name) if shrink else result.kinds
    more = f" (and {len(result.broken) - 1} more)" if len(result.broken) > 1 else ""
    only = f"--only {','.join(kinds)} " if kinds else "--only '' "
    return f"invariant {name}: {sentence}{more} [{result.mood}] · {only}--start {result.seed} --seeds 1 -v"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
