"""Buildah: builds without a daemon, and pushes from its own storage."""

import contextlib
import platform as machine
import re
import shutil
import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from davy.pipeline.builds.builders import insecure_registry, tool
from davy.pipeline.builds.builders import tool as buildtool
from davy.pipeline.builds.builders.buildah_store import Storage, listed, storage_of
from davy.pipeline.builds.builders.context import StagedContext, dockerfile, dockerfile_said, staged
from davy.pipeline.builds.dockerfile.features import buildah_lacks
from davy.pipeline.builds.dockerfile.target_platform import runs_on_target
from davy.pipeline.builds.ports import BuildOrder, Built
from davy.pipeline.clients import process
from davy.pipeline.clients.docker.credentials import DockerCredentials
from davy.pipeline.clients.docker.registry_names import host_and_repository, is_loopback
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.ports import Say

ANSWER_WITHIN = timedelta(seconds=30)
PATIENCE = timedelta(seconds=3)
LAST = 20
"""Lines of a failed build that are repeated."""
STEP = re.compile(r"^(?:\[[^\]]*\] )?STEP \d+/\d+: (\w+)")
LAYERS = ("RUN", "COPY", "ADD")
HANDLERS = Path("/proc/sys/fs/binfmt_misc")
"""Where the kernel lists what runs foreign programs: https://docs.kernel.org/admin-guide/binfmt-misc.html"""
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
QEMU = {"amd64": "x86_64", "arm64": "aarch64", "386": "i386"}


class BuildahBuilder:
    """Builds as the environment tells Buildah: STORAGE_DRIVER, BUILDAH_ISOLATION, REGISTRY_AUTH_FILE."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        interrupted: Callable[[], bool] = lambda: False,
        plain: Callable[[str], bool] = is_loopback,
    ) -> None:
        """`interrupted`: when true, builds stop. `plain`: True for registries that are spoken to over http."""
        self._interrupted, self._plain = interrupted, plain
        self._credentials = DockerCredentials(environment)
        self._environment = _own(environment, self._credentials.path)
        self._asking = threading.Lock()
        self._storage: Storage | None = None

    def lacks(self, order: BuildOrder) -> tuple[str, ...]:
        """What this Buildah cannot do of it. Raises Missing where it is not there or does not work here."""
        version = self._there().version
        caches = (*order.cache_from, *order.cache_to)
        asked = {
            "take further build contexts before 1.26": order.contexts and version < (1, 26),
            "use a build cache in a registry before 1.28": caches and version < (1, 28),
            "use a build cache that is not in a registry": any("type=registry" not in one for one in caches),
            "make an SBOM": order.sbom,
            "make provenance": order.provenance != "off",
        }
        without = [f"Buildah cannot {what}" for what, wanted in asked.items() if wanted]
        unknown = buildah_lacks(dockerfile_said(order), version)
        without += [f"Buildah {version[0]}.{version[1]} does not know {', '.join(unknown)}"] if unknown else []
        return (*without, *_by_platform(order))

    def build(self, order: BuildOrder, say: Say) -> Built:
        """Build, then push; the digest is the one that Buildah gave the registry.

        It writes annotations on manifests only, so an index is put back with them.
        """
        self._there()
        with staged(order) as place:
            environment = insecure_registry.allowed(order, place.folder, self._environment, self._plain)
            local = f"localhost/davy-{uuid.uuid4().hex}" if len(order.platforms) > 1 else f"{order.name}:{order.tag}"
            try:
                cached = self._made(order, place, local, environment, say)
                digest = self._pushed(order, place, local, environment, say)
            finally:
                if len(order.platforms) > 1:
                    self._ask("manifest", "rm", local)
        if len(order.platforms) > 1:
            digest = tool.put(self._credentials, order, digest, self._plain)
        return Built(image=Image(name=order.name, digest=digest), cached=cached)

    def _made(
        self, order: BuildOrder, place: StagedContext, local: str, environment: Mapping[str, str], say: Say
    ) -> bool:
        """Build it here; True where every layer was there already."""
        story = _Story(say, buildtool.hushed(order, self._environment))
        done = False
        try:
            # One platform after the other: at once, Buildah puts them into the index as they come.
            for one in order.platforms or ("",):
                ended = self._run(
                    ["buildah", "build", *_words(order, place, local, one)], order, story.hear, environment
                )
                done = ended.exit_code == 0
                if not done:
                    break
        finally:
            if not done:
                self._swept(place.folder.name)
        buildtool.cut_short(order, unwanted=ended.unwanted, expired=ended.exit_code is None)
        if not done:
            fall = buildtool.Fall(
                order=order, tool="buildah build", said=story.error, step=story.step, last=tuple(story.last)
            )
            raise buildtool.told(fall, self._credentials)
        return story.cached

    def _pushed(
        self, order: BuildOrder, place: StagedContext, local: str, environment: Mapping[str, str], say: Say
    ) -> str:
        """Push it; the digest that the registry was given."""
        digest, last = place.folder / "digest", ""
        push = ["manifest", "push", "--all"] if len(order.platforms) > 1 else ["push", "--quiet"]

        def hear(line: str) -> None:
            nonlocal last
            last = line.strip() or last
            say(line)

        if self._plain(host_and_repository(order.name)[0]):
            # registries.conf says so, too, but `manifest push` of 1.28 then ends early, and without an error.
            push.append("--tls-verify=false")
        words = ["buildah", *push, "--digestfile", str(digest), local, f"docker://{order.name}:{order.tag}"]
        ended = self._run(words, order, hear, environment)
        buildtool.cut_short(order, "push", unwanted=ended.unwanted, expired=ended.exit_code is None)
        named = digest.read_text().strip() if digest.exists() else ""
        if ended.exit_code or not named:
            said = f"pushing image: {last.removeprefix('Error: ')}"
            raise buildtool.told(buildtool.Fall(order=order, tool="buildah push", said=said), self._credentials)
        return named

    def _run(
        self, words: list[str], order: BuildOrder, hear: Say, environment: Mapping[str, str]
    ) -> process.ProcessEnd:
        return process.run(
            words,
            timeout=order.limit,
            say=hear,
            environment=environment,
            interrupted=self._interrupted,
            patience=PATIENCE,
        )

    def _swept(self, mark: str) -> None:
        """Remove the working containers of a build that broke off: Buildah, once killed, leaves them in its storage.

        They are known by a secret without content that only this build was given (see `_words`).
        """
        storage = self._there()
        ended = self._ask("containers", "--json")
        for entry in listed(ended.out):
            home = storage.root / f"{storage.driver}-containers" / str(entry.get("id", "")) / "userdata"
            with contextlib.suppress(OSError):
                if mark in (home / "buildah.json").read_text(errors="replace"):
                    self._ask("rm", str(entry["id"]))

    def _there(self) -> Storage:
        """This machine's Buildah; asked once."""
        with self._asking:
            if self._storage is None:
                self._storage = self._asked()
            return self._storage

    def _asked(self) -> Storage:
        version = re.search(r"version (\d{1,9})\.(\d{1,9})", self._ask("--version").out)
        info = self._ask("info")
        root, driver = storage_of(info.out, info.err)
        found = (int(version[1]), int(version[2])) if version else (1, 0)
        return Storage(version=found, root=root, driver=driver)

    def _ask(self, *words: str) -> process.ProcessEnd:
        return process.run(["buildah", *words], timeout=ANSWER_WITHIN, environment=self._environment)


