"""Abort: from the command's start to the canary out of the endpoints, a living runner's beside kubectl's own undo.

`nox -s bench -- abort`, alone on a quiet machine: a rollout for each round, some ten seconds each.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

from rich.console import Console

from bench.measure import ran
from bench.rollback import QUICK, Watch, aged, canary_of, generation_of, hashes, undone, whole
from davy.pipeline.clients.kubernetes.api import KubeApi
from davy.pipeline.clients.kubernetes.kubeconfig import access_from
from davy.pipeline.core.events import StepReached
from lab import facts
from lab.load import Load, Plan
from shop.runner import Runner
from shop.stage import DAVY, ROOT, Shop
from shop.visit import merged_config

ROUNDS = 7
NAMESPACE, NODE_PORT = "bench-abort", 30091
LIMIT = 2.5
"""Times what `kubectl rollout undo` takes for the same, from its own start."""


def main(words: Sequence[str]) -> int:
    console = Console(highlight=False)
    folder = ROOT / "davy-out" / "abort"
    folder.mkdir(parents=True, exist_ok=True)
    shop = Shop(facts=facts.read(), namespace=NAMESPACE, node_port=NODE_PORT, folder=folder, settings=QUICK)
    shop.write_config(merged_config(NAMESPACE, {"steps": [{"weight": "50%", "at_least": "2m"}]}))
    stable, canary = shop.build("v1"), shop.build("v2")
    shop.deploy(stable)
    try:
        ours, theirs = _measured(shop, canary, int(words[0]) if words else ROUNDS, console)
    finally:
        shop.remove()
    ratio = statistics.median(ours) / statistics.median(theirs)
    start, python = (
        min(ran(command).cpu for _ in range(11)) for command in ([str(DAVY), "version"], [sys.executable, "-c", "pass"])
    )
    console.print(
        f"abort to out of the endpoints: {_told(ours)}; kubectl rollout undo: {_told(theirs)}; "
        f"{ratio:.2f} of {LIMIT:g}\nof that, davy's start: {start:.3f} s of CPU (Python alone {python:.3f})"
    )
    return 0 if ratio <= LIMIT else 1


def _told(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"


def _measured(shop: Shop, image: str, rounds: int, console: Console) -> tuple[list[float], list[float]]:
    api = KubeApi(access_from(kubeconfig=shop.facts.kubeconfig))
    ours, theirs = [], []
    with Watch(shop, api).running() as watch, Load(Plan(rate=20, seconds=1800, url=shop.url)):
        aged(shop)
        for number in range(rounds):
            ours.append(_aborted(shop, watch, image))
            theirs.append(undone(shop, watch, image, from_command=True))
            console.print(f"round {number + 1}: {ours[-1]:.2f} s, kubectl {theirs[-1]:.2f} s", style="dim")
    return ours, theirs


def _aborted(shop: Shop, watch: Watch, image: str) -> float:
    stable = next(iter(hashes(shop)))
    runner = Runner(("canary", "start", "--image", image), folder=shop.folder, environment=shop.environment())
    runner.reach(StepReached)
    pods = canary_of(shop, stable)
    generation, began = generation_of(shop), time.monotonic()
    abort = subprocess.Popen(
        [DAVY, "canary", "abort"], cwd=shop.folder, env=shop.environment(), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    took = watch.seconds(generation + 1, pods, began)
    abort.wait()
    runner.ended()
    whole(shop)
    return took
