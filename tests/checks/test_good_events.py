"""An objective by its good events judges as the one by its bad ones, also where nothing good ever comes."""

from datetime import UTC, datetime, timedelta

from davy.checks.judges.sequential.judge import SequentialJudge
from davy.checks.metrics.memory import SimulatedMetrics
from davy.checks.preflight import problems
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.core.verdict import Decision, Gap, Verdict
from davy.pipeline.core.workload import ReadyPod, Sides

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BY_ERRORS = {"name": "availability", "objective": 99, "errors": 'http_total{code="500"}', "total": "http_total"}
BY_GOOD = {"name": "availability", "objective": 99, "good": 'http_total{code="200"}', "total": "http_total"}


def played(slo: dict[str, object], *, canary_bad: int, stable_bad: int, good: str = "200") -> Verdict:
    """Twenty scrapes of 100 requests a pod, of which so many fail."""
    metrics, pods = SimulatedMetrics(), {"new": canary_bad, "old": stable_bad}
    config = made(ChecksConfig, {"prometheus": "http://p.example", "slos": [slo], "dispersion": 1})
    judge = SequentialJudge(metrics, config, timedelta(0))
    sides = Sides(
        canary=(ReadyPod(name="new", ready_since=T0),),
        stable=(ReadyPod(name="old", ready_since=T0 - timedelta(days=1)),),
        started_at=T0,
    )
    metrics.count("http_total", {"pod": "old", "code": good}, 1)
    metrics.count("http_total", {"pod": "old", "code": "500"}, 1)
    metrics.scrape(T0 - timedelta(seconds=1))
    verdict = None
    for number in range(1, 21):
        now = T0 + number * timedelta(seconds=15)
        for pod, bad in pods.items():
            if bad < 100:
                metrics.count("http_total", {"pod": pod, "code": good}, 100 - bad)
            metrics.count("http_total", {"pod": pod, "code": "500"}, bad)
        metrics.scrape(now - timedelta(seconds=1))
        verdict = judge.look(sides, now, 2.0)
    assert verdict is not None
    return verdict


def test_good_events_count_to_the_same_evidence_as_bad_ones() -> None:
    by_good, by_errors = (played(slo, canary_bad=3, stable_bad=1) for slo in (BY_GOOD, BY_ERRORS))
    assert by_good.evidence[0].canary.bad == 60
    assert by_good.evidence == by_errors.evidence
    assert by_good.decision is by_errors.decision


def test_a_canary_whose_good_events_never_begin_is_rolled_back() -> None:
    verdict = played(BY_GOOD, canary_bad=100, stable_bad=1)
    assert (verdict.evidence[0].canary.bad, verdict.evidence[0].canary.total) == (2000, 2000)
    assert verdict.decision is Decision.ROLL_BACK


def test_a_selector_of_good_events_that_nobody_has_is_a_gap_not_an_outage() -> None:
    verdict = played(BY_GOOD, canary_bad=1, stable_bad=1, good="ok")
    assert verdict.gaps == {"availability": Gap.ABSENT}
    assert verdict.decision is Decision.UNKNOWN


def test_preflight_names_a_selector_of_good_events_that_has_no_series() -> None:
    metrics = SimulatedMetrics()
    metrics.count("http_total", {"pod": "old", "code": "201"}, 1)
    metrics.scrape(T0)
    config = made(ChecksConfig, {"prometheus": "http://p.example", "slos": [BY_GOOD]})
    found = problems.problems(config, metrics, ["old"], T0)
    assert [problem.path for problem in found] == ["checks.slos[0].good"]
    assert "`code` is 201" in found[0].what


def counted(good: int, total: int, canary_good: int | None = None) -> Verdict:
    """Twenty scrapes in which the two counters grow by so much a pod."""
    metrics = SimulatedMetrics()
    slo = {"name": "a", "objective": 99, "good": "good_total", "total": "all_total"}
    config = made(ChecksConfig, {"prometheus": "http://p.example", "slos": [slo], "dispersion": 1})
    judge = SequentialJudge(metrics, config, timedelta(0))
    sides = Sides(
        canary=(ReadyPod(name="new", ready_since=T0),),
        stable=(ReadyPod(name="old", ready_since=T0 - timedelta(days=1)),),
        started_at=T0,
    )
    verdict = None
    for number in range(21):
        now = T0 + number * timedelta(seconds=15)
        for pod in ("new", "old"):
            grown = canary_good if canary_good is not None and pod == "new" else good
            metrics.count("good_total", {"pod": pod}, grown)
            metrics.count("all_total", {"pod": pod}, total)
        metrics.scrape(now - timedelta(seconds=1))
        verdict = judge.look(sides, now, 2.0)
    assert verdict is not None
    return verdict


def test_more_good_events_than_events_are_a_gap_on_whichever_side() -> None:
    for verdict in (counted(200, 100), counted(100, 100, canary_good=150), counted(150, 100, canary_good=100)):
        assert verdict.gaps == {"a": Gap.EXCESS}
        assert verdict.decision is Decision.UNKNOWN


def test_a_good_event_between_two_counters_is_none() -> None:
    assert counted(100, 100).gaps == {}
