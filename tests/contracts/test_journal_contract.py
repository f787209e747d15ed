"""What every Journal keeps to: what was written is there for the next runner."""

from canary_events import ending, held, looked, started, word
from contracts.places import Place


def test_another_runner_reads_what_was_written_in_order(place: Place) -> None:
    place.journal(lambda: 1).write([started("r1")])
    journal = place.journal(lambda: 2)
    journal.write([looked(1), held()])
    journal.write([looked(2)])
    assert place.journal(lambda: 3).read() == (started("r1"), looked(1), held(), looked(2))


def test_words_reach_the_runner_and_leave_with_the_next_rollout(place: Place) -> None:
    runner, person = place.journal(lambda: 1), place.journal(lambda: 0)
    runner.write([started("r1")])
    person.ask(word("hold"))
    person.ask(word("promote"))
    runner.write([held()])
    assert runner.asked() == (word("hold"), word("promote"))
    runner.write([started("r2")])
    assert runner.asked() == ()


def test_a_rollout_of_the_past_is_history(place: Place) -> None:
    journal = place.journal(lambda: 1)
    assert (journal.read(), journal.asked(), journal.history()) == ((), (), ())
    journal.write([started("r1"), ending()])
    journal.write([started("r2")])
    assert [(past.release, past.ending) for past in journal.history()] == [("r1", "rolled_back")]
    assert journal.read() == (started("r2"),)
