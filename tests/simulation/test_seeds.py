"""Whole rollouts, their faults drawn by seeds: `nox -s simulate` plays as many as one likes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulation.draw import drawn, played_with

SEEDS = 2000
CHUNK = 100
FIRST = 100
"""Seeds that every Python plays; the rest is played once."""
TESTS = Path(__file__).parents[1]


STARTS = [start if start < FIRST else pytest.param(start, marks=pytest.mark.slow) for start in range(0, SEEDS, CHUNK)]


@pytest.mark.parametrize("start", STARTS)
def test_no_invariant_breaks_whatever_happens(start):
    broken = []
    for seed in range(start, start + CHUNK):
        result = played_with(seed, drawn(seed))
        broken += [f"seed {seed} {result.kinds}: invariant {name}: {sentence}" for name, sentence in result.broken]
    assert broken == []


def test_a_seed_is_the_same_story_every_time_whatever_the_hash_seed():
    stories = [_story(hash_seed) for hash_seed in ("1", "2")]
    assert stories[0] == stories[1]
    assert len(stories[0]) > 500


def _story(hash_seed):
    told = subprocess.run(
        [sys.executable, "-m", "simulation", "--start", "60", "--seeds", "8", "-v"],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    # The summary has a speed.
    return told.stdout.splitlines()[:-1]
