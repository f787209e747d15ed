"""Attest: the verdicts of tests and canary, and how an image was made, attached to its digest in the registry.

What the registry does not take is a warning, and never a failure of the release.
"""

import re
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

from davy.canary.ports.journal import Journal
from davy.pipeline import __version__
from davy.pipeline.config.document import DeliveryConfig
from davy.pipeline.config.sections.images.matrix import Recipe, expanded
from davy.pipeline.core.artifacts import Image, Revision
from davy.pipeline.core.errors import DavyError
from davy.pipeline.core.events import CanaryFinished, CanaryStarted, Event, Judged, LogLine, SuiteFinished, Warned
from davy.pipeline.core.images.oci import BASE_DIGEST, BASE_NAME, PREFIX
from davy.pipeline.core.text.sanitize import MASK
from davy.pipeline.registry.ports import Attachment, ImageStore
from davy.pipeline.supply_chain import attestations, evidence
from davy.pipeline.supply_chain.attestations import Making, Occasion
from davy.pipeline.supply_chain.evidence import Claim
from davy.workflows import wiring
from davy.workflows.images import builder_attestations
from davy.workflows.story.recorder import overheard
from davy.workflows.story.task import Task

T = TypeVar("T")
REF_NAME = f"{PREFIX}ref.name"
OWN_TAG = r"[0-9a-f]{12}(-dirty)?"
"""Of the commit, as `orders.tag` makes it."""
ABREAST = 8
"""Images that are written to at once."""


def tests(task: Task, images: Sequence[Image], story: Generator[Event, None, T]) -> Generator[Event, None, T]:
    """The story of the suites; at its end their results are attached to every image."""
    suites: list[SuiteFinished] = []
    ended = yield from overheard(story, suites, SuiteFinished)
    if suites and task.config.build.evidence:
        occasion = _occasion(task)
        yield from _attached(task, images, "tests", lambda image: attestations.tested(image, suites, occasion))
    return ended


def canary(task: Task, images: Sequence[Image], story: Generator[Event, None, T]) -> Generator[Event, None, T]:
    """The story of the canary; at its end its verdict is attached to every image."""
    seen: list[CanaryFinished | Judged] = []
    ended = yield from overheard(story, seen, CanaryFinished, Judged)
    ends = [event for event in seen if isinstance(event, CanaryFinished)]
    looks = [event.verdict for event in seen if isinstance(event, Judged)]
    if ends and task.config.build.evidence:
        occasion, last = _occasion(task), looks[-1] if looks else None
        yield from _attached(task, images, "canary", lambda image: attestations.judged(image, ends[-1], last, occasion))
    return ended


def journaled(journal: Journal) -> tuple[Image, ...]:
    """The images of the rollout that the journal tells of."""
    started = [event for event in journal.read() if isinstance(event, CanaryStarted)]
    named = [reference.partition("@") for reference in started[-1].images.values()] if started else []
    return tuple(Image(name=name, digest=digest) for name, _, digest in named if digest)


def made(task: Task, revision: Revision, images: Sequence[Image]) -> Generator[Event, None, None]:
    """SLSA provenance for every image that has none: where `build.provenance` asks for it and the builder made none."""
    if not task.config.build.attests:
        return
    occasion = _occasion(task, revision)
    with closing(wiring.images(task.config)) as store:
        bare: list[Image] = []
        making: dict[str, Making] = {}
        for image in images:
            try:
                if not has_provenance(store, image):
                    said = store.stored(image.name, image.digest)
                    making[image.reference] = _making(task.config, image, said.annotations if said else {})
                    bare.append(image)
            except DavyError as error:
                yield Warned(at=task.clock.now(), what=f"the provenance of {image.short} is not known: {error.what}")
    yield from _attached(
        task, bare, "provenance", lambda image: attestations.provenance(image, making[image.reference], occasion)
    )


def has_provenance(store: ImageStore, image: Image) -> bool:
    """Whether buildx put it into the index, where an SBOM may stand alone, or anybody beside the image."""
    beside = (evidence.said(one) for one in store.attached(image))
    return any(one.claim is Claim.PROVENANCE for one in (*builder_attestations.claims(store, image), *beside))


def _making(config: DeliveryConfig, image: Image, annotations: Mapping[str, str]) -> Making:
    bases = {annotations[BASE_NAME]: annotations.get(BASE_DIGEST, "")} if BASE_NAME in annotations else {}
    said = _recipe(config, image, annotations)
    if said is None:
        return Making(name=image.name, dockerfile="", bases=bases, version=__version__)
    # As BuildKit has it: arguments may hold what is nobody's business, so `min` leaves them out.
    # What the environment put into one is written nowhere.
    named = said.args if config.build.provenance == "max" else {}
    args = {name: MASK if name in said.given else value for name, value in named.items()}
    return Making(
        name=image.name,
        dockerfile=f"{said.context}/{said.dockerfile}",
        target=said.target or "",
        args=args,
        platforms=said.platforms,
        bases=bases,
        version=__version__,
    )


def _recipe(config: DeliveryConfig, image: Image, annotations: Mapping[str, str]) -> Recipe | None:
    """What it was made by. Cells of a matrix that share a repository are told apart by the tag that it says."""
    named = [one for one in expanded(config.images) if one.name == image.name]
    if len(named) == 1:
        return named[0]
    tag = annotations.get(REF_NAME, "")
    return next((one for one in named if re.fullmatch(OWN_TAG + re.escape(one.suffix), tag)), None)


def _attached(
    task: Task, images: Sequence[Image], what: str, said: Callable[[Image], Attachment]
) -> Generator[Event, None, None]:
    with closing(wiring.images(task.config)) as store, ThreadPoolExecutor(ABREAST) as crew:
        yield from _told(task, what, crew.map(lambda image: (image, _tried(store, image, said(image))), images))


def _tried(store: ImageStore, image: Image, said: Attachment) -> str | DavyError:
    try:
        return store.attach(image, said)
    except DavyError as error:
        return error


def _told(task: Task, what: str, ends: Iterable[tuple[Image, str | DavyError]]) -> Generator[Event, None, None]:
    shown = wiring.washing(task.config)
    for image, end in ends:
        if isinstance(end, DavyError):
            said = shown(f"the word of {what} was not attached to {image.short}: {end.what}")
            yield Warned(at=task.clock.now(), what=said)
        else:
            line = f"the word of {what} is attached to {image.short} as {end[:14]}…"
            yield LogLine(at=task.clock.now(), source="registry", line=line)


def _occasion(task: Task, revision: Revision | None = None) -> Occasion:
    if revision is None:
        try:
            revision = wiring.source(task.folder).revision()
        except DavyError:  # Images can be tested and released from a folder that is no work tree.
            revision = None
    now = task.clock.now()
    return Occasion(release=task.release, service=task.config.service, runner=task.runner, at=now, revision=revision)
