"""The table at the demo's end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from davy.pipeline.core.events import Stage
from davy.pipeline.core.text.time_text import shown as span
from shop.stage import Shop

from .story import Story


def shown(console: Console, stories: Sequence[Story], whole: Mapping[str, Any], shop: Shop) -> bool:
    """Prints it. True where everything went as promised."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for story in stories:
        table.add_column(f"{story.release.version}, {story.release.says}", justify="right", max_width=24)
    for label, cells in rows(stories):
        table.add_row(label, *cells)
    console.print(table)
    for story in stories:
        console.print(f"{story.release.version}: {story.sentence}", soft_wrap=False)
    console.print(
        f"The client sent {whole['sent']:,} requests at {whole['sent_per_second']:.0f} a second to {shop.url}; "
        f"{whole['answered']:,} were answered, {whole['lost']:,} got no answer, {whole['failures']:,} were bad."
    )
    if whole["lost"]:
        kinds = ", ".join(f"{count} {kind}" for kind, count in whole["bad"].items() if not kind.startswith("http_"))
        console.print(
            f"Without an answer: {kinds}; the last {whole['last_lost'] - whole['began']:.1f} s after the first."
        )
    if not whole["kept_rate"]:
        console.print("The client could not keep its rate; this machine was too busy.")
    good = all(story.as_promised for story in stories)
    console.print("All as promised." if good else "[bold]NOT as promised.[/]")
    return good


def rows(stories: Sequence[Story]) -> list[tuple[str, list[str]]]:
    """A label and a cell a story."""

    def row(label: str, cells: Sequence[str]) -> tuple[str, list[str]]:
        return label, list(cells)

    return [
        row("exit code (promised)", [f"{s.code} ({s.release.exit_code})" for s in stories]),
        *[
            row(stage.value, [span(s.stages[stage.value]) if stage.value in s.stages else "-" for s in stories])
            for stage in (Stage.BUILD, Stage.TEST, Stage.CANARY)
        ],
        row("share reached", [f"{s.reached:.0f} %" for s in stories]),
        row("first bad answer after", [seconds(s.first_bad) for s in stories]),
        row("decided to roll back after", [seconds(s.decided) for s in stories]),
        row("out of the endpoints after", [seconds(s.gone) for s in stories]),
        row("last answer of it after", [seconds(s.last_answer) for s in stories]),
        row("its answers, by the client", [f"{s.requests:,}" for s in stories]),
        row("bad ones among them", [f"{s.bad:,}" for s in stories]),
        row("answers lost by the rollout", [f"{s.lost:,}" for s in stories]),
    ]


def seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"
