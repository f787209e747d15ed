"""Rules of thresholds by their style, and of the Mann-Whitney judge."""

import pytest

from davy.pipeline.config.file import parsed
from davy.pipeline.core.errors import Unusable

HEAD = """\
service: checkout
images: [{name: registry.example.com/shop/checkout}]
deploy: {kubernetes: {deployment: checkout}}
canary: {steps: [50%], deadline: 4h}
"""


def problems(checks, head=HEAD):
    try:
        parsed(f"{head}checks: {{prometheus: 'http://p', {checks}}}\n", "davy.yaml", {})
    except Unusable as error:
        return [(problem.path, problem.what) for problem in error.problems]
    return []


def threshold(fields):
    return problems(f"judge: threshold, thresholds: [{{name: q, query: up, {fields}}}]")


@pytest.mark.parametrize(
    "fields",
    [
        "success: '>= 0.95'",
        "success: '< 5%'",
        "success: '> 0.9 && < 1.1', count: 3",
        "style: argo, success: 'result[0] >= 0.95', count: 3",
        "style: argo, success: '>= 0.95', successes: 3, failure_limit: -1",
        "style: flagger, min: 99",
        "style: flagger, min: 0, max: 0.5",
    ],
)
def test_a_threshold_of_each_style_is_taken(fields):
    assert threshold(fields) == []


@pytest.mark.parametrize(
    ("fields", "key", "says"),
    [
        ("success: 'result[0] >= 1'", ".success", "set `style: argo`"),
        ("success: '>= 1', min: 1", ".min", "is Flagger's"),
        ("style: argo, success: 'result[0] >= 1'", "", "needs `count` or `successes`"),
        ("style: argo, count: 1, success: 'result[0] >='", ".success", "no condition"),
        ("style: argo, count: 3", "", "needs `success` or `failure`"),
        ("style: flagger", "", "needs `min` or `max`"),
        ("style: flagger, min: 2, max: 1", ".min", "must be at most `max` (1)"),
        ("style: flagger, min: 1, failure_limit: 2", ".failure_limit", "counted by `checks.flagger`"),
        ("style: kayenta, min: 1", ".style", "must be `davy`, `argo` or `flagger`"),
        ("success: '>= 1', failure_limit: -2", ".failure_limit", "must be at least -1"),
    ],
)
def test_what_is_wrong_with_a_threshold_is_told_at_its_place(fields, key, says):
    (found,) = threshold(fields)
    assert found[0] == f"checks.thresholds[0]{key}"
    assert says in found[1]


def test_flaggers_floor_is_ten_seconds():
    found = problems(
        "judge: threshold, thresholds: [{name: q, query: up, style: flagger, min: 1}], flagger: {interval: 5s}"
    )
    assert [path for path, _ in found] == ["checks.flagger.interval"]


@pytest.mark.parametrize(
    ("checks", "path", "says"),
    [
        ("judge: mannwhitney", "checks.kayenta", "needs a canary config"),
        ("judge: mannwhitney, kayenta: {}", "checks.kayenta.config", "is missing"),
        ("judge: mannwhitney, kayenta: {config: c, interval: 0s}", "checks.kayenta.interval", "above 0s"),
        (
            "judge: mannwhitney, kayenta: {config: c, interval: 4h}",
            "checks.kayenta.interval",
            "there would be no judgement",
        ),
        ("judge: mannwhitney, kayenta: {config: c, step: 2h}", "checks.kayenta.step", "longer than `interval`"),
        ("judge: mannwhitney, kayenta: {config: c, lookback: 1s}", "checks.kayenta.lookback", "shorter than `step`"),
        (
            "judge: mannwhitney, kayenta: {config: c, pass: 50, marginal: 60}",
            "checks.kayenta.marginal",
            "at most `pass`",
        ),
        ("judge: mannwhitney, kayenta: {config: c, lifetime: 9h}", "canary.deadline", "at 1 steps take 9h01m"),
    ],
)
def test_what_is_wrong_with_the_mann_whitney_judge_is_told_at_its_place(checks, path, says):
    found = dict(problems(checks))
    assert says in found[path]


def test_the_floor_of_a_duration_is_held():
    slo = "slos: [{name: a, objective: 99, errors: e, total: t}]"
    found = dict(problems(slo, HEAD.replace("4h", "4h, lease: 1s")))
    assert "must be at least" in found["canary.lease"]


def test_kayentas_part_without_its_judge_is_refused():
    slo = "slos: [{name: a, objective: 99, errors: e, total: t}]"
    assert "set `judge: mannwhitney`" in dict(problems(f"{slo}, kayenta: {{config: c}}"))["checks.kayenta"]
    assert problems("judge: mannwhitney, kayenta: {config: c}") == []
