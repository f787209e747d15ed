"""Which packet-filter rules are the lab's, and the transaction that takes them away."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from .commands import run
from .layout import BRIDGE, BRIDGE_NETWORK, NETWORK, POD_SUBNET


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """By what the rules of one maker are known."""

    prefixes: tuple[str, ...]
    """Of the names of chains."""
    words: tuple[str, ...]
    """One of which a rule in somebody else's chain has."""
    network: str = ""
    """What the chains of the CNI plugins name."""

    def __add__(self, other: Marks) -> Marks:
        return Marks(
            prefixes=self.prefixes + other.prefixes,
            words=self.words + other.words,
            network=self.network or other.network,
        )


NOBODY = Marks(prefixes=(), words=())
KUBERNETES = Marks(prefixes=("KUBE-",), words=(POD_SUBNET,), network=NETWORK)
DOCKER = Marks(prefixes=("DOCKER",), words=(BRIDGE, BRIDGE_NETWORK))


def clean(*, kubernetes: bool, docker: bool) -> None:
    """Take away the rules of those that were the lab's own; another cluster's stay."""
    marks = (KUBERNETES if kubernetes else NOBODY) + (DOCKER if docker else NOBODY)
    for family in ("iptables", "ip6tables") if marks != NOBODY else ():
        transaction = removal(run(f"{family}-save", check=False), marks)
        if transaction:
            run(f"{family}-restore", "--noflush", text=transaction)


def removal(saved: str, marks: Marks) -> str:
    """An iptables-restore text that removes our chains, and every rule that speaks of us.

    `saved` is what iptables-save prints.
    """
    blocks = list[str]()
    for table, lines in _tables(saved):
        chains = _our_chains(lines, marks)
        rules = [line for line in lines if line.startswith("-A ") and _chain(line) not in chains]
        ours = [rule for rule in rules if _is_ours(rule, chains, marks)]
        if not chains and not ours:
            continue
        blocks += [f"*{table}"]
        blocks += [f"-F {chain}" for chain in chains]
        blocks += [f"-D {rule.removeprefix('-A ')}" for rule in ours]
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


def _our_chains(lines: list[str], marks: Marks) -> list[str]:
    chains = [line[1:].split()[0] for line in lines if line.startswith(":")]
    ours = [chain for chain in chains if chain.startswith(marks.prefixes)]
    if not marks.network:
        return ours
    networked = [chain for chain in chains if chain.startswith("CNI-")]
    return ours + [chain for chain in networked if _names(marks.network, chain, lines)]


def _names(network: str, chain: str, lines: list[str]) -> bool:
    return any(network in line for line in lines if chain in line.split())


def _is_ours(rule: str, chains: list[str], marks: Marks) -> bool:
    words = shlex.split(rule)
    target = words[words.index("-j") + 1] if "-j" in words else ""
    return target in chains or any(word in words for word in marks.words)


def _chain(rule: str) -> str:
    return rule.split()[1]
