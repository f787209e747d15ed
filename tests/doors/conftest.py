"""The installed command, as a subprocess."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

DAVY = Path(sys.executable).parent / "davy"

Davy = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def davy(tmp_path: Path) -> Davy:
    """Runs `davy …` in an empty folder, with a clean environment."""

    def run(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DAVY_", "GITHUB_", "CI"))}
        clean.pop("KUBECONFIG", None)
        clean |= {"HOME": str(tmp_path), "COLUMNS": "88"} | (env or {})
        return subprocess.run(
            [DAVY, *arguments], cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=60, check=False
        )

    return run
