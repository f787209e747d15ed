"""The key on real git repositories: whatever an image is made of changes it, and nothing else does."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.pipeline.builds.content.collect import ingredients, inputs
from davy.pipeline.builds.content.inputs import FileEntry, Inputs
from davy.pipeline.builds.content.key import key, tag
from davy.pipeline.config.sections.images.matrix import BuildSecret, Recipe
from davy.pipeline.source.git.work_tree import GitWorkTree
from git_alone import ALONE, commit, git

pytestmark = pytest.mark.slow
"""Git does most of the work here, and git is the same under every Python."""

DOCKERFILE = "ARG V=1\nFROM base:$V\nARG A\nARG B\nARG C\nCOPY . /\n"
IGNORE = "*.log\nout/\n"
BASES = {"base:1": "sha256:" + "b" * 64}
RECIPE = Recipe(id="shop/web", name="shop/web", context="web", args={"A": "1", "B": "2"})

NAMES = st.text("ab.-_é", min_size=1, max_size=4).filter(lambda name: name.strip(".") and name != "Dockerfile")
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join).filter(lambda path: not path.startswith("out/"))
CONTENTS = st.binary(max_size=20)
# Neither lies below the other: no file is a folder, too.
FILES = st.dictionaries(PATHS, CONTENTS, min_size=2, max_size=5).filter(
    lambda files: not any(one.startswith(f"{other}/") for one in files for other in files)
)
FEW = settings(max_examples=25, deadline=None)
"""Each example makes a repository and asks git several times."""


@contextmanager
def repository(files: Mapping[str, bytes]) -> Iterator[Path]:
    """A new one, all committed."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "shop"
        (folder / "web").mkdir(parents=True)
        git(folder, "init", "-q", "-b", "main")
        (folder / "web/Dockerfile").write_text(DOCKERFILE)
        (folder / "web/.dockerignore").write_text(IGNORE)
        for name, content in files.items():
            put(folder / "web" / name, content)
        commit(folder)
        yield folder


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def looked(folder: Path, recipe: Recipe = RECIPE, bases: Mapping[str, str] = BASES) -> Inputs:
    found = ingredients(recipe, GitWorkTree(ALONE), folder)
    return inputs(recipe, found, bases, {})


def key_of(folder: Path, recipe: Recipe = RECIPE, bases: Mapping[str, str] = BASES) -> str:
    return key(looked(folder, recipe, bases))


def chosen(data: st.DataObject, files: Mapping[str, bytes], folder: Path) -> Path:
    return folder / "web" / data.draw(st.sampled_from(sorted(files)))


@FEW
@given(files=FILES, data=st.data(), committed=st.booleans(), other=CONTENTS)
def test_another_content_changes_the_key(files: dict[str, bytes], data: Any, committed: bool, other: bytes) -> None:
    with repository(files) as folder:
        before = key_of(folder)
        path = chosen(data, files, folder)
        old = path.read_bytes()
        path.write_bytes(other)
        if committed:
            commit(folder)
        assert (key_of(folder) == before) is (old == other)


@FEW
@given(files=FILES, data=st.data(), committed=st.booleans())
def test_another_mode_changes_the_key(files: dict[str, bytes], data: Any, committed: bool) -> None:
    with repository(files) as folder:
        before = key_of(folder)
        chosen(data, files, folder).chmod(0o755)
        if committed:
            commit(folder)
        assert key_of(folder) != before


@FEW
@given(files=FILES, committed=st.booleans(), targets=st.lists(PATHS, min_size=2, max_size=2, unique=True))
def test_another_target_of_a_link_changes_the_key(files: dict[str, bytes], committed: bool, targets: list[str]) -> None:
    keys = []
    with repository(files) as folder:
        for target in targets:
            link = folder / "web/link"
            link.unlink(missing_ok=True)
            link.symlink_to(target)
            if committed:
                commit(folder)
            keys.append(key_of(folder))
    assert len(set(keys)) == 2


@FEW
@given(files=FILES, data=st.data(), committed=st.booleans(), name=PATHS)
def test_a_rename_changes_the_key(files: dict[str, bytes], data: Any, committed: bool, name: str) -> None:
    with repository(files) as folder:
        before = key_of(folder)
        path, target = chosen(data, files, folder), folder / "web" / name
        taken = any(target == one or one in target.parents or target in one.parents for one in _all(folder))
        if taken:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
        if committed:
            commit(folder)
        assert key_of(folder) != before


@FEW
@given(files=FILES, data=st.data(), added=st.booleans())
def test_a_file_more_or_less_changes_the_key(files: dict[str, bytes], data: Any, added: bool) -> None:
    with repository(files) as folder:
        before = key_of(folder)
        if added:
            put(folder / "web/zzz/new", b"")
        else:
            chosen(data, files, folder).unlink()
        assert key_of(folder) != before


