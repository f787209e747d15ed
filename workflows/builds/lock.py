"""Lock: what `davy build lock` does: the digests of base images asked for, compared, written."""

import errno
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import click

from davy.pipeline.builds.content import base_images, lock_file, resolve
from davy.pipeline.builds.content.base_images import Naming
from davy.pipeline.builds.content.lock_file import ChangeKind, LockChange, LockFile
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.images.names import familiar
from davy.pipeline.core.text import nouns
from davy.pipeline.core.text.sanitize import harmless
from davy.pipeline.files import own_files
from davy.pipeline.source.ports import WorkTree
from davy.workflows import wiring
from davy.workflows.render.json_text import json_text
from davy.workflows.story.task import Task

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LockOptions:
    """What the command line of `davy build lock` says."""

    references: tuple[str, ...]
    file: Path
    update: bool
    check: bool
    dry_run: bool
    output: str


def lock(task: Task, options: LockOptions) -> Ending:
    """Ask, compare, write. Raises as the registries answer; the file is as it was then."""
    tree = wiring.work_tree()
    name = task.config.build.lock
    with wiring.breakable():
        before = lock_file.read(tree.own_text(task.folder / name, task.folder) or "", name)
        named = _named(task, tree, before)
    due = lock_file.due(before.bases, named, _renewed(named, options))
    # A check alone asks no registry: that a line is missing is the answer, whatever the digest.
    blind = options.check and not options.update
    found, noted = (
        (dict.fromkeys(due, ""), frozenset[str]()) if blind else _found(task, {one: named[one] for one in due})
    )
    after = lock_file.anew(before.bases, named, found)
    holding = before.holding if blind else before.holding - found.keys() | noted
    changes = lock_file.difference(before.bases, after)
    differs = bool(changes or before.problems or holding & after.keys() != before.holding & after.keys())
    writes = differs and not options.check and not options.dry_run
    if writes:
        _write(task.folder / name, lock_file.written(after, holding))
    _print(name, before, after, changes, options, written=writes)
    return Ending.REJECTED if options.check and differs else Ending.DONE


def _named(task: Task, tree: WorkTree, before: LockFile) -> dict[str, Naming]:
    """Every base that may move, with where it is named first. Raises Unusable with every problem of the Dockerfiles."""
    named: dict[str, Naming] = {}

    def collected(wanted: Mapping[str, Naming]) -> dict[str, str]:
        named.update(wanted)
        return {}

    resolve.workshop(task.config, tree, task.folder, lock={}, resolve=collected, holding=before.holding)
    by_name = {familiar(one): naming for one, naming in reversed(named.items())}
    return {one: by_name[familiar(one)] for one in lock_file.once(before.bases, named)}


def _renewed(named: Mapping[str, Naming], options: LockOptions) -> tuple[str, ...]:
    """What `--update` means: all, or what was said. Raises Unusable for a reference that no Dockerfile names."""
    wanted: Sequence[str] = options.references
    if wanted and not options.update:
        raise click.UsageError(f"{wanted[0]} is asked for again only with --update.")
    meant = {one: [name for name in named if name == one or familiar(name) == familiar(one)] for one in wanted}
    strange = [one for one, names in meant.items() if not names]
    if strange:
        known = ", ".join(sorted(named)) or "none"
        raise Unusable(
            "There is no such base.",
            problems=tuple(Problem(what=f"no Dockerfile stands on {one}") for one in strange),
            remedy=f"The bases are {known}.",
        )
    if options.update and not wanted:
        return tuple(named)
    return tuple(name for names in meant.values() for name in names)


def _found(task: Task, wanted: Mapping[str, Naming]) -> tuple[dict[str, str], frozenset[str]]:
    """The digests of now, and which of these bases hold something back by ONBUILD."""
    if not wanted:
        return {}, frozenset()
    with closing(wiring.images(task.config)) as store:
        digests = base_images.resolved(wanted, store)
        return digests, base_images.holding(digests, store)


def _write(path: Path, text: str) -> None:
    """Whole or not at all. Raises Unusable where the folder cannot be written."""
    try:
        if path.is_symlink():
            raise OSError(errno.ELOOP, "it is a link, and nothing is written through one")
        own_files.replace(path, text)
    except OSError as error:
        remedy = "Check the owner and mode of its folder; a lock is a file of the repository, and no link."
        raise Unusable(f"{path} cannot be written: {error.strerror}.", remedy=remedy) from error


def _print(
    name: str,
    before: LockFile,
    after: Mapping[str, str],
    changes: Sequence[LockChange],
    options: LockOptions,
    *,
    written: bool,
) -> None:
    if options.output == "json":
        click.echo(json_text(_document(name, after, changes, written=written)))
    else:
        for change in changes:
            click.echo(harmless(_line(change)))
    for problem in before.problems:
        click.echo(harmless(f"warning: {problem}"), err=True)
    count = nouns.counted(len(after), "base")
    if written:
        told = f"{name} is written: {count}. Commit it."
    elif changes or before.problems:
        told = (
            f"{name} is not what it should be: `davy build lock` writes it." if options.check else "Nothing is written."
        )
    else:
        told = f"{name} is as it should be: {count}."
    click.echo(told, err=True)


def _document(
    name: str, after: Mapping[str, str], changes: Sequence[LockChange], *, written: bool
) -> dict[str, object]:
    return {
        "version": VERSION,
        "file": name,
        "written": written,
        "bases": dict(after),
        "changes": [
            {"kind": one.kind.value, "reference": one.reference, "before": one.before, "after": one.after}
            for one in changes
        ],
    }


def _line(change: LockChange) -> str:
    match change.kind:
        case ChangeKind.ADDED:
            return f"added {change.reference} {change.after or '(not asked for)'}"
        case ChangeKind.MOVED:
            return f"moved {change.reference} {change.before} -> {change.after}"
        case ChangeKind.GONE:
            return f"gone  {change.reference} {change.before}"
