"""Buildx: builds with BuildKit through `docker buildx`, or `buildx` by itself, and pushes from there."""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from davy.pipeline.builds.builders import tool
from davy.pipeline.builds.builders import tool as buildtool
from davy.pipeline.builds.builders.buildkit_progress import Progress
from davy.pipeline.builds.builders.context import StagedContext, dockerfile, staged
from davy.pipeline.builds.dockerfile.target_platform import runs_on_target
from davy.pipeline.builds.ports import BuildOrder, Built
from davy.pipeline.clients import process
from davy.pipeline.clients.docker.credentials import DockerCredentials
from davy.pipeline.clients.docker.registry_names import host_and_repository, is_loopback
from davy.pipeline.config.sections.images.build_steps import HOST
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import Missing, Unreachable
from davy.pipeline.core.json import tree
from davy.pipeline.core.ports import Say
from davy.pipeline.core.text.excerpt import excerpt
from davy.pipeline.files import plain_file

WAYS = (("docker", "buildx"), ("buildx",), ("docker-buildx",))
ANSWER_WITHIN = timedelta(seconds=30)
PATIENCE = timedelta(seconds=5)
"""That a build which is not wanted any more may take to tell BuildKit so."""
OLDEST = (0, 13)
"""Of buildx: `--progress=rawjson` and `rewrite-timestamp`."""
CONTEXTS = (0, 10)
"""Of BuildKit: further contexts, unless a `# syntax=` line brings a frontend that knows them."""
GHA = ("ACTIONS_RUNTIME_TOKEN", "ACTIONS_RESULTS_URL")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
MOST_META = 16 * 2**20
"""Bytes of what buildx writes down about a build, its provenance with it."""
REMEDY = "Install the buildx plugin, or see `docker buildx ls` and BUILDX_BUILDER; or set `build.builder`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """The builder behind buildx, as `buildx inspect` tells."""

    driver: str
    platforms: frozenset[str] = frozenset()
    """Empty where it does not say, for one that is not started yet."""
    whole: bool = True
    """False for the Docker driver on Docker's own image store: no indexes, no attestations, no cache export."""
    version: tuple[int, int] | None = None
    """BuildKit's own; None where it does not say."""


