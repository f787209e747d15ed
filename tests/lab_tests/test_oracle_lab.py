"""What a build takes of its context, asked of BuildKit's own packages anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import dockerfile_questions
from build_questions import ANSWERS, QUESTIONS, RECORDED, TREES, asked, generated, text_of
from davy.pipeline.builds.content.dockerignore import ignoring
from davy.pipeline.builds.content.file_selection import FileSelection
from davy.pipeline.builds.content.inputs import LINK, FileEntry
from davy.pipeline.builds.dockerfile.parser import parsed
from lab import toolchain
from lab.layout import layout_from
from lab.talk import Stopwatch

pytestmark = [pytest.mark.lab("buildkit"), pytest.mark.slow]


@pytest.fixture(scope="module")
def oracle() -> Path:
    return toolchain.oracle(layout_from(), Stopwatch())


def test_the_recorded_answers_are_those_of_the_lab_s_buildkit(oracle: Path) -> None:
    chosen = QUESTIONS[::4]
    known = json.loads(ANSWERS.read_text(encoding="utf-8"))
    assert json.loads(text_of(asked(oracle, chosen))) == {one.name: known[one.name] for one in chosen}
    assert known.keys() == {one.name for one in RECORDED}


def test_no_file_that_buildkit_takes_is_left_out_of_a_random_build(oracle: Path) -> None:
    questions = generated(20, seed=2)
    answers = asked(oracle, questions)
    for one in questions:
        if answers[one.name].get("error") or answers[one.name].get("fails"):
            continue
        tree = TREES[one.tree]
        rules, _ = ignoring(tree.get(".dockerignore", ""))
        kept = {path: text for path, text in tree.items() if rules.keeps(path)}
        files = {
            path: FileEntry(mode=LINK if text.startswith("-> ") else "100644", blob=text) for path, text in kept.items()
        }
        taken = parsed(one.dockerfile, args=one.args).taken
        found = FileSelection(files, lambda path, tree=tree: tree[path].removeprefix("-> ")).selection(taken).paths
        counts = set(answers[one.name]["counts"]) - {".dockerignore"}
        known = all(each.path or "$" not in each.written for each in taken)
        assert counts == found - {".dockerignore"} if known else counts <= found, one


def test_what_is_taken_and_refused_is_what_the_lab_s_buildkit_takes_and_refuses(oracle: Path) -> None:
    known = json.loads(dockerfile_questions.ANSWERS.read_text(encoding="utf-8"))
    said = dockerfile_questions.refused(oracle, every=4)
    assert {name: bool(what) for name, what in said.items()} == {name: bool(known[name]) for name in said}
