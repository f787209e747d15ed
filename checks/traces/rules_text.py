"""Rules text: the rules a configuration sets, as the header of a trace; a rollout's journal keeps this text. Pure."""

import json

from davy.checks.judges.sequential.judge import AGAINST, metric_of, rules_of
from davy.checks.traces.trace import BESIDE, Trace, header_document
from davy.pipeline.config.sections.checks import ChecksConfig


def text(checks: ChecksConfig) -> str:
    """One line of JSON; empty where nothing is judged by counts.

    A dispersion that is estimated is noted by the rollout's first window, for by then it is known.
    """
    if checks.judge == "threshold" or not checks.slos:
        return ""
    dispersion = 1.0 if checks.dispersion == "auto" else checks.dispersion
    metrics = tuple(metric_of(slo, dispersion, AGAINST[checks.baseline]) for slo in checks.slos)
    measured = checks.dispersion == "auto"
    origin = "the stable pods' own past, or 2 where that is too short" if measured else "the configuration"
    origins = {metric.name: origin for metric in metrics}
    trace = Trace(metrics=metrics, rules=rules_of(checks), worse=checks.worse, origins=origins)
    document = header_document(trace)
    if checks.thresholds:
        document[BESIDE] = [check.name for check in checks.thresholds]
    return json.dumps(document, separators=(",", ":"), allow_nan=False)
