"""The sequential judge over simulated traffic: what it decides, what it says, and what it reads again."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from davy.checks.judges.sequential.judge import SequentialJudge
from davy.checks.metrics.memory import SimulatedMetrics
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.core.verdict import Counts, Decision, Gap
from davy.pipeline.core.workload import ReadyPod, Sides

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SCRAPE = timedelta(seconds=15)
SLO = {"name": "availability", "objective": 99.9, "errors": 'http_total{code=~"5.."}', "total": "http_total"}
LATENCY = {"name": "latency", "objective": 99, "histogram": "http_seconds_bucket", "under": "500ms"}


def config(*slos, **more):
    return made(ChecksConfig, {"prometheus": "http://prometheus.example", "slos": slos or (SLO,), **more})


class World:
    """A service with traffic: two canary pods, four stable ones."""

    def __init__(self, *slos, warmup=60, seed=1, **more):
        self.metrics = SimulatedMetrics()
        self.random = random.Random(seed)
        self.config = config(*slos, **more)
        self.warmup = timedelta(seconds=warmup)
        self.now = T0
        self.stable = [f"shop-old-{i}" for i in range(4)]
        self.canary = [f"shop-new-{i}" for i in range(2)]
        self.sides = Sides(
            canary=tuple(ReadyPod(name=p, ready_since=T0 + timedelta(seconds=10)) for p in self.canary),
            stable=tuple(ReadyPod(name=p, ready_since=T0 - timedelta(days=1)) for p in self.stable),
            started_at=T0,
        )
        self.judge = self.new_judge()
        for pod in self.stable:
            self.serve(pod, 1000, 0.001)
        self.metrics.scrape(T0 - timedelta(seconds=1))

    def new_judge(self):
        return SequentialJudge(self.metrics, self.config, self.warmup)

    def serve(self, pod, requests, rate, slow=0.0):
        bad = sum(self.random.random() < rate for _ in range(requests))
        late = sum(self.random.random() < slow for _ in range(requests))
        self.metrics.count("http_total", {"pod": pod, "code": "200"}, requests - bad)
        if bad:
            self.metrics.count("http_total", {"pod": pod, "code": "500"}, bad)
        self.metrics.observe("http_seconds", {"pod": pod}, {"0.25": late, "0.5": late}, requests)

    def pass_scrape(self, canary_rate=0.001, stable_rate=0.001, requests=200, slow=0.0):
        self.now += SCRAPE
        for pod in self.canary:
            self.serve(pod, requests, canary_rate, slow)
        for pod in self.stable:
            self.serve(pod, requests, stable_rate)
        self.metrics.scrape(self.now - timedelta(seconds=1))

    def look(self, worse=2.0, judge=None):
        return (judge or self.judge).look(self.sides, self.now, worse)

    def run(self, scrapes, **traffic):
        verdict = None
        for _ in range(scrapes):
            self.pass_scrape(**traffic)
            verdict = self.look()
            if verdict.decision in (Decision.PROMOTE, Decision.ROLL_BACK):
                return verdict
        return verdict


def test_a_canary_that_fails_twenty_times_as_often_is_rolled_back_within_minutes():
    world = World()
    verdict = world.run(40, canary_rate=0.02)
    assert verdict.decision is Decision.ROLL_BACK
    assert verdict.log_e_roll_back >= verdict.roll_back_at
    assert verdict.blame == "availability"
    assert world.now - T0 < timedelta(minutes=4)
    assert verdict.sentence.startswith("Rolled back: ")
    assert "canary requests failed" in verdict.sentence


def test_a_good_canary_is_promoted_on_evidence():
    verdict = World(seed=3).run(80, canary_rate=0.0001, stable_rate=0.0005)
    assert verdict.decision is Decision.PROMOTE
    assert all(one.log_e_promote >= verdict.promote_at for one in verdict.evidence)
    assert "95% confidence" in verdict.sentence


def test_latency_over_the_bound_is_rolled_back_with_the_latency_blamed():
    verdict = World(SLO, LATENCY).run(60, slow=0.2)
    assert verdict.decision is Decision.ROLL_BACK
    assert verdict.blame == "latency"
    assert "took over 500ms" in verdict.sentence


def test_errors_during_warm_up_are_no_evidence():
    world = World(warmup=60)
    for _ in range(4):
        world.pass_scrape(canary_rate=0.5)
        assert world.look().windows == ()
    for _ in range(3):
        world.pass_scrape(canary_rate=0.0)
    (evidence,) = world.look().evidence
    assert evidence.canary.bad == 0
    assert evidence.canary.total > 0


def test_the_counts_are_exactly_what_was_served_after_the_warm_up():
    world = World(warmup=0)
    for _ in range(8):
        world.pass_scrape(requests=100)
        verdict = world.look()
    (evidence,) = verdict.evidence
    assert evidence.canary.total == 2 * 8 * 100
    whole = sum((pair.canary for window in verdict.windows for pair in window.counts.values()), Counts(bad=0, total=0))
    assert whole.total == 200


def test_a_metrics_server_that_dies_in_the_middle_and_returns_loses_no_count():
    steady, shaken = World(warmup=0, seed=5), World(warmup=0, seed=5)
    shaken.metrics.fail(Gap.UNREACHABLE, T0 + 3 * SCRAPE, T0 + 8 * SCRAPE)
    for i in range(1, 12):
        for world in (steady, shaken):
            world.pass_scrape()
        verdict = shaken.look()
        expected = steady.look()
        if 3 <= i < 8:
            assert verdict.decision is Decision.UNKNOWN
            assert verdict.gaps == {"availability": Gap.UNREACHABLE}
            assert verdict.windows == ()
    assert verdict.evidence[0].canary == expected.evidence[0].canary
    assert verdict.evidence[0].stable.bad == expected.evidence[0].stable.bad
    assert verdict.decision is not Decision.UNKNOWN


@pytest.mark.parametrize("kind", [Gap.STALE, Gap.NAN, Gap.UNREACHABLE])
def test_evidence_that_would_promote_does_not_while_a_gap_lasts(kind):
    world = World(seed=3)
    verdict = world.run(80, canary_rate=0.0, stable_rate=0.0005)
    assert verdict.decision is Decision.PROMOTE
    world.metrics.fail(kind, world.now, world.now + timedelta(hours=1))
    for _ in range(4):
        world.pass_scrape(canary_rate=0.0)
        verdict = world.look()
    assert verdict.decision is Decision.UNKNOWN
    assert verdict.gaps == {"availability": kind}
    assert verdict.sentence.startswith("Can't tell: availability: ")


def test_a_canary_without_requests_is_empty_and_one_without_series_absent():
    world = World()
    for _ in range(8):
        world.pass_scrape()
        world.look()
    world.pass_scrape(requests=0)
    assert world.look().gaps == {"availability": Gap.EMPTY}
    other = World({**SLO, "total": 'http_total{job="typo"}'})
    for _ in range(9):
        other.pass_scrape()
        verdict = other.look()
    assert verdict.gaps == {"availability": Gap.ABSENT}
    assert verdict.decision is Decision.UNKNOWN


def test_evidence_against_the_canary_rolls_back_even_with_another_metric_missing():
    missing = {**SLO, "name": "orders", "errors": "orders_failed", "total": "orders_total"}
    verdict = World(SLO, missing).run(40, canary_rate=0.006)
    assert verdict.decision is Decision.ROLL_BACK
    assert verdict.gaps == {"orders": Gap.ABSENT}


def test_recalled_windows_bring_back_the_same_evidence_and_the_reading_goes_on_where_it_ended():
    world = World(seed=9)
    windows = []
    for _ in range(20):
        world.pass_scrape(canary_rate=0.002)
        windows += world.look().windows
    resumed = world.new_judge()
    resumed.recall(windows)
    for _ in range(3):
        world.pass_scrape(canary_rate=0.002)
    assert world.look(judge=resumed).evidence == world.look().evidence


def test_one_look_at_a_long_span_gives_the_same_counts_as_many():
    world = World(warmup=0, seed=2)
    late = world.new_judge()
    for _ in range(15):
        world.pass_scrape(canary_rate=0.01)
        verdict = world.look()
    once = world.look(judge=late)
    assert once.evidence[0].canary == verdict.evidence[0].canary
    assert once.evidence[0].stable == verdict.evidence[0].stable


def test_a_crashed_container_that_starts_again_from_zero_loses_no_evidence_and_makes_none():
    world = World(warmup=0)
    for _ in range(6):
        world.pass_scrape(requests=50)
        world.look()
    world.metrics.restart(pod=world.canary[0])
    for _ in range(6):
        world.pass_scrape(requests=50)
        verdict = world.look()
    assert verdict.evidence[0].canary.total == 2 * 12 * 50


def test_a_pod_that_is_deleted_keeps_what_it_counted():
    world = World(warmup=0)
    for _ in range(4):
        world.pass_scrape(requests=50)
        world.look()
    gone = world.canary.pop()
    world.metrics.restart(pod=gone)
    world.sides = Sides(canary=world.sides.canary[:1], stable=world.sides.stable, started_at=T0)
    for _ in range(4):
        world.pass_scrape(requests=50)
        verdict = world.look()
    assert verdict.evidence[0].canary.total == (2 * 4 + 4) * 50
    assert verdict.gaps == {}


def test_a_new_canary_pod_holds_promotion_until_it_was_scraped_twice():
    world = World(seed=3)
    assert world.run(80, canary_rate=0.0, stable_rate=0.0005).decision is Decision.PROMOTE
    world.canary.append("shop-new-2")
    joined = ReadyPod(name="shop-new-2", ready_since=world.now)
    world.sides = Sides(canary=(*world.sides.canary, joined), stable=world.sides.stable, started_at=T0)
    decisions = []
    for _ in range(7):
        world.pass_scrape(canary_rate=0.0, stable_rate=0.0)
        decisions.append(world.look().decision)
    assert decisions[:4] == [Decision.GO_ON] * 4
    assert decisions[-1] is Decision.PROMOTE


def test_without_a_stable_side_the_relative_evidence_stands_still_and_the_burn_goes_on():
    world = World(seed=4)
    world.run(10, canary_rate=0.001)
    before = world.look()
    world.sides = Sides(canary=world.sides.canary, stable=(), started_at=T0)
    world.stable = []
    verdict = world.run(20, canary_rate=0.2)
    assert verdict.evidence[0].log_e_roll_back == pytest.approx(before.evidence[0].log_e_roll_back, abs=2)
    assert verdict.log_e_burn > 10
    assert verdict.decision is Decision.ROLL_BACK


def test_a_tighter_ratio_to_exclude_needs_more_evidence_and_can_change_at_any_look():
    world = World(seed=6)
    world.run(12, canary_rate=0.001)
    loose, tight, again = world.look(10.0), world.look(1.5), world.look(10.0)
    assert loose.evidence[0].log_e_promote > tight.evidence[0].log_e_promote
    assert loose.evidence == again.evidence


def test_nothing_new_scraped_adds_no_window():
    world = World()
    world.run(10)
    assert world.look().windows == ()


def test_many_healthy_rollouts_are_rarely_rolled_back_and_bad_ones_always():
    """20 rollouts of 12 minutes each: at one in a hundred, more than two false alarms are a sign of a fault."""
    healthy = [World(seed=seed, warmup=0).run(48, canary_rate=0.003, stable_rate=0.003) for seed in range(20)]
    assert sum(verdict.decision is Decision.ROLL_BACK for verdict in healthy) <= 2
    sick = [World(seed=seed, warmup=0).run(48, canary_rate=0.03, stable_rate=0.003) for seed in range(5)]
    assert all(verdict.decision is Decision.ROLL_BACK for verdict in sick)


def test_no_input_of_the_metrics_server_makes_the_judge_raise():
    world = World(warmup=0)
    for i, value in enumerate((1e300, float("inf"), float("-inf"), -5.0, 0.5, float("nan"), 1e18)):
        world.pass_scrape(requests=5)
        labels = {"__name__": "http_total", "pod": world.canary[0], "code": "503"}
        world.metrics.record(labels, world.now.timestamp() - 1, value)
        verdict = world.look()
        assert verdict.log_e_roll_back == verdict.log_e_roll_back, i
        assert verdict.decision is not Decision.PROMOTE
