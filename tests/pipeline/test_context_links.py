"""What lies behind a link is no part of a context, and nothing is ever written through one."""

import io
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from context_rules import Asked
from davy.pipeline.builds.builders.context import packed, staged
from davy.pipeline.builds.ports import BuildOrder
from davy.pipeline.core.errors import Unusable
from davy.pipeline.source.git.work_tree import GitWorkTree
from git_alone import ALONE, commit, git

Entries = dict[str, tuple[str, str]]
EPOCH = 1_700_000_000
TRACKED = ("Dockerfile", "lib/x", "lib/deep/y", "lib/deep/deeper/z", "other/x", "run")
PLACES = ("lib", "lib/deep", "lib/x", "other", "other/x", "run", "new", "other/new")
TARGETS = (
    "{outside}", "{outside}/x", "{outside}/deep", "../outside", "../outside/x", "../../outside", "other", "../other",
    "lib/deep", "x", ".", "..", "/", "itself", "lib", "new", "nowhere", "{outside}/nowhere", "run/x",
)  # fmt: skip
"""Absolute and relative, to folders and files, nowhere, in chains and in circles, up and into the middle."""


def entries(folder: Path) -> Entries:
    return dict(GitWorkTree(ALONE).entries(folder, Asked()))


def watched(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything that must stay as it is."""
    seen: dict[str, tuple[object, ...]] = {}
    for path in sorted([folder, *folder.rglob("*")]):
        at = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        seen[str(path)] = (content, at.st_mode, at.st_mtime_ns, at.st_ino)
    return seen


@contextmanager
def world() -> Iterator[tuple[Path, Path]]:
    """A repository, and a folder beside it that is nobody's business."""
    with tempfile.TemporaryDirectory() as made:
        place = Path(made).resolve()
        repository, outside = place / "repository", place / "outside"
        for path in TRACKED:
            write(repository / path, "in")
        for path in ("x", "deep/y", "lib/x", "run"):
            write(outside / path, "precious")
        git(repository, "init", "-q")
        commit(repository)
        yield repository, outside


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def linked(repository: Path, place: str, target: str) -> None:
    """What is there gives way to a link; nothing is done behind another link."""
    path = repository / place
    if any(parent.is_symlink() for parent in path.parents) or not path.parent.is_dir():
        return
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(path.name if target == "itself" else target)


def on_disk(folder: Path) -> dict[str, str]:
    """What a walk that follows no link finds: by name what it holds, or where it points."""
    return {
        path.relative_to(folder).as_posix(): str(path.readlink()) if path.is_symlink() else path.read_text()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
        if ".git" not in path.relative_to(folder).parts
    }


def in_tar(order: BuildOrder) -> dict[str, str]:
    archive = io.BytesIO()
    packed(order, archive)
    archive.seek(0)
    with tarfile.open(fileobj=archive) as read:
        return {
            one.name: one.linkname if one.issym() else read.extractfile(one).read().decode()  # type: ignore[union-attr]
            for one in read
        }


links = st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(TARGETS)), min_size=1, max_size=4)


@settings(max_examples=25, deadline=None)
@given(links, st.booleans())
def test_whatever_links_there_are_the_files_are_those_of_a_walk_and_nothing_outside_changes(
    said: list[tuple[str, str]], committed: bool
) -> None:
    with world() as (repository, outside):
        for place, target in said:
            linked(repository, place, target.format(outside=outside))
        if committed:
            commit(repository)
        before, there = watched(outside), on_disk(repository)
        found = entries(repository)
        assert set(found) == set(there)
        order = BuildOrder(name="r/a", context=repository, files=found, epoch=EPOCH)
        with staged(order) as place:
            assert on_disk(place.context) == there
        assert in_tar(order) == there
        assert watched(outside) == before


def test_a_tracked_folder_that_became_a_link_is_the_link_alone() -> None:
    with world() as (repository, outside):
        linked(repository, "lib", str(outside))
        before = watched(outside)
        found = entries(repository)
        assert [name for name in found if name.startswith("lib")] == ["lib"]
        (outside / "x").write_text("another")
        assert entries(repository) == found
        (outside / "x").write_text("precious")
        with staged(BuildOrder(name="r/a", context=repository, files=found)) as place:
            assert (place.context / "lib").readlink() == outside
        assert {path: one[0] for path, one in watched(outside).items()} == {
            path: one[0] for path, one in before.items()
        }


def test_a_folder_far_above_and_one_of_a_further_context_may_be_links_too() -> None:
    with world() as (repository, outside):
        linked(repository, "lib/deep", str(outside))
        assert [name for name in entries(repository) if name.startswith("lib/deep")] == ["lib/deep"]
        assert set(entries(repository / "lib")) == {"x", "deep"}


@pytest.mark.parametrize("turned", [False, True])
def test_files_behind_a_link_are_not_staged_even_where_a_list_names_them(turned: bool) -> None:
    with world() as (repository, outside):
        linked(repository, "lib", "../outside")
        names = {"lib": ("120000", ""), "lib/x": ("100644", "")}
        before = watched(outside)
        order = BuildOrder(name="r/a", context=repository, files=dict(reversed(names.items())) if turned else names)
        with pytest.raises(Unusable, match="lib is a link"), staged(order):
            raise AssertionError("it was set out")
        with pytest.raises(Unusable, match="lib is a link"):
            packed(order, io.BytesIO())
        assert watched(outside) == before


@pytest.mark.parametrize("name", ["../outside/x", "/etc/passwd", "lib/../../outside/x", "lib//x", "./run"])
def test_names_that_lead_out_are_not_staged(name: str) -> None:
    with world() as (repository, outside):
        before = watched(outside)
        order = BuildOrder(name="r/a", context=repository, files={name: ("100644", "")})
        with pytest.raises(Unusable, match="leads out"), staged(order):
            raise AssertionError("it was set out")
        assert watched(outside) == before
