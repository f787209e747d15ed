"""A trace's lines: what is malformed is said with its number, all of it; what is not, is read."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.checks.traces.reader import TraceReader, read
from davy.pipeline.core.errors import Unusable
from davy.pipeline.core.verdict import Counts

HEADER = {"davy_trace": 1, "metrics": [{"name": "a", "objective": 99}, {"name": "h", "bound": "0.50"}]}


def lines(*documents):
    return [one if isinstance(one, bytes) else f"{json.dumps(one)}\n".encode() for one in documents]


def a(t=15, total=100, bad=1, **more):
    return {"t": t, "canary": {"a": {"total": total, "bad": bad}}, **more}


def h(t=15, **bad):
    return {"t": t, "canary": {"h": {"total": 100, "bad": {name.replace("_", "."): n for name, n in bad.items()}}}}


def problems(*documents):
    with pytest.raises(Unusable) as caught:
        read(lines(*documents), "t.jsonl")
    return [str(problem) for problem in caught.value.problems]


def test_every_malformed_line_is_told_with_file_and_number():
    found = problems(HEADER, b"not json\n", a(15), b"[1]\n", a(30, bad=101), a(20), b"\xff\xfe\n")
    assert [one.split(": ")[0] for one in found] == [f"t.jsonl:{n}" for n in (2, 4, 5, 6, 7)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"t": 15, "canary": {}', "is not JSON"),
        (b"null", "not a JSON object"),
        (b'{"t": NaN, "canary": {}}', "NaN is no number"),
        (b'{"t": 1e999, "canary": {}}', "number of seconds"),
        (b'{"t": 15, "t": 16, "canary": {}}', "'t' is there twice"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"t": 15, "canary": {"a": {"total": ' + b"9" * 5000 + b', "bad": 0}}}', "is not usable JSON"),
        ({"canary": {}}, "t: must be a number of seconds"),
        ({"t": "15", "canary": {}}, "t: must be a number of seconds"),
        ({"t": True, "canary": {}}, "t: must be a number of seconds"),
        ({"t": -1, "canary": {}}, "t: must be a number of seconds"),
        ({"t": 15}, "canary: is missing"),
        ({"t": 15, "canary": []}, "canary: must be an object"),
        ({"t": 15, "canary": {}, "stable": 3}, "stable: must be an object"),
        ({"t": 15, "canary": {}, "stabel": {}}, "stabel: is not known"),
        ({"t": 15, "canary": {"b": None}}, "'b' is no metric"),
        ({"t": 15, "canary": {"a": {"total": 1}}}, "canary.a.bad: is missing"),
        ({"t": 15, "canary": {"a": {"total": 1, "bad": 0, "good": 1}}}, "canary.a.good: is not known"),
        ({"t": 15, "canary": {"a": 7}}, "canary.a: must be an object"),
        (a(total=-1), "canary.a.total: must be from 0"),
        (a(total=2**60), "canary.a.total: must be from 0"),
        (a(bad=1.5), "canary.a.bad: must be a whole number"),
        (a(bad="1"), "canary.a.bad: must be a whole number"),
        (a(bad=True), "canary.a.bad: must be a whole number"),
        (a(bad=None), "canary.a.bad: must be a whole number"),
        (a(bad=101), "canary.a.bad: is more than the total: 101 of 100"),
        (a(worse=0), "worse: must be a number above 0"),
        (a(gap="yes"), "gap: must be true or false"),
        (h(), "must map at least one bound"),
        (h(x=1), "no bucket bound"),
        (h(**{"0_5": 101}), "canary.h.bad.0.5: is more than the total: 101 of 100"),
        (h(**{"0_1": 3, "0_5": 4}), "canary.h.bad.0.5: is more than a lower bound has: 4 of 3"),
        (h(**{"0_1": 3}), "lacks the metric's bound 0.50"),
        (h(**{"0_5": 3, "0_50": 3}), "each once"),
        (h(NaN=3), "no bucket bound"),
        (h(**{"+Inf": 3}), "no bucket bound"),
    ],
)
def test_a_malformed_window(line, words):
    (problem,) = problems(HEADER, line)
    assert problem.startswith("t.jsonl:2: ")
    assert words in problem


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (b"", "first line is empty"),
        (b"\n", "first line is empty"),
        (b"\x00\x01\x02", "is not JSON"),
        (a(), "the first line is the header"),
        ({"davy_trace": 2, "metrics": [{"name": "a"}]}, "this davy reads version 1"),
        ({"davy_trace": True, "metrics": [{"name": "a"}]}, "this davy reads version 1"),
        ({"davy_trace": 1}, "metrics: must be a list"),
        ({"davy_trace": 1, "metrics": []}, "metrics: must be a list"),
        ({"davy_trace": 1, "metrics": [{}]}, 'metrics[0]: must be an object with a "name"'),
        ({"davy_trace": 1, "metrics": [{"name": "a"}, {"name": "a"}]}, "metrics[1].name: 'a' is there twice"),
        ({"davy_trace": 1, "metrics": [{"name": "a", "objective": 100}]}, "metrics[0].objective: must be a number"),
        (
            {"davy_trace": 1, "metrics": [{"name": "a", "weight": 0}]},
            "metrics[0].weight: must be a number between",
        ),
        ({"davy_trace": 1, "metrics": [{"name": "a", "bound": "half"}]}, "metrics[0].bound: must be a bucket bound"),
        ({"davy_trace": 1, "metrics": [{"name": "a", "dispersion": 0.5}]}, "metrics[0].dispersion: must be"),
        ({"davy_trace": 1, "metrics": [{"name": "a", "objectiv": 99}]}, "metrics[0].objectiv: is not known"),
        ({"davy_trace": 1, "metrics": [{"name": "a"}], "parameter": {}}, "parameter: is not known"),
        ({"davy_trace": 1, "metrics": [{"name": "a"}], "threshold": 3}, "threshold: must be an object"),
        ({"davy_trace": 1, "metrics": [{"name": "a"}], "parameters": {"alfa": 1}}, "parameters.alfa: is not known"),
        ({"davy_trace": 1, "metrics": [{"name": "a"}], "parameters": {"alpha": 0}}, "parameters.alpha: must be"),
        ({"davy_trace": 1, "metrics": [{"name": "a"}], "parameters": {"alpha": "1"}}, "parameters.alpha: must be"),
        ({"davy_trace": 1, "metrics": [{"name": "a"}], "parameters": {"grid": 2}}, "the only grid there is, is 1"),
        ({"davy_trace": 1, "metrics": [{"name": "a"}], "grid": 2}, "the only grid there is, is 1"),
        ({"davy_trace": 1, "metrics": [{"name": "a"}], "parameters": {"bad_at_least": 1.5}}, "must be a whole number"),
    ],
)
def test_a_malformed_header(header, words):
    (problem,) = problems(header)
    assert problem.startswith("t.jsonl:1: ")
    assert words in problem


def test_an_empty_file_has_no_header():
    with pytest.raises(Unusable) as caught:
        read([], "t.jsonl")
    assert "first line is empty" in str(caught.value.problems[0])


def test_all_of_the_header_and_the_windows_are_told_at_once():
    header = {"davy_trace": 1, "metrics": [{"name": "a", "objective": 0}], "parameters": {"alpha": 2, "betta": 1}}
    assert len(problems(header, a(bad=-1), a(30), b"x")) == 5


def test_time_must_grow():
    assert "t: must grow: it is 15 after 15" in problems(HEADER, a(15), a(15))[0]


def test_a_histogram_keeps_the_bounds_and_the_form_of_its_first_window():
    first = h(15, **{"0_25": 9, "0_5": 3})
    assert "other bounds than the first window (0.25, 0.5)" in problems(HEADER, first, h(30, **{"0_5": 3}))[0]
    assert "other bounds" in problems(HEADER, first, h(30, **{"0_25": 9, "0_5": 3, "1": 0}))[0]
    assert "other bounds" in problems(HEADER, first, h(30, **{"0_25": 9, "0_6": 3}))[0]
    number = {"t": 30, "canary": {"h": {"total": 1, "bad": 0}}}
    assert "must be a map of bounds" in problems(HEADER, first, number)[0]
    assert "must be a number" in problems(HEADER, number, h(45, **{"0_5": 0}))[0]


def test_of_several_bounds_the_header_must_name_one_and_of_a_single_one_it_need_not():
    header = {"davy_trace": 1, "metrics": [{"name": "h"}]}
    two = [h(15 * i, **{"0_25": 9, "0_5": 3}) for i in range(1, 4)]
    (problem,) = problems(header, *two)
    assert "has 2 bounds" in problem
    (window,) = read(lines(header, h(15, **{"0_5": 3})), "t").windows
    assert window.counts["h"].canary == Counts(bad=3, total=100, above={"0.5": 3})


def test_bounds_are_numbers_however_they_are_written():
    windows = [h(15, **{"5e-1": 3, "0_25": 9}), h(30, **{"0_50": 4, "0_250": 8})]
    trace = read(lines(HEADER, *windows), "t")
    assert [one.counts["h"].canary.bad for one in trace.windows] == [3, 4]
    assert trace.metrics[1].bounds == ("0.25", "5e-1")
    assert trace.metrics[1].bad_words == "took over 500ms"


def test_null_and_missing_are_no_data():
    windows = [
        {"t": 15, "canary": {"a": None}, "stable": {"a": {"total": 5, "bad": 1}}},
        {"t": 30, "canary": {}},
        {"t": 45, "canary": {"a": {"total": 5, "bad": 1}}, "stable": None},
    ]
    first, second, third = read(lines(HEADER, *windows), "t").windows
    assert first.counts["a"].canary.total == 0
    assert first.counts["a"].stable.total == 5
    assert second.counts == {}
    assert third.counts["a"].stable.total == 0


def test_what_the_header_leaves_out_has_the_judges_defaults():
    trace = read(lines({"davy_trace": 1, "metrics": [{"name": "a"}]}), "t")
    rules = trace.rules
    assert (rules.alpha, rules.beta, rules.tolerate, rules.burn_weight, rules.burn) == (0.01, 0.05, 1.1, 0.2, 14.4)
    assert (trace.worse, trace.promote_from, rules.bad_at_least, rules.windows_at_least) == (2.0, 0.0, 0, 0)
    (metric,) = trace.metrics
    assert (metric.weight, metric.dispersion, metric.objective) == (1.0, 1.0, None)


def test_a_metrics_own_dispersion_comes_first():
    metrics = [{"name": "a", "dispersion": 3}, {"name": "b"}]
    trace = read(lines({"davy_trace": 1, "metrics": metrics, "parameters": {"dispersion": 2}}), "t")
    assert [one.dispersion for one in trace.metrics] == [3, 2]


def test_windows_line_ends_a_byte_order_mark_and_blank_lines_at_the_end_are_let_pass():
    text = b"\xef\xbb\xbf" + b"".join(lines(HEADER, a(15), a(30))).replace(b"\n", b"\r\n") + b"\r\n\n  \n"
    assert len(read(text.splitlines(keepends=True), "t").windows) == 2


def test_a_blank_line_before_another_is_told():
    assert problems(HEADER, b"\n", a(15)) == ["t.jsonl:2: is empty"]


def test_keys_of_ones_own_are_passed_over_and_settings_of_other_judges_are_kept():
    header = {**HEADER, "x_note": "mine", "threshold": {"success": ">= 0.95"}, "grid": 1}
    trace = read(lines(header, a(15, x_step=3)), "t")
    assert trace.settings == {"threshold": {"success": ">= 0.95"}}
    assert len(trace.windows) == 1


def test_promote_from_null_is_never():
    header = {**HEADER, "parameters": {"promote_from": None}}
    assert math.isinf(read(lines(header), "t").promote_from)


def test_whole_numbers_may_be_written_with_a_point():
    (window,) = read(lines(HEADER, a(total=100.0, bad=1.0)), "t").windows
    assert window.counts["a"].canary == Counts(bad=1, total=100)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=60) | st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(["a", "h", "0.5"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["t", "canary", "stable", "a", "h", "total", "bad", "0.5"]), inner, max_size=4),
    max_leaves=12,
).map(lambda value: json.dumps(value).encode()), max_size=5), st.booleans())  # fmt: skip
def test_no_bytes_break_it(garbage, with_header):
    reading = TraceReader([*(lines(HEADER) if with_header else []), *garbage], "t")
    list(reading.windows())
    assert all(problem.line for problem in reading.problems)
