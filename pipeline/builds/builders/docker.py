"""Docker: builds images through the engine's API, pushes them, and names them by digest."""

import re
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError

from davy.pipeline.builds.builders import context, tool
from davy.pipeline.builds.builders import tool as buildtool
from davy.pipeline.builds.dockerfile.features import declared, engine_lacks, platform_arguments
from davy.pipeline.builds.ports import BuildOrder, Built
from davy.pipeline.clients.docker import engine
from davy.pipeline.clients.docker.credentials import DockerCredentials
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import DavyError, Missing, Rejected, Unreachable
from davy.pipeline.core.ports import Say

STEP = re.compile(r"Step \d+/\d+ : (\w+)")
LAYERS = ("RUN", "COPY", "ADD")
"""Instructions that make a layer; the others only write metadata."""
LAST = 20
"""Lines of a failed build that are repeated."""
MISSING_BASE = ("manifest unknown", "not found", "pull access denied", "no such host", "manifest for")


class DockerBuilder:
    """Builds with the classic `/build` of whatever engine DOCKER_HOST names."""

    def __init__(self, environment: Mapping[str, str], *, interrupted: Callable[[], bool] = lambda: False) -> None:
        """`interrupted`: when true, the work stops."""
        self._environment, self._interrupted = environment, interrupted
        self._credentials = DockerCredentials(environment)
        self._platform: str | None = None

    def lacks(self, order: BuildOrder) -> tuple[str, ...]:
        """What only BuildKit can do. Raises Missing where no engine answers."""
        own, text = self._own_platform(), context.dockerfile_said(order)
        asked = {
            f"build for another platform than its own, {own}": len(order.platforms) == 1 and order.platforms != (own,),
            "build for several platforms": len(order.platforms) > 1,
            "give a build secrets": order.secrets,
            "forward an ssh agent": order.ssh,
            "take further build contexts": order.contexts,
            "import or export a build cache": order.cache_from or order.cache_to,
            "make an SBOM": order.sbom,
            "make provenance": order.provenance != "off",
            "set ulimits of a build": order.steps.ulimits,
        }
        unknown = engine_lacks(text)
        return (
            *(f"the Docker Engine's own API cannot {what}" for what, wanted in asked.items() if wanted),
            *([f"the Docker Engine's own API does not know {', '.join(unknown)}"] if unknown else []),
        )

    def _own_platform(self) -> str:
        """As `linux/amd64`; asked once."""
        if self._platform is None:
            try:
                with engine.connected(self._environment) as client:
                    said = client.version()
            except Unreachable as error:
                raise Missing(f"The Docker Engine does not answer: {error.what}", remedy=error.remedy) from error
            self._platform = f"{said.get('Os', 'linux')}/{said.get('Arch', 'amd64')}"
        return self._platform

    def build(self, order: BuildOrder, say: Say) -> Built:
        """Build, push, annotate; the digest is the annotated manifest's.

        The engine writes the time of the build into the image, so only its cache makes one digest of one context.
        """
        with _context(order) as given, engine.connected(self._environment, silence=order.limit) as client:
            cached = self._made(client, order, given, say)
            pushed = self._pushed(client, order, say)
            plain = engine.plain_for(client)
        digest = tool.put(self._credentials, order, pushed, plain)
        return Built(image=Image(name=order.name, digest=digest), cached=cached)

    def _made(self, client: docker.APIClient, order: BuildOrder, given: Mapping[str, Any], say: Say) -> bool:
        """Build and tag it here; True where no layer had to be made."""
        story = _Story(say)
        with engine.Watch(client, order.limit, self._interrupted) as watch:
            try:
                for line in client.build(
                    **given,
                    tag=f"{order.name}:{order.tag}",
                    buildargs=self._arguments(order),
                    labels=dict(order.annotations),
                    target=order.target,
                    nocache=order.no_cache,
                    network_mode=order.steps.network or None,
                    extra_hosts=dict(order.steps.hosts) or None,
                    shmsize=order.steps.shm or None,
                    rm=True,
                    forcerm=True,
                    decode=True,
                ):
                    story.hear(line)
            except APIError as error:
                # A Dockerfile that does not parse is refused before the first line.
                story.hear({"error": engine.words(error)})
            except (*engine.BROKEN_OFF, ValueError):
                if not (watch.expired or watch.unwanted):
                    raise
        buildtool.cut_short(order, unwanted=watch.unwanted, expired=watch.expired)
        if story.error or not story.image:
            raise _failed(order, story)
        return story.cached

    def _arguments(self, order: BuildOrder) -> dict[str, str]:
        """With the platform, which BuildKit knows by itself: one key must not make two images."""
        known = platform_arguments(self._own_platform())
        asked = declared(context.dockerfile_said(order))
        return {name: value for name, value in known.items() if name in asked} | dict(order.args)

    def _pushed(self, client: docker.APIClient, order: BuildOrder, say: Say) -> str:
        """Push the tag; the digest that the registry gave it."""
        digest, wrong = "", ""
        with engine.Watch(client, order.limit, self._interrupted) as watch:
            try:
                auth = engine.sign_in(self._credentials, order.name)
                lines: Iterable[dict[str, Any]] = client.push(
                    order.name, order.tag, stream=True, decode=True, auth_config=auth
                )
                for line in lines:
                    wrong = str(line.get("error") or wrong)
                    digest = str((line.get("aux") or {}).get("Digest") or digest)
                    if line.get("status") in ("Pushed", "Layer already exists", "Mounted from"):
                        say(f"{line.get('id', '')}: {line['status']}")
            except (*engine.BROKEN_OFF, ValueError):
                if not (watch.expired or watch.unwanted):
                    raise
        buildtool.cut_short(order, "push", unwanted=watch.unwanted, expired=watch.expired)
        if engine.is_denied(wrong):
            raise engine.denied(order.name, "pull,push", self._credentials)
        if wrong or not digest:
            raise Unreachable(
                f"{order.name}:{order.tag} could not be pushed: {wrong or 'the registry named no digest'}",
                remedy="Check that the registry runs, and that Docker on the build machine reaches it.",
            )
        return digest


