"""A release's report, folded from its events."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.core import events
from davy.pipeline.core.artifacts import Image, Revision
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import Event, Result, Stage, StepPlan
from davy.pipeline.core.verdict import Counts, Decision, Evidence, Gap, Verdict
from davy.pipeline.core.workload import Workload
from davy.workflows.render.markdown import code, markdown, plain, summarized

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
IMAGE = Image(name="r.test/shop/web", digest=f"sha256:{'a' * 64}")
POLICY = events.CanaryPolicy(
    steps=(
        StepPlan(weight=5, pods=1, share=11.1, at_least=SECOND, worse=2),
        StepPlan(weight=50, pods=8, share=50, at_least=SECOND, worse=2),
    ),
    replicas=8,
    warmup=SECOND,
    ready_within=SECOND,
    promote_within=SECOND,
    bake=SECOND,
    deadline=AT,
)
VERDICT = Verdict(
    at=AT,
    decision=Decision.ROLL_BACK,
    sentence="52 of 1,000 canary requests failed.",
    blame="availability",
    evidence=(
        Evidence(
            metric="availability",
            canary=Counts(bad=52, total=1000),
            stable=Counts(bad=1, total=9000),
            ratio=(3.1, 90.0),
        ),
        Evidence(metric="latency", canary=Counts(bad=0, total=0), stable=Counts(bad=0, total=0), gap=Gap.STALE),
    ),
)


def story(ending: Ending = Ending.ROLLED_BACK, *, rehearsal: bool = False, words: str = "exit code 1") -> list[Event]:
    return [
        events.ReleaseStarted(at=AT, release="r1", service="checkout", rehearsal=rehearsal, runner="ci@host"),
        events.SourceRead(at=AT, revision=Revision(sha="1234567890" * 4, committed_at=AT, dirty=True)),
        events.StageStarted(at=AT, stage=Stage.BUILD),
        events.ImageBuilt(at=AT, image=IMAGE, took=SECOND, cached=True),
        events.StageFinished(at=AT, stage=Stage.BUILD, result=Result.PASSED, took=SECOND, note="one"),
        events.SuiteFinished(at=AT, suite="unit", result=Result.FAILED, took=SECOND, passed=3, failed=1, because="a|b"),
        events.StageFinished(at=AT, stage=Stage.TEST, result=Result.FAILED, took=SECOND),
        events.CanaryStarted(
            at=AT,
            release="r1",
            workload=Workload(namespace="shop", name="web"),
            images={"web": IMAGE.reference},
            stable_hash="abc",
            restore=events.Restore(images={}, strategy="{}"),
            policy=POLICY,
        ),
        events.StepEntered(at=AT, step=0, pods=1),
        events.StepReached(at=AT, step=0, pods=1, weight=11.1),
        events.StepEntered(at=AT, step=1, pods=8),
        events.Judged(at=AT, verdict=VERDICT),
        events.PodTrouble(at=AT, pod="web-1", kind="crash_loop", words=words),
        events.Asked(at=AT, what="abort", by="humphry", why="dark"),
        events.RollbackStarted(at=AT, because="worse", how="whole"),
        events.RolledBack(at=AT, took=SECOND),
        events.Warned(at=AT, what="one replica"),
        events.ReleaseFinished(at=AT, ending=ending, sentence="Rolled back.", took=3 * SECOND, remedy="Mend it."),
    ]


def test_the_report_holds_what_the_events_told() -> None:
    report = summarized(story())
    assert (report.service, report.release, report.workload) == ("checkout", "r1", "shop/web")
    assert [(step.wished, step.reached, step.pods) for step in report.steps] == [(5, 11.1, 1), (50, None, 8)]
    assert report.ending is Ending.ROLLED_BACK
    assert report.verdict == VERDICT
    assert len(report.story) == 3


def test_the_notes_of_every_look_are_kept_though_only_the_last_verdict_is() -> None:
    first = events.Judged(at=AT, verdict=replace(VERDICT, notes=("dispersion 2 assumed",)))
    report = summarized([first, *story()])
    assert report.verdict == VERDICT
    assert "**The judge's notes**\n\n- dispersion 2 assumed\n" in markdown(report)


@pytest.mark.parametrize("count", range(len(story())))
def test_the_report_of_a_beginning_can_be_written(count: int) -> None:
    report = summarized(story()[:count])
    assert report.ending is None
    assert markdown(report).startswith("## ⏳")


def test_the_summary_has_every_part_for_a_reader() -> None:
    text = markdown(summarized(story()))
    for part in (
        "## ↩️ checkout `1234567*`",
        "**dirty**",
        "| ✅ build | 1s | one |",
        f"| `{IMAGE.reference}` | 1s | reused |",
        "| ❌ unit | 3 | 1 | 0 | 1s | a\\|b |",
        "| 1 | 5 % | 11.1 % | 1 |  |",
        "| 2 | 50 % | not reached | 8 |  |",
        "**Verdict:** 52 of 1,000 canary requests failed.",
        "| availability | 52 of 1,000 bad (5.20 %) | 1 of 9,000 bad (0.01 %) | 3.10 to 90.00 | to blame |",
        "no data: stale",
        "`web-1` crash loop:",
        "12:00:00 humphry asked to abort: dark",
        "one replica",
        "**What to do next:** Mend it.",
    ):
        assert part in text
    assert "REHEARSAL" not in text


def test_a_rehearsal_says_so() -> None:
    assert "**REHEARSAL**" in markdown(summarized(story(rehearsal=True)))


def test_a_pods_words_cannot_leave_their_block() -> None:
    text = markdown(summarized(story(words="```\n# Owned\n<script>")))
    fence = text[text.index("````") :]
    assert fence.startswith("````text\n```\n# Owned")


@given(st.text(alphabet="<>&|`*_[]()#@!\n\r\t ab\\~:/"))
def test_foreign_text_stays_one_cell_of_plain_text(text: str) -> None:
    shown = plain(text)
    assert "\n" not in shown
    assert "<" not in shown
    assert "@a" not in shown
    for position, letter in enumerate(shown):
        if letter in "|`*[":
            before = shown[:position]
            assert (len(before) - len(before.rstrip("\\"))) % 2 == 1


@given(st.text(alphabet="`|ab \n"))
def test_foreign_text_cannot_leave_its_code_span(text: str) -> None:
    shown = code(text)
    fence = shown[: len(shown) - len(shown.lstrip("`"))]
    assert "\n" not in shown
    if len(fence) > 1:
        assert fence not in shown[len(fence) : -len(fence)]
