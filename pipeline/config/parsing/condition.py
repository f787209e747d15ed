"""Condition: a small safe part of Argo Rollouts' expressions, read once into a tree and asked of numbers.

Two forms. The short one, `>= 0.95` or `> 0.9 && < 1.1`, is asked of one value at a time. The whole one names the
answer: `result[0] >= 0.95`, `len(result) == 0 || isNaN(result[0])`, `all(result, # < 5)`. There are comparisons, `&&`,
`||`, `!`, `and`, `or`, `not`, parentheses, `len`, `isNaN`, `isInf`, `all`, `any` and `none`; no arithmetic and no other
name. A number may end in `%`. A comparison with NaN is false, as in IEEE 754, except `!=`.
"""

import math
from collections.abc import Sequence
from typing import assert_never

from davy.pipeline.core.fast_dataclass import dataclass


class Unanswered(LookupError):
    """The condition asks for a value that the answer does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A constant."""

    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Each:
    """The value at hand: what a short form is asked of, and `#` inside a quantifier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultValue:
    """`result`: as a number, where the answer is one value; as a list in `len` and quantifiers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """`result[0]`."""

    place: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """`len(result)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two numbers, compared."""

    operator: str
    left: "Amount"
    right: "Amount"


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """`isNaN(…)` or `isInf(…)`."""

    name: str
    of: "Amount"


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """`&&` or `||`; the right side is not asked where the left decides."""

    operator: str
    left: "Truth"
    right: "Truth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Negated:
    """`!`."""

    of: "Truth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantified:
    """`all`, `any` or `none` of the answer's values."""

    name: str
    of: "Truth"


Amount = Constant | Each | ResultValue | Item | Length
Truth = Compared | Test | Joined | Negated | Quantified


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition, read."""

    text: str
    tree: Truth
    short: bool
    """True where it is asked of one value at a time."""

    def __str__(self) -> str:
        return self.text

    def holds(self, value: float) -> bool:
        """Of an answer that is one value. NaN holds no short form."""
        if self.short and math.isnan(value):
            return False
        return _truth(self.tree, (value,), value)

    def holds_of(self, values: Sequence[float]) -> bool:
        """Of a whole answer; a short form must hold for every value. Raises Unanswered."""
        if not self.short:
            return _truth(self.tree, values, math.nan)
        if not values:
            raise Unanswered("there is no value")
        return all(self.holds(value) for value in values)


def _truth(node: Truth, values: Sequence[float], each: float) -> bool:
    match node:
        case Compared():
            return _compare(node.operator, _number(node.left, values, each), _number(node.right, values, each))
        case Test():
            asked = math.isnan if node.name == "isNaN" else math.isinf
            return asked(_number(node.of, values, each))
        case Joined():
            decided = node.operator == "||"
            left = _truth(node.left, values, each)
            return left if left is decided else _truth(node.right, values, each)
        case Negated():
            return not _truth(node.of, values, each)
        case Quantified():
            return _quantify(node, values)
        case _:
            assert_never(node)


def _number(node: Amount, values: Sequence[float], each: float) -> float:
    match node:
        case Constant():
            return node.value
        case Each():
            return each
        case ResultValue():
            return _only(values)
        case Item():
            return _item(values, node.place)
        case Length():
            return float(len(values))
        case _:
            assert_never(node)


def _only(values: Sequence[float]) -> float:
    if len(values) != 1:
        raise Unanswered(f"`result` is {len(values)} values, not one; write result[0]")
    return values[0]


def _item(values: Sequence[float], place: int) -> float:
    if not 0 <= place < len(values):
        raise Unanswered(f"there is no result[{place}] among {len(values)} values")
    return values[place]


def _quantify(node: Quantified, values: Sequence[float]) -> bool:
    held = [_truth(node.of, values, value) for value in values]
    return all(held) if node.name == "all" else any(held) if node.name == "any" else not any(held)


def _compare(operator: str, left: float, right: float) -> bool:
    return {
        ">=": left >= right,
        "<=": left <= right,
        ">": left > right,
        "<": left < right,
        "==": left == right,
        "!=": left != right,
    }[operator]
