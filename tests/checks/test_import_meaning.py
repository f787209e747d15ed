"""An import keeps what a file means, or leaves the metric out whole and says why."""

import json
from datetime import timedelta

import pytest
import yaml

from davy.checks import slo_formats
from davy.pipeline.core.errors import Unusable
from davy.workflows.config import importer


def read(*texts):
    return slo_formats.read([(f"{number}.yaml", text) for number, text in enumerate(texts)], thresholds=True)


def strictly(*texts):
    return slo_formats.read([(f"{number}.yaml", text) for number, text in enumerate(texts)])


def told(group):
    return "\n".join(map(str, group))


def sloth(*slos, service="shop"):
    items = [
        {"name": name, "objective": objective, "sli": {"events": {"error_query": error, "total_query": total}}}
        for name, objective, error, total in slos
    ]
    return yaml.safe_dump({"version": "prometheus/v1", "service": service, "slos": items})


W = "[{{.window}}]"
BAD, ALL = f'sum(rate(bad_total{{code=~"5.."}}{W}))', f"sum(rate(all_total{W}))"


def argo(metric, *, args=(), provider=None):
    query = {"prometheus": {"query": 'sum(rate(x_total{pod=~"{canary}"}[2m]))'}}
    whole = {"name": "errors", "successCondition": "result[0] < 0.05", "provider": provider or query, **metric}
    return yaml.safe_dump(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AnalysisTemplate",
            "metadata": {"name": "t"},
            "spec": {"args": list(args), "metrics": [whole]},
        }
    )


def keptn(passing, warning=None, query="max(lag_seconds)"):
    item = {"sli": "lag", **({"pass": passing} if passing is not None else {})}
    if warning is not None:
        item["warning"] = [{"criteria": warning}]
    slo = {"spec_version": "1.0", "objectives": [item]}
    return yaml.safe_dump_all([slo, {"spec_version": "1.0", "indicators": {"lag": query}}])


def template(name, query, namespace=None):
    meta = {"name": name} | ({"namespace": namespace} if namespace else {})
    spec = {"provider": {"type": "prometheus"}, "query": query}
    return {"apiVersion": "flagger.app/v1beta1", "kind": "MetricTemplate", "metadata": meta, "spec": spec}


def canary(metrics, *, name="shop", namespace="prod", key="analysis", **analysis):
    meta = {"name": name} | ({"namespace": namespace} if namespace else {})
    target = {"kind": "Deployment", "name": name}
    return {
        "apiVersion": "flagger.app/v1beta1",
        "kind": "Canary",
        "metadata": meta,
        "spec": {"targetRef": target, key: {"metrics": metrics, **analysis}},
    }


def flagger(*documents):
    return yaml.safe_dump_all(documents)


def metric(name, template_name, namespace=None, **more):
    reference = {"name": template_name} | ({"namespace": namespace} if namespace else {})
    return {"name": name, "templateRef": reference, "thresholdRange": {"max": 1}, **more}


# ---- Keptn


@pytest.mark.parametrize(
    ("passing", "warning", "success", "failure"),
    [
        (["<600"], ["<=400"], "< 600", None),
        (["<0.15"], ["<=0.05"], "< 0.15", None),
        ([">=99"], [">99.5"], ">= 99", None),
        (["<600"], [">5"], "< 600", None),
        (["<=600"], ["<600"], "<= 600", None),
        (["<600"], ["<=600"], "< 600", "> 600"),
        (["<600"], ["<=800"], "< 600", "> 800"),
        ([">99"], [">=95"], "> 99", "< 95"),
        (["<600"], ["<600"], "< 600", None),
    ],
)
def test_keptns_pass_is_asked_first(passing, warning, success, failure):
    found = read(keptn([{"criteria": passing}], warning))
    (one,) = found.thresholds
    assert (one.success, one.failure) == (success, failure)
    assert ("warning" in told(found.notes)) is (failure is None and warning != passing)


# ---- Argo


def test_arguments_are_put_into_how_it_is_counted():
    args = [{"name": "every", "value": "2m"}, {"name": "n", "value": "5"}, {"name": "wait", "value": "30s"}]
    found = read(
        argo(
            {
                "interval": "{{args.every}}", "count": "{{ args.n }}", "initialDelay": "{{args.wait}}",
                "failureLimit": "{{args.n}}", "consecutiveErrorLimit": "{{args.n}}",
            },
            args=args,
        )
    )  # fmt: skip
    (one,) = found.thresholds
    assert (one.interval, one.count, one.initial_delay) == (timedelta(minutes=2), 5, timedelta(seconds=30))
    assert (one.failure_limit, one.error_limit, one.successes) == (5, 5, None)
    assert "has no `count`" not in told(found.notes)