RECIPES: list[dict[str, Any]] = [
    {"args": {"A": "1", "B": "3"}},
    {"args": {"A": "1"}},
    {"args": {"A": "1", "B": ""}},
    {"args": {"A": "1", "C": "2"}},
    {"args": {"A": "2", "B": "1"}},
    {"args": {"A": "1", "B": "2", "V": "1"}},
    {"platforms": ("linux/arm64",)},
    {"platforms": ("linux/amd64",)},
    {"secrets": (BuildSecret(id="token", env="X"),)},
    {"secrets": (BuildSecret(id="other", env="X"),)},
    {"ssh": ("default",)},
    {"ssh": ("deploy",)},
]


@FEW
@given(files=FILES)
def test_another_recipe_changes_the_key(files: dict[str, bytes]) -> None:
    with repository(files) as folder:
        keys = [key_of(folder), *(key_of(folder, replace(RECIPE, **changed)) for changed in RECIPES)]
        assert len(set(keys)) == len(keys)


@FEW
@given(files=FILES)
def test_another_base_dockerfile_target_or_parent_changes_the_key(files: dict[str, bytes]) -> None:
    with repository(files) as folder:
        (folder / "web/Dockerfile").write_text("FROM base:1 AS first\nCOPY . /\nFROM first AS second\n")
        known = looked(folder)
        keys = [
            key(known),
            key_of(folder, replace(RECIPE, target="first")),
            key_of(folder, replace(RECIPE, target="second")),
            key_of(folder, bases={"base:1": "sha256:" + "c" * 64}),
            key_of(folder, bases={"base:1": ""}),
            key(replace(known, parents={"shop/base": "1" * 64})),
            key(replace(known, parents={"shop/base": "2" * 64})),
        ]
        put(folder / "web/.dockerignore", IGNORE.encode() + b"Dockerfile\n.dockerignore\n")
        keys.append(key_of(folder))
        (folder / "web/Dockerfile").write_text("FROM base:1 AS first\nCOPY . /\nFROM first AS second\nUSER 1\n")
        keys.append(key_of(folder))
        assert len(set(keys)) == len(keys)


@FEW
@given(files=FILES, data=st.data())
def test_nothing_else_changes_the_key(files: dict[str, bytes], data: Any) -> None:
    with repository(files) as folder:
        before = key_of(folder)
        for what in data.draw(st.permutations(sorted(INDIFFERENT))):
            INDIFFERENT[what](folder)
            assert key_of(folder) == before, what


@FEW
@given(files=FILES, data=st.data(), content=CONTENTS)
def test_what_is_committed_later_has_the_key_of_before(files: dict[str, bytes], data: Any, content: bytes) -> None:
    with repository(files) as folder:
        chosen(data, files, folder).write_bytes(content)
        put(folder / "web/zzz/new", content)
        (folder / "web/zzz/link").symlink_to("new")
        seen = {key_of(folder)}
        git(folder, "add", "-A")
        seen.add(key_of(folder))
        commit(folder)
        seen.add(key_of(folder))
        git(folder, "checkout", "-q", "-b", "other")
        seen.add(key_of(folder))
        assert len(seen) == 1


@FEW
@given(files=FILES, umask=st.sampled_from([0o000, 0o022, 0o077]))
def test_every_clone_has_the_same_key_whatever_its_path_and_the_machines_mask(
    files: dict[str, bytes], umask: int
) -> None:
    with repository(files) as folder:
        other = folder.parent / "elsewhere and deeper" / "clone"
        before = os.umask(umask)
        try:
            git(folder, "clone", "-q", "--depth=1", f"file://{folder}", str(other))
        finally:
            os.umask(before)
        assert key_of(other) == key_of(folder)


@FEW
@given(files=FILES, order=st.permutations(["A", "B", "C"]))
def test_the_order_of_what_is_said_does_not_matter(files: dict[str, bytes], order: list[str]) -> None:
    with repository(files) as folder:
        args = {name: name for name in order}
        two = [BuildSecret(id=name, env=name) for name in order]
        said = replace(RECIPE, args=args, secrets=tuple(two), platforms=tuple(f"linux/{name}" for name in order))
        known = looked(folder, said)
        mixed = replace(known, files={path: known.files[path] for path in reversed(list(known.files))})
        straight = replace(
            said,
            args=dict(sorted(args.items())),
            secrets=tuple(sorted(two, key=lambda one: one.id)),
            platforms=tuple(sorted(said.platforms)),
        )
        assert key(mixed) == key(known) == key_of(folder, straight)


def test_where_a_secret_comes_from_and_what_it_is_does_not_matter(tmp_path: Path) -> None:
    with repository({"a": b"1"}) as folder:
        by_env = replace(RECIPE, secrets=(BuildSecret(id="token", env="ONE"),), ssh=("default",))
        by_file = replace(RECIPE, secrets=(BuildSecret(id="token", file=tmp_path),), ssh=("default=/run/agent",))
        assert key_of(folder, by_env) == key_of(folder, by_file)


