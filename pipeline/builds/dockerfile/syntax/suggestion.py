"""Suggestion: the known word that somebody meant, as BuildKit looks for it."""

from collections.abc import Iterable

FAR = 3
"""So many letters off is another word: https://github.com/moby/buildkit/blob/v0.26.3/util/suggest/error.go"""


def meant(word: str, known: Iterable[str]) -> str:
    """` (did you mean this?)`, or nothing."""
    near = sorted((_distance(word, one), one) for one in known if abs(len(one) - len(word)) < FAR)
    return f" (did you mean {near[0][1]}?)" if near and 0 < near[0][0] < FAR else ""


def _distance(one: str, other: str) -> int:
    """Letters put in, left out or replaced, that make the one the other."""
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, start=1):
        before, row[0] = row[0], at
        for to, wanted in enumerate(other, start=1):
            here = min(row[to] + 1, row[to - 1] + 1, before + (letter != wanted))
            before, row[to] = row[to], here
    return row[-1]