@pytest.mark.parametrize(
    "key",
    ["interval", "count", "initialDelay", "failureLimit", "inconclusiveLimit", "consecutiveErrorLimit",
     "consecutiveSuccessLimit", "successCondition", "failureCondition"],
)  # fmt: skip
def test_a_metric_whose_argument_has_no_value_is_left_out_whole(key):
    text = "result[0] < {{args.limit}}" if key.endswith("Condition") else "{{args.limit}}"
    found = read(argo({key: text, "interval": "1m"} | {key: text}, args=[{"name": "limit"}]))
    assert found.thresholds == []
    assert f"{key}: takes args.limit, which has no value" in told(found.refused)


@pytest.mark.parametrize("key", ["interval", "count", "failureLimit", "consecutiveErrorLimit"])
def test_a_metric_whose_counting_is_nonsense_is_left_out_whole(key):
    found = read(argo({key: "soon"}))
    assert found.thresholds == []
    assert key in told(found.refused)


@pytest.mark.parametrize("count", ["0", 0])
def test_a_count_of_nothing_is_without_end(count):
    found = read(argo({"count": count, "interval": "1m"}))
    (one,) = found.thresholds
    assert (one.count, one.successes) == (None, 3)
    assert "has a `count` of 0: Argo measures until it is stopped" in told(found.notes)
    assert "at least 1" not in told(found.refused)


def test_a_query_over_a_range_is_left_out():
    prometheus = {"query": "http_latency_ms", "rangeQuery": {"start": "now()", "end": "now()", "step": "1m"}}
    found = read(argo({"count": 3, "successCondition": "all(result, # < 1000)"}, provider={"prometheus": prometheus}))
    assert found.thresholds == []
    assert "rangeQuery: asks for every point of a span" in told(found.refused)


def test_kayenta_as_a_provider_points_to_its_config():
    assert "`checks.kayenta.config`" in told(read(argo({}, provider={"kayenta": {}})).refused)


@pytest.mark.parametrize("limits", [{"count": 2, "failureLimit": 2}, {"count": 2, "failureLimit": -1}])
def test_a_metric_that_cannot_fail_is_imported_to_the_letter_and_told(limits):
    found = read(argo({**limits, "interval": "1m"}))
    assert found.thresholds[0].failure_limit == limits["failureLimit"]
    assert "cannot fail" in told(found.notes)
    assert "cannot fail" not in told(read(argo({"count": 3, "failureLimit": 2, "interval": "1m"})).notes)


# ---- Flagger

STAGING = template("error-rate", "vector(0)", "staging")
PROD = template("error-rate", "sum(rate(errors_total[1m]))", "prod")


@pytest.mark.parametrize("order", [(STAGING, PROD), (PROD, STAGING)])
@pytest.mark.parametrize("said", ["prod", None])
def test_a_template_is_that_of_its_namespace(order, said):
    found = read(flagger(*order, canary([metric("e", "error-rate", said, interval="1m")], threshold=5)))
    assert [one.query for one in found.thresholds] == ["sum(rate(errors_total[1m]))"]
    assert "is a query without a range" in told(found.refused)


def test_a_template_of_another_namespace_is_not_taken():
    found = read(flagger(STAGING, canary([metric("e", "error-rate", "prod")])))
    assert found.thresholds == []
    assert "no MetricTemplate 'error-rate' of the namespace prod" in told(found.refused)


@pytest.mark.parametrize("namespaces", [(None, None), (None, "prod"), ("prod", None)])
def test_where_a_file_names_no_namespace_the_one_template_is_meant(namespaces):
    own, theirs = namespaces
    found = read(flagger(template("e", "up", own), canary([metric("e", "e")], namespace=theirs)))
    assert [one.query for one in found.thresholds] == ["up"]


def test_canaries_that_count_otherwise_do_not_lend_each_other_their_counting():
    up = [template("a", "up", "prod"), template("b", "up", "prod")]
    first, second = (canary([metric(n, n)], name=n, threshold=t) for n, t in (("a", 5), ("b", 3)))
    found = read(flagger(*up, first, second))
    assert [one.name for one in found.thresholds] == ["a"]
    assert "so its metrics are left out" in told(found.refused)
    alike = read(flagger(*up, first, canary([metric("b", "b")], name="b", threshold=5)))
    assert [one.name for one in alike.thresholds] == ["a", "b"]


