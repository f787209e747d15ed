"""Config: what `davy.yaml` may say, as frozen values. Reading the text is `davy.pipeline.configfile`'s."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from davy.pipeline.buildconfig import BuildConfig, ImageConfig
from davy.pipeline.checksconfig import ChecksConfig
from davy.pipeline.fields import Duration, Name, Part, Weight
from davy.pipeline.suiteconfig import ResultsConfig, SuiteConfig


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


def _step(value: object) -> object:
    return {"weight": value} if isinstance(value, str | int | float) else value


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


class DeliveryConfig(Part):
    """What `davy build` and `davy test` read: images and suites; cluster and checks only where they are said."""

    service: Name
    images: tuple[ImageConfig, ...] = ()
    build: BuildConfig = BuildConfig()
    tests: tuple[SuiteConfig, ...] = ()
    results: ResultsConfig = ResultsConfig()
    deploy: DeployConfig | None = None
    canary: CanaryConfig = CanaryConfig()
    checks: ChecksConfig | None = None


class Config(DeliveryConfig):
    """The whole file."""

    images: tuple[ImageConfig, ...] = Field(min_length=1)
    deploy: DeployConfig
    checks: ChecksConfig
