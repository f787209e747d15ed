"""What every Source must do, the one in memory and the one on git."""

import os
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from davy.pipeline.core.errors import Unusable
from davy.pipeline.source.git.history import GitHistory
from davy.pipeline.source.git.repository import GitSource
from davy.pipeline.source.ports import Source
from twins.source import MemorySource


@pytest.fixture(params=["memory", "git"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    if request.param == "memory":
        return MemorySource()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    own = ["git", "-c", "user.name=h", "-c", "user.email=h@example.com"]
    for words in (["init"], ["commit", "--allow-empty", "-m", "first"]):
        subprocess.run([*own, *words], cwd=tmp_path, check=True, capture_output=True, env=environment)
    return GitSource(tmp_path)


def test_a_revision_is_a_commit_with_an_aware_time(source: Source) -> None:
    revision = source.revision()
    assert len(revision.sha) == 40
    assert revision.committed_at.utcoffset() == timedelta(0)


def test_asked_twice_it_says_the_same(source: Source) -> None:
    assert source.revision() == source.revision()


def test_a_fault_is_raised(tmp_path: Path) -> None:
    for source in (MemorySource(fault=Unusable("no work tree")), GitSource(tmp_path)):
        with pytest.raises(Unusable):
            source.revision()


# ---- commits since an earlier one ------------------------------------------------------------------------------------


@pytest.fixture
def committed(tmp_path: Path) -> tuple[Path, list[str]]:
    """A work tree of three commits, and their ids: of `web` the first and the third, of `lib` the second."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    own = ["git", "-c", "user.name=h", "-c", "user.email=h@example.com"]
    folder, ids = tmp_path / "tree", []
    folder.mkdir()
    subprocess.run([*own, "init", "-q"], cwd=folder, check=True, env=environment)
    for number, name in enumerate(("web", "lib", "web")):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "file").write_text(str(number))
        for words in (["add", "."], ["commit", "-q", "-m", f"{name} {number}\n\nmore"]):
            subprocess.run([*own, *words], cwd=folder, check=True, env=environment)
        said = subprocess.run([*own, "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True)
        ids.append(said.stdout.strip())
    return folder, ids


def test_commits_since_are_the_newest_that_touch_a_path(committed: tuple[Path, list[str]]) -> None:
    folder, ids = committed
    history = GitHistory(folder / "web")
    every = history.since(ids[0], [folder], 9)
    assert [(one.sha, one.author, one.subject) for one in every] == [(ids[2], "h", "web 2"), (ids[1], "h", "lib 1")]
    assert [one.subject for one in history.since(ids[0], [folder / "lib"], 9)] == ["lib 1"]
    assert [one.subject for one in history.since(ids[0], [folder / "lib", folder / "web"], 1)] == ["web 2"]
    assert history.since(ids[2], [folder], 9) == ()


@pytest.mark.parametrize("sha", ["", "0" * 40, "--output=stolen", "HEAD", "f" * 64])
def test_what_is_no_commit_here_has_no_commits_since(committed: tuple[Path, list[str]], sha: str) -> None:
    folder, _ = committed
    assert GitHistory(folder).since(sha, [folder], 9) == ()
    assert not (folder / "stolen").exists()


def test_outside_of_git_there_are_no_commits(tmp_path: Path) -> None:
    assert GitHistory(tmp_path).since("0" * 40, [tmp_path], 9) == ()
