"""A plan reads well at 80 columns, and in a log is one fact a line."""

from hypothesis import given
from hypothesis import strategies as st

from davy.workflows.story.plan_text import HANG, folded


@given(st.lists(st.text("abc-é", min_size=1, max_size=12), min_size=1, max_size=60), st.integers(40, 120))
def test_a_folded_line_has_the_same_words_and_fits(words: list[str], width: int) -> None:
    line = f"  canary  {' '.join(words)}"
    parts = folded(line, width).split("\n")
    assert all(len(part) <= width for part in parts)
    assert all(part.startswith(HANG) for part in parts[1:])
    assert " ".join(parts).split() == line.split()


def test_in_a_log_a_line_stays_whole() -> None:
    assert folded("x " * 200, None) == "x " * 200
