"""Condition answers: whether any answer at all of a metrics server fails a threshold's conditions."""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, product
from typing import assert_never

from davy.pipeline.config.parsing import condition_parser
from davy.pipeline.config.parsing.condition import (
    Amount,
    Compared,
    Condition,
    Constant,
    Each,
    Item,
    Joined,
    Length,
    Negated,
    Quantified,
    ResultValue,
    Test,
    Truth,
    Unanswered,
)
from davy.pipeline.config.sections.thresholds import ThresholdConfig

MOST_TRIED = 4096
MOST_VALUES = 4
"""An answer of more values than that is not tried."""


def can_be_failed(check: ThresholdConfig) -> bool:
    """False where no answer is a failure by the conditions; True also where too many would have to be tried.

    A condition changes only at the numbers in it. So all there are, one between each two, and those beyond are every
    value there is to it.
    """
    if check.style == "flagger":
        return True
    try:
        texts = (check.success, check.failure)
        success, failure = (None if text is None else condition_parser.condition(text) for text in texts)
    except ValueError:
        return True
    found = list(_parts(one.tree for one in (success, failure) if one is not None))
    values = _values({part.value for part in found if isinstance(part, Constant)}, nan=check.style == "argo")
    longest = max([2, *(part.place + 1 for part in found if isinstance(part, Item))])
    if any(isinstance(part, Length) for part in found):
        longest = max([longest, *(math.ceil(value) + 1 for value in values if math.isfinite(value))])
    if longest > MOST_VALUES or len(values) ** longest > MOST_TRIED:
        return True
    lengths = range(longest + 1) if check.style == "argo" else (1,)
    return any(_fails(success, failure, answer) for length in lengths for answer in product(values, repeat=length))


def _fails(success: Condition | None, failure: Condition | None, answer: Sequence[float]) -> bool:
    try:
        if failure is not None:
            return failure.holds_of(answer)
        return success is not None and not success.holds_of(answer)
    except Unanswered:
        return False


def _values(numbers: Iterable[float], *, nan: bool) -> list[float]:
    points = sorted({-math.inf, math.inf, *numbers})
    between = [_middle(low, high) for low, high in pairwise(points)]
    return [*points, *between, *([math.nan] if nan else [])]


def _middle(low: float, high: float) -> float:
    if math.isinf(low) and math.isinf(high):
        return 0.0
    if math.isinf(low) or math.isinf(high):
        return high - 1 - abs(high) if math.isinf(low) else low + 1 + abs(low)
    return low + (high - low) / 2


def _parts(nodes: Iterable[Truth | Amount]) -> Iterator[Amount]:
    """The numbers, places and lengths in some trees."""
    for node in nodes:
        match node:
            case Compared() | Joined():
                yield from _parts((node.left, node.right))
            case Test() | Negated() | Quantified():
                yield from _parts((node.of,))
            case Constant() | Each() | ResultValue() | Item() | Length():
                yield node
            case _:
                assert_never(node)
