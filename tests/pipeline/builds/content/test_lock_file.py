"""The lock's text: read back as it was written, every line that is none is named."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.builds.content.lock_file import (
    ChangeKind,
    LockChange,
    Spellings,
    anew,
    difference,
    due,
    once,
    read,
    written,
)

ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64
REFERENCES = st.from_regex(r"[a-z0-9.-]{1,8}(:[0-9]{2,4})?/[a-z0-9/]{1,8}(:[a-zA-Z0-9._-]{1,8})?", fullmatch=True)
LOCKS = st.dictionaries(REFERENCES, st.sampled_from([ONE, TWO]), max_size=5)


@given(LOCKS)
def test_what_is_written_is_read_back_and_is_yaml(bases: dict[str, str]) -> None:
    text = written(bases)
    assert dict(read(text).bases) == bases
    assert read(text).problems == ()
    assert yaml.safe_load(text) == {"version": 1, "bases": bases}


@given(LOCKS, st.data())
def test_bases_that_hold_something_back_are_noted_and_read_again(bases: dict[str, str], data: st.DataObject) -> None:
    holding = data.draw(st.sets(st.sampled_from(sorted(bases)))) if bases else set()
    found = read(written(bases, holding))
    assert (dict(found.bases), found.holding, found.problems) == (bases, holding, ())
    assert yaml.safe_load(written(bases, holding)) == {"version": 1, "bases": bases}


@given(LOCKS, st.randoms(use_true_random=False))
def test_the_order_that_bases_are_found_in_changes_no_byte(bases: dict[str, str], chance: object) -> None:
    names = list(bases)
    chance.shuffle(names)  # type: ignore[attr-defined]
    assert written({name: bases[name] for name in names}) == written(bases)


@given(LOCKS, LOCKS)
def test_the_difference_says_each_line_that_is_another_one(before: dict[str, str], after: dict[str, str]) -> None:
    told = difference(before, after)
    assert {one.reference for one in told} == {n for n in {*before, *after} if before.get(n) != after.get(n)}
    again = {name: digest for name, digest in before.items() if name in after}
    for one in told:
        if one.kind is not ChangeKind.GONE:
            again[one.reference] = one.after
    assert again == after


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("<<<<<<< ours", "left from a merge"),
        ("=======", "left from a merge"),
        (">>>>>>> theirs", "left from a merge"),
        ("  a:1: sha256:12", "is no digest"),
        ("  a:1", "is no line of a lock"),
        ("a:1: " + ONE, "is no line of a lock"),
        ("version: 2", "this davy reads version 1"),
        ("  known: " + ONE, "is there twice"),
    ],
)
def test_a_line_that_is_none_is_said_with_its_number_and_the_rest_is_read(line: str, says: str) -> None:
    found = read(f"version: 1\nbases:\n  known: {ONE}\n{line}\n  'last:1': {TWO}  # said\n", file="x.lock")
    assert [(one.file, one.line) for one in found.problems] == [("x.lock", 4)]
    assert says in found.problems[0].what
    assert found.bases == {"known": ONE, "last:1": TWO}


def test_only_what_is_missing_or_to_be_renewed_is_due() -> None:
    assert due({"a": ONE}, ["a", "b"]) == ("b",)
    assert due({"a": ONE}, ["a", "b"], ["a"]) == ("a", "b")


def test_what_nothing_stands_on_is_dropped_and_what_was_found_is_taken() -> None:
    before = {"a": ONE, "gone": ONE, "kept": ONE}
    after = anew(before, ["a", "b", "kept"], {"a": TWO, "b": ONE})
    assert after == {"a": TWO, "b": ONE, "kept": ONE}
    assert difference(before, after) == (
        LockChange(kind=ChangeKind.MOVED, reference="a", before=ONE, after=TWO),
        LockChange(kind=ChangeKind.ADDED, reference="b", after=ONE),
        LockChange(kind=ChangeKind.GONE, reference="gone", before=ONE),
    )


SPELLINGS = ("alpine", "alpine:latest", "library/alpine", "docker.io/library/alpine", "index.docker.io/library/alpine")
OTHERS = ("alpine:3", "example.com/alpine", "other/alpine")


@given(st.sets(st.sampled_from(SPELLINGS), min_size=1), st.sets(st.sampled_from(OTHERS)))
def test_one_image_has_one_line_however_it_is_named(same: set[str], others: set[str]) -> None:
    lines = once((), same | others)
    assert set(lines) - others == {min(same, key=lambda name: (len(name), name))}
    assert others <= set(lines)


@given(st.sampled_from(SPELLINGS), st.sampled_from(SPELLINGS))
def test_a_line_is_found_by_every_name_of_its_image_and_by_no_other(written_as: str, asked_as: str) -> None:
    lock = Spellings({written_as: ONE, "alpine:3": TWO})
    assert lock[asked_as] == ONE
    assert lock.get("example.com/alpine", "") == ""
    assert (asked_as in lock, "other/alpine" in lock, len(lock)) == (True, False, 2)
    assert once(dict(lock), {asked_as, "alpine:3"}) == tuple(sorted((written_as, "alpine:3")))


@given(st.dictionaries(st.sampled_from(SPELLINGS), st.sampled_from([ONE, TWO]), min_size=1))
def test_a_lock_that_has_several_lines_for_one_image_is_read_as_it_was(bases: dict[str, str]) -> None:
    assert {name: Spellings(bases)[name] for name in bases} == bases
    assert once(bases, bases) == tuple(sorted(bases))
