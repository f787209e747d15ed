"""npm ranges: which versions a package.json allows, and the newest of those there are.

The rules are npm's: https://github.com/npm/node-semver#ranges
"""

import re
from collections.abc import Iterable, Sequence
from itertools import takewhile

from davy.pipeline.core.fast_dataclass import dataclass

LONGEST = 256
"""Characters of a range, and of a version: node-semver's own bound."""
NUMBER = r"\d{1,15}"
PART = rf"(?:{NUMBER}|[xX*])"
TAIL = r"(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?"
VERSION = re.compile(rf"[v=]*({NUMBER})\.({NUMBER})\.({NUMBER}){TAIL}", re.ASCII)
PARTIAL = rf"[v=]*({PART})(?:\.({PART})(?:\.({PART}){TAIL})?)?"
COMPARATOR = re.compile(rf"(>=|<=|=>|=<|>|<|=|~>|~|\^|)\s*{PARTIAL}(?=[\s<>=~^]|$)", re.ASCII)
HYPHEN = re.compile(rf"{PARTIAL}\s+-\s+{PARTIAL}", re.ASCII)
TURNED = {"=>": ">=", "=<": "<=", "~>": "~"}
ANY = ("", "latest")
"""What means every release: nothing, and npm's tag for the newest."""

Numbers = tuple[int, ...]
Word = tuple[bool, int, str]
Rank = tuple[Numbers, bool, tuple[Word, ...]]
"""By which versions are ordered: their three numbers; whether it is a release; what leads to one, numbers first."""
Parts = Sequence[str | None]
"""Major, minor, patch and what leads to it, as they are written; None or a letter where one is left open."""
FIRST, BEFORE_ALL = "0", (False, -1, "")
"""What leads to a release before all else; and a word before every other, for what comes right after a version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What one comparator allows: from here on, and below there; both may be open."""

    low: Rank | None = None
    high: Rank | None = None
    leads_to: Numbers | None = None
    """The release that it names a version before of; such versions of other releases are not taken."""

    def takes(self, rank: Rank) -> bool:
        """Whether it lies between them."""
        return (self.low is None or self.low <= rank) and (self.high is None or rank < self.high)


Range = tuple[tuple[Bounds, ...], ...]
"""Alternatives; of one of them all bounds must take a version."""


def parse_range(text: str) -> Range | None:
    """None where it is no range: a tag, a folder, an address."""
    if len(text) > LONGEST:
        return None
    made = [_alternative(part.strip()) for part in text.split("||")]
    return None if None in made else tuple(one for one in made if one is not None)


def newest(versions: Iterable[str], allowed: Range) -> str:
    """The newest that is allowed, as it was written; empty where none is. What is no version is left out."""
    found = [
        (rank, text) for text in versions if (rank := _rank_of(text)) and any(_takes(one, rank) for one in allowed)
    ]
    return max(found, default=(None, ""), key=lambda pair: pair[0] or ())[1]


def _takes(bounds: Sequence[Bounds], rank: Rank) -> bool:
    numbers, is_release, _ = rank
    return all(one.takes(rank) for one in bounds) and (is_release or any(one.leads_to == numbers for one in bounds))


def _rank_of(text: str) -> Rank | None:
    match = VERSION.fullmatch(text.strip()) if len(text) <= LONGEST else None
    return _rank([int(match[at]) for at in (1, 2, 3)], match[4]) if match else None


def _rank(numbers: Sequence[int], early: str | None = None) -> Rank:
    """Numbers that are left out are 0."""
    words = early.split(".") if early else []
    ranked = tuple((not word.isdigit(), int(word) if word.isdigit() else 0, word) for word in words)
    return (*numbers, 0, 0, 0)[:3], not words, ranked


def _alternative(text: str) -> tuple[Bounds, ...] | None:
    if text in ANY:
        return (Bounds(),)
    if match := HYPHEN.fullmatch(text):
        parts = match.groups()
        return (_bounds(">=", parts[:4]), _bounds("<=", parts[4:]))
    found: list[Bounds] = []
    rest = text.replace(",", " ").strip()
    while rest:
        match = COMPARATOR.match(rest)
        if match is None:
            return None
        found.append(_bounds(TURNED.get(match[1], match[1]), match.groups()[1:]))
        rest = rest[match.end() :].strip()
    return tuple(found)


def _bounds(sign: str, parts: Parts) -> Bounds:
    numbers = _numbers(parts)
    early = parts[3] if len(numbers) == 3 else None
    floor = _rank(numbers, early)
    leads_to = floor[0] if early else None
    match sign:
        case ">=":
            return Bounds(low=floor, leads_to=leads_to)
        case ">":
            return Bounds(low=_after(numbers, early, release=True), leads_to=leads_to)
        case "<":
            return Bounds(high=floor if len(numbers) == 3 else _rank(numbers, FIRST), leads_to=leads_to)
        case "<=":
            return Bounds(high=_after(numbers, early), leads_to=leads_to)
        case "^":
            # The left-most part that is not 0 stays; `^0.0` and `^0` keep what they say.
            at = next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)
            return Bounds(low=floor, high=_next(numbers[: at + 1]), leads_to=leads_to)
        case "~":
            return Bounds(low=floor, high=_next(numbers[:2]), leads_to=leads_to)
        case _:
            return Bounds(low=floor, high=_after(numbers, early), leads_to=leads_to)


def _numbers(parts: Parts) -> list[int]:
    """Those before the first that is left open."""
    return [int(part) for part in takewhile(lambda part: (part or "").isdigit(), parts[:3]) if part]


def _after(numbers: list[int], early: str | None, *, release: bool = False) -> Rank | None:
    """Right after all that is meant. `release`: of an open one from the next release on, not from what leads to it."""
    if len(numbers) == 3:
        exact, is_release, words = _rank(numbers, early)
        return exact, is_release, (*words, BEFORE_ALL)
    following = _next(numbers)
    return _rank(following[0]) if following and release else following or (NEVER if release else None)


def _next(numbers: list[int]) -> Rank | None:
    """Whose last part is one more, with what leads to it; None where there is no part."""
    return _rank([*numbers[:-1], numbers[-1] + 1], FIRST) if numbers else None


NEVER = _rank([10**15])
"""Above every version: `>*` takes none."""
