"""`davy test` in a repository that put links into the folders davy writes to."""

import subprocess
import sys
from pathlib import Path

import pytest

from davy.pipeline.core.endings import Ending
from git_alone import ALONE, commit, git

pytestmark = pytest.mark.slow

FILE = """\
service: shop
images: [{name: r.test/a}]
tests:
  - {name: unit, in: process, run: 'echo told; echo "<testsuites/>" >"$JUNIT"'}
"""
LINKS = {
    "davy-out": "../outside",
    "davy-out/unit": "../../outside/unit",
    "davy-out/unit/log.txt": "../../../outside/log.txt",
    "davy-out/unit/junit.xml": "../../../outside/new",
    "davy-out/unit/.davy-files": "../../../outside/.davy-files",
    "davy-out/junit.xml": "../../outside/junit.xml",
    "davy-out/report.md": "../../outside/report.md",
    "davy-out/events.jsonl": "../../outside/new",
    "davy-out/.gitignore": "../../outside/.gitignore",
    "davy-out/.lock": "../../outside/log.txt",
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "outside/unit").mkdir(parents=True)
    for name in ("log.txt", "junit.xml", "report.md", "unit/log.txt", ".davy-files", "unit/.davy-files"):
        (tmp_path / "outside" / name).write_text('"log.txt"\n"junit.xml"\n')
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/davy.yaml").write_text(FILE)
    git(tmp_path / "shop", "init", "-q")
    commit(tmp_path / "shop")
    return tmp_path


def outcome(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).parent / "davy", "test", *words]
    return subprocess.run(
        command, cwd=place / "shop", env=ALONE, capture_output=True, text=True, timeout=60, check=False
    )


def outside(place: Path) -> dict[str, tuple[object, ...]]:
    return {
        str(path): (path.read_bytes() if path.is_file() else b"", path.stat().st_mtime_ns, path.stat().st_mode)
        for path in (place / "outside").rglob("*")
    }


@pytest.mark.parametrize("name", LINKS)
def test_nothing_outside_is_written_or_deleted(place: Path, name: str) -> None:
    at = place / "shop" / name
    at.parent.mkdir(parents=True, exist_ok=True)
    at.symlink_to(LINKS[name])
    before = outside(place)
    done = outcome(place)
    assert outside(place) == before
    if done.returncode != Ending.DONE:
        assert done.returncode == Ending.UNUSABLE
        assert "is a link" in done.stderr
        assert "--out" in done.stderr


@pytest.mark.parametrize("words", [("--out", "davy-out"), ("--out", "kept")])
def test_a_folder_that_is_named_may_be_a_link(place: Path, words: tuple[str, str]) -> None:
    (place / "elsewhere").mkdir()
    (place / "shop" / words[1]).symlink_to("../elsewhere")
    done = outcome(place, *words)
    assert done.returncode == Ending.DONE
    assert (place / "elsewhere/unit/log.txt").read_text() == "told\n"
