"""Conditions: what holds, what cannot be answered, and what is none."""

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.config.parsing.condition import Unanswered
from davy.pipeline.config.parsing.condition_parser import condition

NAN = math.nan


@pytest.mark.parametrize(
    ("text", "values", "holds"),
    [
        (">= 0.95", [0.95, 1.0], True),
        (">= 0.95", [0.94, 1.0], False),
        ("< 5%", [0.049], True),
        ("> 0.9 && < 1.1", [1.0], True),
        ("> 0.9 && < 1.1", [1.1], False),
        ("< 0.9 || > 1.1", [1.2], True),
        (">= -1e-3", [0.0], True),
        ("result[0] >= 0.95", [0.95, 0.0], True),
        ("result[1] >= 0.95", [0.95, 0.0], False),
        ("result > 1", [2.0], True),
        ("0.5 < result[0] and result[0] < 1", [0.7], True),
        ("len(result) == 0 || isNaN(result[0]) || result[0] >= 0.9", [], True),
        ("len(result) == 0 || isNaN(result[0]) || result[0] >= 0.9", [NAN], True),
        ("len(result) == 0 || isNaN(result[0]) || result[0] >= 0.9", [0.5], False),
        ("all(result, # < 5)", [1.0, 2.0], True),
        ("all(result, {# < 5 && # > 1})", [1.0, 2.0], False),
        ("any(result, >= 2)", [1.0, 2.0], True),
        ("none(result, # > 2)", [1.0, 2.0], True),
        ("not (result[0] < 1)", [0.5], False),
        ("!isInf(result[0])", [math.inf], False),
        ("result[0] != 0", [NAN], True),
        ("result[0] == 0", [NAN], False),
        ("(>= 1)", [NAN], False),
    ],
)
def test_a_condition_holds_as_it_is_written(text, values, holds):
    assert condition(text).holds_of(values) is holds


@pytest.mark.parametrize(
    ("text", "values"), [("result[0] > 1", []), ("result[1] > 1", [2.0]), ("result > 1", [1.0, 2.0]), ("> 1", [])]
)
def test_what_the_answer_does_not_have_cannot_be_asked_of_it(text, values):
    with pytest.raises(Unanswered):
        condition(text).holds_of(values)


NONE = (
    "", " ", "0.95", "result", ">= a", ">= 1 or 1", "> 1 > 2", ">= 1 2", "> 1 && result > 2", "# > 1", "len(result)",
    "all(result, 1)", "result[0.5] > 1", "result[0] + 1 > 2", "(result > 1) > 2", "len(result) > 1 ||", "!1",
    "((> 1)", "__import__('os')", "result.__class__ > 1", "(" * 5000 + "> 1" + ")" * 5000, "!" * 5000 + "(> 1)",
    "\u0661 > 0",
)  # fmt: skip


@pytest.mark.parametrize("text", NONE)
def test_any_other_text_is_refused_and_said_how_to_write_it(text):
    with pytest.raises(ValueError, match="no condition; write it like"):
        condition(text)


@given(
    st.text(alphabet="result[]()0123456789.<>=!&|#,{} landotyisNaIfe%-+", max_size=40),
    st.lists(st.floats(), max_size=3),
)
def test_any_text_is_a_condition_that_can_be_asked_or_a_value_error(text, values):
    try:
        found = condition(text)
    except ValueError:
        return
    with suppress(Unanswered):
        assert found.holds_of(values) in (True, False)
