"""What a build takes of its context, beside BuildKit's own answers (`build_questions` says how they were had)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from build_questions import ANSWERS, RECORDED, TREES, Question
from davy.pipeline.builds.content.dockerignore import ignoring
from davy.pipeline.builds.content.file_selection import FileSelection, Selection
from davy.pipeline.builds.content.inputs import LINK, FileEntry
from davy.pipeline.builds.dockerfile.parser import Dockerfile, parsed

KNOWN: Mapping[str, Any] = json.loads(ANSWERS.read_text(encoding="utf-8"))


def read(question: Question) -> Dockerfile:
    return parsed(
        question.dockerfile,
        args=question.args,
        target=question.target or None,
        platforms=question.platforms,
    )


def selected(question: Question) -> Selection:
    tree = TREES[question.tree]
    rules, _ = ignoring(tree.get(".dockerignore", ""))
    files = {
        path: FileEntry(mode=LINK if content.startswith("-> ") else "100644", blob=content)
        for path, content in tree.items()
        if rules.keeps(path)
    }
    return FileSelection(files, lambda path: tree[path].removeprefix("-> ")).selection(read(question).taken)


@pytest.mark.parametrize("question", RECORDED, ids=lambda question: question.name)
def test_just_those_files_count_that_change_what_buildkit_copies_and_mounts(question: Question) -> None:
    answer = KNOWN[question.name]
    if answer.get("error"):
        return
    found, counts = selected(question), set(answer.get("counts", ()))
    if question.wide or any("$" in one.written and not one.path for one in read(question).taken):
        # What the base image sets is not known, so everything counts.
        assert counts <= found.paths
        assert found.paths >= TREES[question.tree].keys() if question.wide else True
        return
    # A folder of which nothing is left is not there, for davy gives a builder no empty folders.
    if answer.get("fails"):
        assert found.missing
    else:
        assert all(one.excluded for one in found.missing)
        assert found.paths - {".dockerignore"} == counts - {".dockerignore"}
