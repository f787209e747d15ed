"""Kayenta's canary configs: read as they are, every problem at once, and what is left out is said."""

import json

import pytest

from davy.checks.judges.kayenta.config_file import read
from davy.checks.judges.kayenta.rules import Direction, Limits, Measure, NanStrategy
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.thresholds import KayentaConfig
from davy.pipeline.core.errors import Unusable

ERRORS = 'PromQL:sum(rate(http_requests_total{code=~"5..",pod=~"${scope}",region="${location}"}[1m]))'
CANARY = {"direction": "increase", "nanStrategy": "replace", "critical": True, "mustHaveData": False}
EFFECT = {"measure": "cles", "allowedIncrease": 0.6, "allowedDecrease": "0.4", "criticalIncrease": 0.9}


def metric(name="errors", query=None, rule=None, **more):
    asked = {"type": "prometheus", "metricName": "m", "customInlineTemplate": ERRORS} | (query or {})
    return {"name": name, "groups": ["errors"], "query": asked, "analysisConfigurations": {"canary": rule or {}}} | more


def config(*metrics, **more):
    return json.dumps({"name": "c", "metrics": list(metrics), "classifier": {"groupWeights": {"errors": 100}}, **more})


def told(text, **said):
    return read(text, "canary.json", made(KayentaConfig, {"config": "canary.json", "location": "west", **said}))


def test_queries_are_asked_of_both_sides_with_the_variables_filled_in():
    (found,) = told(config(metric())).metrics
    assert found.canary == 'sum(rate(http_requests_total{code=~"5..",pod=~"{canary}",region="west"}[1m]))'
    assert found.baseline == found.canary.replace("{canary}", "{stable}")


def test_a_scope_of_ones_own_fits_anywhere_also_in_spinnakers_spelling():
    query = {"customInlineTemplate": 'PromQL:sum(up{app="$\\{scope}-app", team="${team}"})'}
    (found,) = told(config(metric(query=query)), canary="shop-canary", baseline="shop", variables={"team": "t"}).metrics
    assert (found.canary, found.baseline) == (
        'sum(up{app="shop-canary-app", team="t"})',
        'sum(up{app="shop-app", team="t"})',
    )


def test_matchers_of_a_named_template_select_the_metric_which_is_averaged():
    query = {
        "customInlineTemplate": "",
        "customFilterTemplate": "by-pod",
        "metricName": "queue_depth",
        "labelBindings": ['job="shop"'],
        "groupByFields": ["zone"],
    }
    analysis = told(config(metric(query=query), templates={"by-pod": 'pod=~"${scope}"'}))
    assert analysis.metrics[0].canary == 'avg(queue_depth{pod=~"{canary}",job="shop"}) by (zone)'
    assert any("points are judged together" in note for note in analysis.notes)


def test_the_rule_of_a_metric_is_read_whole():
    rule = {**CANARY, "effectSize": EFFECT, "outliers": {"strategy": "remove", "outlierFactor": 2}, "muted": "false"}
    yardstick = told(config(metric(rule=rule))).metrics[0].yardstick
    assert (yardstick.direction, yardstick.nan, yardstick.measure) == (
        Direction.INCREASE,
        NanStrategy.REPLACE,
        Measure.CLES,
    )
    assert (yardstick.critical, yardstick.muted, yardstick.must_have_data) == (True, False, False)
    assert yardstick.allowed == Limits(decrease=0.4, increase=0.6)
    assert yardstick.severe == Limits(decrease=0.5, increase=0.9)
    assert (yardstick.outlier_factor, yardstick.groups) == (2.0, ("errors",))


@pytest.mark.parametrize(
    ("said", "limits"), [({}, (90.0, 60.0)), ({"pass": 80}, (80.0, 60.0)), ({"marginal": 50}, (90.0, 50.0))]
)
def test_limits_are_those_of_davy_yaml_then_those_of_the_file(said, limits):
    thresholds = {"groupWeights": {"errors": 100}, "scoreThresholds": {"pass": 90, "marginal": 60}}
    analysis = told(config(metric(), classifier=thresholds), **said)
    assert (analysis.pass_at, analysis.marginal_at) == limits
    assert told(config(metric())).pass_at == 95


def test_what_cannot_be_carried_over_is_said_and_the_rest_is_read():
    other = metric("cpu", rule={"critical": True})
    other["query"] = {"type": "stackdriver", "metricType": "x"}
    odd = metric("odd", groups=[], rule={"direction": "sideways", "weather": 1}, scopeName="other")
    analysis = told(config(metric(), other, odd, judge={"name": "dredd-v1.0"}, extra=1))
    assert [one.name for one in analysis.metrics] == ["errors", "odd"]
    notes = "\n".join(analysis.notes)
    for words in (
        "metrics[1]: cpu (a critical one) is left out: its query is of stackdriver",
        "metrics[2].scopeName: is taken for the only scope there is",
        "odd is in no group",
        "'sideways' is none of increase, decrease, either; like Kayenta, davy takes it for either",
        "metrics[2].analysisConfigurations.canary.weather: is not read",
        "judge.name: is dredd-v1.0",
        "extra: is not read",
    ):
        assert words in notes


def test_weights_that_no_canary_can_reach_are_noted():
    weights = {"errors": 60, "latency": 40}
    notes = "\n".join(told(config(metric(), classifier={"groupWeights": weights})).notes)
    assert "classifier.groupWeights.latency: is the weight of a group that no metric is in" in notes


