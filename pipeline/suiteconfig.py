"""Suite config: what `davy.yaml` may say of test suites, where they run, and what is kept of them."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from davy.pipeline.fields import Duration, Name, Part

Place = Literal["image", "process", "kubernetes", "saucelabs", "browserstack", "lambdatest", "grid"]
CLOUDS = ("saucelabs", "browserstack", "lambdatest", "grid")
"""Places that speak WebDriver."""
IN_IMAGES = ("image", "kubernetes")
"""Places that run a suite in a container of an image."""


class ServiceConfig(Part):
    """A service that a suite needs beside it: a database, a queue."""

    name: Name = Field(description="The suite reaches it on localhost, and by this name.")
    image: str = Field(description="Its image.", min_length=1)
    env: dict[str, str] = Field(default_factory=dict, description="Environment of the service.")
    args: tuple[str, ...] = Field((), description="Arguments of its command.")
    port: int | None = Field(None, ge=1, le=65535, description="The suite begins when this port is open.")
    memory: str = Field("256Mi", pattern=r"^\d+(Ki|Mi|Gi)$", description="Memory limit.")


class CloudConfig(Part):
    """An account on a WebDriver cloud, or a Selenium Grid."""

    user: str | None = Field(None, description="Account; `env:NAME` reads it from the environment.")
    key: str | None = Field(None, description="Its access key, always `env:NAME`.")
    region: str | None = Field(None, description="Sauce Labs: us-west-1, us-east-4, eu-central-1 or asia-south-2.")
    hub: str | None = Field(None, description="URL of the WebDriver endpoint, where it is not the vendor's own.")
    api: str | None = Field(None, description="URL of the REST API, where it is not the vendor's own.")
    concurrency: int | None = Field(None, ge=1, description="Sessions at once; at most what the account allows.")
    tunnel: str | None = Field(None, description="Name of the tunnel that sessions go through.")
    tunnel_owner: str | None = Field(None, description="Whose tunnel it is, where it is shared.")
    build: str | None = Field(None, description="Name of the build on the cloud; the release's by default.")
    tags: tuple[str, ...] = Field((), description="Tags of the jobs.")
    app: str | None = Field(None, description="App to upload once by its hash (apk, ipa, zip), or storage:…")
    capabilities: dict[str, str | int | float | bool] = Field(
        default_factory=dict, description="More of the vendor's own options, for every session."
    )
    assets: Literal["always", "fail", "never"] = Field("fail", description="When videos and logs are fetched.")


class SuiteConfig(Part):
    """A test suite."""

    name: Name
    in_: Place = Field(alias="in", description="Where it runs.")
    run: str = Field("", description="Shell command; $JUNIT names the file the report belongs in.")
    k6: str | None = Field(None, description="Instead of `run`: a k6 script with its thresholds.")
    config: str | None = Field(None, description="Instead of `run`, on Sauce Labs: a .sauce/config.yml, as it is.")
    image: str | None = Field(None, description="Name of the image to run in; the first one by default.")
    env: dict[str, str] = Field(default_factory=dict)
    network: str = Field("bridge", description="Docker network, for `in: image`; `none` and `host` are two.")
    memory: str = Field("512Mi", pattern=r"^\d+(Ki|Mi|Gi)$", description="Memory limit.")
    cpus: float = Field(1.0, gt=0, description="CPU limit.")
    timeout: Duration = Field(timedelta(minutes=10), description="Stopped after this long; that is a failure.")
    collect: tuple[str, ...] = Field((), description="Paths copied out afterwards; absolute in a container.")
    files: tuple[str, ...] = Field(
        (),
        description="Globs of test files: spread over the shards as $DAVY_TESTS, longest expected first.",
    )
    shards: int = Field(1, ge=1, le=256, description="How many run at once.")
    matrix: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Like browser and platform: the suite runs for each combination."
    )
    retries: int = Field(0, ge=0, le=10, description="How often what failed is tried again.")
    pass_threshold: int = Field(1, ge=1, le=11, description="Of all tries, how many must pass.")
    services: tuple[ServiceConfig, ...] = Field((), description="Services beside it, for `in: kubernetes`.")
    cloud: CloudConfig | None = Field(None, description="The account, for a WebDriver cloud or Grid.")
    url: str | None = Field(None, description="Where what is tested answers; the suite gets it as $DAVY_URL.")
    against: Literal["canary"] | None = Field(
        None, description="`canary`: runs against the canary's own pods, while it is held."
    )
    port: int | None = Field(
        None, ge=1, le=65535, description="With `against: canary`: the pods' port, where it is not their Service's."
    )


class S3Config(Part):
    """A bucket with an S3 API."""

    bucket: str = Field(description="Name of the bucket.", min_length=1)
    prefix: str = Field("davy/", description="Before every key.")
    endpoint: str | None = Field(None, description="URL of the API, where it is not Amazon's.")
    region: str | None = Field(None, description="By default as the AWS settings of the machine say.")


class ArchiveConfig(Part):
    """Where results are kept."""

    folder: str = Field(".davy/archive", description="Relative to the file.")
    s3: S3Config | None = Field(None, description="A bucket in place of the folder.")
    keep: Duration = Field(timedelta(days=90), description="Runs older than this are deleted.")
    keep_at_least: int = Field(20, ge=1, description="So many of the newest runs are never deleted.")


class ResultsConfig(Part):
    """What becomes of the results of suites."""

    quarantine: str | None = Field(
        None, description="File of tests that fail without failing the release, with owner and expiry."
    )
    archive: ArchiveConfig = Field(ArchiveConfig(), description="Where results, logs and durations are kept.")
