"""The journal as texts: what goes in comes out, in order, and it never grows too large."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from canary_events import START, started
from davy.canary.platforms.kubernetes.journal import text as ledger
from davy.canary.platforms.kubernetes.journal.text import (
    Ledger,
    asked_of,
    data_of,
    events_of,
    history_of,
    ledger_from,
    with_word,
    written,
)
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import (
    Asked,
    CanaryFinished,
    CanaryStarted,
    Event,
    Held,
    Judged,
    PodsSeen,
    PodTrouble,
    Resumed,
    StepEntered,
)
from davy.pipeline.core.verdict import Counts, Decision, Pair, Verdict, Window


def looked(second: float, *windows: Window, sentence: str = "") -> Judged:
    at = START + timedelta(seconds=second)
    return Judged(at=at, verdict=Verdict(at=at, decision=Decision.GO_ON, sentence=sentence, windows=windows))


def window(number: int, **counts: int) -> Window:
    four = {"bad": 1, "total": 10} | counts
    pair = Pair(canary=Counts(**four), stable=Counts(bad=0, total=40))
    at = START + timedelta(seconds=15 * number)
    return Window(start=at, end=at + timedelta(seconds=15), counts={"availability": pair})


def kept(*events: Event, into: Ledger | None = None) -> Ledger:
    """Through the ConfigMap's texts."""
    return ledger_from(data_of(written(into or Ledger(), events)))


def test_what_was_written_is_read_in_its_order() -> None:
    events = (
        started(),
        StepEntered(at=START, step=0, pods=1),
        looked(1, window(1)),
        Held(at=START, because="a person said so"),
        looked(2, window(2), window(3)),
    )
    assert events_of(kept(*events)) == events


def test_writing_on_and_on_is_the_same_as_writing_at_once() -> None:
    events = [started(), looked(1, window(1)), Held(at=START, because="x"), looked(2, window(2))]
    made = Ledger()
    for event in events:
        made = kept(event, into=made)
    assert made == kept(*events)


def test_of_a_look_only_decision_and_windows_are_kept_and_without_windows_nothing() -> None:
    made = kept(started(), looked(1, window(1), sentence="all is well"), looked(2))
    assert events_of(made)[1:] == (looked(1, window(1)),)


def test_pod_counts_are_shown_and_not_journaled() -> None:
    assert events_of(kept(PodsSeen(at=START, stable=4, canary=1, canary_ready=1))) == ()


@settings(max_examples=25)
@given(st.lists(st.tuples(st.datetimes(timezones=st.just(UTC)), st.integers(0, 10**12)), max_size=5))
def test_windows_come_back_to_the_microsecond(given_windows: list[tuple[datetime, int]]) -> None:
    windows = tuple(
        Window(
            start=at,
            end=at,
            counts={"m": Pair(canary=Counts(bad=0, total=total), stable=Counts(bad=total, total=total))},
        )
        for at, total in given_windows
    )
    expected = (looked(1, *windows),) if windows else ()
    assert events_of(kept(looked(1, *windows))) == expected


def by_bound(number: int) -> Window:
    pair = Pair(
        canary=Counts(bad=2, total=10, above={"0.25": 5, "0.5": 2}),
        stable=Counts(bad=1, total=40, above={"0.25": 8, "0.5": 1}),
    )
    return replace(window(number), counts={"latency": pair})


def test_counts_by_bound_and_what_the_evidence_is_tempered_by_come_back() -> None:
    first = replace(by_bound(1), dispersion={"latency": 1.7})
    assert events_of(kept(looked(1, first), looked(2, by_bound(2)))) == (looked(1, first), looked(2, by_bound(2)))


def test_a_journal_of_before_bounds_and_dispersion_is_read() -> None:
    line = '{"n":1,"t":1767225600000000,"d":"go_on","w":[[1767225600000000,1767225615000000,{"a":[1,10,0,40]}]]}'
    (event,) = events_of(ledger_from({"windows": line}))
    assert isinstance(event, Judged)
    (read,) = event.verdict.windows
    assert read.counts == {"a": Pair(canary=Counts(bad=1, total=10), stable=Counts(bad=0, total=40))}
    assert read.dispersion == {}


def test_folding_adds_the_counts_of_every_bound_and_keeps_the_dispersion() -> None:
    looks = [looked(0, replace(by_bound(0), dispersion={"latency": 1.7}))]
    looks += [looked(number, by_bound(number)) for number in range(1, 5000)]
    windows = [one for event in events_of(kept(*looks)) if isinstance(event, Judged) for one in event.verdict.windows]
    assert len(windows) < 5000
    assert sum((one.counts["latency"].canary for one in windows), Counts(bad=0, total=0)) == Counts(
        bad=10_000, total=50_000, above={"0.25": 25_000, "0.5": 10_000}
    )
    assert [one.dispersion for one in windows if one.dispersion] == [{"latency": 1.7}]
    assert windows[0].dispersion


