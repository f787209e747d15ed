"""Suite config: what `davy.yaml` may say of test suites, where they run, and what is kept of them."""

from datetime import timedelta
from typing import Literal

from davy.pipeline.config.parsing.fields import Duration, Name
from davy.pipeline.config.parsing.section import Part, part, setting

Place = Literal["image", "process", "kubernetes", "saucelabs", "browserstack", "lambdatest", "grid"]
CLOUDS = ("saucelabs", "browserstack", "lambdatest", "grid")
"""Places that speak WebDriver."""
IN_IMAGES = ("image", "kubernetes")
"""Places that run a suite in a container of an image."""


@part
class ServiceConfig(Part):
    """A service that a suite needs beside it: a database, a queue."""

    name: Name = setting(description="The suite reaches it on localhost, and by this name.")
    image: str = setting(description="Its image.", min_length=1)
    env: dict[str, str] = setting(default_factory=dict, description="Environment of the service.")
    args: tuple[str, ...] = setting(default=(), description="Arguments of its command.")
    port: int | None = setting(default=None, ge=1, le=65535, description="The suite begins when this port is open.")
    memory: str = setting(default="256Mi", pattern=r"^\d+(Ki|Mi|Gi)$", description="Memory limit.")


@part
class CloudConfig(Part):
    """An account on a WebDriver cloud, or a Selenium Grid."""

    user: str | None = setting(default=None, description="Account; `env:NAME` reads it from the environment.")
    key: str | None = setting(default=None, description="Its access key, always `env:NAME`.")
    region: str | None = setting(
        default=None, description="Sauce Labs: us-west-1, us-east-4, eu-central-1 or asia-south-2."
    )
    hub: str | None = setting(
        default=None, description="URL of the WebDriver endpoint, where it is not the vendor's own."
    )
    api: str | None = setting(default=None, description="URL of the REST API, where it is not the vendor's own.")
    concurrency: int | None = setting(
        default=None, ge=1, description="Sessions at once; at most what the account allows."
    )
    tunnel: str | None = setting(default=None, description="Name of the tunnel that sessions go through.")
    tunnel_owner: str | None = setting(default=None, description="Whose tunnel it is, where it is shared.")
    build: str | None = setting(default=None, description="Name of the build on the cloud; the release's by default.")
    tags: tuple[str, ...] = setting(default=(), description="Tags of the jobs.")
    app: str | None = setting(default=None, description="App to upload once by its hash (apk, ipa, zip), or storage:…")
    capabilities: dict[str, str | int | float | bool] = setting(
        default_factory=dict, description="More of the vendor's own options, for every session."
    )
    assets: Literal["always", "fail", "never"] = setting(
        default="fail", description="When videos and logs are fetched."
    )


@part
class SuiteConfig(Part):
    """A test suite."""

    name: Name
    in_: Place = setting(alias="in", description="Where it runs.")
    run: str = setting(default="", description="Shell command; $JUNIT names the file the report belongs in.")
    k6: str | None = setting(default=None, description="Instead of `run`: a k6 script with its thresholds.")
    config: str | None = setting(
        default=None, description="Instead of `run`, on Sauce Labs: a .sauce/config.yml, as it is."
    )
    image: str | None = setting(default=None, description="Name of the image to run in; the first one by default.")
    env: dict[str, str] = setting(default_factory=dict)
    inherit: tuple[str, ...] = setting(
        default=(), description="Variables with credentials that it gets from davy's own environment all the same."
    )
    network: str = setting(default="bridge", description="Docker network, for `in: image`; `none` and `host` are two.")
    memory: str = setting(default="512Mi", pattern=r"^\d+(Ki|Mi|Gi)$", description="Memory limit.")
    cpus: float = setting(default=1.0, gt=0, description="CPU limit.")
    timeout: Duration = setting(
        default=timedelta(minutes=10), description="Stopped after this long; that is a failure."
    )
    collect: tuple[str, ...] = setting(default=(), description="Paths copied out afterwards; absolute in a container.")
    junit: tuple[str, ...] = setting(
        default=(),
        description="Globs of report files, or their folders, that the command writes beside $JUNIT; read as one.",
    )
    at_least: int = setting(
        default=0,
        ge=0,
        description="Where fewer tests ran, or a part of it told none, it failed; skipped ones do not count.",
    )
    files: tuple[str, ...] = setting(
        default=(),
        description="Globs of test files: spread over the shards as $DAVY_TESTS, longest expected first.",
    )
    shards: int = setting(default=1, ge=1, le=256, description="How many run at once.")
    matrix: dict[str, tuple[str, ...]] = setting(
        default_factory=dict, description="Like browser and platform: the suite runs for each combination."
    )
    retries: int = setting(default=0, ge=0, le=10, description="How often what failed is tried again.")
    retries_up_to: int | None = setting(
        default=None, ge=1, description="Once more tests than this have failed, nothing of it is tried again."
    )
    pass_threshold: int = setting(default=1, ge=1, le=11, description="Of all tries, how many must pass.")
    services: tuple[ServiceConfig, ...] = setting(default=(), description="Services beside it, for `in: kubernetes`.")
    cloud: CloudConfig | None = setting(default=None, description="The account, for a WebDriver cloud or Grid.")
    url: str | None = setting(default=None, description="Where what is tested answers; the suite gets it as $DAVY_URL.")
    against: Literal["canary"] | None = setting(
        default=None, description="`canary`: runs against the canary's own pods, while it is held."
    )
    port: int | None = setting(
        default=None,
        ge=1,
        le=65535,
        description="With `against: canary`: the pods' port, where it is not their Service's.",
    )


@part
class S3Config(Part):
    """A bucket with an S3 API."""

    bucket: str = setting(description="Name of the bucket.", min_length=1)
    prefix: str = setting(default="davy/", description="Before every key.")
    endpoint: str | None = setting(default=None, description="URL of the API, where it is not Amazon's.")
    region: str | None = setting(default=None, description="By default as the AWS settings of the machine say.")


@part
class ArchiveConfig(Part):
    """Where results are kept."""

    folder: str = setting(default=".davy/archive", description="Relative to the file.")
    s3: S3Config | None = setting(default=None, description="A bucket in place of the folder.")
    keep: Duration = setting(default=timedelta(days=90), description="Runs older than this are deleted.")
    keep_at_least: int = setting(default=20, ge=1, description="So many of the newest runs are never deleted.")


@part
class ResultsConfig(Part):
    """What becomes of the results of suites."""

    quarantine: str | None = setting(
        default=None, description="File of tests that fail without failing the release, with owner and expiry."
    )
    archive: ArchiveConfig = setting(default=ArchiveConfig(), description="Where results, logs and durations are kept.")
