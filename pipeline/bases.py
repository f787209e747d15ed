"""Bases: the digests of images that builds stand on and no lock holds, asked at their registries."""

from collections.abc import Mapping

from davy.pipeline.builds.graph import completed
from davy.pipeline.errors import DavyError, Problem, Unreachable, Unusable
from davy.pipeline.ports import ImageStore
from davy.pipeline.value import dataclass

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
