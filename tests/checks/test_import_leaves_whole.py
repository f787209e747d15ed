"""What a file means otherwise than it seems is left out whole, with its reason, and never half carried over."""

import json

import pytest
import yaml

from davy.checks import slo_formats
from davy.pipeline.config.rules import broken


def read(*documents):
    texts = [(f"{at}.yaml", one if isinstance(one, str) else yaml.safe_dump(one)) for at, one in enumerate(documents)]
    return slo_formats.read(texts, thresholds=True)


def told(group):
    return "\n".join(map(str, group))


def sloth(error, total):
    sli = {"events": {"error_query": error, "total_query": total}}
    return {"version": "prometheus/v1", "slos": [{"name": "a", "objective": 99, "sli": sli}]}


def openslo(*, metadata="s", **ratio):
    sources = {
        kind: {"metricSource": {"type": "Prometheus", "spec": {"query": query}}} for kind, query in ratio.items()
    }
    indicator = {"metadata": {"name": "i"}, "spec": {"ratioMetric": {"counter": True, **sources}}}
    spec = {"objectives": [{"target": 0.99}], "indicator": indicator}
    return {"apiVersion": "openslo/v1", "kind": "SLO", "metadata": {"name": metadata}, "spec": spec}


def argo(metric, **spec):
    provider = {"prometheus": {"query": 'sum(rate(x_total{pod=~"{canary}"}[2m]))'}}
    whole = {"name": "errors", "successCondition": "result[0] < 1", "provider": provider, **metric}
    head = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": {"name": "t"}}
    return {**head, "spec": {**spec, "metrics": [whole]}}