class BuildxBuilder:
    """Builds with the builder that BUILDX_BUILDER names, else with buildx's current one."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        interrupted: Callable[[], bool] = lambda: False,
        plain: Callable[[str], bool] = is_loopback,
    ) -> None:
        """`interrupted`: when true, builds stop. `plain`: True for registries that are spoken to over http."""
        self._environment, self._interrupted, self._plain = environment, interrupted, plain
        self._credentials = DockerCredentials(environment)
        self._asking = threading.Lock()
        self._found: tuple[tuple[str, ...], Instance] | None = None

    def lacks(self, order: BuildOrder) -> tuple[str, ...]:
        """What its builder cannot do of it. Raises Missing where buildx or its builder is not there."""
        _, instance = self._there()
        return (
            *_by_driver(order, instance),
            *_by_version(order, instance),
            *_by_platform(order, instance),
            *self._by_cache(order),
        )

    def build(self, order: BuildOrder, say: Say) -> Built:
        """Build and push in one go; the digest is the one the registry was given."""
        quiet = buildtool.hushed(order, self._environment)
        words, instance = self._there()
        with staged(order) as place:
            meta = place.folder / "metadata.json"
            told = self._made([*words, "build", *_words(order, place, instance, meta, self._plain)], order, say, quiet)
            digest = named_digest(meta, order.name)
        if not instance.whole:
            digest = tool.put(self._credentials, order, digest, self._plain)
        return Built(image=Image(name=order.name, digest=digest), cached=told.cached)

    def _made(self, words: list[str], order: BuildOrder, say: Say, quiet: Callable[[str], str]) -> Progress:
        told = Progress()

        def hear(line: str) -> None:
            for each in told.lines(line):
                say(quiet(each))

        ended = process.run(
            words,
            timeout=order.limit,
            say=hear,
            environment=self._child(order),
            interrupted=self._interrupted,
            patience=PATIENCE,
        )
        buildtool.cut_short(order, unwanted=ended.unwanted, expired=ended.exit_code is None)
        if ended.exit_code:
            last = tuple(quiet(line) for line in told.last)
            fall = buildtool.Fall(
                order=order,
                tool=" ".join([*words[: words.index("build")], "build"]),
                said=quiet(told.error),
                step=told.failed,
                last=last,
            )
            raise buildtool.told(fall, self._credentials)
        return told

    def _child(self, order: BuildOrder) -> dict[str, str]:
        """The child's environment: BuildKit takes SOURCE_DATE_EPOCH from it."""
        own = {**self._environment, "BUILDX_METADATA_PROVENANCE": "disabled"}
        if order.epoch is not None:
            own["SOURCE_DATE_EPOCH"] = str(order.epoch)
        return own

    def _by_cache(self, order: BuildOrder) -> list[str]:
        asked = any("type=gha" in one for one in (*order.cache_from, *order.cache_to))
        absent = [name for name in GHA if not self._environment.get(name)]
        if "ACTIONS_RESULTS_URL" in absent and self._environment.get("ACTIONS_CACHE_URL"):
            absent.remove("ACTIONS_RESULTS_URL")
        if not asked or not absent:
            return []
        return [
            f"buildx cannot reach the cache of GitHub Actions: {' and '.join(absent)} not set "
            "(a `run:` step has them only after an action that exports them)"
        ]

    def _there(self) -> tuple[tuple[str, ...], Instance]:
        """The command and its builder; asked once."""
        with self._asking:
            if self._found is None:
                words = self._command()
                self._found = words, self._inspected(words)
            return self._found

    def _command(self) -> tuple[str, ...]:
        for words in WAYS:
            try:
                ended = self._ask(*words, "version")
            except Missing:
                continue
            version = re.search(r"v(\d+)\.(\d+)", ended.out)
            # `docker` without the plugin takes `buildx` for a command of its own that it does not know.
            if ended.exit_code != 0 or "buildx" not in ended.out:
                continue
            if version and (0, 0) < (int(version[1]), int(version[2])) < OLDEST:
                raise Missing(f"buildx is {version[0]}, and davy needs v0.13 or newer.", remedy="Update buildx.")
            return words
        raise Missing("buildx is not there: neither `docker buildx` nor `buildx` answers.", remedy=REMEDY)

    def _inspected(self, words: tuple[str, ...]) -> Instance:
        ended = self._ask(*words, "--debug", "inspect")
        told = dict(re.findall(r"^\s*([A-Z][\w -]*?):\s+(.*?)\s*$", ended.out, re.MULTILINE))
        wrong = told.get("Error", "") or ("" if ended.exit_code == 0 else " ".join(ended.err.split())[:300])
        if wrong or not told.get("Driver"):
            raise Missing(f"buildx's builder does not answer: {wrong or 'it names no driver'}", remedy=REMEDY)
        listed = re.findall(r"[a-z0-9]+/[a-z0-9/]+", told.get("Platforms", ""))
        driver = told["Driver"]
        whole = driver != "docker" or told.get("Multi-platform build") == "true"
        version = re.match(r"v?(\d+)\.(\d+)", str(told.get("BuildKit version", "")))
        return Instance(
            driver=driver,
            platforms=frozenset(map(_plain, listed)),
            whole=whole,
            version=(int(version[1]), int(version[2])) if version else None,
        )

    def _ask(self, *words: str) -> process.ProcessEnd:
        return process.run(words, timeout=ANSWER_WITHIN, environment=self._environment, interrupted=self._interrupted)


def _by_driver(order: BuildOrder, instance: Instance) -> list[str]:
    if instance.whole:
        return []
    exported = any("type=inline" not in one for one in order.cache_to)
    asked = {
        "build for several platforms": len(order.platforms) > 1,
        "export a build cache, but inline": exported,
        "make an SBOM": order.sbom,
        "make provenance": order.provenance != "off",
    }
    hint = "(`docker buildx create --driver docker-container --use` makes a builder that can)"
    return [f"buildx's docker driver cannot {what} {hint}" for what, wanted in asked.items() if wanted]


