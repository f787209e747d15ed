"""A build's files, set out so that the same files are the same build."""

import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from davy.pipeline.builds.builders.context import packed, staged
from davy.pipeline.builds.content.key import blob
from davy.pipeline.builds.ports import BuildOrder
from davy.pipeline.core.errors import Rejected, Unusable

EPOCH = 1_700_000_000
FILES = {"sub/run": ("100755", ""), "link": ("120000", "")}


def order(folder: Path, files: Mapping[str, tuple[str, str]] | None = FILES, text: str | None = None) -> BuildOrder:
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "run").write_text("x")
    (folder / "sub" / "run").chmod(0o700)
    (folder / "link").symlink_to("sub/run")
    (folder / "other").write_text("o")
    (folder / "Dockerfile").write_text("FROM scratch\n")
    return BuildOrder(name="r/a", context=folder, files=files, epoch=EPOCH, dockerfile_text=text)


def test_only_the_files_are_there_with_gits_modes_and_the_epoch(tmp_path: Path) -> None:
    with staged(order(tmp_path / "a")) as place:
        names = sorted(path.relative_to(place.context).as_posix() for path in place.context.rglob("*"))
        assert names == ["link", "sub", "sub/run"]
        assert (place.context / "sub/run").stat().st_mode & 0o777 == 0o755
        assert (place.context / "link").readlink() == Path("sub/run")
        for path in (place.context, *place.context.rglob("*")):
            assert path.lstat().st_mtime == EPOCH
    assert not place.folder.exists()


def test_further_contexts_may_be_called_as_images_are(tmp_path: Path) -> None:
    made = order(tmp_path / "a")
    names = ("r.example/base:1", "context", "by")
    folders = dict.fromkeys(names, made.context)
    links = {name: {"link": ("120000", "")} for name in names}
    with staged(replace(made, contexts=folders, context_files=links)) as place:
        assert [sorted(path.name for path in place.contexts[name].iterdir()) for name in names] == [["link"]] * 3
        assert sorted(path.name for path in place.context.iterdir()) == ["link", "sub"]


def test_no_two_builds_have_a_context_of_the_same_name(tmp_path: Path) -> None:
    made = order(tmp_path / "a")
    with staged(made) as one, staged(made) as other:
        assert one.context.name != other.context.name


def test_without_files_the_context_is_itself_and_the_nearest_ignore_file_counts(tmp_path: Path) -> None:
    made = order(tmp_path / "a", files=None, text="FROM pinned\n")
    (made.context / ".dockerignore").write_text("far")
    with staged(made) as place:
        assert (place.context, place.ignore.read_text()) == (made.context, "far")
        assert place.dockerfile.read_text() == "FROM pinned\n"
        assert place.ignore.name == f"{place.dockerfile.name}.dockerignore"
    (made.context / "Dockerfile.dockerignore").write_text("near")
    with staged(made) as place:
        assert place.ignore.read_text() == "near"


@pytest.mark.parametrize("gone", ["file", "Dockerfile", "context"])
def test_what_is_missing_is_named(tmp_path: Path, gone: str) -> None:
    made = order(tmp_path / "a", files={"file": ("100644", "")})
    if gone == "Dockerfile":
        (made.context / "Dockerfile").unlink()
    elif gone == "context":
        made.context.rename(tmp_path / "moved")
    with pytest.raises(Unusable, match=gone), staged(made):
        pass


def test_one_context_is_one_tar(tmp_path: Path) -> None:
    tars = []
    for number in (1, 2):
        made = order(tmp_path / str(number))
        os.utime(made.context / "sub" / "run", (number, number))
        tars.append(io.BytesIO())
        packed(made, tars[-1])
    assert tars[0].getvalue() == tars[1].getvalue()


def test_a_dockerfile_of_its_own_name_is_kept_from_the_image(tmp_path: Path) -> None:
    archive = io.BytesIO()
    name = packed(order(tmp_path / "a", text="FROM pinned\n"), archive)
    archive.seek(0)
    with tarfile.open(fileobj=archive) as read:
        said = {member.name: read.extractfile(member).read().decode() for member in read if member.isreg()}  # type: ignore[union-attr]
    assert said[name] == "FROM pinned\n"
    assert said[".dockerignore"].split() == [".dockerignore", name]


def test_a_dockerfile_that_is_one_of_the_files_is_used_where_it_is(tmp_path: Path) -> None:
    archive = io.BytesIO()
    assert packed(order(tmp_path / "a", files={"Dockerfile": ("100644", "")}), archive) == "Dockerfile"
    archive.seek(0)
    with tarfile.open(fileobj=archive) as read:
        assert read.getnames() == ["Dockerfile"]


@pytest.mark.parametrize(("disk", "mode", "built"), [(0o755, "100644", 0o644), (0o600, "100755", 0o755)])
def test_the_mode_that_the_key_counts_is_built_and_not_the_disks(
    tmp_path: Path, disk: int, mode: str, built: int
) -> None:
    made = order(tmp_path / "a", files={"sub/run": (mode, "")})
    (made.context / "sub" / "run").chmod(disk)
    archive = io.BytesIO()
    packed(made, archive)
    archive.seek(0)
    with tarfile.open(fileobj=archive) as read:
        assert read.getmember("sub/run").mode == built
    with staged(made) as place:
        assert (place.context / "sub" / "run").stat().st_mode & 0o777 == built


def test_a_link_that_git_left_as_a_file_is_built_as_the_link_that_the_key_counts(tmp_path: Path) -> None:
    made = order(tmp_path / "a", files={"other": ("120000", "")})
    (made.context / "other").write_text("sub/run")
    archive = io.BytesIO()
    packed(made, archive)
    archive.seek(0)
    with tarfile.open(fileobj=archive) as read:
        assert read.getmember("other").linkname == "sub/run"
    with staged(made) as place:
        assert (place.context / "other").readlink() == Path("sub/run")


def test_a_file_that_became_a_link_after_its_key_was_made_is_not_followed(tmp_path: Path) -> None:
    made = order(tmp_path / "a", files={"link": ("100644", "")})
    with pytest.raises(Unusable, match="became a link"), staged(made):
        pass
    with pytest.raises(Unusable, match="became a link"):
        packed(made, io.BytesIO())


def sha256_blob(text: str) -> str:
    """As a repository of SHA-256 names it."""
    return hashlib.sha256(b"blob %d\0" % len(text) + text.encode()).hexdigest()


@pytest.mark.parametrize("name", [blob, sha256_blob])
def test_what_the_key_counts_is_built(tmp_path: Path, name: Callable[[str], str]) -> None:
    counted = {"sub/run": ("100755", name("x")), "link": ("120000", name("sub/run"))}
    made = order(tmp_path / "a", files=counted)
    packed(made, io.BytesIO())
    with staged(made) as place:
        assert (place.context / "sub" / "run").read_text() == "x"


@pytest.mark.parametrize("path", ["sub/run", "link"])
def test_a_file_that_changed_after_its_key_was_made_is_not_built(tmp_path: Path, path: str) -> None:
    made = order(tmp_path / "a", files={path: (FILES[path][0], blob("as it was"))})
    with pytest.raises(Rejected, match=f"{path} changed while it was being built"), staged(made):
        pass
    with pytest.raises(Rejected, match="changed while it was being built"):
        packed(made, io.BytesIO())
