"""Which packet-filter rules are the lab's, and the transaction that takes them away."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from .commands import run
from .layout import BRIDGE, NETWORK, POD_SUBNET

BRIDGE_NETWORK = "10.98.0.0/24"
KUBERNETES = ("KUBE-",)
DOCKER = ("DOCKER",)


def clean(*, docker: bool) -> None:
    """Take the rules of the lab's cluster away, and of Docker if its engine was the lab's."""
    prefixes = KUBERNETES + (DOCKER if docker else ())
    for family in ("iptables", "ip6tables"):
        transaction = removal(run(f"{family}-save", check=False), prefixes)
        if transaction:
            run(f"{family}-restore", "--noflush", text=transaction)


def removal(saved: str, prefixes: tuple[str, ...]) -> str:
    """An iptables-restore text that removes our chains, and every rule that speaks of us.

    `saved` is what iptables-save prints. Chains of the CNI plugins count as ours if they
    or the rules that lead to them name the lab's network.
    """
    blocks = []
    for table, lines in _tables(saved):
        chains = _our_chains(lines, prefixes)
        rules = [line for line in lines if line.startswith("-A ") and _is_ours(line, chains)]
        kept = [rule for rule in rules if _chain(rule) not in chains]
        if not chains and not kept:
            continue
        blocks += [f"*{table}"]
        blocks += [f"-F {chain}" for chain in chains]
        blocks += [f"-D {rule.removeprefix('-A ')}" for rule in kept]
        blocks += [f"-X {chain}" for chain in chains]
        blocks += ["COMMIT"]
    return "\n".join(blocks) + "\n" if blocks else ""


def _tables(saved: str) -> Iterable[tuple[str, list[str]]]:
    table, lines = "", list[str]()
    for line in saved.splitlines():
        if line.startswith("*"):
            table, lines = line[1:], []
        elif line == "COMMIT":
            yield table, lines
        elif not line.startswith("#"):
            lines.append(line)


def _our_chains(lines: list[str], prefixes: tuple[str, ...]) -> list[str]:
    chains = [line[1:].split()[0] for line in lines if line.startswith(":")]
    ours = [chain for chain in chains if chain.startswith(prefixes)]
    for chain in chains:
        if chain.startswith("CNI-") and any(NETWORK in line for line in lines if chain in line.split()):
            ours.append(chain)
    return ours


def _is_ours(rule: str, chains: list[str]) -> bool:
    words = shlex.split(rule)
    target = words[words.index("-j") + 1] if "-j" in words else ""
    if _chain(rule) in chains or target in chains:
        return True
    return BRIDGE in words or BRIDGE_NETWORK in words or POD_SUBNET in words


def _chain(rule: str) -> str:
    return rule.split()[1]
