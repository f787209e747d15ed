"""Builder choice: which builder makes an image, and why none can."""

from collections.abc import Mapping

from davy.pipeline.builds.ports import Builder, BuildOrder
from davy.pipeline.core.errors import DavyError, Missing, Problem, Unreachable, Unusable


def chosen(order: BuildOrder, candidates: Mapping[str, Builder]) -> tuple[str, Builder]:
    """The first that is there and lacks nothing of the order, and its name. Raises Unusable with every one's reasons.

    `candidates`: by name, in the order of preference.
    """
    problems: list[Problem] = []
    for name, builder in candidates.items():
        reasons = _reasons(builder, order)
        if not reasons:
            return name, builder
        problems.extend(Problem(what=f"{name}: {reason}", path="build.builder") for reason in reasons)
    only = len(candidates) == 1
    raise Unusable(
        f"{order.name} cannot be built by {next(iter(candidates), 'any builder')}."
        if only
        else f"{order.name} cannot be built: no builder is there that can do all of it.",
        problems=tuple(problems),
        remedy="Mend one of these, or take out of the configuration what they cannot do.",
    )


def _reasons(builder: Builder, order: BuildOrder) -> tuple[str, ...]:
    try:
        return builder.lacks(order)
    except (Missing, Unreachable) as error:
        return (_in_short(error),)


def _in_short(error: DavyError) -> str:
    return f"{error.what} {error.remedy}".strip()
