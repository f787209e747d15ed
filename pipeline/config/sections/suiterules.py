"""Suite rules: what no single key of a suite can break alone."""

from collections.abc import Collection, Iterator

from davy.pipeline.config.sections.suites import CLOUDS, IN_IMAGES, SuiteConfig
from davy.pipeline.suites.plan import environment
from davy.pipeline.config.parsing.yaml_tree import Place

Finding = tuple[Place, str]
DOERS = ("run", "k6", "config")
WRITTEN = frozenset({"build", "canary", "events.jsonl", "junit.xml", "report.md", "scan"})
"""What davy itself writes into the folder of `--out`, where each suite has one of its own name."""


def suite(place: Place, said: SuiteConfig | None, images: Collection[str]) -> Iterator[Finding]:
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


def _reports(place: Place, said: SuiteConfig) -> Iterator[Finding]:
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


def _image(place: Place, said: SuiteConfig, images: Collection[str]) -> Iterator[Finding]:
    known = ", ".join(name for name in sorted(images) if name) or "none"
    if said.image is not None and said.image not in images:
        yield (*place, "image"), f"there is no image {said.image!r} under `images`; there are: {known}"
    elif said.in_ in IN_IMAGES and not any(images):
        yield (*place, "in"), f"`in: {said.in_}` runs in an image, and there is none under `images`"


def _does(place: Place, said: SuiteConfig) -> Iterator[Finding]:
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


def _where(place: Place, said: SuiteConfig) -> Iterator[Finding]:
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


def _parts(place: Place, said: SuiteConfig) -> Iterator[Finding]:
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


def _variables(place: Place, said: SuiteConfig) -> Iterator[Finding]:
    """A value that its suite could not be told, for another has its name."""
    first: dict[str, str] = {}
    for key in said.matrix:
        name = environment.variable(key)
        if name.removeprefix("DAVY_") in environment.TOLD:
            yield (*place, "matrix", key), f"would be ${name}, which davy itself tells a suite; give it another name"
        elif name in first:
            yield (*place, "matrix", key), f"would be ${name}, as `{first[name]}` is; give one of both another name"
        first.setdefault(name, key)
