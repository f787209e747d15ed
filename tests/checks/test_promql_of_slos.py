"""Which PromQL is the growth of one counter, and which is refused."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.checks.samples.selectors import selector
from davy.checks.slo_formats.promql_counters import Counter, Difference, counted, failed, objective, selected

MATCHERS = [
    ('{job="x",code=~"5.."}', '{job="x",code=~"5.."}'),
    (r'{path=~"/v\\d+",code!~"[45].."}', r'{path=~"/v\\d+",code!~"[45].."}'),
    ("{a='it is'}", '{a="it is"}'),
    ("{}", ""),
]


@pytest.mark.parametrize(("written", "meant"), MATCHERS)
@pytest.mark.parametrize(
    "around",
    [
        "sum(rate(http_total{}[{{{{.window}}}}]))",
        "sum(increase(http_total{}[5m]))",
        "( sum( rate(http_total{}[{{{{ .window }}}}]) ) )",
        "sum by () (rate(http_total{}[1h]))",
    ],
)
def test_the_sum_of_one_counters_growth_gives_its_selector(around: str, written: str, meant: str) -> None:
    assert str(counted(around.format(written))) == f"http_total{meant}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rate(a_total[5m])", "no sum"),
        ("sum(a_total)", "no sum"),
        ("max(rate(a_total[5m]))", "a max(…)"),
        ("sum(irate(a_total[5m]))", "no sum"),
        ("sum(rate(a_total[5m])) / sum(rate(b_total[5m]))", "no sum"),
        ("1 - sum(rate(a_total[5m]))", "no sum"),
        ("sum(rate(a_total[5m])) + sum(rate(b_total[5m]))", "no sum"),
        ("sum(rate(a_total[5m] offset 1h))", "another time"),
        ("sum(rate(a_total[5m] @ 100))", "another time"),
        ('sum(rate({code="500"}[5m]))', "names no metric"),
        ("sum(rate(a_total[{{.elsewhere}}]))", "template"),
        ("sum(sum by (pod) (rate(a_total[5m])))", "no sum"),
        ("sum(rate(rate(a_total[5m])[1h:1m]))", "no selector"),
        ("sum(rate(a_total[5m])", "no PromQL"),
        ("sum(rate(a_total[5m])) or vector(0)", "no sum"),
        ("42", "no sum"),
    ],
)
def test_anything_else_is_refused_with_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("(", r"\(").replace(")", r"\)")):
        counted(text)


def test_of_bad_events_or_vector_zero_says_nothing_and_is_said() -> None:
    for tail in ("or vector(0)", "or on() vector(0)", "OR on () vector(0)"):
        bad, remark = failed(f"sum(rate(e_total[5m])) {tail}")
        assert str(bad) == "e_total"
        assert "vector(0)" in remark


def test_all_minus_a_bucket_is_the_histogram_under_its_bound() -> None:
    total = counted('sum(rate(http_seconds_count{job="x"}[5m]))')
    for whole in ('http_seconds_count{job="x"}', 'http_seconds_bucket{job="x",le="+Inf"}'):
        bad, _ = failed(f'sum(rate({whole}[5m])) - sum(rate(http_seconds_bucket{{job="x",le="0.5"}}[5m]))')
        assert isinstance(bad, Difference)
        assert objective(total=total, errors=bad) == {
            "histogram": 'http_seconds_bucket{job="x"}',
            "under": timedelta(milliseconds=500),
        }


@pytest.mark.parametrize(
    "good",
    [
        'http_seconds_bucket{job="other",le="0.5"}',
        'http_seconds_bucket{job="x",le=~"0.5|1"}',
        'else_seconds_bucket{job="x",le="0.5"}',
    ],
)
def test_a_bucket_of_something_else_stays_a_good_counter(good: str) -> None:
    made = objective(total=selected('http_seconds_count{job="x"}'), good=selected(good))
    assert made == {"good": good, "total": 'http_seconds_count{job="x"}'}


def test_a_histogram_that_is_not_in_seconds_is_counted_by_its_bucket() -> None:
    made = objective(total=selected("http_ms_count"), good=selected('http_ms_bucket{le="500"}'))
    assert made == {"good": 'http_ms_bucket{le="500"}', "total": "http_ms_count"}


def test_a_difference_from_something_that_is_not_the_total_is_refused() -> None:
    bad, _ = failed("sum(rate(a_total[5m])) - sum(rate(ok_total[5m]))")
    with pytest.raises(ValueError, match="not the total"):
        objective(total=selected("b_total"), errors=bad)


@given(value=st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20))
def test_any_label_value_comes_through_as_it_is(value: str) -> None:
    written = Counter(name="a_total", matchers=(("path", "=", value),))
    assert selected(str(written)) == written
    assert selector(str(written)).matches({"__name__": "a_total", "path": value})
