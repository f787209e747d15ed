"""Docker: builds images through the engine's API, pushes them, and names them by digest."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError

from davy.pipeline import durations, oci
from davy.pipeline.adapters import engine
from davy.pipeline.adapters.credentials import DockerCredentials
from davy.pipeline.adapters.registry import Manifest, Registry
from davy.pipeline.errors import DavyError, Problem, Rejected, Unreachable, Unusable
from davy.pipeline.model import Image
from davy.pipeline.ports import BuildOrder, Built, Say

STEP = re.compile(r"Step \d+/\d+ : (\w+)")
LAYERS = ("RUN", "COPY", "ADD")
"""Instructions that make a layer; the others only write metadata."""
LAST = 20
"""Lines of a failed build that are repeated."""
MISSING_BASE = ("manifest unknown", "not found", "pull access denied", "no such host", "manifest for")


class DockerBuilder:
    """Builds with the classic `/build` of whatever engine DOCKER_HOST names."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        limit: timedelta = timedelta(minutes=30),
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        """`limit`: for one build, and for one push. `interrupted`: when true, the work stops."""
        self._environment, self._limit, self._interrupted = environment, limit, interrupted
        self._credentials = DockerCredentials(environment)

    def lacks(self, order: BuildOrder) -> tuple[str, ...]:
        """What only BuildKit can do."""
        asked = {
            "build for several platforms": len(order.platforms) > 1,
            "give a build secrets": order.secrets,
            "forward an ssh agent": order.ssh,
            "take further build contexts": order.contexts,
            "import or export a build cache": order.cache_from or order.cache_to,
            "make an SBOM": order.sbom,
            "make provenance": order.provenance != "off",
        }
        return tuple(f"the Docker Engine's own API cannot {what}" for what, wanted in asked.items() if wanted)

    def build(self, order: BuildOrder, say: Say) -> Built:
        """Build, push, annotate; the digest is the annotated manifest's."""
        _present(order)
        with engine.connected(self._environment, silence=self._limit) as client:
            cached = self._made(client, order, say)
            pushed = self._pushed(client, order, say)
            plain = engine.plain_for(client)
        with closing(Registry(self._credentials, plain=plain)) as registry:
            digest = _annotated(registry, order, pushed)
        return Built(image=Image(name=order.name, digest=digest), cached=cached)

    def _made(self, client: docker.APIClient, order: BuildOrder, say: Say) -> bool:
        """Build and tag it here; True where no layer had to be made."""
        story = _Story(say)
        with engine.Watch(client, self._limit, self._interrupted) as watch:
            try:
                for line in client.build(
                    path=str(order.context),
                    dockerfile=order.dockerfile,
                    tag=f"{order.name}:{order.tag}",
                    buildargs=dict(order.args),
                    labels=dict(order.annotations),
                    target=order.target,
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
        self._cut_short(watch, f"The build of {order.name}")
        if story.error or not story.image:
            raise _failed(order, story)
        return story.cached

    def _pushed(self, client: docker.APIClient, order: BuildOrder, say: Say) -> str:
        """Push the tag; the digest that the registry gave it."""
        digest, wrong = "", ""
        with engine.Watch(client, self._limit, self._interrupted) as watch:
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
        self._cut_short(watch, f"The push of {order.name}")
        if engine.is_denied(wrong):
            raise engine.denied(order.name, "pull,push", self._credentials)
        if wrong or not digest:
            raise Unreachable(
                f"{order.name}:{order.tag} could not be pushed: {wrong or 'the registry named no digest'}",
                remedy="Check that the registry runs, and that Docker on the build machine reaches it.",
            )
        return digest

    def _cut_short(self, watch: engine.Watch, what: str) -> None:
        if watch.unwanted:
            raise KeyboardInterrupt
        if watch.expired:
            raise Rejected(
                f"{what} was stopped after {durations.shown(self._limit)}.",
                remedy="See its last lines for what it waited for.",
            )


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


def _annotated(registry: Registry, order: BuildOrder, pushed: str) -> str:
    """Put the pushed image's manifest back with annotations, under the same tag; its digest then."""
    try:
        body = oci.annotated(registry.manifest(order.name, pushed).body, order.annotations)
    except ValueError as error:
        raise Unreachable(f"The registry of {order.name} has no image manifest for {pushed}.") from error
    return registry.put(order.name, order.tag, Manifest(media_type=oci.OCI_MANIFEST, body=body))


def _present(order: BuildOrder) -> None:
    """Raises Unusable where the context or the Dockerfile is not there."""
    dockerfile = Path(order.context, order.dockerfile)
    if not order.context.is_dir():
        what = f"the build context {order.context} is not there, or no folder"
        raise Unusable(
            f"{order.name} cannot be built: {what}.",
            problems=(Problem(what=what, path="images[].context"),),
            remedy="`context` is relative to the configuration file.",
        )
    if not dockerfile.is_file():
        what = f"there is no Dockerfile at {dockerfile}"
        raise Unusable(
            f"{order.name} cannot be built: {what}.",
            problems=(Problem(what=what, path="images[].dockerfile"),),
            remedy="`dockerfile` is relative to the context.",
        )


def _failed(order: BuildOrder, story: _Story) -> DavyError:
    said = story.error or "the engine ended without an image"
    where = f" at {story.step.strip()!r}" if story.step else ""
    tail = "\n".join(f"  {line}" for line in story.last)
    remedy = "Mend the step; the same build by hand: docker build."
    if any(sign in said for sign in MISSING_BASE) and "FROM" in story.step:
        remedy = "Check the base image's name, and that Docker is logged in to its registry."
    return Rejected(f"{order.name} was not built{where}: {said}" + (f"\n{tail}" if tail else ""), remedy=remedy)
