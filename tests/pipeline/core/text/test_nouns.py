"""A number and its noun agree, whatever the number."""

import pytest

from davy.pipeline.core.text.nouns import counted, named, problems


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [
        (0, "step", "0 steps"),
        (1, "step", "1 step"),
        (2, "step", "2 steps"),
        (1, "series", "1 series"),
        (2000, "series", "2,000 series"),
    ],
)
def test_a_number_and_its_noun_agree(number: int, noun: str, words: str) -> None:
    assert counted(number, noun) == words


@pytest.mark.parametrize(
    ("names", "words"),
    [((), "There is none."), (("unit",), "There is unit."), (("a", "b", "c"), "There are a, b and c.")],
)
def test_what_there_is_is_told_in_a_whole_sentence(names: tuple[str, ...], words: str) -> None:
    assert named(names) == words


def test_one_problem_is_told_without_its_number() -> None:
    assert [problems(number) for number in (1, 2, 1000)] == ["a problem", "2 problems", "1,000 problems"]
