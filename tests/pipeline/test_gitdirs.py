"""Whatever is called `.git`, and whatever became of a submodule: the files that are there count by their content."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from context_rules import Asked
from davy.pipeline.core.errors import Unusable
from davy.pipeline.source.git.work_tree import GitWorkTree
from git_alone import ALONE, commit, git

Entries = dict[str, tuple[str, str]]
HEAD = "ref: refs/heads/main\n"


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def entries(folder: Path) -> Entries:
    return dict(GitWorkTree(ALONE).entries(folder, Asked()))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    write(folder / ".gitignore", "node_modules\n")
    write(folder / "Dockerfile")
    commit(folder)
    return folder


def no_head(git_: Path) -> None:
    write(git_ / "HEAD", "ref: x")


def a_file(git_: Path) -> None:
    write(git_, "gitdir: ../../.git/modules/foo\n")


def a_file_of_anything(git_: Path) -> None:
    write(git_, "no such thing\n")


def an_empty_file(git_: Path) -> None:
    write(git_, "")


def a_file_to_elsewhere(git_: Path) -> None:
    write(git_, "gitdir: /\n")


def a_file_to_itself(git_: Path) -> None:
    write(git_, "gitdir: .git\n")


def an_empty_folder(git_: Path) -> None:
    git_.mkdir(parents=True)


def a_dangling_link(git_: Path) -> None:
    git_.parent.mkdir(parents=True)
    git_.symlink_to("nowhere")


def a_link_to_itself(git_: Path) -> None:
    git_.parent.mkdir(parents=True)
    git_.symlink_to(".git")


def a_broken_repository(git_: Path) -> None:
    write(git_ / "HEAD", HEAD)
    (git_ / "objects").mkdir()
    (git_ / "refs").mkdir()
    write(git_ / "config", "[core\n")


def a_bare_repository(git_: Path) -> None:
    git_.mkdir(parents=True)
    git(git_, "init", "-q", "--bare", ".")


def of_another_version(git_: Path) -> None:
    git_.parent.mkdir(parents=True)
    git(git_.parent, "init", "-q")
    write(git_ / "config", "[core]\nrepositoryformatversion = 99\n")


def a_work_tree_elsewhere(git_: Path) -> None:
    git_.parent.mkdir(parents=True)
    git(git_.parent, "init", "-q")
    git(git_.parent, "config", "core.worktree", "/")


def a_pipe(git_: Path) -> None:
    git_.parent.mkdir(parents=True)
    os.mkfifo(git_)


NONE = (
    no_head, a_file, a_file_of_anything, an_empty_file, a_file_to_elsewhere, a_file_to_itself, an_empty_folder,
    a_dangling_link, a_link_to_itself, a_broken_repository, a_bare_repository, of_another_version,
    a_work_tree_elsewhere, a_pipe,
)  # fmt: skip


@pytest.mark.parametrize("above", ["app/fixture", "node_modules/foo", "lib", "deep/er"])
@pytest.mark.parametrize("made", NONE, ids=lambda made: made.__name__)
def test_a_folder_whose_git_is_none_is_walked(repository: Path, above: str, made: Callable[[Path], None]) -> None:
    place = repository / above
    made(place / ".git")
    write(place / "file", "one")
    write(place / "inner/file", "one")
    before = entries(repository)
    assert {f"{above}/file", f"{above}/inner/file"} < set(before)
    assert not any(".git" in name.split("/") for name in before)
    assert set(entries(place)) == {"file", "inner/file"}
    write(place / "inner/file", "two")
    after = entries(repository)
    assert {name for name in after if after[name] != before[name]} == {f"{above}/inner/file"}


@pytest.mark.parametrize("made", NONE, ids=lambda made: made.__name__)
def test_a_context_outside_of_git_may_hold_a_git_that_is_none(tmp_path: Path, made: Callable[[Path], None]) -> None:
    made(tmp_path / "plain/.git")
    write(tmp_path / "plain/file", "one")
    assert set(entries(tmp_path / "plain")) == {"file"}


def test_a_linked_git_that_git_takes_is_one(repository: Path, tmp_path: Path) -> None:
    (repository / ".git").rename(tmp_path / "elsewhere")
    (repository / ".git").symlink_to(tmp_path / "elsewhere")
    found = entries(repository)
    write(repository / "nested/file", "one")
    git(repository / "nested", "init", "-q")
    assert set(found) == {".gitignore", "Dockerfile"}
    assert set(entries(repository)) == {".gitignore", "Dockerfile", "nested/file"}


def test_a_bare_repository_is_a_folder_of_files(repository: Path) -> None:
    git(repository, "init", "-q", "--bare", "fixture.git")
    assert "fixture.git/HEAD" in entries(repository)


@pytest.fixture
def with_module(repository: Path, tmp_path: Path) -> Path:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    write(other / "lib.txt", "one")
    commit(other)
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "vendor/lib")
    commit(repository)
    return repository


def unpacked(lib: Path) -> None:
    """As out of a tar."""
    (lib / ".git").unlink()


def deinitialised(lib: Path) -> None:
    git(lib.parents[1], "submodule", "--quiet", "deinit", "-f", "vendor/lib")
    write(lib / "lib.txt", "one")


def dangling(lib: Path) -> None:
    shutil.rmtree(lib.parents[1] / ".git/modules")


def emptied(lib: Path) -> None:
    (lib / ".git").write_text("")


@pytest.mark.parametrize("became", [unpacked, deinitialised, dangling, emptied])
def test_files_of_a_submodule_without_a_git_count(with_module: Path, became: Callable[[Path], None]) -> None:
    whole = entries(with_module)
    became(with_module / "vendor/lib")
    assert entries(with_module) == whole
    write(with_module / "vendor/lib/lib.txt", "two")
    assert entries(with_module)["vendor/lib/lib.txt"] != whole["vendor/lib/lib.txt"]
    assert entries(with_module / "vendor/lib").keys() == {"lib.txt"}


@pytest.mark.parametrize("target", ["/etc", "../../Dockerfile", "nowhere", "lib"])
def test_a_submodule_that_became_a_link_is_the_link(with_module: Path, target: str) -> None:
    shutil.rmtree(with_module / "vendor/lib")
    (with_module / "vendor/lib").symlink_to(target)
    found = entries(with_module)
    assert found["vendor/lib"][0] == "120000"
    assert not any(name.startswith("vendor/lib/") for name in found)


def test_a_submodule_that_became_a_file_counts_as_one(with_module: Path) -> None:
    shutil.rmtree(with_module / "vendor/lib")
    write(with_module / "vendor/lib", "one")
    before = entries(with_module)
    assert before["vendor/lib"][0] == "100644"
    write(with_module / "vendor/lib", "two")
    assert entries(with_module)["vendor/lib"] != before["vendor/lib"]


def test_a_very_deep_folder_is_walked(repository: Path) -> None:
    place = repository / ("d/" * 700)
    place.mkdir(parents=True)
    write(place / "file")
    assert len(entries(repository)) == 3


def test_a_repository_of_somebody_else_is_said_with_the_command_that_trusts_it(
    repository: Path, tmp_path: Path
) -> None:
    theirs = ALONE | {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    command = f"git config --global --add safe.directory {repository}"
    shim = tmp_path / "bin/git"
    # davy keeps variables that would mislead git from it, and this one with them.
    write(shim, f'#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec {shutil.which("git")} "$@"\n').chmod(0o755)
    with pytest.raises(Unusable, match=command):
        GitWorkTree(theirs | {"PATH": f"{shim.parent}:{theirs['PATH']}"}).entries(repository, Asked())
