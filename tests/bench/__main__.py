"""The budgets: each a ratio of two things measured side by side in one run. Alone: `judge`, its error rates; `test`."""

from __future__ import annotations

import sys

from rich import box
from rich.console import Console
from rich.table import Table

from bench import judge, look, rollback, spread
from bench.measure import Budget, in_turn, ran
from lab import facts
from lab.load import Load, Plan
from shop.stage import DAVY, ROOT, Shop

NODE_PORT = 30090
QUICK = {"WARMUP": "3s", "READY_WITHIN": "60s", "DEADLINE": "3m", "BAKE": "3s"}


def main() -> int:
    if sys.argv[1:2] == ["judge"]:
        return judge.main(sys.argv[2:])
    if sys.argv[1:2] == ["test"]:
        return spread.main(sys.argv[2:])
    console = Console(highlight=False)
    budgets = [*startup(), look.budget(), *on_the_lab(console)]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("budget", "davy", "beside", "measured", "at most"):
        table.add_column(name, justify="left" if name == "budget" else "right")
    for one in budgets:
        mark = "" if one.kept else " over"
        name = f"{one.name} ({one.how})" if one.how else one.name
        table.add_row(name, one.ours, one.theirs, f"{one.measured:.2f}{mark}", f"{one.limit:g}")
    console.print(table)
    return 0 if all(one.kept for one in budgets) else 1


def startup() -> list[Budget]:
    """CPU of commands that do nothing but start."""
    beside = [sys.executable, "-c", "import click"]
    return [
        in_turn(f"CPU of davy {word} / python -c 'import click'", [str(DAVY), word], beside, limit=1.6)
        for word in ("--help", "version")
    ]


def on_the_lab(console: Console) -> list[Budget]:
    """What needs a cluster."""
    # In the work tree, for davy asks git about the folder of its configuration; git ignores it.
    shop = Shop(
        facts=facts.read(), namespace="bench", node_port=NODE_PORT, folder=ROOT / "davy-out" / "bench",
        drain_seconds=1, settings=QUICK,
    )  # fmt: skip
    console.print("bench: deploys the sample shop", style="dim")
    shop.write_config({"tests": []})
    stable, canary = shop.build("v1"), shop.build("v2")
    shop.deploy(stable)
    try:
        console.print("bench: status beside kubectl", style="dim")
        budgets = [status(shop)]
        console.print("bench: rollbacks beside kubectl's", style="dim")
        budgets.append(rollback.budget(shop, stable, canary))
        console.print("bench: one release, for its memory", style="dim")
        budgets.append(memory(shop))
        return budgets
    finally:
        shop.remove()


def status(shop: Shop) -> Budget:
    """CPU of looking at the canary."""
    environment = shop.environment()
    ours = [str(DAVY), "canary", "status", "-f", str(shop.config)]
    theirs = [shop.facts.kubectl, "-n", shop.namespace, "get", "deployment", "checkout", "-o", "json"]
    return in_turn(
        "CPU of davy canary status / kubectl get deployment -o json", ours, theirs, limit=3.0, env=environment
    )


def memory(shop: Shop) -> Budget:
    """Peak memory of a whole release."""
    with Load(Plan(rate=60, seconds=240, url=shop.url)):
        release = ran([str(DAVY), "release", "-f", str(shop.config), "--plain"], shop.environment(VERSION="v3"))
    if release.code:
        raise RuntimeError(f"the release ended with {release.code}")
    return Budget(
        name="peak memory of a release, MiB", ours=f"{release.peak_mib:.0f} MiB", theirs="-",
        measured=release.peak_mib, limit=120 / 1.048576,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
