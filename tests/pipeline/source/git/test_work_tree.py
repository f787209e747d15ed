"""The work tree on real git repositories: ids are git's own, and only what git does not know is read."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from context_rules import Asked, every
from davy.pipeline.builds.content.dockerignore import ignoring
from davy.pipeline.core.errors import Unusable
from davy.pipeline.source.git.work_tree import GitWorkTree
from git_alone import ALONE, commit, git

Entries = dict[str, tuple[str, str]]


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def entries(
    folder: Path,
    keeps: Callable[[str], bool] = every,
    enters: Callable[[str], bool] = every,
) -> Entries:
    return dict(GitWorkTree(ALONE).entries(folder, Asked(keeps, enters)))


def sha1(text: str) -> str:
    return hashlib.sha1(b"blob %d\0" % len(text.encode()) + text.encode(), usedforsecurity=False).hexdigest()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    return folder


def test_a_commit_changes_no_id(repository: Path) -> None:
    write(repository / "a/b.txt", "one")
    write(repository / "run.sh").chmod(0o755)
    (repository / "link").symlink_to("a/b.txt")
    before = entries(repository)
    commit(repository)
    assert entries(repository) == before
    assert before["a/b.txt"] == ("100644", sha1("one"))
    assert before["run.sh"][0] == "100755"
    assert before["link"] == ("120000", sha1("a/b.txt"))


def test_a_clean_file_is_not_read(repository: Path) -> None:
    path = write(repository / "a", "one")
    commit(repository)
    seen = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    git(repository, "config", "core.trustctime", "false")
    # Git itself believes the size and the time: so do we, and that is what makes it quick.
    index = repository / ".git/index"
    os.utime(index, ns=(seen.st_mtime_ns + 10**10, seen.st_mtime_ns + 10**10))
    assert entries(repository)["a"] == ("100644", sha1("one"))


def test_changed_untracked_ignored_and_assumed_files_count_by_their_content(repository: Path) -> None:
    for name in ("changed", "assumed", "gone", "staged", "skipped"):
        write(repository / name, "old")
    write(repository / ".gitignore", "ignored*\n")
    commit(repository)
    git(repository, "update-index", "--assume-unchanged", "assumed")
    git(repository, "update-index", "--skip-worktree", "skipped")
    for name in ("changed", "assumed", "ignored", "new", "ignored-folder/deep", "new-folder/deep", "skipped"):
        write(repository / name, f"now {name}")
    write(repository / "staged", "in the index")
    git(repository, "add", "staged")
    write(repository / "staged", "later")
    (repository / "gone").unlink()
    found = entries(repository)
    assert "gone" not in found
    for name in ("changed", "assumed", "ignored", "new", "ignored-folder/deep", "new-folder/deep", "skipped"):
        assert found[name] == ("100644", sha1(f"now {name}"))
    assert found["staged"] == ("100644", sha1("later"))


def test_a_context_below_holds_only_its_own_files_by_paths_of_its_own(repository: Path) -> None:
    for name in ("app/a", "app/deep/b", "apple/c", "d", "untracked/context/e", "untracked/f"):
        write(repository / name)
    git(repository, "add", "app", "apple", "d")
    git(repository, "commit", "-q", "-m", "x")
    assert set(entries(repository / "app")) == {"a", "deep/b"}
    assert set(entries(repository / "untracked/context")) == {"e"}
    assert set(entries(repository / "untracked")) == {"context/e", "f"}


def test_git_is_asked_once_for_all_contexts(repository: Path) -> None:
    write(repository / "a/x")
    write(repository / "b/y")
    commit(repository)
    tree = GitWorkTree(ALONE)
    assert tree.entries(repository / "a", Asked())
    (repository / ".git").rename(repository / "not-git-now")
    assert set(tree.entries(repository / "b", Asked())) == {"y"}


def test_what_is_left_out_is_neither_entered_nor_read(repository: Path) -> None:
    write(repository / "a")
    commit(repository)
    secret = write(repository / "node_modules/deep/secret")
    secret.chmod(0)
    asked: list[str] = []

    def enters(name: str) -> bool:
        asked.append(name)
        return name != "node_modules"

    assert set(entries(repository, enters=enters)) == {"a"}
    assert asked == ["node_modules"]
    assert set(entries(repository, keeps=lambda name: not name.endswith("secret"))) == {"a"}


def test_a_folder_outside_of_git_is_read_with_the_same_ids(repository: Path, tmp_path: Path) -> None:
    write(repository / "a/b", "one")
    commit(repository)
    write(tmp_path / "plain/a/b", "one")
    assert entries(tmp_path / "plain") == entries(repository)


def test_names_may_be_any_bytes(repository: Path) -> None:
    names = [b"new\nline", b"tab\there", b"\xff\xfe", "ümläut".encode(), b'quote"', b" blank "]
    for name in names:
        Path(os.fsdecode(os.fsencode(repository) + b"/" + name)).write_bytes(b"x")
    before = entries(repository)
    commit(repository)
    assert set(before) == {os.fsdecode(name) for name in names}
    assert entries(repository) == before


def test_line_endings_and_filters_count_as_they_are_in_the_work_tree(repository: Path) -> None:
    write(repository / ".gitattributes", "*.txt text eol=crlf\n*.bin filter=clean\n*.plain -text\n")
    git(repository, "config", "filter.clean.clean", "tr a-z A-Z")
    write(repository / "a.txt", "one\r\n")
    write(repository / "b.bin", "lower")
    write(repository / "c.plain", "one\r\n")
    before = entries(repository)
    commit(repository)
    assert git(repository, "show", ":b.bin") == "LOWER"
    assert entries(repository) == before
    assert before["a.txt"][1] == sha1("one\r\n")
    assert before["b.bin"][1] == sha1("lower")


def test_a_setting_that_converts_line_endings_counts_too(repository: Path) -> None:
    git(repository, "config", "core.autocrlf", "true")
    write(repository / "a.txt", "one\r\n")
    commit(repository)
    assert git(repository, "show", ":a.txt") == "one\n"
    assert entries(repository)["a.txt"][1] == sha1("one\r\n")


def test_submodules_and_repositories_inside_count_by_their_content(repository: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    write(other / "lib/code", "one")
    commit(other)
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "vendor/other")
    commit(repository)
    git(repository, "clone", "-q", str(other), "nested")
    write(repository / "nested/lib/code", "two")
    found = entries(repository)
    assert found["vendor/other/lib/code"][1] == sha1("one")
    assert found["nested/lib/code"][1] == sha1("two")
    assert not any(".git/" in name for name in found)


def test_a_submodule_that_is_not_checked_out_holds_nothing(repository: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    write(other / "code")
    commit(other)
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "vendor")
    commit(repository)
    git(tmp_path, "clone", "-q", str(repository), "clone")
    assert set(entries(tmp_path / "clone")) == {".gitmodules"}


def test_a_merge_in_conflict_counts_as_it_lies_there(repository: Path) -> None:
    write(repository / "a", "base\n")
    commit(repository)
    git(repository, "checkout", "-q", "-b", "other")
    write(repository / "a", "theirs\n")
    commit(repository)
    git(repository, "checkout", "-q", "main")
    write(repository / "a", "ours\n")
    commit(repository)
    subprocess.run(["git", "merge", "other"], cwd=repository, env=ALONE, capture_output=True, check=False)
    text = (repository / "a").read_text()
    assert "<<<<<<<" in text
    assert entries(repository) == {"a": ("100644", sha1(text))}


def test_a_second_work_tree_is_one(repository: Path, tmp_path: Path) -> None:
    write(repository / "a", "one")
    commit(repository)
    git(repository, "worktree", "add", "-q", str(tmp_path / "second"), "-b", "second")
    assert entries(tmp_path / "second") == entries(repository)


def test_a_repository_of_sha256_has_ids_of_its_own_and_they_stay(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256", "repository")
    repository = tmp_path / "repository"
    write(repository / "a", "one")
    before = entries(repository)
    commit(repository)
    assert entries(repository) == before
    assert len(before["a"][1]) == 64


def test_a_hooks_environment_leads_nowhere_else(repository: Path, tmp_path: Path) -> None:
    write(repository / "a", "one")
    commit(repository)
    misled = ALONE | {"GIT_DIR": str(tmp_path / "nowhere"), "GIT_INDEX_FILE": str(tmp_path / "none")}
    assert set(GitWorkTree(misled).entries(repository, Asked())) == {"a"}


def test_a_file_that_became_a_folder_and_a_link_that_became_a_file_count_as_they_are(repository: Path) -> None:
    write(repository / "a", "one")
    (repository / "b").symlink_to("a")
    commit(repository)
    (repository / "a").unlink()
    write(repository / "a/inside", "two")
    (repository / "b").unlink()
    write(repository / "b", "three")
    assert entries(repository) == {"a/inside": ("100644", sha1("two")), "b": ("100644", sha1("three"))}


def test_a_link_out_of_the_context_counts_by_where_it_points(repository: Path) -> None:
    (repository / "out").symlink_to("/etc")
    (repository / "nowhere").symlink_to("gone")
    assert entries(repository) == {"out": ("120000", sha1("/etc")), "nowhere": ("120000", sha1("gone"))}


def test_a_pipe_is_no_file(repository: Path) -> None:
    os.mkfifo(repository / "pipe")
    assert entries(repository) == {}


def test_a_context_that_is_not_there_is_said(repository: Path) -> None:
    with pytest.raises(Unusable, match="is not there"):
        entries(repository / "missing")
    with pytest.raises(Unusable, match="is no folder"):
        entries(write(repository / "file"))


def test_git_that_says_no_is_quoted(repository: Path) -> None:
    write(repository / "a")
    commit(repository)
    (repository / ".git/index").write_bytes(b"no index")
    with pytest.raises(Unusable, match="git could not list the files"):
        entries(repository)


def test_texts_are_read_and_what_is_none_is_refused(repository: Path) -> None:
    tree = GitWorkTree(ALONE)
    assert tree.text(write(repository / "Dockerfile", "FROM ü")) == "FROM ü"
    assert tree.text(repository / "missing") is None
    (repository / "other").write_bytes(b"# M\xfcnchen")
    assert (tree.text(repository / "other") or "").encode(errors="surrogateescape") == b"# M\xfcnchen"
    with pytest.raises(Unusable, match="cannot be read"):
        tree.text(repository)
    write(repository / "large", "x" * (2**20 + 1))
    with pytest.raises(Unusable, match="larger than 1 MiB"):
        tree.text(repository / "large")


def test_where_git_keeps_no_modes_the_index_says_them_also_of_what_is_read(repository: Path) -> None:
    write(repository / "run.sh", "one").chmod(0o755)
    write(repository / "plain", "one")
    write(repository / "words.dat", "one")
    write(repository / ".gitattributes", "*.dat text\n")
    commit(repository)
    git(repository, "config", "core.fileMode", "false")
    for name in ("run.sh", "plain", "words.dat"):
        (repository / name).chmod(0o644 if name == "run.sh" else 0o755)
    modes = {"run.sh": "100755", "plain": "100644", "words.dat": "100644"}
    assert {path: mode for path, (mode, _) in entries(repository).items() if path in modes} == modes
    write(repository / "run.sh", "two")
    write(repository / "plain", "two")
    write(repository / "new").chmod(0o755)
    write(repository / "folder/new").chmod(0o755)
    before = entries(repository)
    modes |= {"new": "100644", "folder/new": "100644"}
    assert {path: mode for path, (mode, _) in before.items() if path in modes} == modes
    commit(repository)
    assert entries(repository) == before


def test_where_git_makes_no_links_a_changed_one_stays_a_link(repository: Path) -> None:
    (repository / "link").symlink_to("one")
    commit(repository)
    git(repository, "config", "core.symlinks", "false")
    (repository / "link").unlink()
    write(repository / "link", "two")
    before = entries(repository)
    assert before == {"link": ("120000", sha1("two"))}
    commit(repository)
    assert entries(repository) == before


def test_a_folder_that_is_left_out_is_passed_over_however_many_files_git_knows_in_it(repository: Path) -> None:
    for service in range(20):
        for number in range(30):
            write(repository / f"svc/s{service:02}/deep/f{number}")
    commit(repository)
    rules, _ = ignoring("*\n!svc/s07\n**/*.md\n**/node_modules")
    asked: Counter[str] = Counter()

    def keeps(name: str) -> bool:
        asked["file"] += 1
        return rules.keeps(name)

    def enters(name: str) -> bool:
        asked["folder"] += 1
        return rules.enters(name)

    found = entries(repository, keeps, enters)
    assert set(found) == {f"svc/s07/deep/f{number}" for number in range(30)}
    assert asked == {"file": 30, "folder": 1 + 20 + 1}
