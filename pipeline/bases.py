"""Bases: the digests of images that builds stand on and no lock holds, asked at their registries."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from davy.pipeline.builds.graph import completed
from davy.pipeline.errors import DavyError, Problem, Unusable
from davy.pipeline.ports import ImageStore
from davy.pipeline.value import dataclass

HANDS = 16


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

    Raises Unreachable where a registry does not answer; what is missing is told first, for only people can mend it.
    """
    with ThreadPoolExecutor(min(HANDS, max(len(wanted), 1))) as hands:
        answers = dict(zip(wanted, hands.map(lambda reference: _asked(reference, store), wanted), strict=True))
    problems = [
        Problem(what=what, file=wanted[reference].file, line=wanted[reference].line)
        for reference, answer in answers.items()
        if (what := _wrong(reference, answer))
    ]
    if problems:
        raise Unusable(
            "Bases cannot be had.",
            problems=tuple(problems),
            remedy="Mend the name, or log in to its registry.",
        )
    for answer in answers.values():
        if isinstance(answer, DavyError):
            answer.remedy = "Try again once it answers; bases that `davy build lock` wrote down are not asked about."
            raise answer
    return {reference: str(answer) for reference, answer in answers.items()}


def _wrong(reference: str, answer: str | DavyError | None) -> str:
    """What only a person can mend; empty otherwise."""
    if answer is None:
        return f"the base {reference} is not in its registry"
    if isinstance(answer, Unusable):
        return f"the base {reference}: {answer.what}"
    return ""


def _asked(reference: str, store: ImageStore) -> str | DavyError | None:
    repository, tag, _ = completed(reference)
    try:
        return store.digest(repository, tag or "latest")
    except DavyError as error:
        return error
