"""Git: the work tree a release starts from, through GitPython."""

import re
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from davy.pipeline.errors import Missing, Unusable
from davy.pipeline.model import Revision

if TYPE_CHECKING:
    from git import Repo

SCP = re.compile(r"(?:[^@/]+@)?([A-Za-z0-9.-]+):(?!//)(.+)")
"""`git@host:path`, git's short form of an ssh URL."""


class GitSource:
    """The work tree that holds `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def revision(self) -> Revision:
        """Raises Unusable where the folder is no git work tree or has no commit, Missing without git."""
        try:
            # GitPython looks for git when it is imported, and starts it.
            import git  # noqa: PLC0415
        except ImportError as error:
            raise Missing("git cannot be run.", remedy="Install git, or put it into PATH.") from error
        try:
            with git.Repo(self._path, search_parent_directories=True) as repo:
                return _revision(repo)
        except (git.InvalidGitRepositoryError, git.NoSuchPathError) as error:
            raise Unusable(
                f"{self._path} is not in a git work tree.", remedy="Run davy in a checkout, or `git init` and commit."
            ) from error
        except git.GitCommandError as error:
            said = str(error.stderr).strip().removeprefix("stderr:").strip(" '\n") or "it failed"
            raise Unusable(
                f"git could not tell the revision of {self._path}: {said.splitlines()[0]}",
                remedy="See what `git status` says there.",
            ) from error


def _revision(repo: "Repo") -> Revision:
    if repo.bare:
        raise Unusable(f"{repo.git_dir} is a bare repository.", remedy="Run davy in a checkout of it.")
    if not repo.head.is_valid():
        raise Unusable("The git work tree has no commit yet.", remedy="Commit what is to be released.")
    commit = repo.head.commit
    remotes = {remote.name: remote for remote in repo.remotes}
    return Revision(
        sha=commit.hexsha,
        committed_at=commit.committed_datetime.astimezone(UTC),
        dirty=repo.is_dirty(untracked_files=True),
        branch="" if repo.head.is_detached else repo.active_branch.name,
        version=str(repo.git.describe("--tags", "--always", "--dirty")),
        source=web_address(remotes["origin"].url) if "origin" in remotes else "",
    )


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
