"""Files of other tools: what each of them means here, and that all of what cannot be said is told at once."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.checks import slo_formats
from davy.checks.slo_formats import FileContents
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.rules import broken
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.workflows.config import importer
from slo_texts import (
    ARGO,
    FLAGGER,
    KEPTN,
    KEPTN_SLI,
    OPENSLO,
    OPENSLO_INLINE,
    OPENSLO_SLI,
    PYRRA,
    SLOTH,
    SLOTH_RESOURCE,
)


def read(*texts: str, thresholds: bool = False) -> FileContents:
    return slo_formats.read([(f"{number}.yaml", text) for number, text in enumerate(texts)], thresholds=thresholds)


def told(found: FileContents, kind: str) -> list[str]:
    return [str(one) for one in getattr(found, kind)]


def the_only(found: FileContents, kind: str) -> str:
    (one,) = told(found, kind)
    return one


def test_sloth_gives_counters_and_latency_and_says_what_it_leaves() -> None:
    found = read(SLOTH)
    errors, latency = found.objectives
    assert (errors.name, errors.objective, errors.window) == ("requests-availability", 99.9, timedelta(days=30))
    assert errors.errors == 'http_requests_total{job="checkout",code=~"(5..|429)"}'
    assert errors.total == 'http_requests_total{job="checkout"}'
    assert (latency.histogram, latency.under) == ('http_seconds_bucket{job="checkout"}', timedelta(milliseconds=300))
    assert (errors.file, errors.line, latency.line) == ("0.yaml", 6, 14)
    assert (found.refused, found.problems) == ([], [])
    assert any("slos[0].alerting: is not carried over" in note for note in told(found, "notes"))
    assert any("vector(0)" in note for note in told(found, "notes"))


def test_sloths_resource_says_the_same_in_kubernetes_manner() -> None:
    (one,) = read(SLOTH_RESOURCE).objectives
    assert (one.name, one.errors, one.total) == (
        "availability", 'http_requests_total{code=~"5.."}', "http_requests_total",
    )  # fmt: skip


def test_pyrra_gives_ratio_latency_and_native_latency() -> None:
    found = read(PYRRA)
    ratio, latency, native = found.objectives
    assert (ratio.objective, ratio.window) == (99.5, timedelta(days=28))
    assert ratio.errors == 'http_requests_total{job="checkout",code=~"5.."}'
    assert (latency.histogram, latency.under) == ('http_seconds_bucket{job="checkout"}', timedelta(milliseconds=100))
    assert (native.histogram, native.under) == ('http_seconds{job="checkout"}', timedelta(milliseconds=100))
    assert "grouping: is not carried over" in the_only(found, "notes")


def test_openslo_finds_its_indicator_in_another_file_and_keeps_good_events() -> None:
    found = read(OPENSLO, OPENSLO_SLI)
    first, second = found.objectives
    assert (first.name, first.objective, first.window) == ("availability-paid-users", 99.9, timedelta(days=28))
    assert (second.name, second.objective) == ("availability-2", 99)
    assert (first.good, first.total) == ('http_requests_total{code!~"5.."}', "http_requests_total")
    assert found.refused == []
    assert any("alertPolicies: is not carried over" in note for note in told(found, "notes"))


def test_openslo_inline_in_a_list_with_a_calendar_rolls_and_says_so() -> None:
    found = read(OPENSLO_INLINE)
    (one,) = found.objectives
    assert (one.name, one.errors, one.total) == ("inline", "errors_total", "requests_total")
    assert one.window == timedelta(days=30)
    assert "the window rolls" in the_only(found, "notes")


def test_an_openslo_without_its_indicator_names_the_missing_file() -> None:
    assert "no SLI 'good-answers' is in the files" in the_only(read(OPENSLO), "refused")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("budgetingMethod: Occurrences", "budgetingMethod: Timeslices"), "good slices of time"),
        (("target: 0.999", "target: 1.0"), "the target 100 %"),
        (("target: 0.999", "target: lots"), "'lots' is no number"),
        (("duration: 28d", "duration: a while"), "'a while' is no duration"),
        (("{targetPercent: 99}", "{displayName: x}"), "needs `target`"),
    ],
)
def test_an_openslo_that_cannot_be_said_is_refused_at_its_line(change: tuple[str, str], says: str) -> None:
    found = read(OPENSLO.replace(*change), OPENSLO_SLI)
    assert any(says in one and one.startswith("0.yaml:") for one in told(found, "refused"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("counter: true", "counter: false"), "set `counter: true`"),
        (("type: Prometheus\n", "type: Datadog\n"), "davy asks Prometheus alone"),
        (("ratioMetric", "thresholdMetric"), "under `checks.thresholds`"),
        (("    good:", "    raw:"), "cannot be had back"),
        (("    good:", "    fine:"), "needs `good` or `bad`"),
        (("sum(http_requests_total)", "'avg(http_requests_total)'"), "a avg(…)"),
    ],
)
def test_an_indicator_that_is_no_two_counters_is_refused_with_what_to_write(change: tuple[str, str], says: str) -> None:
    found = read(OPENSLO, OPENSLO_SLI.replace(*change))
    assert any(says in one and one.startswith("1.yaml:") for one in told(found, "refused"))


def test_every_problem_of_a_file_is_told_at_once_each_with_its_line() -> None:
    text = """
