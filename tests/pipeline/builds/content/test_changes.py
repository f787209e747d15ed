"""Why an image is built: what differs between two builds, in words."""

from dataclasses import replace

import pytest

from davy.pipeline.builds.content.changes import changes, told
from davy.pipeline.builds.content.inputs import FileEntry, Inputs


def file(blob: str, mode: str = "100644") -> FileEntry:
    return FileEntry(mode=mode, blob=blob)


A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
BEFORE = Inputs(
    dockerfile="d1",
    files={"main.py": file("1"), "run.sh": file("2"), "old.py": file("3"), "link": file("4", "120000")},
    args={"PYTHON": "3.11"},
    bases={"python:3.12": A},
    parents={"r.test/shop/base": "k1"},
    contexts={"x": {"y": file("8")}},
)


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        (replace(BEFORE, dockerfile="d2"), "the Dockerfile changed"),
        (replace(BEFORE, target="slim"), "target: empty → slim"),
        (replace(BEFORE, files={**BEFORE.files, "main.py": file("9")}), "app/main.py changed"),
        (replace(BEFORE, files={**BEFORE.files, "x.py": file("9")}), "app/x.py is new"),
        (replace(BEFORE, files={**BEFORE.files, "run.sh": file("2", "100755")}), "app/run.sh became executable"),
        (replace(BEFORE, files={**BEFORE.files, "link": file("5", "120000")}), "app/link points elsewhere"),
        (replace(BEFORE, files={**BEFORE.files, "link": file("5")}), "app/link is a link no more"),
        (replace(BEFORE, args={"PYTHON": "3.12"}), "argument PYTHON: 3.11 → 3.12"),
        (replace(BEFORE, args={"PYTHON": ""}), "argument PYTHON: 3.11 → empty"),
        (replace(BEFORE, args={}), "argument PYTHON: 3.11 → unset"),
        (
            replace(BEFORE, bases={"python:3.12": B}),
            "base python:3.12 moved from sha256:aaaaaaaaaaaa… to sha256:bbbbbbbbbbbb…",
        ),
        (replace(BEFORE, parents={"r.test/shop/base": "k2"}), "its parent base changed"),
        (replace(BEFORE, contexts={"x": {"y": file("8")}, "z": {}}), "the context z is new"),
        (replace(BEFORE, contexts={"x": {"y": file("9")}}), "x:y changed"),
        (replace(BEFORE, contexts={}), "the context x is used no more"),
        (replace(BEFORE, files={**BEFORE.files, "x:y": file("9")}), "app/x:y is new"),
        (replace(BEFORE, platforms=("linux/arm64",)), "platforms: empty → linux/arm64"),
        (replace(BEFORE, secrets=("npm",)), "secrets: empty → npm"),
    ],
)
def test_one_change_is_one_sentence(now: Inputs, sentence: str) -> None:
    assert changes(BEFORE, now, {"r.test/shop/base": "base"}, "app") == (sentence,)


def test_a_file_that_only_moved_is_told_as_moved() -> None:
    files = {path: entry for path, entry in BEFORE.files.items() if path != "old.py"} | {"new.py": file("3")}
    assert changes(BEFORE, replace(BEFORE, files=files)) == ("old.py is now new.py",)


def test_what_stands_under_all_comes_before_the_files() -> None:
    now = replace(BEFORE, dockerfile="d2", bases={"python:3.12": B}, files={"main.py": file("9")})
    said = changes(BEFORE, now)
    assert said[0] == "the Dockerfile changed"
    assert said[1].startswith("base python:3.12 moved")
    assert said[-1].endswith("is gone")


def test_the_rest_of_many_is_counted_and_nothing_is_hidden_behind_one_more() -> None:
    assert told(tuple("abcdefgh")) == "a; b; c; d; e; and 3 more"
    assert told(tuple("abcdef")) == "a; b; c; d; e; f"
    assert told(()) == ""