def test_a_new_rollout_puts_the_old_one_into_the_history_and_forgets_its_words() -> None:
    asked = Asked(at=START, what="hold", by="ann")
    ending = CanaryFinished(at=START + timedelta(minutes=3), ending=Ending.ROLLED_BACK, sentence="too many errors")
    made = with_word(kept(started(), ending), asked)
    assert asked_of(made) == (asked,)
    made = kept(started("r2", 9), into=made)
    assert (asked_of(made), events_of(made)) == ((), (started("r2", 9),))
    (past,) = history_of(made)
    assert (past.release, past.ending, past.sentence) == ("r1", "rolled_back", "too many errors")
    assert past.ended_at - past.started_at == timedelta(minutes=3)


def test_a_rollout_that_ended_is_history_while_it_is_still_the_last() -> None:
    assert history_of(kept(started())) == ()
    done = kept(started(), CanaryFinished(at=START, ending=Ending.DONE, sentence="promoted"))
    assert [past.ending for past in history_of(done)] == ["done"]


def test_a_rollout_whose_runner_was_lost_is_history_as_lost() -> None:
    assert [past.ending for past in history_of(kept(started(), started("r2", 9)))] == ["lost"]


def test_history_holds_ten_newest_first() -> None:
    made = kept(*(started(f"r{number}", number) for number in range(14)))
    assert [past.release for past in history_of(made)] == [f"r{number}" for number in range(12, 2, -1)]


def test_ten_thousand_looks_stay_small_and_lose_no_count_and_keep_the_newest_whole() -> None:
    made = kept(started())
    for chunk in range(20):
        made = written(made, [looked(number, window(number)) for number in range(chunk * 500, chunk * 500 + 500)])
    assert sum(map(len, made.windows)) <= ledger.LIMIT
    windows = [one for event in events_of(made) if isinstance(event, Judged) for one in event.verdict.windows]
    assert sum(one.counts["availability"].canary.total for one in windows) == 100_000
    assert windows[-1] == window(9_999)
    assert (windows[0].start, windows[0].end > windows[0].start) == (START, True)
    assert all(before.end <= after.start for before, after in pairwise(windows))


def test_endless_pod_troubles_keep_only_the_last_ten_and_every_other_event() -> None:
    troubles = [PodTrouble(at=START, pod=f"p{number}", kind="crash_loop", words="x" * 5000) for number in range(300)]
    made = kept(started(), *troubles, Held(at=START, because="held"))
    events = events_of(made)
    assert sum(map(len, made.events)) <= ledger.LIMIT
    assert [event.pod for event in events if isinstance(event, PodTrouble)] == [
        f"p{number}" for number in range(290, 300)
    ]
    assert (events[0], events[-1]) == (started(), Held(at=START, because="held"))


EVENTS = st.one_of(
    st.builds(Held, at=st.just(START), because=st.text(max_size=40).map(lambda text: text * 900)),
    st.builds(
        PodTrouble, at=st.just(START), pod=st.text(max_size=9), kind=st.just("x"), words=st.just("\U0001f600" * 9000)
    ),
    st.builds(Asked, at=st.just(START), what=st.just("hold"), by=st.just("a" * 9999), why=st.just("\x00" * 13_000)),
    st.builds(StepEntered, at=st.just(START), step=st.just(0), pods=st.just(1), because=st.just("\n" * 7_000)),
    st.builds(Resumed, at=st.just(START), runner=st.just("r" * 10_000)),
    st.builds(CanaryFinished, at=st.just(START), ending=st.just(Ending.UNDECIDED), sentence=st.just("é" * 20_000)),
    st.just(replace(started(), rules="x" * 200_000)),
    st.just(looked(1, *(window(number) for number in range(700)))),
)


@settings(max_examples=6, deadline=None)
@given(st.lists(st.tuples(EVENTS, st.integers(1, 40)), min_size=1, max_size=6))
def test_however_much_is_written_it_stays_below_what_a_config_map_holds(batches: list[tuple[Event, int]]) -> None:
    made = kept(started())
    for event, times in batches:
        made = written(made, [event] * times)
        for _ in range(min(times, 60)):
            made = with_word(made, event) if isinstance(event, Asked) else made
    sizes = {key: len(text) for key, text in data_of(made).items()}
    assert sum(sizes.values()) <= 768 * 1024, sizes
    assert isinstance(events_of(ledger_from(data_of(made)))[0], CanaryStarted)


def test_four_reasons_as_long_as_a_log_leave_the_journal_small() -> None:
    made = kept(started())
    for number in range(4):
        word = Asked(at=START + timedelta(seconds=number), what="hold", by="ann", why="x" * 130_000)
        made = written(with_word(made, word), [word])
    assert sum(len(text) for text in data_of(made).values()) < 10_000
    assert [len(word.why) for word in asked_of(made)] == [500] * 4


def test_a_word_that_left_the_events_is_not_among_those_that_wait() -> None:
    """Else a runner that comes later would honour it a second time."""
    made = kept(started())
    for number in range(150):
        word = Asked(at=START + timedelta(seconds=number), what="promote", by="ann", why="\x00" * 500)
        made = written(with_word(made, word), [word])
    heard = {event for event in events_of(made) if isinstance(event, Asked)}
    assert set(asked_of(made)) <= heard
