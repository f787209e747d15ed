"""Work tree: every file of a context by git's id of its content; what git knows to be unchanged is not read.

A file that differs from the index, is untracked or ignored is read and named as git would name it, so that a commit
changes no id. Where git may keep other bytes than the file has (line endings, filters, LFS) the file is read, too.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.files import plain_file
from davy.pipeline.source.git.context_files import ContextFiles
from davy.pipeline.source.git.listing import Listing, listing
from davy.pipeline.source.ports import ContextRules

DOCKERFILE, SMALL = "Dockerfile", "dockerfile"
MOST_TEXT = 2**20
"""Bytes of a Dockerfile or a `.dockerignore`; more is no such file."""


class GitWorkTree:
    """Files of folders, in a git work tree or not. Git is asked once for each work tree."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._listings: dict[str, Listing | None] = {}
        """By folder, of the work tree that holds it."""
        self._links: dict[str, bool] = {}

    def entries(self, folder: Path, rules: ContextRules) -> Mapping[str, tuple[str, str]]:
        """As the port says. `.git` is never part of it: it is another one in each clone."""
        place = os.path.realpath(folder)
        if not os.path.isdir(place):
            what = "is no folder" if os.path.lexists(place) else "is not there"
            raise Unusable(
                f"The context {folder} {what}.",
                problems=(Problem(what=what, file=str(folder)),),
                remedy="See `context` and `contexts` of the image.",
            )
        files = ContextFiles(self, rules)
        files.add(place)
        if files.problems:
            raise Unusable(f"{folder} holds files that cannot be read.", problems=tuple(files.problems))
        return files.found

    def target(self, path: Path) -> str:
        """As the port says. With `core.symlinks=false` git leaves a file that holds it."""
        try:
            return os.readlink(path) if os.path.islink(path) else self.text(path) or ""
        except OSError as error:
            raise _unusable(path, f"cannot be read: {error.strerror}") from error

    def text(self, path: Path) -> str | None:
        """As the port says. As with BuildKit a `dockerfile` stands in for a `Dockerfile` that is not there."""
        try:
            # A comment may be of another encoding; BuildKit takes the bytes as they are.
            return plain_file.content(path, MOST_TEXT).decode(errors="surrogateescape")
        except (FileNotFoundError, NotADirectoryError):
            return self.text(path.with_name(SMALL)) if path.name == DOCKERFILE else None
        except OSError as error:
            raise _unusable(path, plain_file.why(error)) from error

    def own_text(self, path: Path, folder: Path) -> str | None:
        """As the port says."""
        place = os.path.realpath(folder)
        known = self.listed(place)
        root = os.path.join(known.root if known else place, "")
        for one in (path, path.with_name(SMALL)) if path.name == DOCKERFILE else (path,):
            if os.path.lexists(one) and not os.path.realpath(one).startswith(root):
                raise _unusable(path, "lies outside of the repository, and only what is in it is read")
        return self.text(path)

    def listed(self, place: str) -> Listing | None:
        """What git says of the work tree that holds the folder; None outside of any."""
        passed = []
        while place not in self._listings:
            passed.append(place)
            found = listing(place, self._environment) if os.path.lexists(os.path.join(place, ".git")) else None
            above = os.path.dirname(place)
            if found is not None or above == place:
                self._listings[place] = found
            else:
                place = above
        self._listings |= dict.fromkeys(passed, self._listings[place])
        return self._listings[place]

    def is_link(self, path: str) -> bool:
        """As it is now; looked at once."""
        known = self._links.get(path)
        if known is None:
            known = self._links[path] = os.path.islink(path)
        return known


def _unusable(path: Path, what: str) -> Unusable:
    return Unusable(f"{path} {what}.", problems=(Problem(what=what, file=str(path)),))