def test_every_problem_is_said_at_once_with_its_place():
    both = metric("same", query={"customInlineTemplate": "PromQL:sum(up)"})
    with pytest.raises(Unusable) as caught:
        told(
            config(
                both,
                metric("same", query={"customInlineTemplate": 'PromQL:up{pod="${scope}"}'}),
                metric("a", query={"customInlineTemplate": 'PromQL:up{pod=~"${scope}",x="${unknown}"}'}),
                metric("b", query={"customInlineTemplate": "", "customFilterTemplate": "gone"}),
                metric("c", query={"customInlineTemplate": "<#if scope>${scope}</#if>"}),
                metric("d", query={"customInlineTemplate": "", "resourceType": "gce_instance"}),
                metric("e", rule={"critical": "maybe", "effectSize": {"allowedIncrease": "big"}}),
                metric("", query={"customInlineTemplate": ""}),
                classifier={"groupWeights": {"errors": "x"}},
            )
        )
    problems = "\n".join(map(str, caught.value.problems))
    for words in (
        "metrics[0].query.customInlineTemplate: asks the same of canary and baseline",
        "metrics[1].query.customInlineTemplate: `${scope}` is a regex of pod names here",
        "metrics[2].query.customInlineTemplate: asks for `${unknown}`",
        "metrics[3].query.customFilterTemplate: there is no template 'gone'",
        "metrics[4].query.customInlineTemplate: is more of FreeMarker",
        "metrics[5].query.resourceType: selects by zones",
        "metrics[6].analysisConfigurations.canary.critical: must be true or false",
        "effectSize.allowedIncrease: must be a number",
        "metrics[7].name: is missing",
        "metrics[7].query: needs a `customInlineTemplate`",
        "classifier.groupWeights.errors: must be a number",
    ):
        assert words in problems
    assert all(problem.file == "canary.json" for problem in caught.value.problems)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", "{}", '{"metrics": {}}', '{"metrics": [1]}', '{"metrics": [{"query": 3}]}', '{"metrics": []}'],
)
def test_what_is_no_canary_config_is_refused(text):
    with pytest.raises(Unusable) as caught:
        told(text)
    assert caught.value.problems


def test_a_config_whose_metrics_are_all_muted_judges_nothing():
    with pytest.raises(Unusable, match="a problem"):
        told(config(metric(rule={"muted": True})))


def test_every_problem_has_its_line_and_all_of_a_template_are_told():
    asked = {"customInlineTemplate": 'PromQL:sum(up{app="${scope}",ns="${namespace}"})'}
    text = json.dumps(json.loads(config(metric(), metric("other", query=asked))), indent=2)
    with pytest.raises(Unusable) as caught:
        told(text)
    lines = text.splitlines()
    assert len(caught.value.problems) == 2
    for problem in caught.value.problems:
        assert problem.path == "metrics[1].query.customInlineTemplate"
        assert "${namespace}" in lines[problem.line - 1]
    words = " ".join(one.what for one in caught.value.problems)
    assert "`${scope}` is a regex of pod names" in words
    assert "asks for `${namespace}`" in words


@pytest.mark.parametrize("indent", [None, 1, "\t"])
def test_a_key_that_is_there_twice_is_refused_with_both_lines(indent):
    text = json.dumps(json.loads(config(metric(rule={"critical": True}))), indent=indent)
    text = text.replace('"critical": true', '"critical": true, "critical": false')
    with pytest.raises(Unusable) as caught:
        told(text)
    (problem,) = caught.value.problems
    assert problem.path == "metrics[0].analysisConfigurations.canary.critical"
    assert problem.line == next(n for n, line in enumerate(text.splitlines(), 1) if "critical" in line)
    assert "is there twice" in problem.what


def test_where_no_metric_is_left_it_is_told_why_of_each():
    with pytest.raises(Unusable) as caught:
        told(config(metric(query={"type": "atlas"}), metric("b", query={"type": "stackdriver"})))
    (problem,) = caught.value.problems
    assert "its query is of atlas" in problem.what
    assert "its query is of stackdriver" in problem.what


def test_notes_have_their_line():
    text = json.dumps(json.loads(config(metric(), strange=1)), indent=2)
    line = next(n for n, line in enumerate(text.splitlines(), 1) if "strange" in line)
    assert f"canary.json:{line}: strange: is not read" in told(text).notes


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('{"metrics": [\n  {"name": }\n]}', 2, "is no JSON: Expecting value at column 12"),
        ("", None, "is no JSON"),
        ("[" * 100_000, None, "is no JSON: it nests too deep"),
        ('{"a":\n' + "9" * 5000 + "}", None, "is no JSON"),
        ("[]", 1, "is no object"),
        ('{"name": "c",\n"metrics": "x"}', 2, "must be a list"),
        ('{"name": "c",\n"metrics": []}', 2, "must be a list with something in it"),
        (config(metric("m"), metric("m")).replace('}, {"name"', '},\n{"name"'), 2, "'m' is that of metrics[0], too"),
    ],
)
def test_each_mistake_is_one_problem_at_its_line(text, line, says):
    with pytest.raises(Unusable) as caught:
        told(text)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line) == ("canary.json", line)
    assert says in problem.what
