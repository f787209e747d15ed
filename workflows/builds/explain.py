"""Explain: what `davy build explain` says: why an image will or won't be built, since which build."""

from collections.abc import Collection, Iterator
from pathlib import Path

import click

from davy.pipeline.builds import lookup
from davy.pipeline.builds import plan as outlook
from davy.pipeline.builds.content import changes as because
from davy.pipeline.builds.content.keyed_images import Keyed, Workshop
from davy.pipeline.builds.plan import Outlook
from davy.pipeline.core.artifacts import Commit
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Unreachable
from davy.pipeline.core.events import BuildAction
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text import moments, nouns
from davy.pipeline.core.text.sanitize import MASK, harmless, one_line
from davy.workflows import wiring
from davy.workflows.builds import images
from davy.workflows.render.json_text import json_text
from davy.workflows.story.task import Task

VERSION = 1
MOST = 40
"""Changes that are written out; JSON has them all."""
FEW = 5
"""Commits that are told."""
SAYS = {
    BuildAction.BUILD: "will be built",
    BuildAction.REUSE: "will not be built",
    BuildAction.UNKNOWN: "may have to be built",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildExplainOptions:
    """What the command line of `davy build explain` says."""

    image: str
    file: Path
    out: Path
    offline: bool
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """One image, what becomes of it, and what changed since the last build that is known."""

    outlook: Outlook
    past: lookup.LastBuild | None
    changes: tuple[str, ...] = ()
    above: tuple["Change", ...] = ()
    """What changed in the images that it is built from, the nearest first."""
    commits: tuple[Commit, ...] = ()
    """The newest since then that touch what it, or one of those, is made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An image that another one is built from, and what changed in it."""

    keyed: Keyed
    changes: tuple[str, ...]


def explain(task: Task, options: BuildExplainOptions) -> Ending:
    """Of every image that was meant. Asks the registry, unless `--offline`; touches nothing."""
    only = images.meant(task.config, (options.image,))
    try:
        told = _reasons(task, only, ask=not options.offline)
    except Unreachable as error:
        if options.offline:
            raise
        click.echo(harmless(f"note: {error.what} What this machine knows of the last build answers."), err=True)
        told = _reasons(task, only, ask=False)
    for why in told:
        click.echo(json_text(document(why)) if options.output == "json" else text(why))
    return Ending.DONE


def _reasons(task: Task, only: Collection[str], *, ask: bool) -> list[Why]:
    with images.seen(task, ask=ask) as (shop, memory):
        found = outlook.outlook(shop, memory, only=only)
        return [_why(one, memory, shop, task.folder) for one in found if one.keyed.id in only]


def _why(one: Outlook, memory: lookup.Memory, shop: Workshop, folder: Path) -> Why:
    past = lookup.last(one.keyed, memory)
    if past is None:
        return Why(outlook=one, past=None)
    changes, above = _changes(one.keyed, past, shop), tuple(_above(one.keyed, past, memory, shop))
    made_from = [folder / path for keyed in (one.keyed, *(other.keyed for other in above)) for path in _paths(keyed)]
    commits = wiring.history(folder).since(past.record.build.commit, made_from, FEW) if changes else ()
    return Why(outlook=one, past=past, changes=changes, above=above, commits=commits)


def _paths(keyed: Keyed) -> tuple[str, ...]:
    recipe = keyed.recipe
    return (recipe.context, f"{recipe.context}/{recipe.dockerfile}", *recipe.contexts.values())


def _changes(keyed: Keyed, past: lookup.LastBuild | None, shop: Workshop) -> tuple[str, ...]:
    return lookup.changes(keyed, past, shop.labels) if past else ()


def _above(keyed: Keyed, past: lookup.LastBuild, memory: lookup.Memory, shop: Workshop) -> Iterator[Change]:
    """Parents that are others than in that build, with theirs: at the end of the line is what somebody changed."""
    by_id = shop.by_id
    queue, seen = [(keyed, past)], set[str]()
    while queue:
        child, known = queue.pop(0)
        before = known.record.inputs.parents
        for parent, key in child.inputs.parents.items():
            if parent in seen or before.get(parent, key) == key or parent not in by_id:
                continue
            seen.add(parent)
            its_past = lookup.last(by_id[parent], memory)
            yield Change(keyed=by_id[parent], changes=_changes(by_id[parent], its_past, shop))
            queue += [(by_id[parent], its_past)] if its_past else []


def document(why: Why) -> dict[str, object]:
    """Versioned, with every change and the build that they are told since."""
    keyed = why.outlook.keyed
    since = {**lookup.summary(why.past.record.build), "where": why.past.where} if why.past else None
    return {
        "version": VERSION,
        "name": keyed.recipe.name,
        "id": keyed.id,
        "key": keyed.key,
        "action": why.outlook.action.value,
        "because": why.outlook.because,
        "since": since,
        "changes": list(why.changes),
        "above": [{"id": one.keyed.id, "changes": list(one.changes)} for one in why.above],
        "commits": [
            {"sha": one.sha, "at": moments.rfc3339(one.at), "author": one.author, "subject": one.subject}
            for one in why.commits
        ],
        "made_from": _made_from(keyed),
    }


def _made_from(keyed: Keyed) -> dict[str, object]:
    inputs = keyed.inputs
    return {
        "files": keyed.inputs.count,
        "bases": dict(keyed.inputs.bases),
        "parents": dict(keyed.inputs.parents),
        "arguments": {name: MASK if name in inputs.given else value for name, value in inputs.args.items()},
        "unlocked": list(keyed.unlocked),
    }


def text(why: Why) -> str:
    """For people."""
    keyed = why.outlook.keyed
    lines = [f"{keyed.label} {SAYS[why.outlook.action]}: {why.outlook.because}.", ""]
    lines += [f"  key     {keyed.key}", f"  digest  {why.outlook.digest}" if why.outlook.digest else ""]
    lines += [f"  from    {_from(keyed)}", *_since(why)]
    lines += [f"    {change}" for change in why.changes[:MOST]]
    lines += [f"    and {len(why.changes) - MOST} more" if len(why.changes) > MOST else ""]
    lines += [f"    in {one.keyed.label}: {because.told(one.changes)}" for one in why.above if one.changes]
    lines += [f"  {'' if number else 'commits':7} {_line(one)}" for number, one in enumerate(why.commits)]
    return "\n".join(one_line(line) if not line.startswith(" ") else harmless(line) for line in _packed(lines))


def _line(commit: Commit) -> str:
    return f"{commit.sha[:12]} {commit.at:%Y-%m-%d} {one_line(commit.author)}: {one_line(commit.subject)}"


def _packed(lines: list[str]) -> list[str]:
    """Without those that have nothing to say, but for the one under the headline."""
    return [line for number, line in enumerate(lines) if line or number == 1]


def _from(keyed: Keyed) -> str:
    inputs = keyed.inputs
    bases = [f"{base} {digest[:19] + '…' if digest else '(digest not known)'}" for base, digest in inputs.bases.items()]
    return ", ".join([nouns.counted(inputs.count, "file"), *bases, *inputs.parents])


def _since(why: Why) -> list[str]:
    if why.past is None:
        return ["  since   no build of it is known"]
    build = why.past.record.build
    commit = f"{build.commit[:12]}{' (dirty)' if build.dirty else ''}" if build.commit else "an unknown commit"
    branch = f" on {build.branch}" if build.branch else ""
    by = f", by {build.runner}" if build.runner else ""
    verb = f"built with {build.builder}" if build.builder else "reused"
    lines = [f"  since   {commit}{branch}, {verb} {build.at:%Y-%m-%d %H:%M} UTC{by}; known {why.past.where}"]
    return lines if why.changes else [*lines, "    nothing changed"]