def test_a_metric_without_an_interval_has_flaggers():
    query = "sum(rate(x[{{ interval }}]))"
    found = read(flagger(template("e", query, "prod"), canary([metric("e", "e")])))
    assert found.thresholds[0].query == "sum(rate(x[1m]))"


def test_an_interval_that_flagger_raises_is_raised():
    found = read(flagger(template("e", "up", "prod"), canary([metric("e", "e")], interval="5s")))
    assert found.flagger == {"interval": timedelta(seconds=10)}
    assert "Flagger itself raises it" in told(found.notes)


def test_the_older_key_of_the_analysis_uses_its_templates_too():
    found = read(flagger(template("e", "up", "prod"), canary([metric("e", "e")], key="canaryAnalysis")))
    assert [one.name for one in found.thresholds] == ["e"]
    assert "without a range" not in told(found.refused)


# ---- histograms, totals, quotes


@pytest.mark.parametrize("unit", ["milliseconds", "microseconds", "ms", "millis", "nanoseconds"])
def test_a_histogram_of_other_units_is_not_taken_for_seconds(unit):
    whole, bucket = f"sum(rate(lat_{unit}_count{W}))", f'sum(rate(lat_{unit}_bucket{{le="300"}}{W}))'
    (one,) = read(sloth(("latency", 99, f"{whole} - {bucket}", whole))).objectives
    assert (one.good, one.total) == (f'lat_{unit}_bucket{{le="300"}}', f"lat_{unit}_count")
    assert (one.histogram, one.under) == (None, None)


@pytest.mark.parametrize("name", ["lat_seconds", "seconds", "http_request_duration_seconds", "a:seconds:b"])
def test_a_histogram_of_seconds_is_one(name):
    whole, bucket = f"sum(rate({name}_count{W}))", f'sum(rate({name}_bucket{{le="0.3"}}{W}))'
    (one,) = read(sloth(("latency", 99, f"{whole} - {bucket}", whole))).objectives
    assert (one.histogram, one.under) == (f"{name}_bucket", timedelta(milliseconds=300))


@pytest.mark.parametrize(
    "total",
    [
        f"{ALL} > 0", f"({ALL}) > 0", f"{ALL} or vector(1)", f"{ALL} or on() vector(0)", f"({ALL} or vector(0)) > 0",
        f"sum(increase(all_total{W}) or on() vector(0))", f"{ALL} != 0", f"sum(rate(all_total{W}) > 0)",
    ],
)  # fmt: skip
def test_a_guard_on_the_total_is_left_out_and_noted(total):
    bad = BAD.replace("rate", "increase") if "increase" in total else BAD
    found = read(sloth(("a", 99, bad, total)))
    (one,) = found.objectives
    assert (one.errors, one.total) == ('bad_total{code=~"5.."}', "all_total")
    assert "is left out: where nothing was counted davy cannot tell anyway" in told(found.notes)


@pytest.mark.parametrize("total", [f"{ALL} > 5", f"{ALL} > bool 0", f"{ALL} < 0", f"{ALL} + 1", f"{ALL} or up"])
def test_what_is_no_guard_is_refused(total):
    found = read(sloth(("a", 99, BAD, total)))
    assert found.objectives == []
    assert "total_query" in told(found.refused)


def test_guards_inside_of_a_difference_are_left_out():
    whole, bucket = f"sum(rate(l_seconds_count{W}))", f'sum(rate(l_seconds_bucket{{le="1"}}{W}))'
    found = read(sloth(("a", 99, f"{whole} - ({bucket} or vector(0))", whole)))
    assert found.objectives[0].under == timedelta(seconds=1)


def test_raw_texts_of_promql_are_read():
    found = read(sloth(("a", 99, f"sum(rate(http_requests_total{{code=~`5\\d\\d`}}{W}))", ALL)))
    assert found.objectives[0].errors == r'http_requests_total{code=~"5\\d\\d"}'


# ---- OpenSLO


def openslo(objectives, *, indicator="web", others=("other",), **spec):
    def sli(name):
        sources = {
            kind: {"metricSource": {"type": "Prometheus", "spec": {"query": f"sum(rate({name}_{kind}_total[5m]))"}}}
            for kind in ("good", "total")
        }
        return {
            "apiVersion": "openslo/v1", "kind": "SLI", "metadata": {"name": name},
            "spec": {"ratioMetric": {"counter": True, **sources}},
        }  # fmt: skip

    whole = {"objectives": objectives, **({"indicatorRef": indicator} if indicator else {}), **spec}
    slo = {"apiVersion": "openslo/v1", "kind": "SLO", "metadata": {"name": "s"}, "spec": whole}
    return yaml.safe_dump_all([slo, *(sli(name) for name in ("web", *others))])


