"""git for the tests: real, and the same on every machine, for it reads nobody's settings."""

import os
import subprocess
from pathlib import Path

ALONE = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}
"""The environment."""


def git(folder: Path, *words: str) -> str:
    """What it says."""
    ran = subprocess.run(["git", *words], cwd=folder, env=ALONE, capture_output=True, check=True)
    return os.fsdecode(ran.stdout)


def commit(folder: Path) -> None:
    """Everything, and also nothing."""
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "x")
