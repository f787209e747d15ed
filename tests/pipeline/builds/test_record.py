"""What is kept of a build is read again as it was; what others put there is nobody's."""

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.builds.builders.record_files import BuildRecords
from davy.pipeline.builds.content.changes import changes
from davy.pipeline.builds.content.inputs import FileEntry, Inputs
from davy.pipeline.builds.content.key import SCHEMA
from davy.pipeline.builds.record import (
    Build,
    Records,
    Remembered,
    inputs_of,
    inputs_text,
    pointer,
    record_of,
    record_text,
)
from davy.pipeline.config.file import delivery
from davy.pipeline.config.sections.images.keys import ImageConfig
from davy.pipeline.config.sections.images.matrix import Recipe, expanded
from twins.builds import MemoryRecords

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
BUILD = Build(id="r.test/a", key="f" * 64, digest="sha256:1", at=AT, commit="c0ffee", branch="main", dirty=True)
INPUTS = Inputs(
    dockerfile="d",
    files={"a b\n.py": FileEntry(mode="100755", blob="1"), "\udc80": FileEntry(mode="120000", blob="2")},
    args={"A": ""},
    platforms=("linux/arm64",),
    bases={"python:3": "sha256:2"},
    parents={"r.test/b": "k"},
    contexts={"x": {"y": FileEntry(mode="100644", blob="3")}, "none": {}},
)


def test_a_record_is_read_as_it_was_written() -> None:
    record = Remembered(build=BUILD, inputs=INPUTS)
    assert record_of(record_text(record)) == record


@given(st.text() | st.dictionaries(st.text(), st.none() | st.text() | st.integers()).map(json.dumps))
def test_what_is_no_record_is_passed_over(text: str) -> None:
    assert record_of(text) is None


@pytest.mark.parametrize("broken", ["{", "[" * 10_000, "null", '{"davy_build": 2}', '{"davy_build": 1, "inputs": 3}'])
def test_a_broken_record_is_passed_over(broken: str) -> None:
    assert record_of(broken) is None


def test_the_pointer_is_one_tag_a_branch_and_cell() -> None:
    recipe = Recipe(id="a[P=1]", name="a", suffix="-1")
    assert pointer(recipe, "feature/x") == "davy-feature-x-1"
    assert pointer(recipe, "") == "davy-last-1"


@pytest.mark.parametrize("kind", ["memory", "folder"])
def test_the_newest_build_of_each_image_is_known(kind: str, tmp_path: Path) -> None:
    records: Records = MemoryRecords() if kind == "memory" else BuildRecords(tmp_path / ".davy")
    assert records.last("r.test/a") is None
    assert records.inputs("r.test/a") is None
    other = Build(id="r.test/b/a", key="0", digest="sha256:3", at=AT)
    for build in (Build(id="r.test/a", key="old", digest="", at=AT), other, BUILD):
        records.keep(Remembered(build=build, inputs=INPUTS))
    assert records.last("r.test/a") == BUILD
    assert records.inputs("r.test/a") == INPUTS
    assert records.last("r.test/b/a") == other


def test_what_this_machine_keeps_is_no_part_of_the_source(tmp_path: Path) -> None:
    BuildRecords(tmp_path / ".davy").keep(Remembered(build=BUILD, inputs=INPUTS))
    assert (tmp_path / ".davy" / ".gitignore").read_text() == "*\n"


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / ".davy").write_text("a file")
    records = BuildRecords(tmp_path / ".davy")
    records.keep(Remembered(build=BUILD, inputs=INPUTS))
    assert records.last("r.test/a") is None


YAML = """
service: shop
images:
- &app
  name: r.test/shop/app
  args: {NPM_TOKEN: "${NPM_TOKEN}", VERSION: "1.2", AGAIN: &again "${NPM_TOKEN}", ANCHOR: *again}
- {<<: *app, name: r.test/shop/two}
"""


def remembered(token: str, key: str) -> Remembered:
    images = delivered(YAML, token)
    recipe = expanded(images)[1]
    made = Inputs(dockerfile="d", files={}, args=recipe.args, given=recipe.given)
    build = Build(id=recipe.id, key=key, digest="sha256:1", at=datetime(2026, 3, 1, tzinfo=UTC))
    return Remembered(build=build, inputs=made)


def delivered(text: str, token: str) -> tuple[ImageConfig, ...]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "davy.yaml")
        path.write_text(text, encoding="utf-8")
        return delivery(path, {"NPM_TOKEN": token}).images


def test_the_value_of_an_argument_that_the_environment_gives_is_written_and_told_nowhere() -> None:
    secret, other = "npm_SECRET123", "npm_OTHER999"
    first = remembered(secret, "1" * 64)
    for text in (record_text(first), inputs_text(first)):
        assert secret not in text
        assert "1.2" in text
    kept = record_of(record_text(first))
    assert kept is not None
    assert kept.inputs == inputs_of(inputs_text(first))
    second = remembered(other, "2" * 64)
    told = changes(kept.inputs, second.inputs, key=kept.build.key)
    assert told == ("argument NPM_TOKEN changed", "argument AGAIN changed", "argument ANCHOR changed")
    assert changes(kept.inputs, remembered(secret, "2" * 64).inputs, key=kept.build.key) == ()


def test_one_value_is_kept_otherwise_in_each_build_and_for_each_argument() -> None:
    kept = [record_of(record_text(remembered("npm_1", key * 64))) for key in "12"]
    sealed = [value for one in kept if one for value in one.inputs.sealed.values()]
    assert len(set(sealed)) == len(sealed) == 6


def test_what_an_older_rule_counted_is_not_compared_with() -> None:
    text = inputs_text(remembered("x", "1" * 64))
    assert inputs_of(text) is not None
    assert inputs_of(text.replace(f'"schema":{SCHEMA}', f'"schema":{SCHEMA - 1}')) is None
