"""Flake rates: from the records of the last runs."""

import math
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.suites.history.flakes import FlakeRate, entries, flakes, sparkline
from davy.pipeline.suites.history.quarantine import parsed
from davy.pipeline.suites.history.record import CaseRecord, RunRecord

START = datetime(2026, 4, 1, tzinfo=UTC)


def history(*told: str, revisions: str = "", dirty: bool = False) -> list[RunRecord]:
    """A letter a run, oldest first: p passed, f failed, k flaky, s skipped; one text a test. Newest first."""
    runs = [
        RunRecord(
            id=str(number),
            at=START + timedelta(hours=number),
            service="shop",
            revision=revisions[number] if revisions else str(number),
            dirty=dirty,
            cases=tuple(
                CaseRecord(
                    suite="unit",
                    name=f"c::t{index}",
                    result={"f": "failed", "s": "skipped"}.get(letters[number], "passed"),
                    flaky=letters[number] == "k",
                )
                for index, letters in enumerate(told)
            ),
        )
        for number in range(len(told[0]))
    ]
    return runs[::-1]


def test_a_test_that_always_passed_is_not_in_the_table() -> None:
    assert flakes(history("pppp", "spps")) == ()


def test_rates_count_the_runs_in_which_the_test_ran() -> None:
    (one,) = flakes(history("spkfpkpp"))
    assert ((one.flaky.hits, one.flaky.of), (one.failing.hits, one.failing.of)) == ((2, 7), (1, 7))
    assert one.last == START + timedelta(hours=5)


def test_failed_and_passed_on_one_revision_is_flaky_across_runs() -> None:
    (one,) = flakes(history("pfpf", revisions="aabc"))
    assert (one.flaky.hits, one.across, one.failing.hits) == (1, 1, 2)


def test_a_dirty_trees_revision_says_nothing_of_its_code() -> None:
    (one,) = flakes(history("pf", revisions="aa", dirty=True))
    assert one.flaky.hits == 0


def test_a_test_that_simply_broke_is_not_flaky() -> None:
    (one,) = flakes(history("ppppffff"))
    assert (one.flaky.hits, one.failing.hits, sparkline(one.trend)) == (0, 4, "▁▁▁▁████")


def test_the_surest_flake_comes_first() -> None:
    found = flakes(history("k" + "s" * 19, "kkkkkkkkkkkkkkkkkkpp"))
    assert [one.name for one in found] == ["c::t1", "c::t0"]


def test_a_long_history_has_ten_marks() -> None:
    (one,) = flakes(history("p" * 50 + "k" * 50))
    assert sparkline(one.trend) == "▁▁▁▁▁█████"


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_rate_and_solves_wilsons_equation(counted: tuple[int, int]) -> None:
    hits, n = counted
    rate = FlakeRate(hits=hits, of=n)
    for bound in rate.interval:
        # |p - bound| = z * sqrt(bound (1 - bound) / n) is what the interval's ends solve.
        assert math.isclose(
            abs(rate.value - bound), 1.959963984540054 * math.sqrt(bound * (1 - bound) / n), abs_tol=1e-7
        )
    assert rate.interval[0] <= rate.value <= rate.interval[1]


@pytest.mark.parametrize("name", ['c::a "quoted" \\ \t', "c::é[ü-😀]", "c::x: # no comment", "c::\x85\u2028"])
def test_the_lines_for_the_quarantine_file_are_read_back_as_the_same_test(name: str) -> None:
    (run,) = history("k")
    case = CaseRecord(suite="e2e[chrome]", name=name, result="passed", flaky=True)
    run = RunRecord(id="x", at=run.at, service="shop", revision="a", cases=(case,))
    text = entries(flakes([run]), date(2026, 5, 1)).replace("owner: ", "owner: me")
    held = parsed(text, "q.yaml")
    assert held.is_quarantined("e2e[firefox]", name, date(2026, 5, 15))
    assert not held.is_quarantined("e2e", name, date(2026, 5, 16))


def test_a_test_that_only_fails_or_is_held_already_is_not_offered_for_quarantine() -> None:
    assert entries(flakes(history("ff")), date(2026, 5, 1)) == ""


def test_a_run_counts_once_for_a_name_that_it_tells_several_times() -> None:
    """One always passes, the other always fails: by their name they are one test, and it failed in every run."""
    twice = [
        RunRecord(id=str(number), at=START + timedelta(hours=number), service="shop", revision=str(number), cases=(
            CaseRecord(suite="unit", name="c::x", result="passed"),
            CaseRecord(suite="unit", name="c::x", result="failed"),
        ))
        for number in (2, 1, 0)
    ]  # fmt: skip
    (one,) = flakes(twice)
    assert (one.failing.hits, one.failing.of, len(one.trend), one.flaky.hits) == (3, 3, 3, 0)


def test_tests_of_one_name_in_two_files_are_told_apart() -> None:
    cases = tuple(
        CaseRecord(suite="unit", name="cart::total", file=file, result=result)
        for file, result in (("a.test.js", "passed"), ("b.test.js", "failed"))
    )
    (one,) = flakes([RunRecord(id="1", at=START, service="shop", revision="1", cases=cases)])
    assert (one.name, one.failing.hits, one.failing.of) == ("b.test.js::cart::total", 1, 1)
    assert "b.test.js::cart::total" not in entries([one], date(2026, 4, 2))  # It is not flaky, it is broken.


def test_what_stands_for_a_whole_run_is_no_test_of_its_name_and_no_entry_is_printed_for_it() -> None:
    cases = (
        CaseRecord(suite="unit", name="unit", result="passed", flaky=True, own=True),
        CaseRecord(suite="unit", name="unit", result="passed"),
    )
    found = flakes([RunRecord(id="1", at=START, service="shop", revision="1", cases=cases)])
    assert [(one.own, one.flaky.hits, one.flaky.of) for one in found] == [(True, 1, 1)]
    assert entries(found, date(2026, 4, 2)) == ""
