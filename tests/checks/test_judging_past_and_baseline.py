"""What the sequential judge is told beside the counts: the past, the kind of baseline, bounds; and what it notes."""

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from davy.checks.judges.joint import judge_of
from davy.checks.judges.sequential.judge import SequentialJudge
from davy.checks.metrics.memory import SimulatedMetrics
from davy.checks.ports import Histogram, Series
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.core.verdict import Counts, Decision
from davy.pipeline.core.workload import ReadyPod, Sides

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SCRAPE = timedelta(seconds=15)
SLO = {"name": "availability", "objective": 99, "errors": 'http_total{code="500"}', "total": "http_total"}
LATENCY = {
    "name": "latency",
    "objective": 99,
    "histogram": "http_seconds_bucket",
    "under": "500ms",
    "bounds": ["250ms", "1s"],
}
BOUNDS = ("0.25", "0.5", "1")


class World:
    """Two canary pods, four stable ones, two of the baseline; an hour of past for stable."""

    def __init__(self, *slos, warmup=0, past=timedelta(0), seed=1, **more):
        self.metrics, self.dice, self.now = SimulatedMetrics(), random.Random(seed), T0 - past
        self.config = made(ChecksConfig, {"prometheus": "http://p.example", "slos": slos or (SLO,), **more})
        self.warmup = timedelta(seconds=warmup)
        self.pods = {"stable": [f"old-{n}" for n in range(4)], "canary": [], "baseline": []}
        while self.now < T0:
            self.pass_scrape()
        self.pass_scrape()
        self.pods |= {"canary": ["new-0", "new-1"], "baseline": ["base-0", "base-1"]}
        since = {"stable": T0 - timedelta(days=1), "canary": self.now, "baseline": self.now}
        self.sides = Sides(
            started_at=T0,
            **{
                side: tuple(ReadyPod(name=p, ready_since=since[side]) for p in pods) for side, pods in self.pods.items()
            },
        )
        self.judge = self.new_judge()

    def new_judge(self):
        return judge_of(self.config, self.metrics, self.warmup)

    def pass_scrape(self, requests=100, **bad):
        """`bad`: by side, the share of bad events; 1 % where not said."""
        self.now += SCRAPE
        for side, pods in self.pods.items():
            for pod in pods:
                rate = bad.get(side, 0.01)
                failed, slow = (sum(self.dice.random() < rate for _ in range(requests)) for _ in range(2))
                self.metrics.count("http_total", {"pod": pod, "code": "200"}, requests - failed)
                self.metrics.count("http_total", {"pod": pod, "code": "500"}, failed)
                above = {"0.25": min(requests, 2 * slow), "0.5": slow, "1": slow // 2}
                self.metrics.observe("http_seconds", {"pod": pod}, above, requests)
        self.metrics.scrape(self.now - timedelta(seconds=1))

    def look(self, judge=None):
        return (judge or self.judge).look(self.sides, self.now, 2.0)

    def run(self, scrapes, **bad):
        verdicts = []
        for _ in range(scrapes):
            self.pass_scrape(**bad)
            verdicts.append(self.look())
        return verdicts


# ---- what the evidence is tempered by ----


def test_the_dispersion_is_measured_on_stables_past_and_said_once():
    world = World(past=timedelta(hours=1))
    verdicts = world.run(6)
    said = [note for verdict in verdicts for note in verdict.notes if "dispersion" in note]
    assert len(said) == 1
    assert said[0].startswith("availability: dispersion 1.")
    assert "measured on" in said[0]
    (value,) = {one.dispersion for one in verdicts[-1].evidence}
    assert 1.0 <= value < 1.5


def test_without_enough_past_two_is_assumed_and_said():
    verdicts = World().run(4)
    assert verdicts[-1].evidence[0].dispersion == 2.0
    assert any("dispersion 2.0 assumed" in note for verdict in verdicts for note in verdict.notes)


def test_a_number_is_taken_as_it_is_and_no_past_is_read():
    world = World(past=timedelta(hours=1), dispersion=3)
    asked = world.metrics.asked
    (verdict,) = world.run(1)
    assert world.metrics.asked == asked + 2
    verdict = world.run(2)[-1]
    assert verdict.evidence[0].dispersion == 3.0
    assert verdict.notes == ()


def test_the_first_windows_carry_the_dispersion_and_a_runner_that_recalls_them_measures_none_of_its_own():
    world = World(past=timedelta(hours=1))
    windows = [window for verdict in world.run(6, canary=0.02) for window in verdict.windows]
    assert [bool(window.dispersion) for window in windows] == [True] + [False] * (len(windows) - 1)
    resumed = world.new_judge()
    resumed.recall(windows)
    world.pass_scrape()
    asked = world.metrics.asked
    again = world.look(resumed)
    assert world.metrics.asked == asked + 2
    assert again.evidence == world.look().evidence
    assert not [note for note in again.notes if "dispersion" in note]
    assert not again.windows[0].dispersion


def test_the_past_is_read_while_the_pods_warm_up_so_that_it_is_whole_when_the_windows_begin():
    world = World(warmup=60, past=timedelta(hours=3), dispersion_history="3h")
    verdicts = world.run(8)
    (said,) = (note for verdict in verdicts for note in verdict.notes if "dispersion" in note)
    assert "only" not in said


# ---- bounds ----


def test_evidence_is_the_mean_over_the_bounds_and_every_window_holds_the_counts_above_each():
    world = World(LATENCY, dispersion=1)
    verdict = world.run(5, canary=0.03)[-1]
    (evidence,) = verdict.evidence
    assert tuple(evidence.canary.above) == BOUNDS
    assert evidence.canary.bad == evidence.canary.above["0.5"]
    alone = World({**LATENCY, "bounds": []}, dispersion=1)
    (other,) = alone.run(5, canary=0.03)[-1].evidence
    assert other.canary == Counts(bad=evidence.canary.bad, total=evidence.canary.total)
    assert other.log_e_roll_back != evidence.log_e_roll_back


def test_native_histograms_are_judged_at_the_same_bounds():
    world = World({**LATENCY, "histogram": "http_seconds"}, dispersion=1)

    def natives(selectors, start, end):
        (asked,) = selectors
        assert asked == 'http_seconds{le=~"' + asked.split('"')[1] + '"}'
        return (tuple(native(pod, start, end) for pods in world.pods.values() for pod in pods),)

    def native(pod, start, end):
        # Ten requests a second, one in ten above 0.5, one in a hundred above 1.
        begun = T0 - timedelta(minutes=30)
        times = [begun + n * SCRAPE for n in range(1000) if start < begun + n * SCRAPE <= end]
        points = tuple((at.timestamp(), round((at - begun).total_seconds())) for at in times)
        return Series(
            labels={"__name__": "http_seconds", "pod": pod},
            samples=(),
            histograms=tuple(
                (
                    at,
                    Histogram(
                        count=10 * s,
                        sum=1.0,
                        buckets=((0.25, 0.5, 9 * s), (0.5, 1.0, s - s // 10), (1.0, 2.0, s // 10)),
                    ),
                )
                for at, s in points
            ),
        )

    world.metrics.samples_of = natives
    (evidence,) = world.run(6)[-1].evidence
    assert evidence.canary.total > 0
    assert evidence.canary.above == {
        "0.25": evidence.canary.total,
        "0.5": evidence.canary.total // 10,
        "1": pytest.approx(evidence.canary.total / 100, abs=2),
    }


# ---- kinds of baseline ----


def test_fresh_pods_are_compared_with_and_stable_is_not():
    world = World(baseline="fresh", baseline_deployment="shop-baseline", dispersion=1)
    verdict = world.run(8, canary=0.2, baseline=0.2, stable=0.0)[-1]
    (evidence,) = verdict.evidence
    assert evidence.stable.total == evidence.canary.total
    assert evidence.log_e_roll_back < 1
    worse = World(baseline="fresh", baseline_deployment="shop-baseline", dispersion=1)
    verdict = worse.run(8, canary=0.2, baseline=0.01, stable=0.2)[-1]
    assert verdict.decision is Decision.ROLL_BACK
    assert "on the baseline at the same moments" in verdict.sentence
    assert "worse than the baseline" in verdict.sentence


def test_fresh_pods_have_a_warm_up_of_their_own():
    world = World(baseline="fresh", baseline_deployment="shop-baseline", warmup=60)
    world.run(4, baseline=0.9)
    (evidence,) = world.run(4)[-1].evidence
    assert evidence.stable.bad < 0.1 * evidence.stable.total


def test_without_a_ready_baseline_pod_nothing_is_promoted():
    world = World(baseline="fresh", baseline_deployment="shop-baseline", dispersion=1)
    world.sides = replace(world.sides, baseline=())
    verdicts = world.run(30, canary=0.0)
    assert Decision.PROMOTE not in {verdict.decision for verdict in verdicts}
    assert "No pod of the baseline shop-baseline is ready." in verdicts[-1].sentence


def test_with_no_baseline_the_objective_alone_promotes_and_the_burn_alone_rolls_back():
    good = World(baseline="none", dispersion=1).run(12, canary=0.0, stable=0.0)
    promoted = next(verdict for verdict in good if verdict.decision is Decision.PROMOTE)
    (evidence,) = promoted.evidence
    assert evidence.stable.total == 0
    assert evidence.log_e_promote > 0
    assert "inside the objective" in promoted.sentence
    assert "stable" not in promoted.sentence
    # Twenty times worse than stable, and still within the burn that is allowed: nobody compares.
    fine = World(baseline="none", dispersion=1).run(10, canary=0.1, stable=0.005)
    assert Decision.ROLL_BACK not in {verdict.decision for verdict in fine}
    bad = World(baseline="none", dispersion=1).run(10, canary=0.5)
    assert bad[-1].decision is Decision.ROLL_BACK
    assert bad[-1].log_e_roll_back == pytest.approx(bad[-1].log_e_burn)
    assert "its objective allows" in bad[-1].sentence


# ---- notes ----


def test_what_the_warm_up_left_out_is_told_once_for_each_pod():
    world = World(warmup=60)
    notes = [note for verdict in world.run(8) for note in verdict.notes if note.startswith("warm-up")]
    assert len(notes) == 1
    assert notes[0].startswith("warm-up: the first 1m00s after Ready is left out: 1,000 requests (")
    assert notes[0].endswith("of 2 canary pods")
    world.pods["canary"].append("new-2")
    world.sides = replace(world.sides, canary=(*world.sides.canary, ReadyPod(name="new-2", ready_since=world.now)))
    notes = [note for verdict in world.run(8) for note in verdict.notes if note.startswith("warm-up")]
    assert len(notes) == 1
    assert "of 1 canary pod" in notes[0]


def test_what_the_server_warns_of_is_said_once_by_whichever_judge():
    threshold = {"name": "up", "query": "up", "success": ">= 1"}
    for more in ({}, {"thresholds": [threshold]}, {"judge": "threshold", "thresholds": [threshold]}):
        world = World(**more)
        world.metrics.heard = lambda: ("a store did not answer",)
        notes = [note for verdict in world.run(5) for note in verdict.notes]
        assert notes.count("a store did not answer") == 1, more


def test_the_week_before_is_noted_and_changes_no_evidence():
    with_week, without = World(week_ago=True, seed=4), World(seed=4)
    first, second = with_week.run(6), without.run(6)
    assert [verdict.evidence for verdict in first] == [verdict.evidence for verdict in second]
    assert sum("a week ago" in note for verdict in first for note in verdict.notes) == 1


# ---- questions to the server ----


def test_totals_of_all_metrics_are_asked_in_one_round_and_the_errors_after_them():
    other = {**SLO, "name": "orders", "total": "orders_total", "errors": "orders_failed"}
    world = World(SLO, LATENCY, other, dispersion=1)
    rounds = []
    real = world.metrics.samples_of
    world.metrics.samples_of = lambda wanted, start, end: (rounds.append(tuple(wanted)), real(wanted, start, end))[1]
    world.run(1)
    totals, errors = rounds
    assert (totals[0], totals[2]) == ("http_total", "orders_total")
    assert totals[1].startswith("http_seconds_bucket{le=~")
    assert errors == ('http_total{code="500"}', "orders_failed")


def test_a_metric_that_stands_still_is_read_from_where_it_stands_and_the_others_go_on():
    other = {**SLO, "name": "orders", "total": "orders_total", "errors": "orders_failed"}
    world = World(SLO, other, dispersion=1)
    assert isinstance(world.judge, SequentialJudge)
    evidence = world.run(6)[-1].evidence
    assert [one.canary.total for one in evidence] == [1200, 0]
    assert math.isfinite(evidence[0].log_e_roll_back)
