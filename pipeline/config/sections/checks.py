"""Checks config: what `davy.yaml` may say under `checks`, as frozen values."""

import math
from datetime import timedelta
from typing import Annotated, Literal

from davy.pipeline.config.parsing.fields import Before, Duration, Name, Share, Within, Written
from davy.pipeline.config.parsing.section import Part, part, setting
from davy.pipeline.config.sections.servers import Servers

LintRule = Literal[
    "absent", "bound", "cardinality", "irate", "never-fails", "or-vector", "quantile", "rate-after-sum", "recorded",
    "short-window", "sides", "subquery", "unparsed",
]  # fmt: skip
"""What the query linter may find; docs/prometheus.md says why each matters."""


LOW = "low-objective"
"""The word of acceptance for an objective below 50 %."""


@part
class SloConfig(Part):
    """A service level objective by raw counters: `errors` or `good` with `total`, or `histogram` with `under`."""

    name: Name
    objective: float = setting(gt=0, lt=100, description="Percent of good events.")
    errors: str | None = setting(default=None, description="Vector selector of the bad events' counter.")
    good: str | None = setting(
        default=None, description="In place of `errors`: vector selector of the good events' counter."
    )
    total: str | None = setting(default=None, description="Vector selector of all events' counter.")
    histogram: str | None = setting(default=None, description="Vector selector of the histogram's `_bucket` series.")
    under: Duration | None = setting(
        default=None, description="Good events take at most this long; must be a bucket bound."
    )
    bounds: tuple[Duration, ...] = setting(
        default=(),
        max_length=8,
        description="Bucket bounds that evidence is taken at, `under` among them; by default `under` alone.",
    )
    weight: float = setting(default=1.0, gt=0, description="Weight among the metrics, for the roll-back evidence.")
    window: Duration = setting(
        default=timedelta(days=30),
        description="Over which its error budget counts; the canary is judged on its own traffic.",
    )
    evidence: Literal["conditional", "two_sample"] = setting(
        default="conditional",
        description="How the sides are compared. `two_sample` finds smaller differences where more than a few percent "
        "of all events are bad.",
    )
    accept: tuple[Literal["low-objective"], ...] = setting(
        default=(),
        description="`low-objective`: an objective below 50 % is meant. Else it is refused: most often 0.999 was "
        "written for 99.9.",
    )


@part
class FiledSlo(SloConfig):
    """An objective that stands in an SLO file, and where."""

    file: str
    line: int


@part
class GateConfig(Part):
    """What the error budgets must be like for a release to begin."""

    budget_left: Share = setting(
        default=0.0, description="Every objective must have at least this much of its budget left."
    )
    burning: Literal["refuse", "allow"] = setting(
        default="refuse", description="While a budget burns at a rate that would page: no release, or a warning."
    )


@part
class ThresholdConfig(Part):
    """Any PromQL, held against conditions; `{canary}` and `{stable}` become regexes of pod names."""

    name: Name
    query: str = setting(min_length=1)
    style: Literal["davy", "argo", "flagger"] = setting(
        default="davy",
        description="Whose semantics: `davy` (no number is unknown), `argo` (an AnalysisTemplate's metric, to the "
        "letter), `flagger` (a Canary's metric; its counting is `checks.flagger`).",
    )
    success: str | None = setting(default=None, description="Condition on the value, such as `>= 0.95`.")
    failure: str | None = setting(default=None, description="Condition on the value, such as `> 0.2`.")
    min: float | None = setting(default=None, description="Of `style: flagger`: a lower value fails the check.")
    max: float | None = setting(default=None, description="Of `style: flagger`: a higher value fails the check.")
    interval: Duration = timedelta(seconds=30)
    initial_delay: Duration = setting(
        default=timedelta(0), description="Between the first canary pod's warm-up and measuring."
    )
    count: int | None = setting(
        default=None,
        ge=1,
        description="Good enough after this many measurements within the limits; errors do not count.",
    )
    successes: int | None = setting(
        default=None,
        ge=1,
        description="Good enough after this many successes in a row; 3 where `count` is not said either.",
    )
    failure_limit: int = setting(
        default=0, ge=-1, description="Failed when more measurements than this failed; -1 is no limit."
    )
    inconclusive_limit: int | None = setting(
        default=None,
        ge=0,
        description="Left to a person when more measurements than this held neither condition; 0 with `style: argo`, "
        "else no limit.",
    )
    error_limit: int = setting(default=4, ge=0, description="Unknown errors in a row that end the wait for this check.")
    accept: tuple[LintRule, ...] = setting(default=(), description="Rules of the query linter that it may break.")


@part
class FlaggerConfig(Part):
    """How checks of `style: flagger` are counted, all together."""

    interval: Duration = setting(
        default=timedelta(seconds=60), ge=timedelta(seconds=10), description="Between two ticks; each asks every check."
    )
    threshold: int = setting(
        default=1, ge=1, description="Rolled back at this many failed ticks; they are never forgiven."
    )
    iterations: int = setting(
        default=1, ge=1, description="A step is left after this many good ticks, in a row or not."
    )


@part
class KayentaConfig(Part):
    """The Mann-Whitney judge, by a canary config of Kayenta's."""

    config: str = setting(min_length=1, description="Kayenta's canary config, a JSON file; relative to this file.")
    canary: str = setting(default="{canary}", description="What `${scope}` is on the canary's side.")
    baseline: str = setting(default="{stable}", description="What `${scope}` is on the baseline's side.")
    location: str = setting(default="", description="What `${location}` is.")
    variables: dict[str, str] = setting(default_factory=dict, description="Kayenta's extended scope parameters.")
    pass_: float | None = setting(
        default=None,
        alias="pass",
        ge=0,
        le=100,
        description="A score that passes; by default the config's own, else 95.",
    )
    marginal: float | None = setting(
        default=None, ge=0, le=100, description="A lower score fails; by default the config's own, else 75."
    )
    lifetime: Duration = setting(default=timedelta(hours=3), description="How long each step is analysed.")
    interval: Duration = setting(default=timedelta(hours=1), description="Between two judgements of a step.")
    step: Duration = setting(default=timedelta(seconds=60), description="Between two points of a series.")
    lookback: Duration = setting(
        default=timedelta(0), description="Points this far back are judged; 0 is all of the step's."
    )


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
class ChecksConfig(Part):
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
