"""File selection: the files of a context that the sources of a Dockerfile name, found as BuildKit finds them.

By its copy (github.com/tonistiigi/fsutil): globs by Go's `filepath.Match`, links of a source followed within the
context, links below a folder that is taken left as they are.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence

from davy.pipeline.builds.content.dockerignore import Dockerignore, ignoring
from davy.pipeline.builds.content.inputs import LINK, FileEntry
from davy.pipeline.builds.dockerfile.sources import Taken
from davy.pipeline.core.fast_dataclass import dataclass

WILD = re.compile(r"(?<!\\)(?:\\\\)*[*?[]")
PIECE = re.compile(r"\\(.)|(\*)|(\?)|\[(\^?)((?:\\.|[^\]\\])+)\]|([^\\[])", re.DOTALL)
"""Of a glob: an escaped letter, a star, any letter, a set, a letter."""
LAST = chr(0x10FFFF)
"""The last character there is."""
MOST_LINKS = 255
"""That one source leads through; more are a circle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What the sources take."""

    paths: frozenset[str]
    missing: tuple[Taken, ...] = ()
    """Sources that lead nowhere: a build fails of one."""
    empty: tuple[Taken, ...] = ()
    """Sources with `*` that fit no file: BuildKit goes on without, other builders do not."""


class FileSelection:
    """One context's files, in which sources are looked for."""

    def __init__(self, files: Mapping[str, FileEntry], target: Callable[[str], str]) -> None:
        """`target`: where the link at a path points to."""
        self._files, self._target = files, target
        self._sorted: list[str] | None = None
        self._everything: frozenset[str] | None = None

    def selection(self, sources: Sequence[Taken]) -> Selection:
        """All that the sources name, and the links that lead to it."""
        found: set[str] = set()
        whole = any(_is_whole(source) for source in sources)
        missing: list[Taken] = []
        idle: list[tuple[str, Taken]] = []
        for source in sources:
            if _is_whole(source):
                continue
            left_out = _rules(source.excluded) if source.excluded else None
            base, places = self._globbed(source.path, found) if source.globs else ("", [source.path])
            ends = [self._end(place, found) if source.globs else self._followed(place, found) for place in places]
            if base is None or None in ends:
                missing.append(source)
                continue
            took = [self._taken(end, source, left_out, found) for end in ends if end is not None]
            if not any(took):
                idle.append((base if source.globs and is_wild(source.path) else ends[0] or "", source))
        paths = self._all() if whole else frozenset(found)
        missing += [source for place, source in idle if not self._goes_on(source, place, paths)]
        return Selection(
            paths=paths,
            missing=tuple(missing),
            empty=tuple(source for _, source in idle if source not in missing),
        )

    def _all(self) -> frozenset[str]:
        """Made once: many images may take all of one context."""
        if self._everything is None:
            self._everything = frozenset(self._files)
        return self._everything

    def _goes_on(self, source: Taken, place: str, found: frozenset[str]) -> bool:
        """Whether a build does without: where a glob fits nothing, in a folder of which something else is taken."""
        wild = is_wild(source.path) or is_wild(source.below) or bool(source.excluded)
        return wild and (not place or any(path.startswith(f"{place}/") for path in found))

    def _taken(self, end: str, source: Taken, left_out: Dockerignore | None, found: set[str]) -> bool:
        """Add what it takes of a place; False where that is nothing, but for the whole of a context without files."""
        if end in self._files and not source.below:
            found.add(end)
            return True
        kept, length = self._inside(end, source.below), len(end) + bool(end)
        if left_out:
            kept = [path for path in kept if left_out.keeps(path[length:])]
        found.update(kept)
        return bool(kept) or not (end or source.below)

    def _inside(self, place: str, below: str) -> Sequence[str]:
        """The folder's files; with a pattern those that it fits, or that lie in a folder that it fits."""
        if place in self._files:
            return ()
        beginning = f"{place}/" if place else ""
        if not below:
            return self._starting(beginning)
        plain = beginning + "/".join(_plain(below.split("/")))
        fits = _rules((below,))
        return [path for path in self._starting(plain) if not fits.keeps(path[len(beginning) :])]

    def _starting(self, beginning: str) -> Sequence[str]:
        """Of all names in order they lie side by side."""
        names = self._names()
        at, behind = bisect_left(names, beginning), _behind(beginning)
        return names[at : bisect_left(names, behind, at)] if behind else names[at:]

    def _names(self) -> list[str]:
        if self._sorted is None:
            self._sorted = sorted(self._files)
        return self._sorted

    def _end(self, place: str, found: set[str]) -> str | None:
        """As `_followed`, of a place that is there; only a link leads elsewhere."""
        entry = self._files.get(place)
        return place if entry is not None and entry.mode != LINK else self._followed(place, found)

    def _is_folder(self, path: str) -> bool:
        names, beginning = self._names(), f"{path}/"
        at = bisect_left(names, beginning)
        return not path or (at < len(names) and names[at].startswith(beginning))

    def _followed(self, path: str, found: set[str]) -> str | None:
        """Where the path leads within the context; links on the way are found, too. None: it leads nowhere."""
        ahead, done, links = path.split("/")[::-1] if path else [], list[str](), 0
        while ahead:
            part = ahead.pop()
            if part in ("", "."):
                continue
            if part == "..":
                del done[-1:]
                continue
            here = "/".join([*done, part])
            entry = self._files.get(here)
            if entry is not None and entry.mode == LINK:
                found.add(here)
                links += 1
                to = self._target(here)
                if links > MOST_LINKS:
                    return None
                done = [] if to.startswith("/") else done
                ahead += to.split("/")[::-1]
            elif (entry is not None and ahead) or (entry is None and not self._is_folder(here)):
                return None
            else:
                done.append(part)
        return "/".join(done)

    def _globbed(self, path: str, found: set[str]) -> tuple[str | None, list[str]]:
        """The folder before the first star, None where it is not there, and the places that the path names.

        Below that folder no link is followed.
        """
        parts = path.split("/")
        plain = _plain(parts)
        if len(plain) == len(parts):
            return "", [_literal(path)]
        base = self._followed(_literal("/".join(plain)), found)
        if base is None:
            return None, []
        places = [] if base in self._files else [base]
        for part in parts[len(plain) :]:
            fits = _glob(part)
            places = [child for place in places for child in self._children(place) if fits(child.rpartition("/")[2])]
        return base, places

    def _children(self, folder: str) -> Iterator[str]:
        """What lies in the folder itself; nothing where it is a file."""
        names, beginning = self._names(), f"{folder}/" if folder else ""
        at = bisect_left(names, beginning)
        while at < len(names) and names[at].startswith(beginning):
            child = beginning + names[at][len(beginning) :].partition("/")[0]
            yield child
            # "0" follows "/": behind all that lies in the child.
            at = bisect_left(names, f"{child}0" if names[at] != child else f"{child}\0", at)


