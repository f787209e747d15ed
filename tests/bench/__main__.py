"""The budgets: each a ratio of two things measured side by side in one run.

Alone: `abort`, a person's word to a living runner; `judge`, its error rates; `build`, images that need not be built;
`test`, suites spread over shards.
"""

from __future__ import annotations

import sys
import time

from rich import box
from rich.console import Console
from rich.table import Table

from bench import abort, build, judge, look, rollback, spread
from bench.measure import Budget, in_turn, ran
from bench.rollback import QUICK
from lab import facts
from lab.counting_proxy import CountingProxy
from lab.load import Load, Plan
from shop.stage import DAVY, ROOT, Shop
from shop.visit import kubeconfig_by

NODE_PORT = 30090

ALONE = {"abort": abort.main, "build": build.main, "judge": judge.main, "test": spread.main}

TWO_MINUTES = 120.0
MOST_CPU = 60.0
"""As measured on a busy machine, with a margin; the aim is a second, about 20."""
MOST_REQUESTS = 300
"""213 to 237 were measured. Two in five open a stream anew, which shows that the server still hears."""
MOST_MIB = 1.5
"""As measured, with a margin; the aim is 1. What remains is mostly documents of pods and of the Deployment, whole."""


def main() -> int:
    if sys.argv[1:] and (alone := ALONE.get(sys.argv[1])):
        return alone(sys.argv[2:])
    console = Console(highlight=False)
    budgets = [*startup(), look.budget()]
    if "kubernetes" in facts.read().parts:
        budgets += on_the_lab(console)
    else:
        console.print(f"left out: the budgets that need {facts.LEFT_OUT['kubernetes']}", style="bold yellow")
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
        console.print("bench: one release, for its memory and what it asks for", style="dim")
        budgets += release(shop)
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


def release(shop: Shop) -> list[Budget]:
    """What a whole release takes: peak memory, and for two minutes of it CPU and what it asks of the API server."""
    click = min(ran([sys.executable, "-c", "import click"]).cpu for _ in range(11))
    with (
        CountingProxy(shop.facts.api_server).running() as proxy,
        Load(Plan(rate=60, seconds=240, url=shop.url)),
    ):
        environment = shop.environment(VERSION="v3", KUBECONFIG=str(kubeconfig_by(shop, proxy.url)))
        began = time.monotonic()
        whole = ran([str(DAVY), "release", "-f", str(shop.config), "--plain"], environment)
        took = time.monotonic() - began
    if whole.code:
        raise RuntimeError(f"the release ended with {whole.code}")
    share, how = min(1.0, TWO_MINUTES / took), f"{took:.0f} s"
    requests, mib = share * proxy.requests.total(), share * proxy.received.total() / 2**20
    return [
        Budget(
            name="peak memory of a release, MiB", ours=f"{whole.peak_mib:.0f} MiB", theirs="-",
            measured=whole.peak_mib, limit=120 / 1.048576,
        ),
        Budget(
            name="CPU of a release / python -c 'import click'", ours=f"{whole.cpu:.2f} s",
            theirs=f"{click * 1000:.0f} ms", measured=share * whole.cpu / click, limit=MOST_CPU, how=how,
        ),
        Budget(
            name="requests of two minutes to the API server", ours=f"{requests:.0f}", theirs="-",
            measured=requests, limit=MOST_REQUESTS, how=how,
        ),
        Budget(
            name="read from the API server in two minutes, MiB", ours=f"{mib:.2f} MiB", theirs="-",
            measured=mib, limit=MOST_MIB, how=how,
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
