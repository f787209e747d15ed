"""Rulebook: the rules a configuration sets, as the header of a trace; a rollout's journal keeps this text. Pure."""

import json
from dataclasses import replace

from davy.checks.judging import metric_of, rules_of
from davy.checks.sequential import Metric
from davy.checks.trace import Trace, header_document
from davy.pipeline.checksconfig import ChecksConfig, SloConfig

BESIDE = "x_beside"
"""Names the threshold checks that had their say too: no journal holds what they measured."""


def text(checks: ChecksConfig) -> str:
    """One line of JSON; empty where nothing is judged by counts."""
    if checks.judge == "threshold" or not checks.slos:
        return ""
    metrics = tuple(_metric(slo, checks.dispersion) for slo in checks.slos)
    document = header_document(Trace(metrics=metrics, rules=rules_of(checks), worse=checks.worse))
    if checks.thresholds:
        document[BESIDE] = [check.name for check in checks.thresholds]
    return json.dumps(document, separators=(",", ":"), allow_nan=False)


def _metric(slo: SloConfig, dispersion: float) -> Metric:
    metric = metric_of(slo, dispersion)
    if metric.bound or slo.under is None:
        return metric
    return replace(metric, bound=f"{slo.under.total_seconds():g}")