def test_an_objective_of_its_own_indicator_is_judged_by_that():
    found = read(openslo([{"target": 0.999}, {"target": 0.9, "indicatorRef": "other"}]))
    assert [(one.objective, one.good) for one in found.objectives] == [
        (99.9, "web_good_total"),
        (90, "other_good_total"),
    ]


def test_a_composite_is_judged_one_by_one():
    parts = [{"target": 0.99, "indicatorRef": name, "compositeWeight": 1} for name in ("web", "other")]
    found = read(openslo(parts, indicator=None))
    assert [one.good for one in found.objectives] == ["web_good_total", "other_good_total"]
    assert "compositeWeight" in told(found.notes)


def test_an_objective_with_no_indicator_anywhere_is_refused():
    assert "needs `indicator`" in told(read(openslo([{"target": 0.99}], indicator=None)).refused)
    assert "no SLI 'gone'" in told(read(openslo([{"target": 0.99, "indicatorRef": "gone"}])).refused)


def test_a_plain_selector_that_is_no_counter_is_one_problem():
    text = openslo([{"target": 0.99}]).replace("counter: true", "counter: false")
    text = text.replace("sum(rate(web_good_total[5m]))", "web_good_total")
    found = read(text)
    assert [one.what for one in found.refused] == [
        "is no counter by `counter: false`; set `counter: true` where it only grows"
    ]


# ---- names and documents


def test_a_second_check_of_a_name_is_left_out_with_the_place_of_the_first():
    two = "---\n".join(sloth(("availability", 99, BAD, ALL), service=service) for service in "ab")
    found = read(two)
    assert len(found.objectives) == 1
    assert "a second check 'availability', the first is at 0.yaml:" in told(found.refused)
    mixed = read(sloth(("errors", 99, BAD, ALL)), argo({}))
    assert (len(mixed.objectives), len(mixed.thresholds)) == (1, 0)


@pytest.mark.parametrize("between", ["---\n---\n", "---\n# gone\n---\n", "---\nnull\n---\n", "---\n\n---\n"])
def test_an_empty_document_is_none(between):
    one, two = (sloth((name, 99, BAD, ALL)) for name in "ab")
    for reader in (read, strictly):
        found = reader(f"---\n{one}{between}{two}---\n")
        assert [slo.name for slo in found.objectives] == ["a", "b"]
        assert found.problems == found.refused == []
    assert "is empty" in told(read("---\n---\n# nothing\n").problems)


def test_unknown_kinds_beside_known_ones_are_left_out_by_name():
    other = "---\napiVersion: v1\nkind: Service\n---\napiVersion: argoproj.io/v1alpha1\nkind: Rollout\n"
    found = read(argo({}) + other)
    assert [one.name for one in found.thresholds] == ["errors"]
    assert (found.problems, len(found.refused)) == ([], 2)
    assert "apiVersion v1, kind Service" in told(found.refused)
    assert "kind Service" in told(strictly(sloth(("a", 99, BAD, ALL)) + other).problems)
    assert "kind Service" in told(read(other).problems)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version: 1\nservice: s\nslos: []\n", "it has version 1)"),
        ('version: "1.0.0"\n', "it has version 1.0.0)"),
        ("kind: SLO\n", "it has kind SLO)"),
        ("a: 1\n", "no `apiVersion` and no `version`"),
        (json.dumps({"name": "c", "metrics": [], "classifier": {}}), "`checks.kayenta.config` takes it"),
        (
            "metadata:\n  name: x\n{{- range .Values.metrics }}\n  - a: {{ . }}\n{{- end }}\n",
            "a template of Helm's; render it",
        ),
        ("version: prometheus/v1\nservice: {{ .Values.service }}\n", "a template of Helm's; render it"),
    ],
)
def test_a_file_of_no_known_kind_is_told_by_what_is_there(text, says):
    assert says in told(read(text).problems)


def test_a_key_that_is_there_twice_has_the_path_that_all_others_have():
    text = sloth(("a", 99, BAD, ALL)).replace("  objective: 99\n", "  objective: 99\n  objective: 98\n")
    (problem,) = read(text).problems
    assert problem.path == "slos[0].objective"


@pytest.mark.parametrize("target", [0, 100, -1, 1000])
def test_a_target_out_of_range_has_its_own_line(target):
    text = sloth(("a", target, BAD, ALL))
    (problem,) = read(text).refused
    assert problem.path == "slos[0].objective"
    assert problem.line == text.splitlines().index(f"  objective: {target}") + 1


