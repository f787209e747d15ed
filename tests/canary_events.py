"""Events of a rollout, for tests of where they are kept."""

from datetime import UTC, datetime, timedelta

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import Asked, CanaryFinished, CanaryPolicy, CanaryStarted, Held, Judged, Restore
from davy.pipeline.core.verdict import Counts, Decision, Pair, Verdict, Window
from davy.pipeline.core.workload import Workload

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def started(release: str = "r1", minute: int = 0) -> CanaryStarted:
    return CanaryStarted(
        at=START + timedelta(minutes=minute),
        release=release,
        workload=Workload(namespace="shop", name="checkout"),
        images={"app": "app@sha256:2"},
        stable_hash="old",
        restore=Restore(images={"app": "app:1"}, strategy="{}"),
        policy=CanaryPolicy(
            steps=(),
            replicas=4,
            warmup=timedelta(0),
            ready_within=timedelta(0),
            promote_within=timedelta(0),
            bake=timedelta(0),
            deadline=START,
        ),
    )


def looked(second: int) -> Judged:
    at = START + timedelta(seconds=second)
    pair = Pair(canary=Counts(bad=1, total=10), stable=Counts(bad=0, total=40))
    window = Window(start=at - timedelta(seconds=15), end=at, counts={"availability": pair})
    return Judged(at=at, verdict=Verdict(at=at, decision=Decision.GO_ON, sentence="", windows=(window,)))


def held() -> Held:
    return Held(at=START, because="a person said so", weight=20.0)


def word(what: str) -> Asked:
    return Asked(at=START, what=what, by="ann")


def ending() -> CanaryFinished:
    return CanaryFinished(at=START + timedelta(minutes=3), ending=Ending.ROLLED_BACK, sentence="too many errors")
