"""Budgets: what `davy slo status` says of error budgets, as a table for people and as JSON."""

import os
import shutil
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from davy.checks.budget import reader
from davy.checks.budget.amounts import span_of
from davy.checks.budget.budget import PAIRS, Budget, Burn, refusals, sentence
from davy.pipeline.config.document import Config
from davy.pipeline.config.sections.objectives import FiledSlo, GateConfig, SloConfig
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Missing
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text import nouns
from davy.pipeline.core.text.sanitize import harmless
from davy.pipeline.core.text.shares import percent_of, share_of
from davy.pipeline.core.verdict import Gap
from davy.workflows import wiring
from davy.workflows.config import load
from davy.workflows.render.bars import BLOCKS
from davy.workflows.render.json_text import json_text
from davy.workflows.wiring import trust

VERSION = 1
NAME, BAR, CELL = 16, 8, 12
"""Columns of the table; with the figure between they are 80."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetOptions:
    """What the command line of `davy slo status` says."""

    names: tuple[str, ...]
    file: Path
    gate: bool
    output: str


def status(options: BudgetOptions) -> Ending:
    """Ask, print, and end: 0, 6 where the server gave no answer, with `gate` 3 where a budget is not as asked.

    Raises Unusable, and Missing for a name that is no objective's.
    """
    config = load.loaded(options.file, os.environ)
    slos = _wanted(config.checks.slos, options.names)
    folder = options.file.resolve().parent
    # First, for a budget that cannot be read is told in the table.
    trust.demand(config.checks, os.environ, folder, acting=False)
    with wiring.clock() as clock:
        found = reader.read(slos, lambda: wiring.metrics(config, folder), clock.now())
    gate = _gate(config, options.gate)
    refused = refusals(found, gate) if gate is not None else ()
    ending = _ending(found, refused)
    if options.output == "json":
        click.echo(json_text(document(found, slos, gate, refused, ending)))
        return ending
    width = min(max(shutil.get_terminal_size((80, 24)).columns, 60), 80)
    click.echo(harmless(text(found, width)))
    for why in refused:
        click.echo(harmless(f"The gate says no: {why}."), err=True)
    return ending


def _wanted(slos: Sequence[SloConfig], names: Sequence[str]) -> tuple[SloConfig, ...]:
    if not slos:
        raise Missing("The configuration has no objectives.", remedy="Write `checks.slos`, or name `checks.slo_files`.")
    strange = sorted(set(names) - {slo.name for slo in slos})
    if strange:
        known = tuple(slo.name for slo in slos)
        raise Missing(f"{', '.join(strange)}: no objective has this name.", remedy=nouns.named(known))
    return tuple(slo for slo in slos if not names or slo.name in names)


def _gate(config: Config, wished: bool) -> GateConfig | None:
    """The configured one where it is asked for; one that wants any budget at all where none is configured."""
    return (config.checks.gate or GateConfig()) if wished else None


def _ending(found: Iterable[Budget], refused: Sequence[str]) -> Ending:
    if any(budget.gap is Gap.UNREACHABLE for budget in found):
        return Ending.UNREACHABLE
    return Ending.REJECTED if refused else Ending.DONE


def text(found: Sequence[Budget], width: int = 80) -> str:
    """The table, a row and a sentence an objective."""
    return "\n".join(_lines(found, width))


def _lines(found: Sequence[Budget], width: int) -> Iterator[str]:
    heads = [f"{span_of(pair.long)}/{span_of(pair.short)}" for pair in PAIRS]
    limits = [f"{pair.level} {pair.burn:g}x" for pair in PAIRS]
    yield f"{'objective':<{NAME + 1}}{'budget left':<{BAR + 7}}{''.join(f'{head:<{CELL}}' for head in heads)}".rstrip()
    yield " " * (NAME + BAR + 8) + "".join(f"{limit:<{CELL}}" for limit in limits).rstrip()
    for budget in found:
        burns = {burn.pair: burn for burn in budget.burns}
        cells = "".join(f"{_cell(burns.get(pair)):<{CELL}}" for pair in PAIRS)
        yield f"{_short(budget.name):<{NAME + 1}}{_bar(budget.left)} {_left(budget.left):<6}{cells}".rstrip()
        yield from textwrap.wrap(
            f"{_name(budget)}: {sentence(budget)}", width, initial_indent="  ", subsequent_indent="  "
        )


def _short(name: str) -> str:
    return name if len(name) <= NAME else name[: NAME - 1] + "…"


def _name(budget: Budget) -> str:
    return f"{budget.name}, {percent_of(budget.objective):.15g} % in {span_of(budget.window)}"


def _bar(left: float | None) -> str:
    """Full blocks for what is left; at least one for anything above 0, and never full below all of it."""
    if left is None:
        return "?" * BAR
    blocks = round(max(left, 0) * BAR)
    blocks = min(max(blocks, 1 if left > 0 else 0), BAR if left >= 1 else BAR - 1)
    return ("█" * blocks).ljust(BAR, "░")


def _left(left: float | None) -> str:
    if left is None:
        return "?"
    percent = 100 * left
    if percent <= 0:
        return "none"
    return ">99%" if 99.5 <= percent < 100 else f"{percent:.0f}%" if percent >= 1 else "<1%"


def _cell(burn: Burn | None) -> str:
    """`▃ 2.1/0.3`, with `!` where both windows are at the limit."""
    if burn is None:
        return "-"
    if burn.gap is not None:
        return "  " + "/".join("?" if isinstance(side, Gap) else _rate(side) for _, side in burn.sides)
    lower = min(side for _, side in burn.sides if not isinstance(side, Gap)) / burn.pair.burn
    block = BLOCKS[min(int(lower * len(BLOCKS) + 1e-9), len(BLOCKS) - 1)]
    shown = "/".join(_rate(side) for _, side in burn.sides if not isinstance(side, Gap))
    return f"{block} {shown}{'!' if burn.burning else ''}"


def _rate(rate: float) -> str:
    if rate >= 1000:
        return ">999"
    return f"{rate:.0f}" if rate >= 9.95 or rate == 0 else f"{rate:.1f}" if rate >= 0.05 else "<.1"


def document(
    found: Sequence[Budget], slos: Sequence[SloConfig], gate: GateConfig | None, refused: Sequence[str], ending: Ending
) -> dict[str, object]:
    """`{"davy_slo_status": 1, …}`; spans are seconds, shares 0 to 1, times ISO 8601 in UTC."""
    return {
        "davy_slo_status": VERSION,
        "ending": ending.name.lower(),
        "objectives": [_objective(budget, slo) for budget, slo in zip(found, slos, strict=True)],
        "gate": None
        if gate is None
        else {
            "budget_left": share_of(gate.budget_left),
            "burning": gate.burning,
            "passed": ending is Ending.DONE,
            "refused": list(refused),
        },
    }


def _objective(budget: Budget, slo: SloConfig) -> dict[str, object]:
    spent = None if isinstance(budget.spent, Gap) else budget.spent
    return {
        "name": budget.name,
        "objective": budget.objective,
        "window": budget.window.total_seconds(),
        "from": {"file": slo.file, "line": slo.line} if isinstance(slo, FiledSlo) else None,
        "gap": budget.gap,
        "events": spent
        and {"bad": spent.bad, "total": spent.total, "bad_allowed": budget.allowed, "bad_seen": not spent.unseen},
        "budget_left": budget.left,
        "bad_events_left": budget.left_events,
        "since": budget.since.isoformat() if budget.since else None,
        "gone_in": budget.out_in.total_seconds() if budget.out_in is not None else None,
        "burn": [_burn(burn) for burn in budget.burns],
        "sentence": sentence(budget),
    }


def _burn(burn: Burn) -> dict[str, object]:
    return {
        "level": burn.pair.level,
        "limit": burn.pair.burn,
        "burning": burn.burning,
        **{
            side: {
                "window": span.total_seconds(),
                "rate": None if isinstance(rate, Gap) else rate,
                "gap": rate if isinstance(rate, Gap) else None,
            }
            for side, (span, rate) in zip(("long", "short"), burn.sides, strict=True)
        },
    }
