"""The demo: one good release and two bad ones on the lab, under load, and what the users felt of each."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from rich.console import Console

from lab import facts
from lab.load import Load, Plan
from shop.stage import DAVY, ROOT, Shop

from .story import Release, told
from .table import shown

RATE = 120.0
LONGEST = 900.0
QUICK = {"WARMUP": "5s", "READY_WITHIN": "20s", "DEADLINE": "4m", "BAKE": "10s"}
"""Times for a demo at 120 requests a second; the example's own defaults are for real life."""

RELEASES = (
    Release(version="v2", fault="", says="a good version", exit_code=0),
    Release(version="v3", fault="errors:0.05", says="answers 5 % with 500", exit_code=4),
    Release(version="v4", fault="never-ready", says="never gets Ready", exit_code=4),
)


def main() -> int:
    console = Console(highlight=False)
    began = time.monotonic()
    shop = Shop(
        facts=facts.read(), namespace="shop", node_port=30080, folder=ROOT / "davy-out" / "demo", settings=QUICK
    )
    console.rule("v1 goes live, without davy")
    deployed(shop, console)
    with Load(Plan(rate=RATE, seconds=LONGEST, url=shop.url)) as load:
        console.print(f"{RATE:.0f} requests a second begin, each on a connection of its own, counted by the client.")
        time.sleep(8)
        stories = []
        for release in RELEASES:
            console.rule(f"{release.version}: {release.says}")
            before = load.snapshot()
            folder = shop.folder / release.version
            code = released(shop, release, folder)
            time.sleep(4)  # what is under way is answered, what drains is drained
            stories.append(told(release, code, folder, before, load.snapshot()))
        whole = load.stop()
    console.rule("what happened")
    good = shown(console, stories, whole, shop)
    console.print(f"The demo took {time.monotonic() - began:.0f} s. Reports: {shop.folder}")
    return 0 if good else 1


def deployed(shop: Shop, console: Console) -> None:
    """Version 1, by plain manifests, as a team has it before it knows davy."""
    shop.write_config()
    shop.kubectl("delete", "lease", "davy-checkout", "--ignore-not-found")
    image = shop.build("v1")
    console.print(f"built {image}")
    shop.deploy(image)
    answering(shop)
    console.print(f"{shop.replicas} pods of v1 serve at {shop.url}")


def answering(shop: Shop) -> None:
    """Waits until the node port answers, time after time: before that there is nothing that a rollout could lose."""
    good, until = 0, time.monotonic() + 60
    while good < 20:
        try:
            with urllib.request.urlopen(f"{shop.url}/healthz", timeout=2):
                good += 1
        except OSError:
            good = 0
        if time.monotonic() > until:
            raise RuntimeError(f"{shop.url} does not answer")
        time.sleep(0.1)


def released(shop: Shop, release: Release, folder: Path) -> int:
    """One `davy release`, with the terminal its own."""
    command = [str(DAVY), "release", "-f", str(shop.config), "--out", str(folder)]
    environment = shop.environment(VERSION=release.version, FAULT=release.fault)
    print(f"$ VERSION={release.version} FAULT={release.fault} davy release", flush=True)
    return subprocess.run(command, cwd=shop.folder, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
