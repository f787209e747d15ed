"""Listing: what the index of one work tree says of its files, and which of them have to be read all the same."""

import os
import re
import shlex
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple, TypeVar

from davy.pipeline.clients.process import Answered, answered
from davy.pipeline.core.errors import Unusable
from davy.pipeline.core.fast_dataclass import dataclass

Found = TypeVar("Found")
PATIENCE = timedelta(minutes=2)
SUBMODULE = "160000"
LIST = ("ls-files", "-z", "-s", "-v", "-c", "-m", "-d", "-o", "--directory")
READ = r"^(core\.(autocrlf|attributesfile|filemode|symlinks)|extensions\.objectformat)$"
SETTINGS = ("config", "-z", "--get-regexp", READ)
DUBIOUS = "dubious ownership"
NO = ("false", "no", "off", "0")
LINK = "120000"
RECORD = re.compile(rf"(?:H (?!{SUBMODULE})(\d+) ([0-9a-f]+) \d\t([^\0]+)|([^\0]*))\0")
"""Mode, id and path of a file as in the index; or the whole record."""
CONVERTS = ("text", "eol", "crlf", "filter", "ident", "working-tree-encoding")
"""Attributes by which git keeps other bytes than the file has: https://git-scm.com/docs/gitattributes."""
MENTIONED = re.compile(rf"\b({'|'.join(CONVERTS)})\b".encode())
ATTRIBUTES = ".gitattributes"
NOT_SO = ("unset", "unspecified")


class ListedFolder(NamedTuple):
    """What is right in one folder, by paths from the root."""

    files: dict[str, tuple[str, str]]
    """Those that git knows to be unchanged: mode and id."""
    unsure: list[str]
    """Those that have to be looked at."""
    folders: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One work tree."""

    root: str
    format: str
    """`sha1` or `sha256`: of the repository's ids."""
    entries: Mapping[str, tuple[str, str] | None]
    """Mode and id by path from the root; None where it has to be looked at, as submodules have."""
    inner: Mapping[str, ListedFolder]
    """By folder from the root."""
    folders: list[str]
    """Untracked and ignored folders, with a slash at the end; what is in them is not listed."""
    modes: Mapping[str, str]
    """By path, of those that have to be read, the mode that git stays with whatever the disk says."""
    executable: bool
    """False where git does not look at who may run a file: `core.fileMode`."""


def listing(root: str, environment: Mapping[str, str]) -> Listing | None:
    """Ask git; None where it does not take the folder for the root of a work tree.

    Raises Unusable where it says no, Missing where there is no git.
    """
    asked = _environment(environment)
    settings, taken = _beside(lambda: _settings(root, asked)), _beside(lambda: _is_root(root, asked))
    listed = _git(root, asked, *LIST)
    return _listing(root, asked, settings(), _out(root, listed)) if taken() else None


def _beside(deed: Callable[[], Found]) -> Callable[[], Found]:
    """In a thread of its own; what is returned waits for it. A pool would bring in more than all of davy's plan."""
    found: list[Found] = []
    wrong: list[BaseException] = []

    def do() -> None:
        try:
            found.append(deed())
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            wrong.append(error)

    hand = threading.Thread(target=do, daemon=True)
    hand.start()

    def result() -> Found:
        hand.join()
        for error in wrong:
            raise error
        return found[0]

    return result


def _listing(root: str, asked: Mapping[str, str], settings: Mapping[str, str], listed: bytes) -> Listing:
    entries, modes, folders = _read(os.fsdecode(listed))
    inside = [path for path in entries if path.endswith(ATTRIBUTES)] if os.fsencode(ATTRIBUTES) in listed else []
    files = [*(os.path.join(root, path) for path in inside), *_attribute_files(root, asked, settings)]
    for path in _converted(root, asked, settings, entries, files):
        if entry := entries[path]:
            modes[path] = entry[0]
        entries[path] = None
    executable, links = (settings.get(f"core.{name}", "").lower() not in NO for name in ("filemode", "symlinks"))
    return Listing(
        root=root,
        format=settings.get("extensions.objectformat", "sha1"),
        entries=entries,
        inner=_inner(entries),
        folders=folders,
        modes={path: mode for path, mode in modes.items() if not (links if mode == LINK else executable)},
        executable=executable,
    )