def _by_version(order: BuildOrder, instance: Instance) -> list[str]:
    if not order.contexts or instance.version is None or instance.version >= CONTEXTS:
        return []
    if re.match(rb"\s*#\s*syntax\s*=", dockerfile(order)):
        return []
    return [
        f"buildx's builder has BuildKit {'.'.join(map(str, instance.version))}, which takes further contexts only with "
        "`# syntax=docker/dockerfile:1` in the Dockerfile's first line (Docker 23, BuildKit 0.10 or newer need none)"
    ]


def _by_platform(order: BuildOrder, instance: Instance) -> list[str]:
    """A foreign platform is in the way only where something must run on it; files are copied anywhere."""
    strange = [one for one in order.platforms if _plain(one) not in instance.platforms]
    if not strange or not instance.platforms or not runs_on_target(dockerfile(order).decode(errors="replace")):
        return []
    return [
        f"buildx's builder cannot run a step for {one}: no emulation is installed there "
        "(QEMU's binfmt handlers), or build in a stage `FROM --platform=$BUILDPLATFORM`"
        for one in strange
    ]


def _plain(platform: str) -> str:
    return platform.removesuffix("*").replace("linux/arm64/v8", "linux/arm64")


def _words(
    order: BuildOrder, place: StagedContext, instance: Instance, meta: Path, plain: Callable[[str], bool]
) -> list[str]:
    """The command line; every value is a word of its own."""
    given = buildtool.options
    return [
        *("--file", str(place.dockerfile), "--metadata-file", str(meta), "--progress", "rawjson"),
        *given("--tag", _tags(order)),
        *("--output", _output(order, instance, plain)),
        *buildtool.pairs("--build-arg", order.args),
        *buildtool.pairs("--label", order.annotations),
        *(given("--target", [order.target]) if order.target else ()),
        *(given("--platform", [",".join(order.platforms)]) if order.platforms else ()),
        *given("--build-context", (f"{name}={path}" for name, path in place.contexts.items())),
        *buildtool.secret_words(order),
        *buildtool.step_words(order),
        *given("--allow", sorted({*order.steps.entitlements, *([HOST] if order.steps.network == "host" else [])})),
        *given("--ssh", order.ssh),
        *given("--cache-from", order.cache_from),
        *given("--cache-to", (one.partition(",ref=")[0] if "type=inline" in one else one for one in order.cache_to)),
        *(given("--annotation", _annotations(order)) if instance.whole else ()),
        *("--provenance", "false" if order.provenance == "off" else f"mode={order.provenance},version=v1"),
        *(("--sbom", f"generator={order.sbom_scanner}" if order.sbom_scanner else "true") if order.sbom else ()),
        str(place.context),
    ]


def _tags(order: BuildOrder) -> list[str]:
    """Its own, and the one under which an inline cache is found again (`pipeline.builds.caches`)."""
    inline = (one.partition(",ref=")[2] for one in order.cache_to if "type=inline" in one)
    return [f"{order.name}:{order.tag}", *filter(None, inline)]


def _output(order: BuildOrder, instance: Instance, plain: Callable[[str], bool]) -> str:
    words = ["type=image", "push=true"]
    if instance.whole:
        words.append("oci-mediatypes=true")
        if order.epoch is not None:
            words.append("rewrite-timestamp=true")
        if plain(host_and_repository(order.name)[0]):
            words.append("registry.insecure=true")
    return ",".join(words)


def _annotations(order: BuildOrder) -> list[str]:
    """Of each platform's manifest, and of the index where there is one."""
    index = len(order.platforms) > 1 or order.sbom or order.provenance != "off"
    level = "manifest,index" if index else "manifest"
    return [f"{level}:{key}={value}" for key, value in order.annotations.items()]


def named_digest(meta: Path, name: str) -> str:
    """Of what buildx wrote down about a build. Raises Unreachable where it names none."""
    try:
        said = tree.exact(plain_file.content(meta, MOST_META), MOST_META)
    except OSError as error:
        why = f"what it wrote down {plain_file.why(error)}"
    except ValueError as error:
        why = f"what it wrote down cannot be read: {excerpt(str(error), 200)}"
    else:
        digest = said.get("containerimage.digest") if isinstance(said, dict) else None
        if isinstance(digest, str) and DIGEST.fullmatch(digest):
            return digest
        why = "what it wrote down names none"
    raise Unreachable(f"buildx named no digest for {name}: {why}.", remedy="Update buildx.")
