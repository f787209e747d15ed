"""Keptn's criteria mean in davy.yaml what they mean in Keptn: pass is success, a warning neither, fail failure."""

import json
import operator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from davy.checks import slo_formats
from davy.checks.judges.threshold.rules import Check, MeasurementResult

HOLDS = {"<": operator.lt, "<=": operator.le, "=": operator.eq, ">=": operator.ge, ">": operator.gt}


def read(objective, *more, indicators=None):
    slo = {"spec_version": "1.0", "objectives": [{"sli": "lag", **objective}, *more]}
    sli = {"spec_version": "1.0", "indicators": {"lag": "max(lag)"} if indicators is None else indicators}
    texts = [("slo.yaml", json.dumps(slo)), ("sli.yaml", json.dumps(sli))]
    return slo_formats.read(texts, thresholds=True)


def criteria(*lists):
    return [{"criteria": list(one)} for one in lists]


def told(group):
    return "\n".join(map(str, group))


@pytest.mark.parametrize(
    ("passing", "warning", "success", "failure"),
    [
        ([["<1"], [">5"]], None, "< 1 || > 5", None),
        ([["<1"], [">5"]], [["<2"], [">=4"]], "< 1 || > 5", ">= 2 && < 4"),
        ([[">=1", "<5"]], None, ">= 1 && < 5", None),
        ([[">=1", "<5"], ["=9"]], [["<=10"]], ">= 1 && < 5 || == 9", "> 10"),
        ([["<500", "<=600"]], None, "< 500", None),
        ([["=0"]], [["<5"]], "== 0", ">= 5"),
        ([["<3"], [">3"]], None, "!= 3", None),
        ([["<600"]], [["=700"]], "< 600", ">= 600 && < 700 || > 700"),
        ([["<600"]], [[">650"]], "< 600", ">= 600 && <= 650"),
        ([["<600"]], [["<500"], ["<=800"]], "< 600", "> 800"),
        ([["<=+10%", "< 6 00"]], None, "< 600", None),
        ([["<0.30000000000000004"]], None, "< 0.30000000000000004", None),
    ],
)
def test_several_lists_and_limits_on_both_sides_are_said_as_one_condition(passing, warning, success, failure):
    found = read({"pass": criteria(*passing), **({"warning": criteria(*warning)} if warning else {})})
    (one,) = found.thresholds
    assert (one.success, one.failure, one.failure_limit) == (success, failure, 0)
    assert found.refused == []


@pytest.mark.parametrize("warning", [[[">5"]], [["<=+10%"]], [["<5"], [">=5"]], [["<700"], ["<=+10%"]]])
def test_where_a_warning_is_all_that_does_not_pass_nothing_fails(warning):
    found = read({"pass": criteria(["<600"]), "warning": criteria(*warning)})
    (one,) = found.thresholds
    assert (one.success, one.failure, one.failure_limit) == ("< 600", None, -1)
    assert "so nothing fails the canary" in told(found.notes)


@pytest.mark.parametrize(
    ("passing", "says"),
    [
        ([["<=+10%"]], "nothing could fail"),
        ([["<600"], ["<=+10%"]], "nothing could fail"),
        ([[">=0"], ["<5"]], "nothing could fail"),
        ([[]], "nothing could fail"),
        ([["<1", ">5"]], "nothing could pass"),
        ([["<600ms"]], "'<600ms' is no criterion"),
        ([["<600"], ["fast"]], "'fast' is no criterion"),
        ([["!=5"]], "is no criterion"),
        ([["==5"]], "is no criterion"),
        ([["<1e999"]], "is no criterion"),
    ],
)
def test_what_no_condition_can_say_is_left_out_whole_with_one_reason(passing, says):
    found = read({"pass": criteria(*passing)})
    assert found.thresholds == []
    assert [says in problem.what for problem in found.refused] == [True]


@pytest.mark.parametrize("warning", [[["<=800ms"]], "<800", [{"criteria": "<800"}]])
def test_a_warning_that_is_none_leaves_the_whole_out(warning):
    lists = criteria(*warning) if isinstance(warning, list) and isinstance(warning[0], list) else warning
    found = read({"pass": criteria(["<600"]), "warning": lists})
    assert found.thresholds == []
    assert len(found.refused) == 1


@pytest.mark.parametrize("passing", [None, []])
def test_what_keptn_only_shows_is_noted_and_left_out(passing):
    found = read({"pass": passing})
    assert (found.thresholds, found.refused) == ([], [])
    assert "has no `pass`" in told(found.notes)


def test_files_with_different_queries_of_one_name_are_told_and_the_same_twice_is_one():
    slo = json.dumps({"spec_version": "1.0", "objectives": [{"sli": "lag", "pass": criteria(["<1"])}]})

    def imported(*queries):
        files = [json.dumps({"spec_version": "1.0", "indicators": {"lag": query}}) for query in queries]
        return slo_formats.read([(f"{at}.yaml", text) for at, text in enumerate([slo, *files])], thresholds=True)

    assert [one.query for one in imported("up", "up").thresholds] == ["up"]
    found = imported("up", "down")
    assert found.thresholds == []
    assert "different queries 'lag' (1.yaml:1, 2.yaml:1)" in told(found.refused)


limits = st.tuples(st.sampled_from(sorted(HOLDS)), st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.0]))
relative = st.just(("<=+", 10.0))
groups = st.lists(st.lists(st.one_of(limits, limits, limits, relative), min_size=1, max_size=3), min_size=1, max_size=3)
VALUES = [at / 4 for at in range(-2, 16)]


def written(lists):
    return criteria(*([f"{sign}{number:g}{'%' if '+' in sign else ''}" for sign, number in one] for one in lists))


def held(lists, value):
    """As Keptn evaluates: one list, with all in it; a comparison holds where nothing came before."""
    return any(all("+" in sign or HOLDS[sign](value, number) for sign, number in one) for one in lists)


def keptns(passing, warning, value):
    if held(passing, value):
        return MeasurementResult.SUCCESS
    return MeasurementResult.INCONCLUSIVE if warning and held(warning, value) else MeasurementResult.FAILURE


@settings(max_examples=80)
@given(groups, st.none() | groups)
@example([[("<", 2.0)]], [[("<=", 1.0)]])
def test_each_number_comes_to_what_keptn_makes_of_it_or_the_whole_is_left_out(passing, warning):
    found = read({"pass": written(passing), **({"warning": written(warning)} if warning else {})})
    wanted = {value: keptns(passing, warning, value) for value in VALUES}
    if not found.thresholds:
        passes = {result is MeasurementResult.SUCCESS for result in wanted.values()}
        assert len(passes) == 1
        assert len(found.refused) == 1
        return
    (one,) = found.thresholds
    check = Check.of(one)
    if one.failure_limit == -1:
        assert MeasurementResult.FAILURE not in wanted.values()
        got = {value: check.result(value) for value in VALUES}
        assert [result is MeasurementResult.SUCCESS for result in got.values()] == [
            result is MeasurementResult.SUCCESS for result in wanted.values()
        ]
    else:
        assert {value: check.result(value) for value in VALUES} == wanted


def test_a_placeholder_without_a_value_is_told_once():
    found = read({"pass": criteria(["<1"])}, indicators={"lag": 'max(lag{svc="$SERVICE"})'})
    assert told(found.notes).count("$SERVICE") == 1
