"""Config: what `davy.yaml` may say, as frozen values. Reading the text is `davy.pipeline.configfile`'s."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from davy.pipeline import durations


def _duration(value: object) -> object:
    return durations.parsed(value) if isinstance(value, str) else value


def _weight(value: object) -> object:
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return float(value.strip()[:-1])
        except ValueError as error:
            raise ValueError(f"{value!r} is no share; write it like 5%") from error
    return value


def _step(value: object) -> object:
    return {"weight": value} if isinstance(value, str | int | float) else value


Duration = Annotated[
    timedelta,
    Field(ge=timedelta(0)),
    BeforeValidator(_duration),
    PlainSerializer(durations.shown, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["500ms", "15s", "1m30s", "2h"]}),
]
"""A span of time, written `500ms`, `15s`, `1m30s`, `2h`."""

Weight = Annotated[
    float,
    Field(gt=0, le=100),
    BeforeValidator(_weight),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": r"^\d+(\.\d+)?%$"}, {"type": "number"}]}),
]
"""A share of traffic in percent, written `5%` or `5`."""

Name = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")]


class Part(BaseModel):
    """What every part of the file has in common: unknown keys are refused, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class ImageConfig(Part):
    """An image to build, push and deploy."""

    name: str = Field(description="Registry and repository, without tag.", min_length=1)
    context: str = Field(".", description="Build context, relative to the file.")
    dockerfile: str = Field("Dockerfile", description="Relative to the context.")
    args: dict[str, str] = Field(default_factory=dict, description="Build arguments.")
    target: str | None = Field(None, description="Stage of a multi-stage build.")
    container: str | None = Field(
        None,
        description="Container of the Deployment that runs it; by default the one with the same repository.",
    )


class SuiteConfig(Part):
    """A test suite."""

    name: Name
    in_: Literal["image", "kubernetes"] = Field(alias="in", description="Where it runs.")
    run: str = Field(description="Shell command; $JUNIT names the file the report belongs in.", min_length=1)
    image: str | None = Field(None, description="Name of the image to run in; the first one by default.")
    env: dict[str, str] = Field(default_factory=dict)
    network: str = Field("bridge", description="Docker network, for `in: image`; `none` and `host` are two.")
    memory: str = Field("512Mi", pattern=r"^\d+(Ki|Mi|Gi)$", description="Memory limit.")
    cpus: float = Field(1.0, gt=0, description="CPU limit.")
    timeout: Duration = Field(timedelta(minutes=10), description="Stopped after this long; that is a failure.")
    collect: tuple[str, ...] = Field((), description="Absolute paths in the container, copied out afterwards.")


class KubernetesConfig(Part):
    """Where the Deployment is."""

    namespace: Name = "default"
    deployment: Name
    context: str | None = Field(None, description="Context of the kubeconfig; the current one by default.")
    kubeconfig: str | None = Field(None, description="By default $KUBECONFIG, then ~/.kube/config, then in-cluster.")


class DeployConfig(Part):
    """What is released to."""

    kubernetes: KubernetesConfig


class StepConfig(Part):
    """One step of the canary."""

    weight: Weight = Field(description="Share of traffic.")
    at_least: Duration = Field(timedelta(0), description="Never left sooner.")
    at_most: Duration | None = Field(None, description="Undecided after this long at the step.")
    worse: float | None = Field(
        None,
        gt=1,
        description="Left when the canary is shown to be less than this many times worse.",
    )
    approve: bool = Field(False, description="Wait for a person's `davy canary promote` after the evidence.")


Step = Annotated[StepConfig, BeforeValidator(_step)]
Policy = Literal["hold", "roll_back", "promote"]


