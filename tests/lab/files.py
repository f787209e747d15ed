"""Writing settings: a file that already says so is left untouched."""

from __future__ import annotations

from pathlib import Path


def put(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a text unless it is there already: kube-proxy ends when its file is written to."""
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=mode)
    path.chmod(mode)
    path.write_text(text)


def put_secret(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    put(path, text, mode=0o600)
