"""The quarantine file: what it holds, what is wrong with it, and what there is to say of it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.core.errors import Unusable
from davy.pipeline.suites.history import quarantine
from davy.pipeline.suites.history.quarantine import Quarantine, QuarantineEntry, notes, parsed, release_notes
from davy.pipeline.suites.history.record import CaseRecord, RunRecord

TODAY = date(2026, 5, 1)
FILE = """
- test: tests.cart::test_total[chrome]
  suite: e2e
  owner: team-cart
  reason: "SHOP-12: races with the cache"
  expires: 2026-05-01
- {test: "tests.pay::*", owner: team-pay, reason: the sandbox is away, expires: "2026-06-30"}
"""


def held(text: str = FILE) -> Quarantine:
    return parsed(text, "quarantine.yaml")


def one(test: str, **more: object) -> QuarantineEntry:
    return QuarantineEntry(**({"test": test, "owner": "o", "reason": "r", "expires": TODAY} | more))  # type: ignore[arg-type]


def test_a_test_is_held_to_the_end_of_its_last_day() -> None:
    assert held().is_quarantined("e2e", "tests.cart::test_total[chrome]", TODAY)
    assert not held().is_quarantined("e2e", "tests.cart::test_total[chrome]", TODAY + timedelta(days=1))


def test_a_suite_holds_its_cells_and_no_other_suite() -> None:
    assert held().is_quarantined("e2e[firefox]", "tests.cart::test_total[chrome]", TODAY)
    assert not held().is_quarantined("unit", "tests.cart::test_total[chrome]", TODAY)
    assert held().is_quarantined("unit", "tests.pay::anything", TODAY)


def test_brackets_and_dots_are_themselves() -> None:
    assert not one("a::b[c]").fits("s", "a::bc")
    assert not one("a.b::c").fits("s", "aXb::c")


@given(st.text(), st.text())
def test_an_exact_name_holds_that_test_and_no_other(name: str, other: str) -> None:
    exact = one(name.replace("*", "").replace("?", ""))
    assert exact.fits("s", exact.test)
    assert exact.fits("s", other) == (other == exact.test)


def test_every_problem_is_told_with_its_line() -> None:
    text = """- test: a::b
  owner: me
- test: "*"
  owner: me
  reason: why
  expires: 2026-02-30
- just a text
- test: c::d
  owner: [me]
  reason: why
  expires: 20261231
  until: never
"""
    with pytest.raises(Unusable, match="8 problems") as caught:
        held(text)
    told = [(problem.line, problem.path, problem.what.split(":")[0][:34]) for problem in caught.value.problems]
    assert told == [
        (1, "[0].reason", "is missing"),
        (1, "[0].expires", "is missing"),
        (3, "[1].test", "would hold every test there is; na"),
        (6, "[1].expires", "'2026-02-30' is no day; write it l"),
        (7, "[2]", "must be a mapping with `test`, `ow"),
        (9, "[3].owner", "must be a text"),
        (11, "[3].expires", "'20261231' is no day; write it lik"),
        (12, "[3].until", "is no key of an entry; it has test"),
    ]


@pytest.mark.parametrize("text", ["", "# nothing held\n", "[]"])
def test_an_empty_file_holds_nothing(text: str) -> None:
    assert held(text).entries == ()


@pytest.mark.parametrize("text", ["a: b", "- [", "text", "- test: a\n\t- b"])
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(Unusable):
        held(text)


def test_the_same_test_twice_is_a_problem() -> None:
    entry = "- {test: a::b, owner: o, reason: r, expires: 2026-06-01}\n"
    with pytest.raises(Unusable) as caught:
        held(entry * 2)
    assert "the first one is on line 1" in str(caught.value.problems[0])


def test_an_entry_past_its_day_is_said_and_so_is_one_that_means_no_test() -> None:
    seen = [("e2e", "tests.cart::test_total[chrome]")]
    later = TODAY + timedelta(days=9)
    assert notes(held(), seen, later, whole=True) == (
        "quarantine.yaml:2: tests.cart::test_total[chrome] expired on 2026-05-01 and counts again; ask team-cart",
        "quarantine.yaml:7: tests.pay::* means no test that ran; remove or mend it",
    )
    assert len(notes(held(), seen, later, whole=False)) == 1
    assert "expires on 2026-05-01" in notes(held(), seen, TODAY - timedelta(days=3), whole=False)[0]


def record(number: int, *cases: CaseRecord) -> RunRecord:
    at = datetime(2026, 4, 1, tzinfo=UTC) + timedelta(hours=number)
    return RunRecord(id=str(number), at=at, service="shop", revision="a", cases=cases)


def case(result: str = "passed", name: str = "tests.pay::a", *, flaky: bool = False) -> CaseRecord:
    return CaseRecord(suite="unit", name=name, result=result, flaky=flaky)


@pytest.mark.parametrize(
    ("older", "says"),
    [
        (case(), True),
        (case("failed"), False),
        (case(flaky=True), False),
        (case("skipped"), False),
        (case(name="tests.other::a"), False),
    ],
)
def test_a_test_that_passed_at_once_in_all_its_last_runs_is_suggested_for_release(
    older: CaseRecord, says: bool
) -> None:
    records = [*(record(9 - number, case()) for number in range(4)), record(0, older)]
    assert bool(release_notes(held(), records, TODAY, passes=5)) is says


def test_twenty_passes_in_a_row_are_rare_for_a_test_that_fails_every_seventh_time() -> None:
    assert (1 - 0.14) ** quarantine.PASSES < 0.05


def test_a_day_that_is_years_away_is_said() -> None:
    text = "- {test: a::b, owner: me, reason: why, expires: 2099-12-31}\n"
    assert notes(held(text), [("unit", "a::b")], TODAY, whole=True) == (
        "quarantine.yaml:1: a::b holds until 2099-12-31, more than a year; give it a nearer day",
    )
    near = text.replace("2099-12-31", str(TODAY + timedelta(days=365)))
    assert notes(held(near), [("unit", "a::b")], TODAY, whole=True) == ()


def test_an_entry_may_name_the_file_where_two_have_a_test_of_one_name() -> None:
    found = held('- {test: "b.test.js::cart::total", owner: me, reason: why, expires: 2026-06-01}\n')
    case = CaseRecord(suite="unit", name="cart::total", file="b.test.js", result="passed")
    records = [record(number, case, CaseRecord(suite="unit", name="cart::total", result="failed")) for number in (2, 1)]
    assert release_notes(found, records, TODAY, passes=2)