version: prometheus/v1
service: x
slos:
  - name: made
    objective: 99
    sli: {raw: {error_ratio_query: errors:ratio}}
  - name: plugged
    objective: 99
    sli: {plugin: {id: sloth/x}}
  - name: lofty
    objective: 100
    sli: {events: {error_query: 'sum(rate(a[{{.window}}]))', total_query: 'sum(rate(b[{{.window}}]))'}}
  - objective: 99
    sli: {events: {error_query: 'avg(a)', total_query: 3 + 4}}
"""
    found = read(text)
    assert found.objectives == []
    assert [(one.line, one.path) for one in found.refused] == [
        (7, "slos[0].sli.raw"), (10, "slos[1].sli.plugin"), (12, "slos[2].objective"), (14, "slos[3].name"),
        (15, "slos[3].sli.events.error_query"), (15, "slos[3].sli.events.total_query"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("a: [", "no YAML"),
        ("just a text", "no mapping"),
        ("apiVersion: v1\nkind: ConfigMap\n", "apiVersion v1, kind ConfigMap"),
        ("apiVersion: openslo/v1alpha\nkind: SLO\n", "davy reads openslo/v1"),
        (ARGO, "`davy slo import`"),
        (KEPTN, "`davy slo import`"),
        (FLAGGER, "`davy slo import`"),
    ],
)
def test_a_file_that_holds_no_objective_is_a_problem(text: str, says: str) -> None:
    assert any(says in one for one in told(read(text), "problems"))


def test_argos_metrics_are_thresholds_with_their_counting() -> None:
    found = read(ARGO, thresholds=True)
    rate, everywhere = found.thresholds
    assert (rate.style, rate.success, rate.failure) == ("argo", "result[0] >= 0.95", "result[0] < 0.9")
    assert (rate.interval, rate.failure_limit, rate.error_limit) == (timedelta(minutes=1), 3, 2)
    assert (rate.count, rate.initial_delay, rate.inconclusive_limit) == (10, timedelta(seconds=30), 1)
    assert "[5m]" in rate.query
    assert (everywhere.success, everywhere.successes) == ("all(result, # < 0.5)", 3)
    notes = "\n".join(told(found, "notes"))
    for part in ("address", "{{ args.service-name }}", "Argo measures until it is stopped"):
        assert part in notes


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("result[0] >= 0.95", "result[0] / 2 >= 0.95"), "is no condition"),
        (
            ("        prometheus:\n          address", "        datadog:\n          address"),
            "davy asks Prometheus alone",
        ),
        (("      successCondition: 'all(result, # < 0.5)'\n", ""), "neither `successCondition` nor `failureCondition`"),
    ],
)
def test_what_argo_can_say_and_davy_cannot_is_refused(change: tuple[str, str], says: str) -> None:
    assert any(says in one for one in told(read(ARGO.replace(*change), thresholds=True), "refused"))


def test_flaggers_metrics_are_thresholds_with_their_templates_filled_in() -> None:
    found = read(FLAGGER, thresholds=True)
    (one,) = found.thresholds
    assert (one.name, one.style, one.min, one.max) == ("404s-percentage", "flagger", None, 5)
    assert found.flagger == {"interval": timedelta(minutes=1), "threshold": 5}
    assert 'namespace="shop",target="checkout",code="404"}[2m]' in one.query
    assert "request-success-rate" not in "\n".join(told(found, "notes"))
    assert "a query of Flagger's own" in the_only(found, "refused")
    assert "webhooks: is not carried over" in "\n".join(told(found, "notes"))


def test_canaries_that_count_otherwise_are_not_thrown_together() -> None:
    other = FLAGGER.replace("threshold: 5", "threshold: 2").replace("404s", "other")
    assert any("counts otherwise" in one for one in told(read(FLAGGER, other, thresholds=True), "refused"))


def test_a_condition_of_several_parts_comes_through_as_it_is() -> None:
    found = read(ARGO.replace("result[0] >= 0.95", "len(result) == 0 || result[0] >= 0.95"), thresholds=True)
    assert found.thresholds[0].success == "len(result) == 0 || result[0] >= 0.95"


def test_a_template_without_a_canary_is_refused_for_its_range() -> None:
    template = FLAGGER.split("---")[1]
    assert "without a range" in the_only(read(template, thresholds=True), "refused")


def test_keptn_gives_absolute_criteria_and_tells_of_the_rest() -> None:
    found = read(KEPTN, KEPTN_SLI, thresholds=True)
    (one,) = found.thresholds
    assert (one.name, one.success, one.failure) == ("response_time_p95", "< 600", "> 800")
    assert 'svc="checkout",stage="$STAGE"' in one.query
    notes = "\n".join(told(found, "notes"))
    for part in ("<=+10%", "comparison", "total_score", "weight", "key_sli", "$STAGE", "has no `pass`"):
        assert part in notes


def test_keptn_without_its_indicators_names_the_file_that_is_missing() -> None:
    assert "name Keptn's SLI file" in the_only(read(KEPTN, thresholds=True), "refused")


def test_whatever_is_imported_is_what_a_davy_yaml_may_say() -> None:
    found = read(SLOTH, PYRRA, OPENSLO, OPENSLO_SLI, ARGO, FLAGGER, KEPTN, KEPTN_SLI, thresholds=True)
    checks = {"prometheus": "http://p.example:9090", **importer.checks(found)}
    assert made(ChecksConfig, checks).slos
    assert [finding for finding in broken({"checks": checks}) if finding[0][0] == "checks"] == []  # type: ignore[dict-item]


WORDS = st.sampled_from(["", "x", "99", "0.9", "sum(rate(a[5m]))", "30d", "{{.window}}", "5%", "result[0] > 1"])
KEYS = [
    "spec", "slos", "sli", "events", "error_query", "total_query", "objectives", "target", "indicator", "ratioMetric",
    "good", "total", "metrics", "provider", "prometheus", "query", "analysis", "thresholdRange", "min", "max",
    "criteria", "pass", "name", "metadata", "interval",
]  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
TOPS = ["spec", "slos", "objectives", "metadata"]
HEADS = [
    {"version": "prometheus/v1"},
    {"apiVersion": "openslo/v1", "kind": "SLO"},
    {"apiVersion": "pyrra.dev/v1alpha1", "kind": "ServiceLevelObjective"},
    {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate"},
    {"apiVersion": "flagger.app/v1beta1", "kind": "Canary"},
    {"spec_version": "1.0"},
]


@given(
    head=st.sampled_from(HEADS),
    body=st.dictionaries(st.sampled_from(["spec", "slos", "objectives", "metadata"]), VALUES),
)
def test_no_document_makes_a_reader_raise_or_pass_in_silence(head: dict[str, str], body: dict[str, object]) -> None:
    found = read(json.dumps({**head, **body}), thresholds=True)
    assert found.objectives or found.thresholds or found.refused or found.problems or "spec_version" in head
