"""Problems as annotations of GitHub: at their file and line, ten at most, and nowhere else."""

from pathlib import Path

import pytest

from davy.pipeline.core.errors import Problem
from davy.workflows.ci.github import MOST_SHOWN, of_problems
from davy.workflows.cli import errors

ROOT = Path("/repo/shop")


def shown(*problems: Problem, what: str = "It cannot be used.", workspace: str = "/repo") -> list[str]:
    return of_problems(what, problems, root=ROOT, workspace=workspace)


@pytest.mark.parametrize(
    ("problem", "workspace", "right"),
    [
        (
            Problem(what="is 5 %", path="a[0].b", file="davy.yaml", line=3),
            "/repo",
            "::error file=shop/davy.yaml,line=3,title=davy::a[0].b: is 5 %25",
        ),
        (
            Problem(what="x\n::error::y", file="a,b:c"),
            "/repo",
            "::error file=shop/a%2Cb%3Ac,title=davy::x%0A: :error::y",
        ),
        (Problem(what="x", file="/etc/f", line=1), "/repo", "::error file=/etc/f,line=1,title=davy::x"),
        (Problem(what="x", file="davy.yaml"), "", "::error file=davy.yaml,title=davy::x"),
        (Problem(what="x", path="images[0]"), "/repo", "::error title=davy::It cannot be used. images[0]: x"),
    ],
)
def test_a_problem_is_one_line_at_its_place(problem: Problem, workspace: str, right: str) -> None:
    assert shown(problem, workspace=workspace) == [right]


def test_an_error_without_problems_is_one_annotation() -> None:
    assert shown() == ["::error title=davy::It cannot be used."]


@pytest.mark.parametrize("count", [1, MOST_SHOWN, MOST_SHOWN + 1, 300])
def test_no_problem_is_lost_above_what_github_shows(count: int) -> None:
    found = shown(*(Problem(what=f"is {number}", file="davy.yaml", line=number) for number in range(1, count + 1)))
    assert len(found) == min(count, MOST_SHOWN)
    if count > MOST_SHOWN:
        assert found[-1].endswith(f" {count - MOST_SHOWN + 1} more are in the log.")


def test_outside_of_github_there_are_none(capsys: pytest.CaptureFixture[str]) -> None:
    errors.annotate("no", (), {"CI": "true"})
    assert capsys.readouterr().err == ""
    errors.annotate("no", (), {"GITHUB_ACTIONS": "true"})
    assert capsys.readouterr().err == "::error title=davy::no\n"


def test_what_the_first_line_says_is_not_said_again() -> None:
    problem = Problem(what="is not there", file="davy.yaml")
    assert errors.text("davy.yaml is not there.", "", (problem,)) == "Error: davy.yaml is not there."
    assert "b: is not there" in errors.text(
        "davy.yaml is not there.", "", (problem, Problem(what="is not there", file="b"))
    )
