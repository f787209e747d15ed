"""`.dockerignore`, held against what BuildKit's own library answers.

dockerignore_cases.json holds random rules and paths with the answer of github.com/moby/patternmatcher v0.6.1: its
`ignorefile.ReadAll`, then `MatchesUsingParentResults` from folder to folder, as BuildKit walks; null: it refuses them.
"""

import json
import re
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from davy.pipeline.builds.content.dockerignore import ignoring
from davy.pipeline.builds.content.ignore_patterns import NO_CHARACTER, Pattern, expression

CASES = json.loads((Path(__file__).parent / "dockerignore_cases.json").read_text(encoding="utf-8"))


def kept(text: str, *paths: str) -> list[str]:
    rules, problems = ignoring(text)
    assert not problems
    return [path for path in paths if rules.keeps(path)]


def above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def test_it_answers_as_buildkits_own_library_does() -> None:
    for case in CASES:
        rules, problems = ignoring(case["ignore"])
        found = None if problems else sorted(path for path in case["paths"] if rules.keeps(path))
        assert found == case["kept"], case


def test_a_folder_is_entered_wherever_something_below_it_is_kept() -> None:
    for case in CASES:
        rules, _ = ignoring(case["ignore"])
        for path in case["kept"] or ():
            assert all(rules.enters(folder) for folder in above(path)), case


def test_names_of_one_folder_are_answered_together_as_each_alone() -> None:
    for case in CASES:
        rules, _ = ignoring(case["ignore"])
        folders = {folder for path in case["paths"] for folder in above(path)}
        for names, alone, together in (
            (set(case["paths"]), rules.keeps, rules.kept),
            (folders, rules.enters, rules.entered),
        ):
            for _, found in groupby(sorted(names, key=_parent), key=_parent):
                beside = list(found)
                assert list(together(beside)) == [one for one in beside if alone(one)], (case, beside)


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


@pytest.mark.parametrize(
    ("text", "paths", "left"),
    [
        ("node_modules", ["node_modules/a/b", "x/node_modules/a"], ["x/node_modules/a"]),
        ("**/node_modules", ["node_modules/a/b", "x/node_modules/a", "node_modules.py"], ["node_modules.py"]),
        ("*\n!app", ["a", "app/x", "app/y/z"], ["app/x", "app/y/z"]),
        ("*\n!app\napp/*.log", ["app/x", "app/y.log"], ["app/x"]),
        ("app/*.log\n!app", ["app/y.log", "app/x"], ["app/x"]),
        ("/a/\n./b/../c", ["a/x", "b/x", "c/x"], ["b/x"]),
        ("# a\n #b\n\n  c  \n", ["a", "b", "c"], ["a", "b"]),
        (".", ["a"], ["a"]),
        ("**", ["a", "b/c"], []),
        ("a?c", ["abc", "a/c", "ac"], ["a/c", "ac"]),
        ("a\\*", ["a*", "ab"], ["ab"]),
        ("Dockerfile\n.dockerignore", ["Dockerfile", ".dockerignore", "x"], ["x"]),
        ("", ["a"], ["a"]),
        ("\ufeffa", ["a"], []),
        ("a\r\nb\r\n", ["a", "b", "c"], ["c"]),
    ],
)
def test_the_rules_by_example(text: str, paths: list[str], left: list[str]) -> None:
    assert kept(text, *paths) == left


def test_a_folder_that_is_left_out_is_not_entered_unless_an_exception_may_be_below() -> None:
    rules, _ = ignoring("node_modules\nbuild\n!build/keep/*")
    assert not rules.enters("node_modules")
    assert not rules.enters("build/other")
    assert rules.enters("build")
    assert rules.enters("src")


def test_lines_that_are_no_pattern_are_said_all_at_once_with_their_number() -> None:
    _, problems = ignoring("a\n[b\n!\nc\\\n[z-a]\n", file="web/.dockerignore")
    assert [(one.file, one.line) for one in problems] == [("web/.dockerignore", line) for line in (2, 3, 4, 5)]


