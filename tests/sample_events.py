"""Sample events: one of each kind, and a release as it may go."""

import math
from datetime import UTC, datetime, timedelta

from davy.pipeline.core import events
from davy.pipeline.core.artifacts import Image, Revision
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.verdict import Counts, Decision, Evidence, Gap, Verdict
from davy.pipeline.core.workload import Workload

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
IMAGE = Image(name="registry.example.com/shop/checkout", digest="sha256:" + "1f0c" * 16)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def look(
    seconds: float, decision: Decision = Decision.GO_ON, *, scale: float = 1.0, sentence: str = ""
) -> events.Judged:
    rows = tuple(
        Evidence(
            metric=metric,
            canary=Counts(bad=int(4 * scale), total=int(6012 * scale)),
            stable=Counts(bad=20, total=60000),
            log_e_roll_back=-1.2 * scale,
            log_e_promote=2.6 * scale,
        )
        for metric in ("availability", "latency")
    )
    said = (
        "4 of 6,012 canary requests failed (0.07 %), 0.05 % on stable at the same moments. "
        "Not yet sure that it is less than 2 times worse."
    )
    verdict = Verdict(
        at=at(seconds),
        decision=decision,
        sentence=sentence or said,
        evidence=rows,
        log_e_roll_back=-1.0,
        log_e_burn=-3.0,
        roll_back_at=math.log(100),
        promote_at=math.log(20),
    )
    return events.Judged(at=at(seconds), verdict=verdict)


def canary_started(seconds: float = 70) -> events.CanaryStarted:
    steps = tuple(
        events.StepPlan(weight=weight, pods=pods, share=weight, at_least=timedelta(0), worse=2.0)
        for weight, pods in ((1, 1), (5, 2), (25, 13), (50, 38))
    )
    policy = events.CanaryPolicy(
        steps=steps,
        replicas=38,
        warmup=timedelta(seconds=60),
        ready_within=timedelta(minutes=5),
        promote_within=timedelta(minutes=15),
        bake=timedelta(minutes=5),
        deadline=at(3600),
    )
    restore = events.Restore(images={"app": "registry.example.com/shop/checkout:1"}, strategy="{}")
    return events.CanaryStarted(
        at=at(seconds),
        release="checkout-9b04e7d-1",
        workload=Workload(namespace="shop", name="checkout"),
        images={"app": IMAGE.reference},
        stable_hash="5d9c8b7f6",
        restore=restore,
        policy=policy,
        runner="ci@host",
    )


def built() -> list[events.Event]:
    """A release until its images are built."""
    return [
        events.ReleaseStarted(at=at(0), release="checkout-9b04e7d-1", service="checkout", runner="ci@host"),
        events.SourceRead(
            at=at(0),
            revision=Revision(sha="9b04e7d" + "0" * 33, committed_at=START, branch="main", version="v1.2-3-g9b04e7d"),
        ),
        events.StageStarted(at=at(1), stage=events.Stage.BUILD),
        events.BuildStarted(at=at(1), label="checkout", because="app/main.py changed"),
        events.BuildStarted(at=at(1), label="base[PYTHON=3.12]", because="no build of it is known"),
        events.LogLine(at=at(1), source="build checkout", line="Step 1/3 : FROM python"),
        events.BuildFailed(
            at=at(1), label="base[PYTHON=3.12]", why="RUN make: exit code 2", log="davy-out/build/base.log"
        ),
        events.ImageBuilt(
            at=at(2), image=IMAGE, took=timedelta(seconds=0.3), cached=True, label="checkout", key="f" * 64
        ),
        events.StageFinished(
            at=at(2), stage=events.Stage.BUILD, result=events.Result.PASSED, took=timedelta(seconds=1)
        ),
    ]


def story() -> list[events.Event]:
    """A release up to its second step."""
    return [
        *built(),
        events.StageStarted(at=at(2), stage=events.Stage.TEST),
        events.PartStarted(at=at(2), suite="unit", part="tests/test_cart.py +3", waiting=1),
        events.LogLine(at=at(3), source="test unit tests/test_cart.py +3", line="collected 212 items"),
        events.PartFinished(
            at=at(63),
            suite="unit",
            part="tests/test_cart.py +3",
            result=events.Result.FAILED,
            took=timedelta(seconds=61),
            because="test_total failed",
            again=True,
        ),
        events.SuiteFinished(
            at=at(64), suite="unit", result=events.Result.PASSED, took=timedelta(seconds=62), passed=212, skipped=1
        ),
        events.StageFinished(
            at=at(64),
            stage=events.Stage.TEST,
            result=events.Result.PASSED,
            took=timedelta(seconds=62),
            note="unit 212 passed · e2e 48 passed, 1 quarantined",
        ),
        events.StageStarted(at=at(65), stage=events.Stage.CANARY),
        canary_started(),
        events.StepEntered(at=at(71), step=0, pods=1),
        events.PodsSeen(at=at(72), stable=38, canary=1, canary_ready=0),
        events.StepReached(at=at(80), step=0, pods=1, weight=2.56),
        look(95, scale=0.2),
        look(110, Decision.PROMOTE, scale=1.2),
        events.StepEntered(at=at(111), step=1, pods=2, because="the evidence suffices"),
        events.PodsSeen(at=at(112), stable=38, canary=2, canary_ready=1),
        events.StepReached(at=at(120), step=1, pods=2, weight=5.2),
        *(look(120 + 15 * n, scale=0.2 * n) for n in range(1, 6)),
        events.PodsSeen(at=at(196), stable=38, canary=2, canary_ready=2),
    ]


def every_event() -> list[events.Event]:
    """At least one event of every kind."""
    unknown = Verdict(
        at=at(210),
        decision=Decision.UNKNOWN,
        sentence="Prometheus did not answer.",
        evidence=(
            Evidence(
                metric="availability", canary=Counts(bad=0, total=0), stable=Counts(bad=0, total=0), gap=Gap.STALE
            ),
        ),
        gaps={"availability": Gap.UNREACHABLE},
    )
    words = "exit code 3\nTraceback\nKeyError: 'DB'"
    weights = (2.5, 5.2, 0.0)
    return [
        *story(),
        events.Warned(at=at(200), what="a PodDisruptionBudget allows nothing"),
        events.Judged(at=at(210), verdict=unknown),
        events.PodTrouble(at=at(211), pod="checkout-7c-x2", kind="crash_loop", words=words),
        events.Asked(at=at(212), what="promote", by="ann@laptop", why="looks fine"),
        events.Resumed(at=at(213), runner="bob@laptop", lost_since=at(205)),
        events.Held(at=at(214), because="asked", weight=5.2),
        events.PromotionStarted(at=at(220), because="every metric is good enough", by="ann@laptop"),
        events.FullyShifted(at=at(240)),
        events.RollbackStarted(at=at(250), because="availability is worse", how="surge: the canary still answers"),
        events.RolledBack(at=at(251), took=timedelta(seconds=0.3)),
        events.CanaryFinished(at=at(252), ending=Ending.ROLLED_BACK, sentence="availability is worse", weights=weights),
        events.StageFinished(
            at=at(252), stage=events.Stage.CANARY, result=events.Result.FAILED, took=timedelta(seconds=180)
        ),
        events.ReleaseFinished(
            at=at(252),
            ending=Ending.ROLLED_BACK,
            sentence="12 of 612 canary requests failed; stable serves.",
            took=timedelta(seconds=252),
            remedy="read davy-out/report.md",
        ),
    ]  # fmt: skip
