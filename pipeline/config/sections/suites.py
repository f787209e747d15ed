"""Suites: what `davy.yaml` may say of test suites, where they run, and what is kept of them."""

from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Literal

from davy.pipeline.config.parsing.fields import Duration, Name
from davy.pipeline.config.parsing.section import Section, part, setting
from davy.pipeline.config.parsing.yaml_tree import Place as YamlPlace
from davy.pipeline.config.sections import suite_variables

Place = Literal["image", "process", "kubernetes", "saucelabs", "browserstack", "lambdatest", "grid"]
CLOUDS = ("saucelabs", "browserstack", "lambdatest", "grid")
"""Places that speak WebDriver."""
IN_IMAGES = ("image", "kubernetes")
"""Places that run a suite in a container of an image."""


@part
class ServiceConfig(Section):
    """A service that a suite needs beside it: a database, a queue."""

    name: Name = setting(description="The suite reaches it on localhost, and by this name.")
    image: str = setting(description="Its image.", min_length=1)
    env: dict[str, str] = setting(default_factory=dict, description="Environment of the service.")
    args: tuple[str, ...] = setting(default=(), description="Arguments of its command.")
    port: int | None = setting(default=None, ge=1, le=65535, description="The suite begins when this port is open.")
    memory: str = setting(default="256Mi", pattern=r"^\d+(Ki|Mi|Gi)$", description="Memory limit.")


@part
class CloudConfig(Section):
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
class SuiteConfig(Section):
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
class S3Config(Section):
    """A bucket with an S3 API."""

    bucket: str = setting(description="Name of the bucket.", min_length=1)
    prefix: str = setting(default="davy/", description="Before every key.")
    endpoint: str | None = setting(default=None, description="URL of the API, where it is not Amazon's.")
    region: str | None = setting(default=None, description="By default as the AWS settings of the machine say.")


@part
class ArchiveConfig(Section):
    """Where results are kept."""

    folder: str = setting(default=".davy/archive", description="Relative to the file.")
    s3: S3Config | None = setting(default=None, description="A bucket in place of the folder.")
    keep: Duration = setting(default=timedelta(days=90), description="Runs older than this are deleted.")
    keep_at_least: int = setting(default=20, ge=1, description="So many of the newest runs are never deleted.")


@part
class ResultsConfig(Section):
    """What becomes of the results of suites."""

    quarantine: str | None = setting(
        default=None, description="File of tests that fail without failing the release, with owner and expiry."
    )
    archive: ArchiveConfig = setting(default=ArchiveConfig(), description="Where results, logs and durations are kept.")


Finding = tuple[YamlPlace, str]
DOERS = ("run", "k6", "config")
WRITTEN = frozenset({"build", "canary", "events.jsonl", "junit.xml", "report.md", "scan"})
"""What davy itself writes into the folder of `--out`, where each suite has one of its own name."""


def suite(place: YamlPlace, said: SuiteConfig | None, images: Collection[str]) -> Iterator[Finding]:
    """Everything wrong with a suite. `images`: the names under `images`."""
    if said is None:
        return
    if said.name.casefold() in WRITTEN:
        yield (*place, "name"), f"is what davy itself writes there: {said.name!r} in davy-out is no suite's"
    yield from _image(place, said, images)
    yield from _does(place, said)
    yield from _where(place, said)
    yield from _parts(place, said)
    if not said.timeout:
        yield (*place, "timeout"), "must be above 0s"
    yield from _reports(place, said)
    for index, path in enumerate(said.collect):
        if said.in_ in IN_IMAGES and (not path.startswith("/") or ".." in path.split("/")):
            yield (*place, "collect", index), f"{path!r} is no absolute path in the container; write it like /app/out"


def _reports(place: YamlPlace, said: SuiteConfig) -> Iterator[Finding]:
    own = next((key for key in ("k6", "config") if getattr(said, key)), "")
    for index, glob in enumerate(said.junit):
        where = (*place, "junit", index)
        if own:
            yield where, f"names reports of `run`; `{own}` has its own"
        elif ".." in glob.split("/") or not glob.strip("/"):
            yield where, f"{glob!r} must stay in its folder; write it like target/surefire-reports/*.xml"
        elif glob.startswith("/") and said.in_ not in IN_IMAGES:
            yield where, f"{glob!r} must be relative to the file's folder"
    if said.junit and said.in_ not in IN_IMAGES and (said.shards > 1 or said.matrix):
        yield (*place, "junit"), "names files of one folder, which shards and cells share; let each write into $JUNIT"


