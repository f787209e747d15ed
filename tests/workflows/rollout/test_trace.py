"""A rollout's journal as a trace: replayed, it says what the rollout said."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from davy.canary.platforms.kubernetes.journal.text import Ledger, events_of, written
from davy.checks.traces import rules_text
from davy.checks.traces.reader import read
from davy.checks.traces.replay import sequential
from davy.checks.traces.result import ReplayEnd
from davy.checks.traces.trace import written as lines_of
from davy.pipeline.config import file
from davy.pipeline.core.errors import Missing
from davy.pipeline.core.events import CanaryStarted, Judged, PromotionStarted
from davy.pipeline.core.verdict import Counts, Decision, Pair, Verdict, Window
from davy.workflows.release.rehearsal.run import Rehearsal, Wish
from davy.workflows.rollout.trace import trace_of

FILE = """
service: checkout
images: [{name: registry.example.com/shop/checkout}]
deploy: {kubernetes: {namespace: shop, deployment: checkout}}
canary: {steps: [10%, {weight: 25%, worse: 3}, 50%], bake: 1m, deadline: 8m}
checks:
  prometheus: http://prometheus:9090
  tolerate: 1.2
  slos:
    - {name: availability, objective: 99.5, errors: 'http_errors_total', total: 'http_requests_total', weight: 2}
    - {name: latency, objective: 99, histogram: 'http_duration_seconds_bucket', under: 500ms}