class _Story:
    """What a build said, and what is to be known of it."""

    def __init__(self, say: Say, quiet: Callable[[str], str]) -> None:
        self._say, self._quiet = say, quiet
        self.last: deque[str] = deque(maxlen=LAST)
        self.step = ""
        self.error = ""
        self._made = False
        self._open = False

    @property
    def cached(self) -> bool:
        """True where every step that makes a layer came from the cache."""
        return not (self._made or self._open)

    def hear(self, line: str) -> None:
        text = self._quiet(line.rstrip())
        if not text.strip():
            return
        step = STEP.match(text)
        if step:
            self._made |= self._open
            self.step, self._open = text, step[1].upper() in LAYERS
        elif text.startswith("--> Using cache"):
            self._open = False
        elif re.match(r"(?i)error:", text):
            self.error = text[len("error:") :].strip()
        elif text.startswith("error building at"):
            self.error = text
        else:
            self.last.append(text)
        self._say(text)


def _words(order: BuildOrder, place: StagedContext, local: str, platform: str) -> list[str]:
    """The command line; every value is a word of its own."""
    given, empty = buildtool.options, place.folder / "empty"
    empty.touch()
    return [
        # With several platforms Buildah 1.28 takes one platform's layers for another's, where they are told by the same
        # words (`FROM scratch`, `COPY`).
        f"--layers={'false' if len(order.platforms) > 1 else 'true'}",
        *("--format", "oci", "--identity-label=false"),
        *("--file", str(place.dockerfile), "--ignorefile", str(place.ignore)),
        *(("--manifest", local) if len(order.platforms) > 1 else ("--tag", local)),
        *buildtool.pairs("--build-arg", order.args),
        *buildtool.pairs("--label", order.annotations),
        *buildtool.pairs("--annotation", order.annotations),
        *(given("--target", [order.target]) if order.target else ()),
        *(given("--platform", [platform]) if platform else ()),
        *given("--build-context", (f"{name}={path}" for name, path in place.contexts.items())),
        *buildtool.secret_words(order),
        *buildtool.step_words(order),
        # Nobody mounts it: it tells this build's working containers from all others.
        *("--secret", f"id={place.folder.name},src={empty}"),
        *given("--ssh", order.ssh),
        *given("--cache-from", map(_repository, order.cache_from)),
        *given("--cache-to", map(_repository, order.cache_to)),
        *(("--timestamp", str(order.epoch)) if order.epoch is not None else ()),
        str(place.context),
    ]


def _repository(cache: str) -> str:
    """Buildah names its caches' tags itself, so it is given the repository alone."""
    found = re.search(r"(?:^|,)ref=([^,]+)", cache)
    name, _, tag = (found[1] if found else cache).rpartition(":")
    return name if name and "/" not in tag else (found[1] if found else cache)


def _by_platform(order: BuildOrder) -> list[str]:
    own = ARCHITECTURES.get(machine.machine(), machine.machine())
    wanted = {one: one.split("/")[1] if "/" in one else one for one in order.platforms}
    strange = [
        one for one, kind in wanted.items() if kind != own and not (HANDLERS / f"qemu-{QEMU.get(kind, kind)}").exists()
    ]
    if not strange or not runs_on_target(dockerfile(order).decode(errors="replace")):
        return []
    return [
        f"Buildah cannot run a step for {one}: no emulation is installed here (QEMU's binfmt handlers)"
        for one in strange
    ]


def _own(environment: Mapping[str, str], docker: Path) -> dict[str, str]:
    """What Buildah is started with: Docker's logins where the environment names them, chroot without a runtime."""
    own = dict(environment)
    if environment.get("DOCKER_CONFIG") and docker.exists():
        own.setdefault("REGISTRY_AUTH_FILE", str(docker))
    path = environment.get("PATH")
    if not any(shutil.which(runtime, path=path) for runtime in ("crun", "runc")):
        own.setdefault("BUILDAH_ISOLATION", "chroot")
    return own
