"""`.dockerignore`, held against what BuildKit's own library answers.

dockerignore_cases.json holds random rules and paths with the answer of github.com/moby/patternmatcher v0.6.1: its
`ignorefile.ReadAll`, then `MatchesUsingParentResults` from folder to folder, as BuildKit walks; null: it refuses them.
"""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.builds.ignoring import ignoring

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
