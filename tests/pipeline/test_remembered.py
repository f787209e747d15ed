"""What is kept of a build is read again as it was; what others put there is nobody's."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.adapters.buildrecords import BuildRecords
from davy.pipeline.builds.inputs import Entry, Inputs
from davy.pipeline.builds.recipes import Recipe
from davy.pipeline.builds.remembered import Build, Records, Remembered, pointer, record_of, record_text
from davy.pipeline.twins import MemoryRecords

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
BUILD = Build(id="r.test/a", key="f" * 64, digest="sha256:1", at=AT, commit="c0ffee", branch="main", dirty=True)
INPUTS = Inputs(
    dockerfile="d",
    files={"a b\n.py": Entry(mode="100755", blob="1"), "\udc80": Entry(mode="120000", blob="2")},
    args={"A": ""},
    platforms=("linux/arm64",),
    bases={"python:3": "sha256:2"},
    parents={"r.test/b": "k"},
    contexts={"x": {"y": Entry(mode="100644", blob="3")}, "none": {}},
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