@given(st.text(alphabet="ab*?[]!/.\\^-# \n", max_size=30), st.lists(st.text("ab/.", min_size=1), max_size=5))
def test_any_text_is_answered_for_without_an_accident(text: str, paths: list[str]) -> None:
    rules, _ = ignoring(text)
    for path in paths:
        assert rules.keeps(path) in (True, False)


def by_the_book(text: str, path: str) -> bool:
    """The library's loop as it is written there, a pattern at a time, folder by folder; what is kept."""
    said = [(line.removeprefix("!"), line.startswith("!")) for line in text.split("\n") if line]
    fitted = [False] * len(said)
    out = False
    for part in (*above(path), path):
        out = False
        for index, (pattern, keeps) in enumerate(said):
            fitted[index] = fitted[index] or (keeps == out and re.fullmatch(expression(pattern), part) is not None)
            out = not keeps if fitted[index] else out
    return not out


names = st.sampled_from(["a", "b", "ab", "a.md", "x"])
wild = st.sampled_from(["a", "b", "*", "**", "*.md", "a*", "?b", "ab"])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.lists(wild, min_size=1, max_size=3).map("/".join), st.booleans()), min_size=1, max_size=6),
    st.lists(st.lists(names, min_size=1, max_size=4).map("/".join), min_size=1, max_size=5),
)
def test_rules_taken_together_answer_as_each_alone(said: list[tuple[str, bool]], paths: list[str]) -> None:
    text = "\n".join("!" * keeps + pattern for pattern, keeps in said)
    # What BuildKit does not do by an expression is left to its own answers above.
    texts = [pattern for pattern, _ in said if pattern != "**"]
    assume(len(texts) == len(said) and not any(one.startswith("**") or one.endswith("**") for one in texts))
    rules, _ = ignoring(text)
    assert [rules.keeps(path) for path in paths] == [by_the_book(text, path) for path in paths]


@settings(max_examples=500, deadline=None)
@given(
    st.text(alphabet="ab*?/.[]^-\\", min_size=1, max_size=12),
    st.lists(st.text("ab/.\n", min_size=1, max_size=10), max_size=8),
)
def test_a_path_gone_through_once_fits_as_by_the_expression(pattern: str, paths: list[str]) -> None:
    try:
        one = Pattern(pattern)
    except (re.error, FutureWarning):  # What is refused before it comes to this.
        return
    if any(NO_CHARACTER.fullmatch(piece) for piece in one.pieces):
        return
    for path in paths:
        assert one.fits_in_one_go(path) == (re.fullmatch("".join(one.pieces), path) is not None), path


@pytest.mark.parametrize(
    "pattern",
    ["*a" * 40 + "b", "**/*a" * 30 + "b", "**/" * 200 + "x", "*" * 500 + "b", "?*" * 60 + "b", "[a-z]*" * 40 + "B"],
)
def test_no_pattern_takes_long(pattern: str) -> None:
    rules, problems = ignoring(pattern)
    assert not problems
    # What would take years is over before the test's own patience is.
    for path in ("a" * 250, "/".join(["aaa"] * 60), "a/" * 500 + "a"):
        assert rules.keeps(path)


@pytest.mark.parametrize("line", ["a" * 5000, "[" * 3000, "[a]" * 100, "*a" * 20 + "^b", "\\b" + "*a" * 20])
def test_a_line_that_no_path_is_worth_is_refused(line: str) -> None:
    _, problems = ignoring(f"ok\n{line}\n")
    assert [one.line for one in problems] == [2]
    assert len(problems[0].what) < 300


def test_thousands_of_lines_are_asked_as_one() -> None:
    many = "\n".join(f"dir{number}/sub\n*.x{number}\n**/deep{number}" for number in range(3000))
    rules, problems = ignoring(f"{many}\n!keep")
    assert not problems
    assert rules.keeps("dir1")
    assert not rules.keeps("dir2999/sub/a")
    assert not rules.keeps("a.x2999")
    assert not rules.keeps("a/deep2999/b")
    _, problems = ignoring("".join(f"a*b{number}\n" for number in range(10_001)))
    assert "10,000" in problems[0].what