def canary(name, metrics, *, analysis=None, **spec):
    head = {"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "metadata": {"name": name}}
    whole = {"targetRef": {"name": name}, "analysis": {"metrics": metrics, **(analysis or {})}, **spec}
    return {**head, "spec": whole}


def tick(name, **more):
    return {"name": name, "query": "up", "thresholdRange": {"max": 1}, **more}


# ---- counters


@pytest.mark.parametrize(
    ("error", "total", "says"),
    [
        ("sum(increase(b[5m]))", "sum(rate(a[5m]))", "is an increase over 5m00s, and the total is a rate"),
        ("sum(rate(b[5m]))", "sum(increase(a[{{.window}}]))", "the total is an increase over {{.window}}"),
        ("sum(increase(b[1h]))", "sum(increase(a[5m]))", "no share of events"),
        ("sum(increase(a[5m])) - sum(rate(g[5m]))", "sum(increase(a[5m]))", "no share of events"),
    ],
)
def test_a_rate_is_no_part_of_an_increase(error, total, says):
    found = read(sloth(error, total))
    assert found.objectives == []
    assert says in told(found.refused)


@pytest.mark.parametrize(
    ("error", "total"),
    [
        ("sum(rate(b[1m]))", "sum(rate(a[5m]))"),
        ("sum(increase(b[{{.window}}]))", "sum(increase(a[{{.window}}]))"),
        ("sum(increase(b[300s]))", "sum(increase(a[5m]))"),
    ],
)
def test_rates_over_any_time_and_increases_over_the_same_are_alike(error, total):
    assert [(one.errors, one.total) for one in read(sloth(error, total)).objectives] == [("b", "a")]


@pytest.mark.parametrize(
    ("part", "total"),
    [
        ("x", 'x{job="a"}'),
        ('x{le="1",job="a"}', 'x{job="a",le="1",code="200"}'),
        ('x{job=~".*"}', 'x{job="a"}'),
        ("l_count", 'l_bucket{job="a",le="+Inf"}'),
    ],
)
def test_events_that_hold_all_the_total_counts_are_refused_wherever_they_are_written(part, total):
    assert "every event would be good for ever" in told(read(openslo(good=part, total=total)).refused)
    assert "every event would be bad for ever" in told(read(openslo(bad=part, total=total)).refused)
    if "l_" not in part:
        problems = list(broken({"checks": {"prometheus": "http://p", "slos": [own(part, total)]}}))
        assert any("every event would be good" in what for _, what in problems)


def own(good, total):
    return {"name": "a", "objective": 99, "good": good, "total": total}


@pytest.mark.parametrize(("part", "total"), [('x{code="200"}', "x"), ('x{code=~"2.."}', 'x{code=~".+"}'), ("y", "x")])
def test_events_that_are_a_part_are_taken(part, total):
    assert len(read(openslo(good=part, total=total)).objectives) == 1
    problems = broken({"checks": {"prometheus": "http://p", "slos": [own(part, total)]}})
    assert not any("for ever" in what for _, what in problems)


@pytest.mark.parametrize("guard", ["or vector(0)", "> 0"])
def test_a_guard_on_good_events_is_left_out_with_what_holds_here(guard):
    found = read(openslo(good=f"sum(rate(g[5m])) {guard}", total="sum(rate(a[5m]))"))
    assert found.objectives[0].good == "g"
    assert "where no good event was counted, all are bad here" in told(found.notes)
    assert "cannot tell" not in told(found.notes)


def test_a_guard_that_makes_good_events_is_refused():
    assert read(openslo(good="sum(rate(g[5m])) or vector(1)", total="sum(rate(a[5m]))")).objectives == []


def test_indicators_of_one_name_that_differ_are_told_and_the_same_twice_is_one():
    def sli(query):
        ratio = {
            "counter": True,
            "good": {"metricSource": {"spec": {"query": query}}},
            "total": {"metricSource": {"spec": {"query": "all_total"}}},
        }
        head = {"apiVersion": "openslo/v1", "kind": "SLI", "metadata": {"name": "i"}}
        return {**head, "spec": {"ratioMetric": ratio}}

    slo = openslo(good="g", total="a")
    slo["spec"] = {"objectives": [{"target": 0.99}], "indicatorRef": "i"}
    assert [one.good for one in read(slo, sli("g"), sli("g")).objectives] == ["g"]
    found = read(slo, sli("g"), sli("h"))
    assert found.objectives == []
    assert "the files have different SLIs 'i' (1.yaml:1, 2.yaml:1)" in told(found.refused)


def test_bad_events_beside_good_ones_are_taken_and_the_good_ones_noted():
    found = read(openslo(bad="b", good="g", total="a"))
    assert [(one.errors, one.good) for one in found.objectives] == [("b", None)]
    assert "good: is not looked at" in told(found.notes)


@pytest.mark.parametrize("grouping", ["by (pod)", "without (pod)", "without ()"])
def test_a_sum_by_labels_is_noted(grouping):
    found = read(sloth(f"sum {grouping} (rate(b[5m]))", "sum(rate(a[5m]))"))
    assert "sums by labels" in told(found.notes)


@pytest.mark.parametrize("word", ["$__rate_interval", "${window}", "[[window]]"])
def test_a_window_that_a_dashboard_fills_in_is_told_as_that(word):
    found = read(sloth(f"sum(rate(b[{word}]))", "sum(rate(a[5m]))"))
    assert f"it holds {word}, which only a dashboard fills in" in told(found.refused)


@pytest.mark.parametrize("query", ['up{ns="$ns",pod=~"{canary}"}', "up{ns=~'${ns}|x'}", "up{ns=`[[ns]]`}"])
def test_a_variable_of_a_dashboard_is_noted_in_checks_too(query):
    metric = {"count": 1, "provider": {"prometheus": {"query": query}}}
    assert "nothing here fills that in" in told(read(argo(metric)).notes)
    assert "nothing here fills that in" in told(read(canary("c", [tick("x", query=query)])).notes)


@pytest.mark.parametrize("query", ['up{code=~"5..$"}', 'label_replace(up, "v", "$1", "pod", "(.*)")', "up > 5"])
def test_what_is_no_variable_is_not_noted(query):
    metric = {"count": 1, "provider": {"prometheus": {"query": query}}}
    assert "nothing here fills that in" not in told(read(argo(metric)).notes)


# ---- Argo


@pytest.mark.parametrize("rule", ["errors", ".*", "err", "^errors$", "err.*", "(errors|latency)", "[a-z]+"])
def test_a_dry_run_is_left_out_for_it_fails_nothing(rule):
    found = read(argo({"count": 1}, dryRun=[{"metricName": rule}]))
    assert found.thresholds == []
    assert "is a dry run in Argo" in told(found.refused)


@pytest.mark.parametrize("rule", ["latency", "^rors", "errors2"])
def test_a_metric_that_no_dry_run_names_is_kept(rule):
    assert len(read(argo({"count": 1}, dryRun=[{"metricName": rule}])).thresholds) == 1


@pytest.mark.parametrize("none", [0, "0"])
def test_no_successes_in_a_row_are_asked_where_argo_asks_for_none(none):
    (one,) = read(argo({"count": 4, "consecutiveSuccessLimit": none})).thresholds
    assert (one.count, one.successes) == (4, None)


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_condition_is_none(empty):
    (one,) = read(argo({"count": 1, "successCondition": empty, "failureCondition": "result[0] > 1"})).thresholds
    assert (one.success, one.failure) == (None, "result[0] > 1")
    found = read(argo({"count": 1, "successCondition": empty}))
    assert "has neither" in told(found.refused)


@pytest.mark.parametrize("word", ["no", "yes", "off", "true"])
def test_what_yaml_takes_for_a_truth_value_fills_nothing_in(word):
    metric = {"successCondition": "result[0] < {{args.limit}}", "count": 1}
    whole = yaml.safe_dump(argo(metric, args=[{"name": "limit", "value": "WORD"}])).replace(
        "value: WORD", f"value: {word}"
    )
    found = read(whole)
    assert found.thresholds == []
    assert "write the text in quotes" in told(found.notes)
    assert "False" not in told(found.refused)


# ---- Flagger


def test_where_flagger_asks_no_metric_none_is_carried_over():
    found = read(canary("a", [tick("x")], skipAnalysis=True))
    assert found.thresholds == []
    assert "skipAnalysis: is true" in told(found.refused)
    assert len(read(canary("a", [tick("x")], skipAnalysis=False)).thresholds) == 1


def test_canaries_that_say_a_default_or_leave_it_count_alike():
    said = {"threshold": 1, "interval": "60s", "iterations": 1}
    found = read(canary("a", [tick("x")], analysis=said), canary("b", [tick("y")]))
    assert [one.name for one in found.thresholds] == ["x", "y"]
    assert found.refused == []


def test_a_canary_without_a_metric_for_davy_says_nothing_of_how_others_count():
    built_in = [{"name": "request-success-rate", "thresholdRange": {"min": 99}}]
    found = read(canary("a", built_in, analysis={"threshold": 9}), canary("b", [tick("y")], analysis={"threshold": 3}))
    assert [one.name for one in found.thresholds] == ["y"]
    assert found.flagger == {"threshold": 3}


def test_values_that_are_no_text_are_not_written_into_a_query():
    query = "up{a='{{ variables.a }}',b='{{ variables.b }}'}"
    metric = tick("x", query=query, templateVariables={"a": None, "b": False})
    found = read(json.dumps(canary("c", [metric])))
    assert found.thresholds[0].query == query
    assert "write your value in place of {{ variables.a }}" in told(found.notes)


def test_a_range_that_nothing_is_in_is_left_out():
    found = read(canary("a", [tick("x", thresholdRange={"min": 2, "max": 1}), tick("y", thresholdRange={"min": 1})]))
    assert [one.name for one in found.thresholds] == ["y"]
    assert "has a `min` above its `max`" in told(found.refused)


@pytest.mark.parametrize(
    ("target", "says"), [(99.9, "did you mean 0.999, or `targetPercent: 99.9`?"), (250, "between 0 and 1")]
)
def test_percent_where_a_share_is_meant_are_told_with_what_was_meant(target, says):
    slo = openslo(good="g", total="a")
    slo["spec"]["objectives"] = [{"target": target}]
    (problem,) = read(slo).refused
    assert says in problem.what
    assert problem.path == "spec.objectives[0].target"


@pytest.mark.parametrize("line", ["{{/* comment */}}", "{{- else }}", '{{ $x := "a" }}', "{{ .Chart.Name }}"])
def test_what_helm_makes_is_told_to_be_rendered(line):
    (problem,) = read(f"{line}\napiVersion: x\n  - y\n").problems
    assert "looks like a template of Helm's" in problem.what


# ---- files without an objective

SLI = "apiVersion: openslo/v1\nkind: SLI\nmetadata: {name: i}\nspec: {}\n"
INDICATORS = 'spec_version: "1.0"\nindicators: {a: up}\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SLI, "holds no objective: it is of the kind SLI"),
        (INDICATORS, "a file of `indicators` for Keptn"),
        ('spec_version: "1.0"\nobjectives: []\n', "has no `objectives`"),
        ('spec_version: "1.0"\nobjectives:\n', "has no `objectives`"),
        ("version: prometheus/v1\nslos: []\n", "has no `slos`"),
    ],
)
def test_a_file_that_holds_no_objective_is_told_why(text, says):
    assert says in told(read(text).refused)
    found = slo_formats.read([("a.yaml", text)])
    assert found.refused or found.problems


def test_what_is_referred_to_beside_an_objective_is_no_problem():
    slo = openslo(good="g", total="a")
    assert read(slo, SLI).refused == []
    assert slo_formats.read([("a.yaml", yaml.safe_dump(slo)), ("b.yaml", SLI)]).refused == []
