"""History: the commits since an earlier one, through GitPython."""

import re
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

from davy.pipeline.core.artifacts import Commit

SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class GitHistory:
    """Of the work tree that holds `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def since(self, sha: str, paths: Sequence[Path], most: int) -> tuple[Commit, ...]:
        """See davy.pipeline.source.ports.History."""
        # What a registry says is no word of git's command line.
        if not SHA.fullmatch(sha):
            return ()
        try:
            # GitPython looks for git when it is imported, and starts it.
            import git  # noqa: PLC0415
        except ImportError:
            return ()
        try:
            with git.Repo(self._path, search_parent_directories=True) as repo:
                found = repo.iter_commits(f"{sha}..HEAD", paths=[str(path) for path in paths], max_count=most)
                return tuple(
                    Commit(
                        sha=one.hexsha,
                        at=one.committed_datetime.astimezone(UTC),
                        author=str(one.author.name or ""),
                        subject=str(one.summary),
                    )
                    for one in found
                )
        except (git.GitError, ValueError, OSError):
            return ()
