"""The lab's command: `python -m lab up|down|status|extras|load`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict

from . import lifecycle, load_command, toolchain
from .facts import Facts, as_json, read
from .layout import Layout, layout_from
from .processes import living
from .talk import LabError, Stopwatch, say

NOT_USABLE = 2
NOT_UP = 3
TABLE = (
    *("cluster", "api_server", "kubeconfig", "kubeconfig_limited", "kubectl"),
    *("prometheus", "prometheus_rules", "alertmanager"),
    *("registry", "docker_host", "base_image", "buildkit", "buildx", "buildah"),
)


def main() -> int:
    """Run one command; errors of the machine are told in a line, not a traceback."""
    arguments = _parser().parse_args()
    try:
        return int(arguments.act(layout_from(), arguments))
    except (LabError, ValueError) as wrong:
        say(f"lab: {wrong}")
        return NOT_USABLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="up|down|status|extras|load")
    output = argparse.ArgumentParser(add_help=False)
    output.add_argument("--output", choices=("text", "json"), default="text")
    for name, act, text in (
        ("up", _up, "start what is not running; change nothing else"),
        ("down", _down, "end everything; keep what was built"),
        ("status", _status, "tell what is running, and where"),
        ("extras", _extras, "build cosign and k6 where they are not there yet; tell where they are"),
    ):
        commands.add_parser(name, parents=[output], help=text).set_defaults(act=act)
    nothing = "go without what takes minutes to build and is not there: Kubernetes, BuildKit"
    commands.choices["up"].add_argument("--build-nothing", action="store_true", help=nothing)
    text = "put load on a service at loopback and count what comes back"
    load_command.add_options(commands.add_parser("load", parents=[output], help=text))
    return parser


def _up(layout: Layout, arguments: argparse.Namespace) -> int:
    begun, watch = time.monotonic(), Stopwatch()
    say(f"lab: up, in {layout.cache}")
    facts = lifecycle.up(layout, os.environ, watch, builds=not arguments.build_nothing)
    spent = time.monotonic() - begun
    if arguments.output == "json":
        print(as_json(facts), end="")
        return 0
    _print_table(facts)
    print("\nseconds per part")
    for name, seconds in watch.seconds.items():
        print(f"  {name:<30} {seconds:6.1f}")
    print(f"  {'all':<30} {spent:6.1f}")
    return 0


def _down(layout: Layout, arguments: argparse.Namespace) -> int:
    begun, watch = time.monotonic(), Stopwatch()
    lifecycle.down(layout, watch)
    say(f"lab: down after {time.monotonic() - begun:.1f} s; {layout.cache} keeps what was built")
    return 0


def _extras(layout: Layout, arguments: argparse.Namespace) -> int:
    watch = Stopwatch()
    built = {"cosign": str(toolchain.cosign(layout, watch)), "k6": str(toolchain.k6(layout, watch))}
    if arguments.output == "json":
        print(json.dumps(built, indent=2))
    else:
        print("\n".join(f"  {name:<20} {path}" for name, path in built.items()))
    return 0


def _status(layout: Layout, arguments: argparse.Namespace) -> int:
    facts = read(layout)
    alive = living(layout)
    dead = sorted(set(facts.pids) - set(alive))
    if arguments.output == "json":
        print(json.dumps(asdict(facts) | {"pids": alive, "dead": dead}, indent=2))
    else:
        _print_table(facts)
        print(f"  {'processes':<20} {', '.join(f'{name} {pid}' for name, pid in alive.items())}")
    if dead:
        say(f"lab: not running any more: {', '.join(dead)}; `up` heals this")
    return NOT_UP if dead else 0


def _print_table(facts: Facts) -> None:
    for name in TABLE:
        print(f"  {name:<20} {getattr(facts, name)}")
    for name, version in facts.versions.items():
        print(f"  {name:<20} {version}")


if __name__ == "__main__":
    sys.exit(main())