def _image(place: YamlPlace, said: SuiteConfig, images: Collection[str]) -> Iterator[Finding]:
    known = ", ".join(name for name in sorted(images) if name) or "none"
    if said.image is not None and said.image not in images:
        yield (*place, "image"), f"there is no image {said.image!r} under `images`; there are: {known}"
    elif said.in_ in IN_IMAGES and not any(images):
        yield (*place, "in"), f"`in: {said.in_}` runs in an image, and there is none under `images`"


def _does(place: YamlPlace, said: SuiteConfig) -> Iterator[Finding]:
    """Exactly one thing to do."""
    given = [key for key in DOERS if getattr(said, key)]
    if not given:
        yield (*place, "run"), "is needed: the command; or `k6`, a script, or on Sauce Labs `config`"
    for key in given[1:]:
        yield (*place, key), f"says what to run, and so does `{given[0]}`; a suite takes one of them"
    if said.config and said.in_ != "saucelabs":
        yield (*place, "config"), f"is a file of Sauce Labs' own; with `in: {said.in_}` write `run`"
    if said.k6 and said.in_ in CLOUDS:
        yield (*place, "k6"), f"drives no browser, so not `in: {said.in_}`; it runs in image, process or kubernetes"


def _where(place: YamlPlace, said: SuiteConfig) -> Iterator[Finding]:
    if said.services and said.in_ != "kubernetes":
        yield (*place, "services"), f"are for `in: kubernetes`; with `in: {said.in_}` start them in `run`"
    if said.inherit and said.in_ in IN_IMAGES:
        yield (*place, "inherit"), f"is of davy's own environment, which `in: {said.in_}` has nothing of; write `env`"
    if said.cloud and said.in_ not in CLOUDS:
        yield (*place, "cloud"), f"is an account of {', '.join(CLOUDS)}; `in: {said.in_}` needs none"
    if said.in_ == "grid" and not (said.cloud and said.cloud.hub):
        yield (*place, "cloud"), "is needed with `in: grid`: `cloud: {hub: http://…}` names the WebDriver endpoint"
    if said.against and said.in_ != "kubernetes":
        yield (*place, "against"), "needs `in: kubernetes`: the canary's pods are reached from inside the cluster"
    if said.port is not None and not said.against:
        yield (*place, "port"), "is that of the canary's pods, so it goes with `against: canary`; else write `url`"
    if said.url and said.against:
        yield (*place, "url"), "is not asked for with `against: canary`: $DAVY_URL is the canary pod's own"
    for index, glob in enumerate(said.files):
        if glob.startswith("/") or ".." in glob.split("/") or not glob:
            yield (*place, "files", index), f"{glob!r} must stay in the file's folder; write it like tests/**/test_*.py"


def _parts(place: YamlPlace, said: SuiteConfig) -> Iterator[Finding]:
    for key in ("k6", "config"):
        if said.files and getattr(said, key):
            yield (*place, "files"), f"are spread for `run`; `{key}` knows its own"
    if said.k6 and said.shards > 1:
        yield (*place, "shards"), "would run all of `k6` so many times, each with its own thresholds; leave it at 1"
    for key, values in said.matrix.items():
        if not values:
            yield (*place, "matrix", key), "has no value, so the suite would never run; write one, or drop the key"
        if len(set(values)) != len(values):
            yield (*place, "matrix", key), "has a value twice"
    yield from _variables(place, said)
    if said.retries_up_to is not None and not (said.retries or said.config):
        yield (*place, "retries_up_to"), "limits what `retries` tries again, and there are none"
    if said.retries_up_to is not None and said.pass_threshold > 1:
        yield (*place, "retries_up_to"), "is for tries of what failed; with `pass_threshold` every try is of the whole"
    if said.pass_threshold > said.retries + 1:
        yield (
            (*place, "pass_threshold"),
            f"can never be met: with `retries: {said.retries}` there are at most {said.retries + 1} tries",
        )


def _variables(place: YamlPlace, said: SuiteConfig) -> Iterator[Finding]:
    """A value that its suite could not be told, for another has its name."""
    first: dict[str, str] = {}
    for key in said.matrix:
        name = suite_variables.variable(key)
        if name.removeprefix("DAVY_") in suite_variables.TOLD:
            yield (*place, "matrix", key), f"would be ${name}, which davy itself tells a suite; give it another name"
        elif name in first:
            yield (*place, "matrix", key), f"would be ${name}, as `{first[name]}` is; give one of both another name"
        first.setdefault(name, key)