class CanaryConfig(Part):
    """How much traffic, how long, what next."""

    steps: tuple[Step, ...] = Field((StepConfig(weight=10), StepConfig(weight=25), StepConfig(weight=50)), min_length=1)
    warmup: Duration = Field(timedelta(seconds=60), description="Left out of the evidence after each pod's Ready.")
    ready_within: Duration = Field(timedelta(minutes=5), description="Canary pods not Ready by then fail it.")
    deadline: Duration = Field(timedelta(hours=1), description="Undecided when no verdict came by then.")
    promote_within: Duration = Field(timedelta(minutes=15), description="The rest of the pods must be Ready by then.")
    bake: Duration = Field(timedelta(minutes=5), description="Watched for this long after 100 %.")
    lease: Duration = Field(
        timedelta(seconds=30), ge=timedelta(seconds=3), description="A runner not heard of for this long is lost."
    )
    on_inconclusive: Policy = Field("hold", description="What to do at the deadline without a verdict.")
    on_lost: Literal["hold", "roll_back"] = Field("roll_back", description="When a runner vanished.")
    on_interrupt: Literal["hold", "roll_back"] = Field("roll_back", description="At Ctrl-C or SIGTERM.")
    accept: tuple[Literal["autoscaler", "disruption-budget"], ...] = Field(
        (), description="Risks that otherwise stop the release before it starts."
    )


class SloConfig(Part):
    """A service level objective by raw counters: `errors` with `total`, or `histogram` with `under`."""

    name: Name
    objective: float = Field(gt=0, lt=100, description="Percent of good events.")
    errors: str | None = Field(None, description="Vector selector of the bad events' counter.")
    total: str | None = Field(None, description="Vector selector of all events' counter.")
    histogram: str | None = Field(None, description="Vector selector of the histogram's `_bucket` series.")
    under: Duration | None = Field(None, description="Good events take at most this long; must be a bucket bound.")
    weight: float = Field(1.0, gt=0, description="Weight among the metrics, for the roll-back evidence.")


class ThresholdConfig(Part):
    """Any PromQL, held against conditions; `{canary}` and `{stable}` become regexes of pod names."""

    name: Name
    query: str = Field(min_length=1)
    success: str | None = Field(None, description="Condition on the value, such as `>= 0.95`.")
    failure: str | None = Field(None, description="Condition on the value, such as `> 0.2`.")
    interval: Duration = timedelta(seconds=30)
    failure_limit: int = Field(0, ge=0, description="Failed when more measurements than this failed.")
    successes: int = Field(3, ge=1, description="Good enough after this many successes in a row.")
    error_limit: int = Field(4, ge=0, description="Unknown errors in a row that end the wait for this check.")


class PrometheusConfig(Part):
    """Where samples are read."""

    url: str = Field(min_length=1)
    headers: dict[str, str] = Field(default_factory=dict, description="A value `env:NAME` is read from NAME.")
    timeout: Duration = timedelta(seconds=10)


def _prometheus(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


class ChecksConfig(Part):
    """Questions put to Prometheus."""

    prometheus: Annotated[PrometheusConfig, BeforeValidator(_prometheus)]
    judge: Literal["sequential", "threshold"] = "sequential"
    interval: Duration = Field(timedelta(seconds=15), description="Time between looks: the scrape interval.")
    pod_label: str = Field("pod", description="The label that holds the pod's name.")
    slos: tuple[SloConfig, ...] = ()
    thresholds: tuple[ThresholdConfig, ...] = ()
    alpha: float = Field(0.01, gt=0, lt=0.5, description="Share of healthy canaries rolled back, at most.")
    beta: float = Field(0.05, gt=0, lt=0.5, description="Share of bad canaries promoted, at most.")
    tolerate: float = Field(1.1, ge=1, description="Ratio to stable that is still fine.")
    worse: float = Field(2.0, gt=1, description="Promotion shows that the canary is less than this times worse.")
    burn: float = Field(14.4, gt=0, description="Burn rate of the error budget that rolls back without a baseline.")
    burn_weight: float = Field(0.2, ge=0, lt=1)
    dispersion: float = Field(1.0, ge=1, description="Overdispersion of bad events; 1 is none.")


class Config(Part):
    """The whole file."""

    service: Name
    images: tuple[ImageConfig, ...] = Field(min_length=1)
    tests: tuple[SuiteConfig, ...] = ()
    deploy: DeployConfig
    canary: CanaryConfig = CanaryConfig()
    checks: ChecksConfig