@pytest.mark.parametrize("word", ["no", "yes", "off", "true"])
def test_a_name_that_yaml_takes_for_a_truth_value_is_told_to_be_quoted(word):
    found = read(sloth(("NAME", 99, BAD, ALL)).replace("name: NAME", f"name: {word}"))
    assert "write it in quotes" in told(found.refused)


@pytest.mark.parametrize("target", [".nan", ".inf", "-.inf", "1e999"])
def test_a_target_that_is_no_number_is_refused(target):
    found = read(openslo([{"target": 0.12345}]).replace("0.12345", target))
    assert found.objectives == []
    assert found.refused or found.problems


# ---- objectives that cannot fail


@pytest.mark.parametrize(
    ("percent", "meant"),
    [("0.999", "99.9"), ("0.9", "90"), ("0.9995", "99.95"), ("0.99999", "99.999"), ("0.5", "50")],
)
def test_a_share_where_percent_are_meant_is_refused_with_what_was_meant(percent, meant):
    found = read(sloth(("a", float(percent), BAD, ALL)))
    assert found.objectives == []
    assert f"{percent} % would let 99 of 100 requests fail; did you mean {meant}?" in told(found.refused)
    assert "accept: [low-objective]" in told(found.refused)
    assert strictly(sloth(("a", float(percent), BAD, ALL))).refused


@pytest.mark.parametrize("percent", [49.9, 30, 1.5])
def test_a_low_objective_is_refused_without_a_guess_where_there_is_none(percent):
    found = read(sloth(("a", percent, BAD, ALL)))
    assert "of 100 requests fail" in told(found.refused)
    assert ("did you mean" in told(found.refused)) is False


def test_the_same_of_pyrra_and_openslo():
    pyrra = {
        "apiVersion": "pyrra.dev/v1alpha1", "kind": "ServiceLevelObjective", "metadata": {"name": "p"},
        "spec": {"target": "0.999", "window": "4w", "indicator": {"ratio": {"errors": {"metric": "bad"},
                                                                            "total": {"metric": "all"}}}},
    }  # fmt: skip
    assert "did you mean 99.9?" in told(read(yaml.safe_dump(pyrra)).refused)
    assert "did you mean 99.9?" in told(read(openslo([{"targetPercent": 0.999}])).refused)
    assert read(openslo([{"target": 0.5}])).objectives[0].objective == 50


def test_good_events_that_are_all_events_are_refused():
    text = openslo([{"target": 0.99}]).replace("web_good_total", "web_total_total")
    assert "counts the same as the total (web_total_total): every event would be good for ever" in told(
        read(text).refused
    )
    assert "every event would be bad for ever" in told(read(sloth(("a", 99, ALL, ALL))).refused)


@pytest.mark.parametrize(
    "query", [f'sum(rate(l_bucket{{le="0.2"}}{W}))', f'sum(rate(l_seconds_bucket{{job="a",le="1.0"}}{W}))']
)
def test_a_bucket_that_is_said_to_be_bad_is_noted(query):
    found = read(sloth(("a", 99, query, f'sum(rate(l_bucket{{le="+Inf"}}{W}))')))
    assert "is a bucket: it counts the events that took at most" in told(found.notes)
    assert len(found.objectives) == 1


@pytest.mark.parametrize("word", ["$namespace", "${namespace}", "[[namespace]]"])
def test_a_variable_of_a_dashboard_is_noted(word):
    found = read(sloth(("a", 99, f'sum(rate(bad_total{{ns="{word}"}}{W}))', ALL)))
    assert f"holds {word}: nothing here fills that in" in told(found.notes)
    assert "nothing here fills" not in told(read(sloth(("a", 99, f'sum(rate(b{{c=~"5..$"}}{W}))', ALL))).notes)


# ---- nothing at all


def test_an_import_of_nothing_tells_its_notes_too(tmp_path):
    file = tmp_path / "keptn.yaml"
    file.write_text(keptn(None))
    with pytest.raises(Unusable) as caught:
        importer.print_checks(importer.ImportOptions(files=(file,), output="text"))
    assert any("has no `pass`" in problem.what for problem in caught.value.problems)


def test_a_file_too_large_is_no_davy_yaml_and_told_as_what_it_is(tmp_path):
    file = tmp_path / "big.yaml"
    file.write_text("#" * 2**21)
    with pytest.raises(Unusable) as caught:
        importer.print_checks(importer.ImportOptions(files=(file,), output="text"))
    assert caught.value.problems[0].what == "is larger than 1 MiB, the most that davy reads of an SLO file"
