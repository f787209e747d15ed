"""The other judges against a real Prometheus: Kayenta's rule over the past, Flagger's ticks, Argo's answers."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from contracts.test_metrics import RealPrometheus
from davy.checks.judges.joint import judge_of
from davy.checks.judges.kayenta.config_file import read
from davy.checks.judges.kayenta.judge import MannWhitneyJudge
from davy.checks.metrics.prometheus.client import Prometheus
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.config.sections.thresholds import KayentaConfig
from davy.pipeline.core.verdict import Decision, Gap
from davy.pipeline.core.workload import ReadyPod, Sides
from lab import facts

pytestmark = pytest.mark.lab
SAWTOOTH = "vector(5 + time() % 7 / 10)"
"""A value that every Prometheus has, at any moment of its past."""


@pytest.fixture(scope="module")
def metrics():
    return Prometheus(facts.read().prometheus)


def sides(since):
    return Sides(
        canary=(ReadyPod(name="new-1", ready_since=since),),
        stable=(ReadyPod(name="old-1", ready_since=since),),
        started_at=since,
    )


def compared(metrics, template, now, **said):
    """The last of two looks at a minute that is over; one look reads 40 points at most."""
    query = {"type": "prometheus", "customInlineTemplate": template}
    text = json.dumps({"metrics": [{"name": "value", "groups": ["g"], "query": query}]})
    config = made(KayentaConfig, {"config": "c", "interval": "20s", "lifetime": "40s", "step": "1s", **said})
    judge = MannWhitneyJudge(metrics, config, read(text, "c", config), timedelta(0))
    ready = sides(now - config.lifetime - timedelta(seconds=1))
    return [judge.look(ready, now, 2.0) for _ in range(2)][-1]


def test_a_canary_half_as_large_again_is_high_and_one_of_the_same_size_passes(metrics):
    template, now = f"PromQL:{SAWTOOTH} * ${{scope}}", datetime.now(UTC)
    verdict = compared(metrics, template, now, canary="1.5", baseline="1")
    assert verdict.decision is Decision.ROLL_BACK, verdict.sentence
    assert "value High, effect 1.5" in verdict.sentence
    assert verdict.evidence[0].canary.total == verdict.evidence[0].stable.total == 41
    verdict = compared(metrics, template, now, canary="1.0001", baseline="1")
    assert verdict.decision is Decision.PROMOTE, verdict.sentence
    assert "judgement 2 of 2" in verdict.sentence


def test_pods_are_told_apart_by_their_names_in_samples_that_were_scraped(tmp_path):
    if not shutil.which("prometheus"):
        pytest.skip("no prometheus binary here")
    real = RealPrometheus(tmp_path)
    try:
        for second in range(14):
            for pod, value in (("new-1", 150), ("old-1", 100)):
                real.exporter.values["latency", f'pod="{pod}"'] = value + second % 5
            real.scraped(1)
        said = {"interval": "8s", "lifetime": "8s"}
        verdict = compared(real.metrics, 'PromQL:latency{pod=~"${scope}"}', datetime.now(UTC), **said)
    finally:
        real.close()
    assert verdict.decision is Decision.ROLL_BACK, verdict.sentence
    assert verdict.evidence[0].value == pytest.approx(1.5, abs=0.05)


def ticked(metrics, query, **fields):
    config = made(
        ChecksConfig,
        {
            "prometheus": "http://p.example",
            "judge": "threshold",
            "thresholds": [{"name": "own", "query": query, "style": "flagger", **fields}],
            "flagger": {"interval": "10s", "threshold": 2, "iterations": 2},
        },
    )
    judge = judge_of(config, metrics, timedelta(0))
    now = datetime.now(UTC)
    ready = sides(now - timedelta(minutes=1))
    return [judge.look(ready, now - timedelta(seconds=ago), 2.0) for ago in (20, 10, 0)]


@pytest.mark.parametrize(
    ("query", "gap"),
    [("no_such_metric_at_all", Gap.EMPTY), (f"0 * {SAWTOOTH} / 0", Gap.NAN), (f"{SAWTOOTH} < -1", Gap.EMPTY)],
)
def test_no_value_and_a_value_that_is_no_number_fail_flaggers_ticks(metrics, query, gap):
    last = ticked(metrics, query, min=0)[-1]
    assert (last.decision, last.gaps) == (Decision.ROLL_BACK, {"own": gap})


def test_values_in_their_range_are_good_ticks_and_those_outside_are_not(metrics):
    assert ticked(metrics, SAWTOOTH, min=1)[-1].decision is Decision.PROMOTE
    assert ticked(metrics, SAWTOOTH, max=1)[-1].decision is Decision.ROLL_BACK


def test_a_whole_condition_of_argo_is_asked_of_a_real_answer(metrics):
    check = {"name": "own", "query": SAWTOOTH, "style": "argo", "count": 1, "interval": "1s"}
    for success, decision in (
        ("len(result) > 0 && all(result, # > 0)", Decision.PROMOTE),
        ("result[0] < 0", Decision.ROLL_BACK),
        ("result[99] > 0", Decision.UNKNOWN),
    ):
        config = made(
            ChecksConfig,
            {"prometheus": "http://p.example", "judge": "threshold", "thresholds": [{**check, "success": success}]},
        )
        now = datetime.now(UTC)
        verdict = judge_of(config, metrics, timedelta(0)).look(sides(now - timedelta(minutes=1)), now, 2.0)
        assert verdict.decision is decision, verdict.sentence
