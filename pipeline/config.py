"""Config: what `davy.yaml` may say, as frozen values. Reading the text is `davy.pipeline.configfile`'s."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from davy.pipeline.checksconfig import ChecksConfig
from davy.pipeline.fields import Duration, Name, Part, Weight


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


class Config(Part):
    """The whole file."""

    service: Name
    images: tuple[ImageConfig, ...] = Field(min_length=1)
    tests: tuple[SuiteConfig, ...] = ()
    deploy: DeployConfig
    canary: CanaryConfig = CanaryConfig()
    checks: ChecksConfig
