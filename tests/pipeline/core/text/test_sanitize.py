"""What others printed, made harmless."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.core.text.sanitize import washed


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("::error file=a::no", "\\::error file=a::no"),
        ("  ::set-output name=a::b", "  \\::set-output name=a::b"),
        ("a ::error::b", "a ::error::b"),
        ("x ##[error]no", "x #\\#[error]no"),
        ("##vso[task.setvariable variable=a]b", "#\\#vso[task.setvariable variable=a]b"),
        ("##teamcity[x]", "#\\#teamcity[x]"),
        ("section_start:1:a", "section_start\\:1:a"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07plain", "plain"),
        ("a\r::error::b", "a ::error::b"),
        ("\x1b]52;c;ZXZpbA==\x07##\x1b[0m[error]x", "#\\#[error]x"),
        ("ok \u202egnp.exe\u2066", "ok  gnp.exe "),
        ("::stop-commands::token", "\\::stop-commands::token"),
        ("50% done #3 [x]", "50% done #3 [x]"),
        ("\ttab stays", "\ttab stays"),
    ],
)
def test_a_line_is_shown_so_that_nobody_obeys_it(line: str, shown: str) -> None:
    assert washed(line) == shown


@given(st.text())
def test_no_line_is_a_command_or_more_than_one_line(line: str) -> None:
    shown = washed(line)
    assert not shown.lstrip().startswith("::")
    assert "##[" not in shown
    assert len(shown.splitlines()) <= 1
    assert "\x1b" not in shown


def test_a_secret_is_masked_in_every_form_a_log_gives_it() -> None:
    secret = "s3cr3t/word"
    line = f"{secret} {base64.b64encode(secret.encode()).decode()} s3cr3t%2Fword"
    assert washed(line, [secret]) == "*** *** ***"


def test_a_longer_secret_is_masked_before_the_one_it_contains() -> None:
    assert washed("hunter22", ["hunter2", "hunter22"]) == "***"


def test_every_line_of_a_secret_of_many_is_masked() -> None:
    assert washed("-- abcdef --", ["BEGIN\nabcdef\nEND"]) == "-- *** --"


def test_a_word_too_short_to_be_a_secret_stays() -> None:
    assert washed("on and on", ["on", ""]) == "on and on"
