"""Checks: what `davy.yaml` may say under `checks`, as frozen values."""

import math
from datetime import timedelta
from typing import Annotated, Literal

from davy.pipeline.config.parsing.fields import Before, Duration, Name, Within, Written
from davy.pipeline.config.parsing.section import Section, part, setting
from davy.pipeline.config.sections.objectives import GateConfig, SloConfig
from davy.pipeline.config.sections.servers import Servers
from davy.pipeline.config.sections.thresholds import FlaggerConfig, KayentaConfig, ThresholdConfig


def _clusters(value: object) -> object:
    """One problem for both of what it may be."""
    try:
        fits = value == "auto" or (not isinstance(value, bool) and 1 <= float(str(value)) < math.inf)
    except ValueError:
        fits = False
    if not fits:
        raise ValueError("must be `auto`, or a number from 1 up")
    return value


Clusters = Annotated[
    Literal["auto"] | float,
    Before(_clusters),
    Written({"anyOf": [{"enum": ["auto"], "type": "string"}, {"type": "number", "minimum": 1}]}),
]
"""How many times more bad events scatter than single ones would, or `auto`."""


@part
class ChecksConfig(Section):
    """Questions put to Prometheus."""

    prometheus: Servers
    quorum: int | None = setting(
        default=None, ge=1, description="How many of several servers must answer; all by default."
    )
    replica_labels: tuple[str, ...] = setting(
        default=("prometheus_replica", "replica"),
        description="Labels that tell servers of one pair apart; dropped where several are joined.",
    )
    judge: Literal["sequential", "threshold", "mannwhitney"] = "sequential"
    interval: Duration = setting(default=timedelta(seconds=15), description="Time between looks: the scrape interval.")
    pod_label: str = setting(default="pod", description="The label that holds the pod's name.")
    slos: tuple[SloConfig, ...] = ()
    slo_files: tuple[Annotated[str, Within(min_length=1)], ...] = setting(
        default=(), description="Files of OpenSLO, Sloth or Pyrra, relative to this one; their objectives join `slos`."
    )
    gate: GateConfig | None = setting(default=None, description="Asks the error budgets before any traffic moves.")
    thresholds: tuple[ThresholdConfig, ...] = ()
    flagger: FlaggerConfig = FlaggerConfig()
    kayenta: KayentaConfig | None = None
    alpha: float = setting(default=0.01, gt=0, lt=0.5, description="Share of healthy canaries rolled back, at most.")
    beta: float = setting(default=0.05, gt=0, lt=0.5, description="Share of bad canaries promoted, at most.")
    tolerate: float = setting(default=1.1, ge=1, description="Ratio to stable that is still fine.")
    worse: float = setting(
        default=2.0, gt=1, description="Promotion shows that the canary is less than this times worse."
    )
    burn: float = setting(
        default=14.4, gt=0, description="Burn rate of the error budget that rolls back without a baseline."
    )
    burn_weight: float = setting(default=0.2, ge=0, lt=1)
    dispersion: Clusters = setting(
        default="auto", description="How bad events cluster; `auto` is measured on stable's own past, 1 is one by one."
    )
    dispersion_history: Duration = setting(
        default=timedelta(hours=6),
        gt=timedelta(0),
        le=timedelta(days=2),
        description="The past that `auto` is measured on.",
    )
    baseline: Literal["stable", "fresh", "none"] = setting(
        default="stable",
        description="Who the canary is compared with: stable, fresh pods of its version, or its objective alone.",
    )
    baseline_deployment: Name | None = setting(
        default=None,
        description="For `baseline: fresh`: the Deployment of fresh pods of the stable version, in the same namespace.",
    )
    week_ago: bool = setting(
        default=False, description="Tell the rates of the same hour a week ago too; they are no evidence."
    )
