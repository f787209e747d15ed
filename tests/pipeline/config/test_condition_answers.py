"""Whether any answer fails a threshold is told from its conditions."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.checks import slo_formats
from davy.checks.judges.threshold.rules import Check, MeasurementResult, measured
from davy.checks.preflight.lint import remarks
from davy.pipeline.config.condition_answers import can_be_failed
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.config.sections.thresholds import ThresholdConfig


def threshold(**said):
    return made(ThresholdConfig, {"name": "m", "query": 'up{pod=~"{canary}"}', "count": 3, **said})


@pytest.mark.parametrize(
    ("said", "can"),
    [
        ({"success": "len(result) >= 0", "style": "argo"}, False),
        ({"success": "len(result) == 0 || len(result) > 0", "style": "argo"}, False),
        ({"success": "result[0] == result[0] || isNaN(result[0])", "style": "argo"}, False),
        ({"success": "isNaN(result[0]) || result[0] >= 5 || result[0] < 5", "style": "argo"}, False),
        ({"failure": "result[0] > 5 && result[0] < 4", "style": "argo"}, False),
        ({"failure": "result[0] > 5 && result[1] < 4", "style": "argo"}, True),
        ({"success": "result[0] >= 0 || result[0] < 0", "style": "argo"}, True),
        ({"success": "all(result, # < 5)", "style": "argo"}, True),
        ({"failure": "none(result, # < 5)", "style": "argo"}, True),
        ({"success": "len(result) < 9", "style": "argo"}, True),
        ({"success": ">= 0 || < 0"}, False),
        ({"success": ">= 0.99"}, True),
        ({"failure": "> 1 && < 1"}, False),
        ({"success": "> 1 && < 1"}, True),
        ({"success": "< 5", "failure": "> 9 && < 1"}, False),
        ({"success": "nonsense"}, True),
        ({"success": " || ".join(f"== {number}" for number in range(500))}, True),
    ],
)
def test_what_no_answer_fails_is_told_by_its_conditions(said, can):
    assert can_be_failed(threshold(**said)) is can


def test_it_is_told_where_it_is_written_and_where_it_is_imported():
    config = made(ChecksConfig, {"prometheus": "http://p", "thresholds": [said_of(success=">= 0 || < 0")]})
    assert [one.rule for one in remarks(config)] == ["never-fails"]
    config = made(ChecksConfig, {"prometheus": "http://p", "thresholds": [said_of(success=">= 0")]})
    assert remarks(config) == ()
    argo = (
        "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nspec:\n  metrics:\n  - name: m\n    count: 3\n"
        '    successCondition: "len(result) >= 0"\n    provider: {prometheus: {query: up}}\n'
    )
    found = slo_formats.read([("a.yaml", argo)], thresholds=True)
    assert any("there is no answer that its conditions fail" in note.what for note in found.notes)


def said_of(**said):
    return {"name": "m", "query": 'up{pod=~"{canary}"}', "count": 3, **said}


pieces = st.builds(
    lambda of, sign, number: f"{of} {sign} {number}",
    st.sampled_from(["result[0]", "len(result)", "result[1]"]), st.sampled_from(["<", "<=", "==", ">="]),
    st.sampled_from([0, 1, 2]),
)  # fmt: skip
conditions = st.lists(pieces, min_size=1, max_size=3).map(" || ".join)
answers = st.lists(st.sampled_from([-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, math.nan, math.inf]), max_size=4)


@settings(max_examples=60)
@given(st.none() | conditions, conditions, st.lists(answers, max_size=20))
def test_no_answer_fails_what_is_said_never_to_fail(success, failure, some):
    one = threshold(style="argo", success=success, failure=failure)
    if not can_be_failed(one):
        assert all(measured(Check.of(one), answer).result is not MeasurementResult.FAILURE for answer in some)
