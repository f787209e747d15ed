"""A suite's log and what is shown of it end at the same line, and no suite's words fill the memory."""

import io
import threading

from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.suites.runners.output import SuiteLog
from davy.pipeline.threads import MOST_UNHEARD, Done, Threads, WorkerLine, spoken


@given(st.lists(st.text("ab ", max_size=9), max_size=40), st.integers(0, 60))
def test_the_log_and_the_view_have_the_same_lines_and_end_together(lines: list[str], most: int) -> None:
    kept, shown = io.StringIO(), list[str]()
    log = SuiteLog(kept=kept, say=shown.append, most=most)
    for line in lines:
        log.tell(line)
    assert kept.getvalue() == "".join(f"{line}\n" for line in shown)
    cut = [at for at, line in enumerate(shown) if line.startswith("(the log was cut")]
    assert cut in ([], [len(shown) - 1])
    whole = shown[: cut[0]] if cut else shown
    assert whole == lines[: len(whole)]
    assert bool(cut) == (sum(len(line) + 1 for line in lines) > most)


def test_who_says_more_than_is_heard_waits() -> None:
    said, crew = list[int](), Threads[str]()
    go = threading.Event()

    def work(speak: object) -> str:
        assert callable(speak)
        for number in range(10 * MOST_UNHEARD):
            speak(0, str(number))
            said.append(number)
            if number == MOST_UNHEARD - 1:
                go.set()
        return "done"

    crew.begin(0, work)
    assert go.wait(30)
    heard: list[str] = []
    while not isinstance(word := crew.heard(), Done):
        if isinstance(word, WorkerLine):
            # At most what waits, what was heard, and what is in two hands.
            assert len(said) <= len(heard) + MOST_UNHEARD + 2
            heard.append(word.line)
    assert heard == [str(number) for number in range(10 * MOST_UNHEARD)]
    assert word.made == "done"


def test_one_that_speaks_alone_is_heard_whole_and_in_order() -> None:
    def work(say: object) -> int:
        assert callable(say)
        for number in range(3 * MOST_UNHEARD):
            say(str(number))
        return 7

    assert list(spoken(work)) == [str(number) for number in range(3 * MOST_UNHEARD)]