def test_a_further_context_counts_and_so_do_its_own_rules() -> None:
    with repository({"a": b"1"}) as folder:
        put(folder / "web/Dockerfile", b"FROM base:1\nCOPY --from=shared . /\n")
        put(folder / "shared/x", b"1")
        put(folder / "shared/.dockerignore", b"*.tmp\n")
        said = replace(RECIPE, contexts={"shared": "shared"})
        before = key_of(folder, said)
        put(folder / "shared/y.tmp", b"1")
        assert key_of(folder, said) == before
        put(folder / "shared/x", b"2")
        assert key_of(folder, said) != before


def test_a_file_of_a_further_context_is_none_of_the_context_whatever_it_is_called() -> None:
    with repository({"shared:x": b"1"}) as folder:
        put(folder / "web/Dockerfile", b"FROM base:1\nCOPY . /\nCOPY --from=shared . /\n")
        git(folder, "mv", "web/shared:x", "shared-x")
        put(folder / "shared/x", b"1")
        put(folder / "empty/.dockerignore", b"*\n")
        inside = replace(RECIPE, contexts={"shared": "empty"})
        further = replace(RECIPE, contexts={"shared": "shared"})
        before = key_of(folder, further)
        put(folder / "web/shared:x", b"1")
        assert len({before, key_of(folder), key_of(folder, inside), key_of(folder, further)}) == 4


HARD_NAMES = st.text("ab:/", max_size=3)
HARD_FILES = st.dictionaries(
    HARD_NAMES, st.sampled_from([FileEntry(mode="100644", blob="1"), FileEntry(mode="100755", blob="1")])
)
HARD_INPUTS = st.builds(
    Inputs, dockerfile=st.just("d"), files=HARD_FILES, contexts=st.dictionaries(HARD_NAMES, HARD_FILES, max_size=2)
)


@settings(max_examples=500, deadline=None)
@given(one=HARD_INPUTS, other=HARD_INPUTS, moved=st.booleans())
def test_no_two_sets_of_files_and_contexts_have_one_key(one: Inputs, other: Inputs, moved: bool) -> None:
    if moved:
        # The same names and contents, in other places.
        flat = {f"{name}:{path}": entry for name, files in one.contexts.items() for path, entry in files.items()}
        other = replace(one, files={**one.files, **flat}, contexts={})
    assert (key(one) == key(other)) is (one == other)


def test_the_rules_beside_the_dockerfile_come_first() -> None:
    with repository({"a": b"1", "b.log": b"1"}) as folder:
        assert "b.log" not in looked(folder).files
        put(folder / "web/Dockerfile.dockerignore", b"a\n")
        assert {"b.log"} == set(looked(folder).files) - {"Dockerfile", "Dockerfile.dockerignore", ".dockerignore"}


def test_the_key_of_one_set_of_inputs_is_known() -> None:
    """If this fails, SCHEMA must be raised: the same inputs got another key, and every image is built once more."""
    made = key(Inputs(dockerfile="d" * 40, files={}, args={"A": "1"}, bases=BASES))
    assert made == "2ed9d3d4a5a9f3ac8999dac562fd37f542f1ede911b8e154b8e16226d5309871"
    assert tag(made) == f"k-{made[:20]}"


def _all(folder: Path) -> list[Path]:
    return [path for path in (folder / "web").rglob("*") if path.is_file() or path.is_symlink()]


def _touched(folder: Path) -> None:
    for path in _all(folder):
        os.utime(path, (1, 1))


def _left_out(folder: Path) -> None:
    put(folder / "web/some.log", b"1")
    put(folder / "web/out/deep/file", b"1")


def _elsewhere(folder: Path) -> None:
    put(folder / "readme", b"1")
    commit(folder)


def _unshared(folder: Path) -> None:
    for path in _all(folder):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o700 | 0o004)


def _moved(folder: Path) -> None:
    away = folder.parent / "away"
    folder.rename(away)
    shutil.copytree(away, folder, symlinks=True)


def _new_index(folder: Path) -> None:
    (folder / ".git/index").unlink()
    git(folder, "reset", "-q")


def _empty_folder(folder: Path) -> None:
    (folder / "web/empty").mkdir()


def _written_again(folder: Path) -> None:
    for path in _all(folder):
        content, mode = path.read_bytes(), path.stat().st_mode
        path.unlink()
        path.write_bytes(content)
        path.chmod(mode)


INDIFFERENT = {
    "mtime": _touched,
    "what .dockerignore leaves out": _left_out,
    "a commit elsewhere": _elsewhere,
    "rights of others": _unshared,
    "another place on the disk": _moved,
    "a new index": _new_index,
    "an empty folder": _empty_folder,
    "the same once more": _written_again,
}
