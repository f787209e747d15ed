"""Base images: the digests of images that builds stand on and no lock holds, asked at their registries."""

from collections.abc import Mapping

from davy.pipeline.builds.content.graph import completed
from davy.pipeline.builds.content.keyed_images import Keyed
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import DavyError, Missing, Problem, Rejected, Unreachable, Unusable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.images import oci
from davy.pipeline.registry.ports import ImageStore

TAKING = ("COPY", "ADD", "RUN", "ARG")
"""Instructions that take something from a build."""
HANDS = 16
"""Questions at once; a registry answers each in milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """Where a base is named first."""

    recipe: str
    """Id of the image that stands on it."""
    file: str
    """The Dockerfile, relative to the configuration's folder."""
    line: int | None = None


def resolved(wanted: Mapping[str, Naming], store: ImageStore) -> dict[str, str]:
    """By reference, its digest now. Raises Unusable with every base that is not there or may not be read.

    Raises Unreachable where all that fails is registries that do not answer, each told once.
    """
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - a plan asks nobody

    with ThreadPoolExecutor(min(HANDS, max(len(wanted), 1))) as hands:
        answers = dict(zip(wanted, hands.map(lambda reference: _asked(reference, store), wanted), strict=True))
    failed = {reference: _wrong(reference, answer) for reference, answer in answers.items()}
    problems = tuple(
        Problem(what=what, file=wanted[reference].file, line=wanted[reference].line)
        for reference, what in sorted(failed.items(), key=lambda one: (wanted[one[0]].file, wanted[one[0]].line or 0))
        if what
    )
    away = [answer for answer in answers.values() if isinstance(answer, DavyError) and not isinstance(answer, Unusable)]
    if len(problems) > len(away):
        raise Unusable("Bases cannot be had.", problems=problems, remedy="Mend the name, or log in to its registry.")
    if away:
        raise Unreachable(
            "\n".join(dict.fromkeys(answer.what for answer in away)),
            remedy="Try again once it answers; bases that `davy build lock` wrote down are not asked about.",
        ) from away[0]
    return {reference: str(answer) for reference, answer in answers.items()}


def holding(digests: Mapping[str, str], store: ImageStore) -> frozenset[str]:
    """Of bases with their digests, those that hold something back by ONBUILD that a build must not overlook.

    One that cannot be asked is none of them: it is asked again before something is built on it.
    """
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - a plan asks nobody

    with ThreadPoolExecutor(min(HANDS, max(len(digests), 1))) as hands:
        found = hands.map(lambda one: _asked_for_triggers(one, digests[one], store), digests)
        return frozenset(reference for reference, held in zip(digests, found, strict=True) if held)


def triggers(reference: str, digest: str, store: ImageStore) -> tuple[str, ...]:
    """What a base holds back that may take files, stages or arguments of a build. Raises as the store does."""
    try:
        held = oci.held_back(store.configuration(Image(name=completed(reference)[0], digest=digest)))
    except ValueError:
        return ()  # What has no configuration of an image is no base.
    return tuple(line for line in held if line.split(maxsplit=1)[0].upper() in TAKING)


def _asked_for_triggers(reference: str, digest: str, store: ImageStore) -> tuple[str, ...]:
    try:
        return triggers(reference, digest, store)
    except DavyError:
        return ()


def overlooked(keyed: Keyed, store: ImageStore) -> tuple[str, ...]:
    """Look whether a base holds something back that the build would lack. Raises Rejected where one does.

    What could not be asked is a word each: the builder may reach a registry that is out of reach here.
    """
    words: list[str] = []
    for reference in () if keyed.dockerfile.whole else keyed.dockerfile.stands_on:
        digest = keyed.inputs.bases.get(reference, "")
        try:
            held = triggers(reference, digest, store) if digest else ()
        except Missing:
            continue
        except DavyError as error:
            words.append(f"whether {reference} holds something back by ONBUILD is not known: {error.what}")
            continue
        if held:
            raise Rejected(
                f"{keyed.recipe.name} was not built: its base {reference} holds back {held[0]!r} by ONBUILD, "
                "so more of the context counts than its Dockerfile names.",
                remedy=f"`davy build lock --update {reference}` writes that down, and all of the context counts.",
            )
    return tuple(words)


def _wrong(reference: str, answer: str | DavyError | None) -> str:
    """What is wrong, for people; empty where it was found."""
    if answer is None:
        return f"the base {reference} is not in its registry"
    if isinstance(answer, DavyError):
        return f"the base {reference}: {answer.what}"
    return ""


def _asked(reference: str, store: ImageStore) -> str | DavyError | None:
    repository, tag, _ = completed(reference)
    try:
        return store.digest(repository, tag or "latest")
    except DavyError as error:
        return error
