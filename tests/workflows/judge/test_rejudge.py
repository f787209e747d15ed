"""The last rollout's own counts, put to every judge: what happened, and what would have."""

from dataclasses import replace

import pytest

from davy.canary.platforms.kubernetes.journal.text import Ledger, events_of, written
from davy.checks.traces.result import ReplayEnd
from davy.pipeline.config import file
from davy.pipeline.core.errors import Missing
from davy.pipeline.core.events import CanaryStarted
from davy.workflows.judge.rejudge import rejudged
from davy.workflows.release.rehearsal.run import Rehearsal, Wish

FILE = """
service: checkout
images: [{name: registry.example.com/shop/checkout}]
deploy: {kubernetes: {namespace: shop, deployment: checkout}}
canary: {steps: [10%, 50%], bake: 1m, deadline: 20m}
checks:
  prometheus: http://prometheus:9090
  slos:
    - {name: availability, objective: 99.5, errors: 'http_errors_total', total: 'http_requests_total'}
"""


def journal(wish):
    events = tuple(Rehearsal(file.parsed(FILE, "davy.yaml", {}), wish).events())
    canary = events[next(i for i, one in enumerate(events) if isinstance(one, CanaryStarted)) :]
    ours = [one for one in canary if type(one).__name__ not in ("StageFinished", "ReleaseFinished")]
    return events_of(written(Ledger(), ours))


def test_the_judge_that_ended_a_rollout_ends_it_so_again():
    last = rejudged(journal(Wish(times=20.0, seed=3)))
    assert last.ended == "rolled_back"
    verdict, sentence = last.verdicts["sequential"]
    assert verdict is ReplayEnd.ROLL_BACK
    assert sentence.startswith("Rolled back")
    assert "sequential" not in last.others


def test_judges_that_would_have_ended_it_another_way_are_told():
    last = rejudged(journal(Wish(seed=4)))
    assert last.ended == "done"
    assert last.verdicts["sequential"][0] is ReplayEnd.PROMOTE
    assert last.others == {judge: held for judge, held in last.verdicts.items() if held[0] is not ReplayEnd.PROMOTE}


def test_a_rollout_under_way_is_none_that_can_be_compared():
    events = journal(Wish(seed=4))
    assert rejudged(events[: len(events) // 2]) is None
    assert rejudged(()) is None


def test_a_rollout_that_noted_no_rules_says_so():
    events = journal(Wish(seed=1))
    with pytest.raises(Missing):
        rejudged((replace(events[0], rules=""), *events[1:]))
