"""Changes: what changed between two builds' inputs, in sentences for people, what matters most first. Pure."""

from collections.abc import Iterator, Mapping

from davy.pipeline.builds.content.inputs import LINK, FileEntry, Inputs
from davy.pipeline.builds.content.key import sealed

MOST = 5
"""Sentences before the rest is counted."""
EXECUTABLE = "100755"
LONGEST_VALUE = 60


def changes(
    before: Inputs,
    now: Inputs,
    called: Mapping[str, str] | None = None,
    context: str = ".",
    *,
    dockerfile: str = "",
    key: str = "",
) -> tuple[str, ...]:
    """Everything that differs, a sentence each, ranked: what the Dockerfile says, what it stands on, files.

    `called`: what people call a parent, by recipe id. `context`: the folder that files are told below. `dockerfile`:
    where it lies in the context. `key`: that of the build before, by which hidden arguments are known again.
    """
    # A Dockerfile that changed and is part of the context is told of once.
    own = {dockerfile} if before.dockerfile != now.dockerfile else set()
    was, is_now = ({path: one for path, one in files.items() if path not in own} for files in (before.files, now.files))
    return (
        *_dockerfile(before, now),
        *_stand_ins(before.stand_ins, now.stand_ins),
        *_bases(before.bases, now.bases),
        *_parents(before.parents, now.parents, called or {}),
        *_arguments(before, now, key),
        *_settings(before, now),
        *_files(_below(context, was), _below(context, is_now)),
        *_contexts(before.contexts, now.contexts),
    )


def told(sentences: tuple[str, ...], most: int = MOST) -> str:
    """As one line: `app/main.py changed; app/x.py is new; and 12 more`."""
    shown = sentences[:most] if len(sentences) > most + 1 else sentences
    rest = len(sentences) - len(shown)
    return "; ".join((*shown, f"and {rest} more") if rest else shown)


def _dockerfile(before: Inputs, now: Inputs) -> Iterator[str]:
    if before.dockerfile != now.dockerfile:
        yield "the Dockerfile changed"
    if before.target != now.target:
        yield f"target: {_shown(before.target)} → {_shown(now.target)}"


def _stand_ins(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            yield f"the context {name}: {before.get(name, 'no image')} → {now.get(name, 'no image')}"


def _bases(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for reference, digest in now.items():
        known = before.get(reference)
        if known is None:
            yield f"base {reference} is new"
        elif known != digest:
            yield f"base {reference} {_moved(known, digest)}"
    for reference in before:
        if reference not in now:
            yield f"base {reference} is used no more"


def _moved(known: str, digest: str) -> str:
    if not digest:
        return f"is not locked, and was {_short(known)}"
    return f"moved from {_short(known)} to {_short(digest)}" if known else f"is {_short(digest)} now"


def _parents(before: Mapping[str, str], now: Mapping[str, str], called: Mapping[str, str]) -> Iterator[str]:
    for parent, key in now.items():
        if parent not in before:
            yield f"its parent {called.get(parent, parent)} is new"
        elif before[parent] != key:
            yield f"its parent {called.get(parent, parent)} changed"
    for parent in before:
        if parent not in now:
            yield f"it is built from {called.get(parent, parent)} no more"


def _arguments(before: Inputs, now: Inputs, key: str) -> Iterator[str]:
    """With their values where both stand in davy.yaml."""
    for name in dict.fromkeys((*now.args, *before.args, *before.sealed)):
        value, known = now.args.get(name), before.args.get(name)
        hidden = before.sealed.get(name)
        same = known == value if hidden is None else value is not None and sealed(key, name, value) == hidden
        if same:
            continue
        if hidden is not None or name in now.given or name in before.given:
            became = "is set no more" if value is None else "is new" if hidden is None and known is None else "changed"
            yield f"argument {name} {became}"
        else:
            yield f"argument {name}: {_shown(known)} → {_shown(value)}"


def _settings(before: Inputs, now: Inputs) -> Iterator[str]:
    for what, old, new in (
        ("platforms", before.platforms, now.platforms),
        ("secrets", before.secrets, now.secrets),
        ("ssh", before.ssh, now.ssh),
    ):
        if old != new:
            yield f"{what}: {_shown(', '.join(old))} → {_shown(', '.join(new))}"
    for name in sorted({*before.steps, *now.steps}):
        if before.steps.get(name) != now.steps.get(name):
            yield f"{name}: {_shown(before.steps.get(name))} → {_shown(now.steps.get(name))}"
    # Without its value, which the environment may have given.
    for name in sorted({*before.labels, *now.labels}):
        if before.labels.get(name) != now.labels.get(name):
            yield f"the label {name} {_became(before.labels.get(name), now.labels.get(name))}"


def _became(old: str | None, new: str | None) -> str:
    return "is new" if old is None else "is there no more" if new is None else "changed"


def _files(before: Mapping[str, FileEntry], now: Mapping[str, FileEntry]) -> Iterator[str]:
    yield from (_changed(path, before[path], now[path]) for path in sorted(now) if _differs(path, before, now))
    gone: dict[FileEntry, list[str]] = {}
    for path in sorted(before.keys() - now.keys(), reverse=True):
        gone.setdefault(before[path], []).append(path)
    for path in sorted(now.keys() - before.keys()):
        sources = gone.get(now[path])
        yield f"{sources.pop()} is now {path}" if sources else f"{path} is new"
    yield from (f"{path} is gone" for path in sorted(path for paths in gone.values() for path in paths))


def _contexts(
    before: Mapping[str, Mapping[str, FileEntry]], now: Mapping[str, Mapping[str, FileEntry]]
) -> Iterator[str]:
    """Files of further contexts have the context's name before them."""
    for name in sorted(now.keys() - before.keys()):
        yield f"the context {name} is new"
    for name in sorted(before.keys() & now.keys()):
        was, is_now = ({f"{name}:{path}": one for path, one in files[name].items()} for files in (before, now))
        yield from _files(was, is_now)
    for name in sorted(before.keys() - now.keys()):
        yield f"the context {name} is used no more"


def _below(context: str, files: Mapping[str, FileEntry]) -> Mapping[str, FileEntry]:
    """By the path that a person knows."""
    folder = context.strip("/").removeprefix("./")
    if folder in ("", "."):
        return files
    return {f"{folder}/{path}": entry for path, entry in files.items()}


def _differs(path: str, before: Mapping[str, FileEntry], now: Mapping[str, FileEntry]) -> bool:
    return path in before and before[path] != now[path]


def _changed(path: str, before: FileEntry, now: FileEntry) -> str:
    if before.mode == now.mode:
        return f"{path} points elsewhere" if now.mode == LINK else f"{path} changed"
    if LINK in (before.mode, now.mode):
        return f"{path} became a link" if now.mode == LINK else f"{path} is a link no more"
    if before.blob == now.blob:
        return f"{path} became executable" if now.mode == EXECUTABLE else f"{path} is executable no more"
    return f"{path} changed, and its mode: {before.mode} → {now.mode}"


def _short(digest: str) -> str:
    """`sha256:3f1c9a0b2d4e…`: enough to find it."""
    return f"{digest[:19]}…" if len(digest) > 20 else digest


def _shown(value: str | None) -> str:
    if value is None:
        return "unset"
    if not value:
        return "empty"
    return value if len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]}…"
