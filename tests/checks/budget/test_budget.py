"""Error budgets: the arithmetic, what the gate refuses, and what is said."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.checks.budget.amounts import share
from davy.checks.budget.budget import PAIRS, Budget, Spent, burns_of, pairs_of, refusals, remarks, sentence, spans_of
from davy.checks.budget.queries import MARK, BudgetQuestion
from davy.pipeline.config.sections.objectives import GateConfig, SloConfig
from davy.pipeline.core.verdict import Gap

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MONTH = timedelta(days=30)
OBJECTIVES = st.sampled_from([0.5, 0.9, 0.99, 0.999, 0.99999])


def budget(bad: float, total: float, *, objective: float = 0.999, rate: float | Gap = 0.0, **more: object) -> Budget:
    """A budget whose every window burns at the same rate."""
    shared = Spent(bad=rate * (1 - objective), total=1) if not isinstance(rate, Gap) else rate
    burns = burns_of(dict.fromkeys(spans_of(MONTH), shared), objective, MONTH)
    spent = Spent(bad=bad, total=total)
    given = {"name": "shop", "objective": objective, "window": MONTH, "at": NOW, "spent": spent, "burns": burns}
    return Budget(**{**given, **more})  # type: ignore[arg-type]


@given(total=st.floats(1, 1e12), part=st.floats(0, 1), objective=OBJECTIVES)
def test_what_is_left_and_what_is_spent_are_the_whole(total: float, part: float, objective: float) -> None:
    one = budget(total * part, total, objective=objective)
    assert one.left is not None
    assert one.left_events is not None
    assert one.left_events + one.spent.bad == pytest.approx(one.allowed)  # type: ignore[union-attr]
    assert one.left * one.allowed == pytest.approx(one.left_events, rel=1e-6, abs=1e-9 * total)
    assert (one.left >= 0) == (one.left_events >= 0) or abs(one.left) < 1e-9


@given(total=st.floats(1, 1e9), bad=st.floats(0, 1e9), more=st.floats(0, 1e9), objective=OBJECTIVES)
def test_more_bad_events_never_leave_more(total: float, bad: float, more: float, objective: float) -> None:
    less, other = budget(bad, total, objective=objective).left, budget(bad + more, total, objective=objective).left
    assert less is not None
    assert other is not None
    assert other <= less


@given(left=st.floats(0.001, 1), rate=st.floats(1.001, 1000))
def test_a_budget_is_gone_after_what_is_left_at_its_rate(left: float, rate: float) -> None:
    one = budget((1 - left) * 1000, 1_000_000, rate=rate)
    assert one.out_in is not None
    assert one.out_in / MONTH * rate == pytest.approx(left, abs=1e-6)


@given(rate=st.floats(0, 1))
def test_a_rate_of_one_or_less_never_uses_it_up(rate: float) -> None:
    assert budget(999, 1_000_000, rate=rate).out_in is None


def test_the_pairs_are_those_of_the_workbook_and_spend_its_shares_of_a_month() -> None:
    assert [(pair.long / timedelta(hours=1), pair.short / timedelta(minutes=1), pair.burn) for pair in PAIRS] == [
        (1, 5, 14.4), (6, 30, 6), (24, 120, 3), (72, 360, 1),
    ]  # fmt: skip
    assert [round(pair.burn * (pair.long / MONTH), 9) for pair in PAIRS] == [0.02, 0.05, 0.1, 0.1]
    assert all(pair.long == 12 * pair.short for pair in PAIRS)


def test_a_window_shorter_than_a_pair_is_not_asked_about_it() -> None:
    assert pairs_of(timedelta(hours=6)) == PAIRS[:2]
    assert spans_of(timedelta(minutes=30)) == ()


@given(long=st.floats(0, 50), short=st.floats(0, 50))
def test_it_burns_only_where_both_windows_do(long: float, short: float) -> None:
    spans = {PAIRS[0].long: Spent(bad=long * 0.001, total=1), PAIRS[0].short: Spent(bad=short * 0.001, total=1)}
    burn = burns_of(spans, 0.999, timedelta(hours=1))[0]
    assert burn.burning == (burn.long >= 14.4 and burn.short >= 14.4)  # type: ignore[operator]


def test_no_traffic_in_a_short_window_burns_nothing_and_missing_data_is_a_gap() -> None:
    idle = burns_of({PAIRS[0].long: Spent(bad=1, total=9), PAIRS[0].short: Gap.EMPTY}, 0.9, timedelta(hours=1))[0]
    assert (idle.short, idle.gap, idle.burning) == (0.0, None, False)
    gone = burns_of({PAIRS[0].long: Spent(bad=1, total=9)}, 0.9, timedelta(hours=1))[0]
    assert (gone.gap, gone.burning) == (Gap.ABSENT, False)


ASKED = GateConfig(budget_left=10)


@pytest.mark.parametrize(
    ("one", "says"),
    [
        (budget(950, 1_000_000), "5 % of its error budget left, and 10 % is asked"),
        (budget(1500, 1_000_000), "no error budget left"),
        (budget(0, 1_000_000, rate=20), "burns its error budget 20x over 1h and 20x over 5m"),
        (budget(0, 1_000_000, rate=7), "7x over 6h"),
        (budget(0, 1, spent=Gap.ABSENT), "cannot tell its error budget: there is no such series"),
        (budget(0, 1, spent=Gap.EMPTY), "nothing was counted"),
        (budget(0, 1, spent=Gap.NAN), "not a number"),
        (budget(0, 1_000_000, rate=Gap.ABSENT), "cannot tell how fast"),
    ],
)
def test_the_gate_refuses_what_is_spent_what_burns_and_what_is_not_known(one: Budget, says: str) -> None:
    (why,) = refusals([one], ASKED)
    assert why.startswith("shop ")
    assert says in why


def test_the_gate_lets_a_good_budget_through_and_a_burn_where_that_is_allowed() -> None:
    good, burning = budget(100, 1_000_000, rate=0.5), budget(100, 1_000_000, rate=20)
    assert refusals([good], ASKED) == ()
    allowed = GateConfig(budget_left=10, burning="allow")
    assert refusals([burning], allowed) == ()
    assert "burns its error budget 20x" in remarks([burning], allowed)[0]


def test_exactly_what_is_asked_is_enough() -> None:
    assert refusals([budget(75, 1000, objective=0.9)], GateConfig(budget_left=25)) == ()


@given(left=st.floats(0, 100), asked=st.floats(0, 100))
def test_less_than_asked_never_passes(left: float, asked: float) -> None:
    one = budget((100 - left) * 10, 1_000_000)
    assert one.left is not None
    assert bool(refusals([one], GateConfig(budget_left=asked))) == (one.left * 100 < asked - 1e-9)


def test_a_sentence_has_the_numbers_and_when_it_ends() -> None:
    said = sentence(budget(290, 1_000_000, rate=2))
    assert "290 of 1,000,000 events were bad in 30d, and 1,000 may be: 71 % of the budget is left" in said
    assert "burned at 2x" in said
    assert "gone in 10d" in said
    assert "bear for ever" in sentence(budget(290, 1_000_000, rate=0.3))
    assert "spent 1.5 times over" in sentence(budget(1500, 1_000_000))


def test_data_that_begin_late_are_told_with_since_when() -> None:
    one = budget(1, 10_000, since=NOW - timedelta(days=3))
    said = sentence(one)
    assert "the 3d00h there are data of" in said
    assert "data begin at 2026-02-26 12:00 UTC" in said
    assert "3d00h of data, not 30d" in remarks([one], ASKED)[0]


@given(percent=st.floats(-1000, 100))
def test_a_share_is_never_rounded_to_all_or_nothing(percent: float) -> None:
    said = share(percent / 100)
    assert (said == "100 %") == (percent == 100)
    assert said not in ("0.0 %", "-0.0 %") or abs(percent) < 0.005


RATIO = BudgetQuestion(slo=SloConfig(name="a", objective=99.9, errors='e{code="5"}', total="t"))
GOOD = BudgetQuestion(slo=SloConfig(name="a", objective=99.9, good="g", total="t"))
SPAN = timedelta(hours=1)


def answer(**values: float) -> list[tuple[dict[str, str], float]]:
    return [({MARK: f"{what}:3600"}, value) for what, value in values.items()]


@pytest.mark.parametrize(
    ("question", "values", "means"),
    [
        (RATIO, {"total": 100, "bad": 3}, Spent(bad=3, total=100)),
        (RATIO, {"total": 100}, Spent(bad=0, total=100)),
        (RATIO, {"total": 0, "bad": 0}, Gap.EMPTY),
        (RATIO, {"bad": 3}, Gap.ABSENT),
        (RATIO, {}, Gap.ABSENT),
        (RATIO, {"total": float("nan"), "bad": 3}, Gap.NAN),
        (RATIO, {"total": 100, "bad": float("inf")}, Gap.NAN),
        (RATIO, {"total": 100, "bad": 101}, Spent(bad=100, total=100)),
        (GOOD, {"total": 100, "good": 97}, Spent(bad=3, total=100)),
        (GOOD, {"total": 100, "good": 100.2}, Spent(bad=0, total=100)),
        (GOOD, {"total": 100}, Gap.ABSENT),
    ],
)
def test_what_an_answer_means(question: BudgetQuestion, values: dict[str, float], means: object) -> None:
    assert question.read(answer(**values), [SPAN]) == {SPAN: means}


def test_good_events_that_stopped_are_all_bad_where_there_were_some() -> None:
    assert GOOD.read(answer(total=100), [SPAN], had_good=True) == {SPAN: Spent(bad=100, total=100)}


def test_one_query_asks_for_every_span() -> None:
    text = RATIO.promql([SPAN, timedelta(minutes=5)])
    assert text.count("increase(") == 4
    assert 'sum(increase(e{code="5"}[300s]))' in text
    assert text.count(" or ") == 3
