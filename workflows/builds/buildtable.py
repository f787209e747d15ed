"""Build table: what a build would do, an image a line: as text, and as JSON lines."""

import sys
import textwrap
from collections.abc import Sequence

import click

from davy.pipeline.builds.plan import Outlook
from davy.pipeline.core.events import BuildAction
from davy.pipeline.core.text.sanitize import harmless, one_line
from davy.workflows.render.json_text import json_text
from davy.workflows.render.text.width import width_of

VERSION = 1
WIDEST = 100
NARROWEST = 24


def shown(images: Sequence[Outlook], warnings: Sequence[str], output: str) -> None:
    """On stdout; in JSON an object a line, and warnings on stderr in both."""
    if output == "json":
        for one in images:
            click.echo(json_text(document(one)))
    else:
        click.echo(text(images, min(width_of(sys.stdout) or WIDEST, WIDEST)))
    for warning in warnings:
        click.echo(harmless(f"warning: {warning}"), err=True)


def document(one: Outlook) -> dict[str, object]:
    """`{"version": 1, "name": …, "key": …, "action": …, "because": …}`; of a matrix `id` and `args`, too."""
    keyed, recipe = one.keyed, one.keyed.recipe
    own: dict[str, object] = {
        "version": VERSION,
        "name": recipe.name,
        "key": keyed.key,
        "action": one.action.value,
        "because": one.because,
    }
    if recipe.cell:
        own |= {"id": recipe.id, "args": dict(recipe.cell)}
    if keyed.parents:
        own["parents"] = list(keyed.parents)
    if keyed.unlocked:
        own["unlocked"] = list(keyed.unlocked)
    if one.digest:
        own["digest"] = one.digest
    return own


def text(images: Sequence[Outlook], width: int) -> str:
    """A table: action, image, key, why; and a sum."""
    name = max((len(one.keyed.label) for one in images), default=0)
    lines = [line for one in images for line in _rows(one, min(name, 40), width)]
    sums = {action: sum(one.action is action for one in images) for action in BuildAction}
    told = ", ".join(f"{count} {WORDS[action]}" for action, count in sums.items() if count)
    return "\n".join([*lines, f"{told or 'no image'}. Nothing was touched."])


WORDS = {
    BuildAction.BUILD: "to build",
    BuildAction.REUSE: "to reuse",
    BuildAction.UNKNOWN: "unknown (--ask asks the registry)",
}


def _rows(one: Outlook, name: int, width: int) -> list[str]:
    head = f"{one.action.value:<7}  {one_line(one.keyed.label):<{name}}  {one.keyed.key[:12]}  "
    room = max(width - len(head), NARROWEST)
    first, *rest = textwrap.wrap(one_line(one.because), room, max_lines=3, placeholder=" …") or [""]
    return [(head + first).rstrip(), *(f"{'':{len(head)}}{line}" for line in rest)]
