"""Repository: the work tree a release starts from, as git itself tells it."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from davy.pipeline.clients.process import Answered, answered
from davy.pipeline.core.artifacts import Revision
from davy.pipeline.core.errors import Missing, Unusable
from davy.pipeline.source.git.listing import DUBIOUS, trusted

PATIENCE = timedelta(minutes=2)
SCP = re.compile(r"(?:[^@/]+@)?([A-Za-z0-9.-]+):(?!//)(.+)")
"""`git@host:path`, git's short form of an ssh URL."""


class GitSource:
    """The work tree that holds `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def revision(self) -> Revision:
        """Raises Unusable where the folder is no git work tree or has no commit, Missing without git."""
        if not self._path.is_dir():
            raise self._no_tree()
        with ThreadPoolExecutor(3) as hands:
            # One looks at every file; the others are done long before.
            commit = hands.submit(self._asked, "log", "-1", "--no-show-signature", "--format=%H %ct")
            version = hands.submit(self._asked, "describe", "--tags", "--always")
            origin = hands.submit(self._asked, "config", "--get", "remote.origin.url")
            status = self._asked("status", "--porcelain=v2", "--branch", "--untracked-files=normal")
        if status.exit_code:
            raise self._refused(status)
        said = status.out.decode(errors="replace").splitlines()
        about = dict(line[2:].split(" ", 1) for line in said if line.startswith("# branch."))
        if about.get("branch.oid") == "(initial)":
            raise Unusable("The git work tree has no commit yet.", remedy="Commit what is to be released.")
        sha, seconds = _out(self._well(commit.result())).split(" ")
        # As `git describe --dirty` has it: what git does not track is no part of a version.
        tail = "-dirty" if any(line[:1] in "12u" for line in said) else ""
        head = about.get("branch.head", "")
        return Revision(
            sha=sha,
            committed_at=datetime.fromtimestamp(int(seconds), UTC),
            dirty=any(not line.startswith("#") for line in said),
            branch="" if head == "(detached)" else head,
            version=_out(self._well(version.result())) + tail,
            source=web_address(_out(origin.result())),
        )

    def _asked(self, *words: str) -> Answered:
        # A file system monitor is a program that the repository names: it is not run for a look.
        environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
        command = ["git", "-c", "core.fsmonitor=false", *words]
        try:
            return answered(command, timeout=PATIENCE, folder=self._path, environment=environment)
        except Missing as error:
            raise Missing("git cannot be run.", remedy="Install git, or put it into PATH.") from error

    def _well(self, answer: Answered) -> Answered:
        if answer.exit_code:
            raise self._refused(answer)
        return answer

    def _refused(self, answer: Answered) -> Unusable:
        said = (answer.err.strip().removeprefix("fatal: ") or "it failed").splitlines()[0]
        if "not a git repository" in said:
            return self._no_tree()
        if "must be run in a work tree" in said:
            return Unusable(f"{self._path} is in a bare repository.", remedy="Run davy in a checkout of it.")
        if DUBIOUS in said:
            what = f"git does not work in {self._path}, which belongs to somebody else: {said}"
            return Unusable(what, remedy=f"Where you trust it: {trusted(str(self._path.resolve()))}")
        what = f"git could not tell the revision of {self._path}: {said}"
        return Unusable(what, remedy="See what `git status` says there.")

    def _no_tree(self) -> Unusable:
        remedy = "Run davy in a checkout, or `git init` and commit."
        return Unusable(f"{self._path} is not in a git work tree.", remedy=remedy)


def _out(answer: Answered) -> str:
    return answer.out.decode(errors="replace").strip()


def web_address(url: str) -> str:
    """A remote's URL as https, without credentials, query and `.git`; empty for a path on this machine."""
    short = SCP.fullmatch(url) if "://" not in url else None
    if short:
        host, path = short[1], short[2]
    else:
        try:
            parts = urlsplit(url)
            port = f":{parts.port}" if parts.port and parts.scheme in ("http", "https") else ""
        except ValueError:
            return ""
        if parts.scheme not in ("http", "https", "ssh", "git", "git+ssh", "git+https") or not parts.hostname:
            return ""
        host, path = parts.hostname + port, parts.path
    return f"https://{host}/{path.strip('/').removesuffix('.git')}"
