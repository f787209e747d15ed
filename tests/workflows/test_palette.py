"""The colours of the pictures: to be read by everyone, on light paper and on dark."""

import math
from collections.abc import Iterator

import pytest

from davy.workflows.render.plots.paper import DARK, LIGHT
from davy.workflows.render.plots.shapes import CANARY, STABLE


def contrast(one: str, other: str) -> float:
    """As WCAG 2.2 defines it."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def linear(color: str) -> list[float]:
    parts = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def luminance(color: str) -> float:
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear(color), strict=True))


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_words_and_lines_stand_out_from_the_paper(palette: dict[str, str]) -> None:
    for name in ("ink", "soft", "limit"):
        assert contrast(palette[name], palette["paper"]) >= 4.5, name
    for name in (one for one in palette if one.startswith("h")):
        assert contrast(palette[name], palette["paper"]) >= 3, name


# Machado, Oliveira and Fernandes 2009, full severity: https://www.inf.ufrgs.br/~oliveira/pubs_files/CVD_Simulation/
SIGHTS = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def seen(color: str, sight: str) -> Iterator[float]:
    for row in SIGHTS[sight]:
        value = min(max(sum(weight * part for weight, part in zip(row, linear(color), strict=True)), 0.0), 1.0)
        yield value ** (1 / 2.4)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("sight", SIGHTS)
def test_both_sides_are_told_apart_by_everyone(palette: dict[str, str], sight: str) -> None:
    canary, stable = (list(seen(palette[f"h{hue}"], sight)) for hue in (CANARY, STABLE))
    assert math.dist(canary, stable) > 0.3
