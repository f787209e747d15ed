"""`python -m simulation`: what it says, and how it ends."""

from __future__ import annotations

from simulation.__main__ import broken_line, main
from simulation.draw import KINDS, drawn
from simulation.scene import Result


def test_seeds_that_break_nothing_end_with_0_and_a_summary(capsys):
    assert main(["--start", "3", "--seeds", "2", "--only", "lost"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 1
    assert said[0].startswith("2 seeds, ")
    assert "seeds a CPU second; broken: nothing; endings:" in said[0]


def test_with_v_every_call_is_told(capsys):
    assert main(["--start", "3", "--seeds", "1", "--only", "", "-v"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("seed 3: nothing happens; the judge is ")
    assert "ci-1#1" in said
    assert "PATCH /apis/apps/v1/namespaces/shop/deployments/checkout 200" in said


def test_a_kind_that_there_is_not_is_refused_with_those_there_are(capsys):
    assert main(["--only", "kill,earthquake"]) == 2
    assert capsys.readouterr().err == f"no such kind: earthquake; there are {', '.join(KINDS)}\n"


def test_a_broken_seed_is_told_with_the_words_that_play_it_again():
    broken = (("2", "14.20 ci-1 wrote something else"), ("9", "60.00 these marks are left: davy.dev/fence"))
    result = Result(41, ("kill", "skew"), "bad", broken, ("killed",), 120, ())
    assert broken_line(result, shrink=False) == (
        "invariant 2: 14.20 ci-1 wrote something else (and 1 more) [bad] · --only kill,skew --start 41 --seeds 1 -v"
    )


def test_every_kind_is_drawn_and_a_seed_always_has_the_same():
    seen = [drawn(seed) for seed in range(400)]
    assert {kind for kinds in seen for kind in kinds} == set(KINDS)
    assert seen == [drawn(seed) for seed in range(400)]
    assert () in seen