def _behind(beginning: str) -> str:
    """The first text that comes behind all that begin so; empty where there is none."""
    raised = beginning.rstrip(LAST)
    return raised[:-1] + chr(ord(raised[-1]) + 1) if raised else ""


def _is_whole(source: Taken) -> bool:
    return not (source.path or source.below or source.excluded)


def is_wild(path: str) -> bool:
    """Whether a star or the like is in it."""
    return WILD.search(path) is not None


def _plain(parts: Sequence[str]) -> list[str]:
    """The parts before the first with a star."""
    count = next((at for at, part in enumerate(parts) if is_wild(part)), len(parts))
    return list(parts[:count])


def _literal(path: str) -> str:
    return re.sub(r"\\(.)", r"\1", path)


def _glob(part: str) -> Callable[[str], bool]:
    """One part of a path, as Go's `filepath.Match` has it. What is no pattern fits all: rather too much."""
    result, at = "", 0
    while at < len(part):
        found = PIECE.match(part, at)
        if found is None:
            return _always
        escaped, star, any_, negated, letters, letter = found.groups()
        if star or any_:
            result += ".*" if star else "."
        elif letters is not None:
            result += f"[{negated}{_set(letters)}]"
        else:
            result += re.escape(escaped or letter)
        at = found.end()
    try:
        compiled = re.compile(result, re.DOTALL)
    except re.error:
        return _always
    return lambda name: compiled.fullmatch(name) is not None


def _always(name: str) -> bool:  # noqa: ARG001 - the shape of a pattern
    return True


def _set(letters: str) -> str:
    """Ranges stay ranges; every other letter means itself."""
    pieces = re.findall(r"\\.|.", letters, re.DOTALL)
    return "".join(piece if piece == "-" else re.escape(piece[-1]) for piece in pieces)


def _rules(patterns: Sequence[str]) -> Dockerignore:
    """BuildKit's patterns, which are those of `.dockerignore` but for a slash before them: such a one fits nothing."""
    usable = [one for one in patterns if not one.lstrip("!").startswith("/")]
    rules, problems = ignoring("\n".join(one if one.startswith("!") else f"./{one}" for one in usable))
    return Dockerignore(()) if problems else rules