def _is_root(root: str, asked: Mapping[str, str]) -> bool:
    """Fixtures and packages hold things called `.git` that are none: asked there, git answers for what is above, or

    not at all. Raises Unusable where it would answer, but not for this user.
    """
    answer = _git(root, asked, "rev-parse", "--show-toplevel")
    if answer.exit_code < 0 or DUBIOUS in answer.err:
        _out(root, answer)
    top = os.fsdecode(answer.out.removesuffix(b"\n"))
    return answer.exit_code == 0 and os.path.realpath(top) == root


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what would point git at another repository or index, as in a hook; it must not take locks either."""
    kept = {name: value for name, value in environment.items() if not _misleads(name)}
    return kept | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


def _misleads(name: str) -> bool:
    return name.startswith("GIT_") and not name.startswith(("GIT_CONFIG", "GIT_SSH", "GIT_TRACE", "GIT_EXEC_PATH"))


def _git(root: str, asked: Mapping[str, str], *words: str, given: bytes = b"") -> Answered:
    # A file system monitor is a program that the repository names: it is not run for a look.
    command = ["git", "-c", "core.fsmonitor=false", *words]
    return answered(command, timeout=PATIENCE, folder=root, environment=asked, given=given)


def _out(root: str, answer: Answered) -> bytes:
    """What it said. Raises Unusable where it said no."""
    if not answer.exit_code:
        return answer.out
    said = answer.err.strip().removeprefix("fatal: ") or f"it ended with {answer.exit_code}"
    what = f"git could not list the files of {root}: {said.splitlines()[0]}"
    if DUBIOUS in said:
        raise Unusable(f"{what}. Where you trust it: {trusted(root)}", remedy="Or run davy as the owner of the files.")
    raise Unusable(what, remedy="See what `git status` says there.")


def trusted(root: str) -> str:
    """The command that lets git work in a folder of somebody else."""
    return f"`git config --global --add safe.directory {shlex.quote(root)}`"


def _settings(root: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Names in small letters; where nothing is set git ends with 1 and says nothing."""
    answer = answered(["git", *SETTINGS], timeout=PATIENCE, folder=root, environment=environment)
    pairs = (record.partition("\n") for record in os.fsdecode(answer.out).split("\0") if record)
    return {name.lower(): value for name, _, value in pairs}


def _read(listed: str) -> tuple[dict[str, tuple[str, str] | None], dict[str, str], list[str]]:
    """Entries, the index's modes of those to be read, untracked folders.

    Each record begins with a letter: `H` as in the index, `C` changed, `R` deleted, `M` in conflict, `S` not checked
    out, `?` not in the index; a small letter where git was told to assume that it did not change. Nearly all are `H`,
    and may be many: the expression takes these apart without a word of Python for each.
    """
    found = RECORD.findall(listed)
    entries: dict[str, tuple[str, str] | None] = {path: (mode, id_) for mode, id_, path, _ in found if path}
    modes: dict[str, str] = {}
    folders: list[str] = []
    for record in (other for _, _, _, other in found if other):
        letter, rest = record[:1], record[2:]
        if letter == "?":
            if rest.endswith("/"):
                folders.append(rest)
            else:
                entries[rest] = None
            continue
        described, _, path = rest.partition("\t")
        entries[path] = None
        if letter != "H":
            modes.setdefault(path, described[: len(LINK)])
    return entries, modes, folders


def _inner(entries: Mapping[str, tuple[str, str] | None]) -> dict[str, ListedFolder]:
    found = {"": ListedFolder({}, [], [])}
    last, here = "", found[""]
    for path, entry in entries.items():
        folder = path.rpartition("/")[0]
        # Git lists them folder by folder.
        if folder != last:
            last, here = folder, found.get(folder) or _made(folder, found)
        if entry is None:
            here.unsure.append(path)
        else:
            here.files[path] = entry
    return found


def _made(folder: str, found: dict[str, ListedFolder]) -> ListedFolder:
    """With those above it."""
    made, at = [], folder
    while at not in found:
        found[at] = ListedFolder({}, [], [])
        made.append(at)
        at = at.rpartition("/")[0]
    for each in made:
        found[each.rpartition("/")[0]].folders.append(each)
    return found[folder]


def _converted(
    root: str,
    environment: Mapping[str, str],
    settings: Mapping[str, str],
    entries: Mapping[str, object],
    files: Sequence[str],
) -> list[str]:
    """The files whose bytes in git may be others than those in the work tree. `files`: those that may say so."""
    by_default = settings.get("core.autocrlf", "false").lower() in ("true", "input", "1", "yes", "on")
    if not by_default and not any(map(_mentions, files)):
        return []
    given = b"\0".join(os.fsencode(path) for path in entries)
    answer = _git(root, environment, "check-attr", "-z", "--stdin", "-a", given=given)
    said = os.fsdecode(_out(root, answer)).split("\0")
    attributes: dict[str, dict[str, str]] = {}
    for path, name, value in zip(said[::3], said[1::3], said[2::3], strict=False):
        if name in CONVERTS:
            attributes.setdefault(path, {})[name] = value
    if not by_default:
        return [path for path, named in attributes.items() if _converts(named)]
    return [path for path in entries if _converts({"text": "auto"} | attributes.get(path, {}))]


def _converts(named: Mapping[str, str]) -> bool:
    return any(value not in NOT_SO for value in named.values())


def _attribute_files(root: str, environment: Mapping[str, str], settings: Mapping[str, str]) -> Sequence[str]:
    """Those outside of the work tree."""
    home = environment.get("HOME", "")
    general = environment.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    own = settings.get("core.attributesfile", "").replace("~", home, 1) or os.path.join(general, "git", "attributes")
    return [os.path.join(_common(root), "info", "attributes"), own, "/etc/gitattributes"]


def _common(root: str) -> str:
    """The repository's own folder; `.git` is a file in a submodule and in a second work tree."""
    git = os.path.join(root, ".git")
    if os.path.isdir(git):
        return git
    named = os.path.join(root, _line(git).removeprefix("gitdir: "))
    shared = _line(os.path.join(named, "commondir"))
    return os.path.join(named, shared) if shared else named


def _line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.readline().rstrip("\n")
    except OSError:
        return ""


def _mentions(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return MENTIONED.search(file.read()) is not None
    except OSError:
        return False