class _Story:
    """What a build said, and what is to be known of it."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self.last: deque[str] = deque(maxlen=LAST)
        self.step = ""
        self.error = ""
        self.image = ""
        self.cached = True
        self._makes_layer = False

    def hear(self, line: Mapping[str, Any]) -> None:
        self.error = str(line.get("error") or self.error)
        self.image = str((line.get("aux") or {}).get("ID") or self.image)
        for text in str(line.get("stream", "")).splitlines():
            if not text.strip():
                continue
            self._understand(text)
            self.last.append(text)
            self._say(text)

    def _understand(self, text: str) -> None:
        step = STEP.match(text)
        if step:
            # ADD and COPY from the cache say "Using cache", or nothing ran: see the next line.
            self.step, self._makes_layer = text, step[1].upper() in LAYERS
        elif "Using cache" in text:
            self._makes_layer = False
        elif text.startswith(" ---> ") and self._makes_layer:
            self.cached = False


@contextmanager
def _context(order: BuildOrder) -> Iterator[Mapping[str, Any]]:
    """What the SDK is given to build from. Raises Unusable where the context or the Dockerfile is not there."""
    text = context.dockerfile(order)
    if order.files is not None:
        with tempfile.TemporaryFile() as archive:
            name = context.packed(order, archive)
            archive.seek(0)
            yield {"fileobj": archive, "custom_context": True, "dockerfile": name}
    elif order.dockerfile_text is None:
        yield {"path": str(order.context), "dockerfile": order.dockerfile}
    else:
        # Outside of the context, so that the SDK keeps it from what COPY sees.
        with tempfile.TemporaryDirectory(prefix="davy-build-") as folder:
            Path(folder, "Dockerfile").write_bytes(text)
            yield {"path": str(order.context), "dockerfile": str(Path(folder, "Dockerfile"))}


def _failed(order: BuildOrder, story: _Story) -> DavyError:
    said = story.error or "the engine ended without an image"
    where = f" at {story.step.strip()!r}" if story.step else ""
    tail = "\n".join(f"  {line}" for line in story.last)
    remedy = f"Mend the step; {buildtool.NEARLY}: docker build."
    if any(sign in said for sign in MISSING_BASE) and "FROM" in story.step:
        remedy = "Check the base image's name, and that Docker is logged in to its registry."
    return Rejected(f"{order.name} was not built{where}: {said}" + (f"\n{tail}" if tail else ""), remedy=remedy)
