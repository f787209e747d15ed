"""What an import prints is a part of davy.yaml that validates, and says again what was read."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from davy.checks import slo_formats
from davy.checks.preflight import lint
from davy.checks.preflight.remark import RemarkSeverity
from davy.pipeline.config import file
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.workflows.cli.commands import slo
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

AROUND = yaml.safe_dump(importer.AROUND)
FORMATS = [
    (SLOTH,), (SLOTH_RESOURCE,), (PYRRA,), (OPENSLO, OPENSLO_SLI), (OPENSLO_INLINE,), (KEPTN, KEPTN_SLI), (ARGO,),
    (FLAGGER,), (SLOTH, ARGO, FLAGGER, KEPTN, KEPTN_SLI),
]  # fmt: skip


def pasted(printed: str) -> ChecksConfig:
    """The checks of a davy.yaml with the printed part in it; the server is written in as a person would."""
    part = printed.replace("checks:\n", "checks:\n  prometheus: http://prometheus:9090\n", 1)
    config = file.parsed(AROUND + part, "davy.yaml", {}).checks
    assert [one for one in lint.remarks(config) if one.severity is RemarkSeverity.ERROR] == []
    return config


def found_of(*texts: str) -> slo_formats.FileContents:
    found = slo_formats.read([(f"{number}.yaml", text) for number, text in enumerate(texts)], thresholds=True)
    importer.settle(found)
    return found


def said_again(found: slo_formats.FileContents) -> None:
    """What is printed, read as davy.yaml, is what the file was read as."""
    if not found.objectives and not found.thresholds:
        return
    printed = yaml.dump({"checks": importer.checks(found)}, sort_keys=False, allow_unicode=True)
    config = pasted(printed)
    keys = ("name", "objective", "errors", "good", "total", "histogram", "under", "window")
    mine, theirs = ([[getattr(one, key) for key in keys] for one in group] for group in (config.slos, found.objectives))
    assert mine == theirs
    assert list(config.thresholds) == found.thresholds
    for key, value in (found.flagger or {}).items():
        if any(one.style == "flagger" for one in found.thresholds):
            assert getattr(config.flagger, key) == value


@pytest.mark.parametrize("texts", FORMATS)
def test_files_of_every_format_are_printed_so_that_they_validate_and_mean_the_same(texts, tmp_path: Path) -> None:
    files = []
    for number, text in enumerate(texts):
        files.append(tmp_path / f"{number}.yaml")
        files[-1].write_text(text)
    run = CliRunner().invoke(slo.import_.command(), [*map(str, files)], catch_exceptions=False)
    assert run.exit_code == 0, run.output
    pasted(run.stdout)
    said_again(found_of(*texts))


def argo(query: str, **more: object) -> str:
    metric = {"name": "m", "successCondition": "result[0] < 1", "count": 3, "interval": "1m", **more}
    metric["provider"] = {"prometheus": {"query": query}}
    head = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "spec": {"metrics": [metric]}}
    return json.dumps(head)


@pytest.mark.parametrize(
    "query",
    [
        'label_replace(up{pod=~"{canary}"}, "version", "${1}", "pod", "(.*)-.*")',
        'label_replace(up, "v", "$1", "pod", "(.*)") > $$',
        "up # ${HOME} and $${HOME}\n  and up",
        "  up\n\n\tand up  ",
        "'quoted: yes' == bool up",
    ],
)
def test_a_query_is_printed_so_that_it_is_read_as_it_was(query) -> None:
    found = found_of(argo(query))
    said_again(found)
    assert found.thresholds[0].query == "\n".join(line.rstrip() for line in query.strip().splitlines())


def test_a_variable_is_printed_escaped() -> None:
    printed = json.dumps(importer.checks(found_of(argo('label_replace(up, "v", "${1}", "pod", "(.*)")'))))
    assert "$${1}" in printed


@pytest.mark.parametrize(("query", "rule"), [("rate(x[30s])", "short-window"), ("rate(sum(x)[5m:])", "rate-after-sum")])
def test_a_query_that_the_linter_refuses_is_kept_with_its_rule_accepted_and_told(query, rule) -> None:
    found = found_of(argo(query))
    assert found.thresholds[0].accept == (rule,)
    assert any(f"`accept: [{rule}]`" in note.what for note in found.notes)
    said_again(found)


@pytest.mark.parametrize("more", [{"interval": "0s"}, {"interval": "0m"}])
def test_what_davy_yaml_cannot_say_is_left_out_with_its_words(more) -> None:
    found = found_of(argo("up", **more))
    assert found.thresholds == []
    assert any("must be above 0s" in one.what and one.path == "m" for one in found.refused)


LABELS = st.sampled_from(
    ['{code=~"5.."}', '{a="$x"}', "{path=~`/v\\d+`}", '{le="0.3"}', '{le="300"}', "{a='b',c!=\"d\"}", ""]
)
NAMES = st.sampled_from(["a", "lat_seconds", "lat_milliseconds", "http_total", "x:y:z"])
SUFFIXES = st.sampled_from(["", "_bucket", "_count", "_total"])
WINDOWS = st.sampled_from(["[{{.window}}]", "[5m]", "[1h]"])
GUARDS = st.sampled_from(["", " or vector(0)", " > 0", " or on() vector(1)"])
sums = st.builds(
    lambda name, suffix, labels, window, guard: f"sum(rate({name}{suffix}{labels}{window})){guard}",
    NAMES, SUFFIXES, LABELS, WINDOWS, GUARDS,
)  # fmt: skip
errors = st.one_of(sums, st.builds(lambda one, two: f"{one} - ({two})", sums, sums))
percents = st.sampled_from([99.9, 99.99, 50, 49.9, 0.999, 95, "99.5", 100, 0, "x"])
slos = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a", "b", "a b", "ünï", "-x-", "no", "9" * 70]),
        "objective": percents,
        "sli": st.builds(lambda bad, total: {"events": {"error_query": bad, "total_query": total}}, errors, sums),
    }
)
spans = st.sampled_from(["30s", "5s", "1m", "0s", "{{args.every}}", "1h30m", "10ms", "soon"])
counts = st.sampled_from([0, 1, 3, -1, "2", "{{args.n}}", "{{args.none}}", 1.5])
metrics = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["m", "n", "a", "m m"]),
        "provider": st.builds(
            lambda query: {"prometheus": {"query": query}},
            st.one_of(sums, st.sampled_from(["up", "rate(x[30s])", "x{a='${b}'}", "rate(sum(x)[5m:])"])),
        ),
    },
    optional={
        "successCondition": st.sampled_from(["result[0] < 1", "result[0] >= {{args.n}}", "true", "all(result, # < 5)"]),
        "failureCondition": st.sampled_from(["result[0] > 1", "len(result) == 0"]),
        "interval": spans, "initialDelay": spans, "count": counts, "failureLimit": counts,
        "consecutiveErrorLimit": counts, "inconclusiveLimit": counts,
    },
)  # fmt: skip
criteria = st.sampled_from(["<600", "<=400", ">=99.5", "=1", "<+10%", "> 0.1", "nope"])
lists = st.lists(st.builds(lambda one: {"criteria": one}, st.lists(criteria, min_size=1, max_size=2)), max_size=2)
keptns = st.fixed_dictionaries({"sli": st.sampled_from(["m", "k"]), "pass": lists}, optional={"warning": lists})
limits = st.dictionaries(st.sampled_from(["min", "max"]), st.sampled_from([0, 1, 99.9, "5", 1e-7]), max_size=2)
ticks = st.fixed_dictionaries(
    {"name": st.sampled_from(["f", "g", "m"]), "query": st.sampled_from(["up", "rate(x[{{ interval }}])", "a[30s]"])},
    optional={"thresholdRange": limits, "interval": spans, "threshold": st.just(5)},
)
analyses = st.fixed_dictionaries(
    {"metrics": st.lists(ticks, max_size=2)}, optional={"interval": spans, "threshold": counts, "iterations": counts}
)
sources = st.builds(lambda query: {"metricSource": {"type": "prometheus", "spec": {"query": query}}}, st.one_of(
    sums, st.builds(lambda name, labels: f"{name}{labels}", NAMES, LABELS),
))  # fmt: skip
ratios = st.fixed_dictionaries(
    {"total": sources}, optional={"good": sources, "bad": sources, "counter": st.booleans(), "raw": sources}
)
openslos = st.builds(
    lambda name, ratio, targets, window: {
        "apiVersion": "openslo/v1", "kind": "SLO", "metadata": {"name": name},
        "spec": {
            "indicator": {"spec": {"ratioMetric": ratio}}, "timeWindow": [{"duration": window}],
            "objectives": [{"target": target} for target in targets],
        },
    },
    st.sampled_from(["o", "a", "ü"]), ratios, st.lists(st.sampled_from([0.999, "0.95", 99.9, 0.3]), max_size=2),
    st.sampled_from(["30d", "4w", "1Q", "0d", "soon"]),
)  # fmt: skip
selectors = st.builds(lambda *parts: {"metric": "".join(parts)}, NAMES, SUFFIXES, LABELS)
indicators = st.one_of(
    st.fixed_dictionaries({"ratio": st.fixed_dictionaries({"errors": selectors, "total": selectors})}),
    st.fixed_dictionaries({"latency": st.fixed_dictionaries({"success": selectors, "total": selectors})}),
    st.fixed_dictionaries({"latencyNative": st.fixed_dictionaries({"latency": spans, "total": selectors})}),
)
pyrras = st.builds(
    lambda name, target, window, indicator: {
        "apiVersion": "pyrra.dev/v1alpha1", "kind": "ServiceLevelObjective", "metadata": {"name": name},
        "spec": {"target": target, "window": window, "indicator": indicator},
    },
    st.sampled_from(["p", "a", "9" * 70]), percents, st.sampled_from(["4w", "1h", "0s"]), indicators,
)  # fmt: skip
ARGS = [{"name": "every", "value": "2m"}, {"name": "n", "value": "5"}]
documents = st.one_of(
    openslos,
    pyrras,
    st.builds(lambda some: {"version": "prometheus/v1", "slos": some}, st.lists(slos, min_size=1, max_size=3)),
    st.builds(
        lambda some: {
            "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "spec": {"args": ARGS, "metrics": some},
        },
        st.lists(metrics, min_size=1, max_size=3),
    ),
    st.builds(
        lambda some: {"spec_version": "1.0", "objectives": some}, st.lists(keptns, min_size=1, max_size=2)
    ),
    st.just({"spec_version": "1.0", "indicators": {"m": "up", "k": "max(x{a=\"$SERVICE\"})"}}),
    st.builds(
        lambda one: {"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "spec": {"analysis": one}},
        analyses,
    ),
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(documents, min_size=1, max_size=4))
def test_whatever_is_printed_validates_and_means_what_was_read(some) -> None:
    found = found_of("\n---\n".join(map(json.dumps, some)))
    said_again(found)


@settings(max_examples=60)
@given(
    st.floats(50, 99.999999, exclude_min=True),
    st.timedeltas(timedelta(milliseconds=1), timedelta(hours=2)),
    st.sampled_from(["d", "h", "m"]),
    st.integers(1, 400),
)
def test_numbers_and_spans_come_through_as_they_are(percent, under, unit, count) -> None:
    pyrra = {
        "apiVersion": "pyrra.dev/v1alpha1", "kind": "ServiceLevelObjective", "metadata": {"name": "p"},
        "spec": {
            "target": repr(percent), "window": f"{count}{unit}",
            "indicator": {"latencyNative": {"latency": f"{under // timedelta(milliseconds=1)}ms",
                                            "total": {"metric": "seconds"}}},
        },
    }  # fmt: skip
    found = found_of(json.dumps(pyrra))
    assert [one.objective for one in found.objectives] == [percent]
    said_again(found)
