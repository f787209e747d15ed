"""`python -m lab load`: one load, from its start to its report."""

from __future__ import annotations

import argparse
import json
import signal
import time
from types import FrameType
from typing import Any

from .layout import Layout
from .load import PATHS, SHOP, Load, Plan
from .talk import say

TELL_EVERY = 5.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rate", type=float, default=50, help="requests per second")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--url", default=SHOP, help="on loopback; default %(default)s")
    parser.add_argument("--path", action="append", help='"/x" or "POST /x"; may be repeated')
    parser.add_argument("--timeout", type=float, default=5.0, help="seconds per request")
    parser.set_defaults(act=act)


def act(_layout: Layout, arguments: argparse.Namespace) -> int:
    """Run the load; SIGINT and SIGTERM end it early, with its report. Exit 1: answers lost."""
    plan = Plan(
        rate=arguments.rate,
        seconds=arguments.seconds,
        url=arguments.url,
        paths=tuple(arguments.path or PATHS),
        timeout=arguments.timeout,
    )
    load = Load(plan)
    asked = []

    def stop(_signal: int, _frame: FrameType | None) -> None:
        asked.append(True)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with load:
        _watch(load, asked)
    seen = load.snapshot()
    if arguments.output == "json":
        print(json.dumps(seen, indent=2))
    else:
        _print(seen)
    return 1 if seen["lost"] else 0


def _watch(load: Load, asked: list[bool]) -> None:
    told = time.monotonic()
    while load.is_running and not asked:
        time.sleep(0.1)
        if time.monotonic() - told >= TELL_EVERY:
            told = time.monotonic()
            seen = load.snapshot()
            shares = ", ".join(f"{v} {n['requests']}" for v, n in seen["versions"].items())
            say(f"  {seen['sent']} sent, {seen['lost']} lost, {seen['failures']} failed ({shares})")


def _print(seen: dict[str, Any]) -> None:
    kept = "" if seen["kept_rate"] else "; THE RATE WAS NOT KEPT"
    print(f"{seen['sent']} sent at {seen['sent_per_second']:.1f}/s{kept}")
    print(f"{seen['answered']} answered, {seen['failures']} failed, {seen['lost']} lost {seen['bad']}")
    for version, side in seen["versions"].items():
        times = " ".join(f"{name} {1000 * value:.1f}" for name, value in side["latency"].items())
        print(f"  {version:<12} {side['requests']} requests, {side['failures']} failed; ms: {times}")
