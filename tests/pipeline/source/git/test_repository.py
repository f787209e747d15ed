"""What git says of real work trees."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from davy.pipeline.core.errors import Unusable
from davy.pipeline.source.git.repository import GitSource, web_address

WHEN = "2026-03-01T12:00:00+02:00"


def git(folder: Path, *words: str) -> None:
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
        "GIT_AUTHOR_DATE": WHEN,
        "GIT_COMMITTER_DATE": WHEN,
        "GIT_CONFIG_GLOBAL": "/dev/null",
    }
    own = ["-c", "user.name=Humphry", "-c", "user.email=h@example.com", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *own, *words], cwd=folder, check=True, capture_output=True, env=environment)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    git(folder, "init")
    (folder / "a").write_text("one")
    (folder / ".gitignore").write_text("ignored\n")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "first")
    git(folder, "tag", "v1.0.0")
    return folder


def test_a_clean_tree(tree: Path) -> None:
    git(tree, "remote", "add", "origin", "git@github.com:shop/checkout.git")
    revision = GitSource(tree).revision()
    assert len(revision.sha) == 40
    assert (revision.dirty, revision.branch, revision.version) == (False, "main", "v1.0.0")
    assert revision.source == "https://github.com/shop/checkout"
    assert revision.committed_at == datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_a_folder_inside_the_tree_is_the_same_revision(tree: Path) -> None:
    inner = tree / "x" / "y"
    inner.mkdir(parents=True)
    assert GitSource(inner).revision() == GitSource(tree).revision()


def test_a_changed_file_makes_it_dirty(tree: Path) -> None:
    (tree / "a").write_text("two")
    revision = GitSource(tree).revision()
    assert revision.dirty
    assert revision.version == "v1.0.0-dirty"


def test_an_untracked_file_makes_it_dirty_and_an_ignored_one_does_not(tree: Path) -> None:
    (tree / "ignored").write_text("x")
    assert not GitSource(tree).revision().dirty
    (tree / "new").write_text("x")
    assert GitSource(tree).revision().dirty


def test_a_detached_head_has_no_branch(tree: Path) -> None:
    git(tree, "checkout", "--detach")
    assert GitSource(tree).revision().branch == ""


def test_without_a_tag_or_an_origin_there_is_still_a_version(tree: Path) -> None:
    git(tree, "tag", "-d", "v1.0.0")
    revision = GitSource(tree).revision()
    assert revision.sha.startswith(revision.version)
    assert revision.source == ""


def test_no_work_tree_is_unusable(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="not in a git work tree"):
        GitSource(tmp_path).revision()
    with pytest.raises(Unusable, match="not in a git work tree"):
        GitSource(tmp_path / "none").revision()


def test_a_tree_without_a_commit_is_unusable(tmp_path: Path) -> None:
    git(tmp_path, "init")
    with pytest.raises(Unusable, match="no commit"):
        GitSource(tmp_path).revision()


def test_a_bare_repository_is_unusable(tmp_path: Path) -> None:
    git(tmp_path, "init", "--bare")
    with pytest.raises(Unusable, match="bare"):
        GitSource(tmp_path).revision()


def test_without_git_it_is_said_that_git_is_missing(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path\n"
        "from davy.pipeline.source.git.repository import GitSource\n"
        "from davy.pipeline.core.errors import Missing\n"
        "try:\n    GitSource(Path('.')).revision()\n"
        "except Missing as error:\n    print(error.what, error.remedy)\n"
    )
    environment = {"PATH": str(tmp_path)}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout == "git cannot be run. Install git, or put it into PATH.\n"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("git@github.com:shop/checkout.git", "https://github.com/shop/checkout"),
        ("ssh://git@example.com:2222/shop/checkout", "https://example.com/shop/checkout"),
        ("https://user:token@example.com/shop/checkout.git?x=1", "https://example.com/shop/checkout"),
        ("http://example.com:3000/a/b/", "https://example.com:3000/a/b"),
        ("git://example.com/a.git", "https://example.com/a"),
        ("/srv/git/a.git", ""),
        ("file:///srv/git/a.git", ""),
        ("../a", ""),
        ("https://[bad", ""),
    ],
)
def test_an_origin_becomes_a_web_address_without_credentials(url: str, address: str) -> None:
    assert web_address(url) == address