"""


def played(wish, text=FILE):
    config = file.parsed(text, "davy.yaml", {})
    return tuple(Rehearsal(config, wish).events())


def journaled(events):
    """As the cluster keeps them: of a look only its windows."""
    canary = events[next(i for i, one in enumerate(events) if isinstance(one, CanaryStarted)) :]
    ours = [one for one in canary if type(one).__name__ not in ("StageFinished", "ReleaseFinished")]
    return events_of(written(Ledger(), ours))


def replayed(events):
    trace = trace_of(events)
    text = [f"{line}\n".encode() for line in lines_of(trace)]
    return sequential(read(text, "t.jsonl"))


def verdict_of(events, decision):
    """The look that decided, whole, as it was told while the rollout ran; and its seconds."""
    started = next(one for one in events if isinstance(one, CanaryStarted))
    promotion = next((one.at for one in events if isinstance(one, PromotionStarted)), None)
    looks = [one for one in events if isinstance(one, Judged) and one.verdict.decision is decision]
    if promotion and decision is Decision.PROMOTE:
        looks = [one for one in looks if one.at <= promotion][-1:]
    return looks[0].verdict, (looks[0].at - started.at).total_seconds()


@pytest.mark.parametrize(
    ("wish", "decision", "more"),
    [
        (Wish(), Decision.PROMOTE, ""),
        (Wish(seed=3, errors=0.002), Decision.PROMOTE, "dispersion: 1.5"),
        (Wish(seed=5, rps=400), Decision.PROMOTE, "baseline: none"),
        (Wish(times=10), Decision.ROLL_BACK, ""),
        (Wish(times=200), Decision.ROLL_BACK, "baseline: none"),
        (Wish(seed=3, latency_times=5), Decision.ROLL_BACK, "dispersion: 3"),
    ],
)
def test_the_replay_of_a_rollout_gives_its_verdict_with_its_figures(wish, decision, more):
    events = played(wish, FILE.replace("tolerate: 1.2", f"tolerate: 1.2\n  {more}"))
    said, at = verdict_of(events, decision)
    finding = replayed(journaled(events))
    assert finding.verdict is ReplayEnd(decision.value)
    assert finding.at == pytest.approx(at)
    last = finding.looks[-1]
    assert last.log_e_roll_back == pytest.approx(said.log_e_roll_back, abs=1e-9)
    assert last.log_e_burn == pytest.approx(said.log_e_burn, abs=1e-9)
    assert finding.sentence == said.sentence
    assert finding.blame == said.blame
    for mine, theirs in zip(last.evidence, said.evidence, strict=True):
        assert (mine.canary.bad, mine.canary.total) == (theirs.canary.bad, theirs.canary.total)
        assert mine.log_e_roll_back == pytest.approx(theirs.log_e_roll_back, abs=1e-9)
        assert mine.log_e_promote == pytest.approx(theirs.log_e_promote, abs=1e-9)
        assert mine.ratio == (pytest.approx(theirs.ratio) if theirs.ratio else None)
        assert mine.dispersion == theirs.dispersion


def test_a_rollout_without_a_verdict_is_replayed_as_inconclusive():
    events = played(Wish(rps=0.3, errors=0.02), FILE.replace("deadline: 8m", "deadline: 4m"))
    finding = replayed(journaled(events))
    assert finding.verdict is ReplayEnd.INCONCLUSIVE
    assert finding.windows > 3


def test_the_header_says_the_rules_of_the_configuration():
    header = json.loads(next(lines_of(trace_of(journaled(played(Wish()))))))
    assert header["davy_trace"] == 1
    assert [(m["name"], m["objective"], m["weight"]) for m in header["metrics"]] == [
        ("availability", 99.5, 2.0),
        ("latency", 99.0, 1.0),
    ]
    assert header["metrics"][1]["bound"] == "0.5"
    assert header["parameters"]["tolerate"] == 1.2
    assert header["parameters"]["bad_at_least"] == 3
    assert header["parameters"]["promote_from"] > 60


def test_a_rollout_that_went_back_is_never_promoted_in_its_replay():
    trace = trace_of(journaled(played(Wish(times=10))))
    assert math.isinf(trace.promote_from)
    assert json.loads(next(lines_of(trace)))["parameters"]["promote_from"] is None


def test_each_step_has_its_own_ratio_to_exclude():
    trace = trace_of(journaled(played(Wish())))
    assert {one.worse for one in trace.windows} >= {None, 3.0}


def test_a_journal_without_rules_says_so():
    with pytest.raises(Missing, match="by which rules"):
        trace_of([started()])
    with pytest.raises(Missing, match="no rollout"):
        trace_of([])


def started(rules=""):
    events = played(Wish(rps=1), FILE.replace("deadline: 8m", "deadline: 1m"))
    return replace(next(one for one in events if isinstance(one, CanaryStarted)), rules=rules)


def test_thresholds_alone_keep_no_counts_and_note_no_rules():
    text = FILE.replace(
        "  tolerate: 1.2\n", "  judge: threshold\n  thresholds: [{name: a, query: up, success: '> 0'}]\n"
    )
    config = file.parsed(text.split("  slos:")[0], "davy.yaml", {})
    assert rules_text.text(config.checks) == ""


def test_a_look_that_could_not_read_all_promotes_nothing():
    at = datetime(2026, 3, 1, tzinfo=UTC)
    first = started(rules_text.text(file.parsed(FILE, "davy.yaml", {}).checks))
    at = first.at + timedelta(seconds=15)
    window = Window(start=first.at, end=at, counts={"availability": Pair(canary=Counts(bad=0, total=10))})
    look = Judged(at=at, verdict=Verdict(at=at, decision=Decision.UNKNOWN, sentence="", windows=(window,)))
    assert [one.gap for one in trace_of([first, look]).windows] == [True]


def test_the_dispersion_that_the_first_window_notes_is_the_traces():
    first = started(rules_text.text(file.parsed(FILE, "davy.yaml", {}).checks))
    at = first.at + timedelta(seconds=15)
    counts = {"availability": Pair(canary=Counts(bad=0, total=10))}
    window = Window(start=first.at, end=at, counts=counts, dispersion={"availability": 3.5})
    look = Judged(at=at, verdict=Verdict(at=at, decision=Decision.GO_ON, sentence="", windows=(window,)))
    trace = trace_of(events_of(written(Ledger(), [first, look])))
    assert [one.dispersion for one in trace.metrics] == [3.5, 1.0]
    assert trace.origins["availability"].startswith("the stable pods' own past")


def test_a_histogram_of_several_bounds_keeps_them_on_the_way_through_the_journal():
    first = started(rules_text.text(file.parsed(FILE, "davy.yaml", {}).checks))
    at = first.at + timedelta(seconds=15)
    canary, stable = (
        Counts(bad=3, total=50, above={"0.25": 9, "0.5": 3}),
        Counts(bad=1, total=90, above={"0.25": 2, "0.5": 1}),
    )
    window = Window(start=first.at, end=at, counts={"latency": Pair(canary=canary, stable=stable)})
    look = Judged(at=at, verdict=Verdict(at=at, decision=Decision.GO_ON, sentence="", windows=(window,)))
    trace = trace_of(events_of(written(Ledger(), [first, look])))
    again = read([line.encode() for line in lines_of(trace)], "t")
    assert again.windows[0].counts["latency"] == Pair(canary=canary, stable=stable)
    assert again.metrics[1].bounds == ("0.25", "0.5")
