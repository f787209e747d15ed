"""A real rollout's journal as a trace: its replay says what the rollout said."""

import json

import pytest

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import Judged
from davy.pipeline.core.verdict import Decision
from shop.visit import Visit

pytestmark = [pytest.mark.lab, pytest.mark.slow]


def test_the_trace_of_a_rollout_that_went_back_gives_its_verdict_and_figures_again(visit: Visit) -> None:
    with visit.customers():
        canary = visit.canary("bad")
        canary.ends(Ending.ROLLED_BACK)
    verdict = next(one.verdict for one in canary.all(Judged) if one.verdict.decision is Decision.ROLL_BACK)
    traced = visit.shop.davy("canary", "trace", "-o", "trace.jsonl")
    assert traced.returncode == 0, traced.stderr
    said = json.loads(visit.shop.davy("judge", "replay", "trace.jsonl", "--output", "json").stdout)
    assert (said["verdict"], said["sentence"]) == ("roll_back", verdict.sentence)
    assert said["log_e_roll_back"] == pytest.approx(verdict.log_e_roll_back, abs=1e-9)
    for one in verdict.evidence:
        mine = said["metrics"][one.metric]
        assert mine["canary"] == {"total": one.canary.total, "bad": one.canary.bad}
        assert mine["log_e"] == pytest.approx(one.log_e_roll_back, abs=1e-9)
        assert mine["log_e_promote"] == pytest.approx(one.log_e_promote, abs=1e-9)
    explained = visit.shop.davy("judge", "explain")
    assert explained.returncode == 0, explained.stderr
    assert "to roll back: nothing" in explained.stdout
