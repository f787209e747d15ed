"""What a release would do, told before it happens."""

from datetime import UTC, datetime, timedelta

from davy.pipeline.config.file import parsed
from davy.pipeline.core.artifacts import Revision
from davy.pipeline.core.events import Stage, StepPlan
from davy.pipeline.release.plan import ReleasePlan, against_canary, planned, suite

TEXT = """
service: checkout
images: [{name: r.test/shop/web, context: web, target: slim}]
tests: [{name: unit, in: image, run: pytest}, {name: e2e, in: kubernetes, run: e2e}]
deploy: {kubernetes: {namespace: shop, deployment: web}}
canary: {steps: [5%, {weight: 50%, at_least: 1m, approve: true, worse: 1.5}], on_inconclusive: roll_back}
checks:
  prometheus: http://p:9090
  slos:
    - {name: availability, objective: 99.9, errors: e, total: t}
    - {name: latency, objective: 99, histogram: h, under: 500ms}
"""
REVISION = Revision(sha="1234567890" * 4, committed_at=datetime(2026, 3, 1, tzinfo=UTC), branch="main", dirty=True)
PODS = (
    StepPlan(weight=5, pods=1, share=11.1, at_least=timedelta(0), worse=2),
    StepPlan(weight=50, pods=8, share=50, at_least=timedelta(minutes=1), worse=1.5, approve=True),
)


def sentences(plan: ReleasePlan, stage: Stage) -> list[str]:
    return [step.sentence for step in plan.steps if step.stage is stage]


def plan(text: str = TEXT, **more: object) -> ReleasePlan:
    return planned(parsed(text, "davy.yaml", {}), REVISION, **more)  # type: ignore[arg-type]


def test_the_plan_says_what_is_built_and_pushed_under_which_tag() -> None:
    (build,) = sentences(plan(), Stage.BUILD)
    assert build == (
        "Build r.test/shop/web from web/Dockerfile (stage slim) unless the registry has it under the key of its "
        "content, push it as r.test/shop/web:123456789012-dirty, and name it by digest from there on."
    )


def test_the_plan_says_which_suite_runs_where() -> None:
    unit, e2e = sentences(plan(), Stage.TEST)
    assert unit == "Run suite unit in a container of r.test/shop/web: `pytest` (at most 10m00s, 512Mi, 1 CPU)."
    assert "in a Kubernetes Job of" in e2e


def test_without_a_cluster_the_steps_are_told_as_wished() -> None:
    first, second, *_ = sentences(plan(), Stage.CANARY)
    assert first == "Step 1: 5 % of the traffic; go on when it is shown to be good enough for its share."
    assert "less than 1.5x worse" in second
    assert "(not before 1m00s, after a person's `davy canary promote`)" in second


def test_with_the_replicas_the_steps_are_told_in_pods_and_share_reached() -> None:
    made = plan(replicas=8, canary=PODS)
    assert "by 1 canary pod beside 8 stable, which is 11.1 % reached" in sentences(made, Stage.CANARY)[0]
    assert made.canary == PODS


def test_the_plan_says_the_judges_limits_and_what_happens_without_a_verdict() -> None:
    judge = next(step for step in plan().steps if step.sentence.startswith("Look every 15s"))
    assert "availability 99.9 %; latency 99 % under 500ms" in judge.sentence
    assert "1 in 100" in judge.sentence
    assert judge.if_it_fails == "Without a verdict in 1h00m it is rolled back; davy ends with 5."


def test_thresholds_are_told_with_their_conditions() -> None:
    checks = "checks: {prometheus: 'http://p', judge: threshold, thresholds: [{name: q, query: up, success: '>= 1'}]}"
    made = plan(TEXT[: TEXT.index("checks:")] + checks)
    assert any("by thresholds: q (good >= 1)." in sentence for sentence in sentences(made, Stage.CANARY))


def test_the_other_judges_are_told_too() -> None:
    flagger = "judge: threshold, thresholds: [{name: q, query: up, style: flagger, min: 1, max: 2}]"
    made = plan(TEXT[: TEXT.index("checks:")] + f"checks: {{prometheus: 'http://p', {flagger}}}")
    assert any("q (by Flagger's rule, at least 1, at most 2)" in one for one in sentences(made, Stage.CANARY))
    kayenta = "judge: mannwhitney, kayenta: {config: canary.json, lifetime: 6m, interval: 3m, step: 1m}"
    made = plan(TEXT[: TEXT.index("checks:")] + f"checks: {{prometheus: 'http://p', {kayenta}}}")
    assert any(
        "Judge as Kayenta does by canary.json: at every step 2 judgements" in one
        for one in sentences(made, Stage.CANARY)
    )


def test_the_plan_says_how_long_a_ci_job_must_be_let_run() -> None:
    text = TEXT.replace("canary: {", "canary: {deadline: 2h, promote_within: 10m, bake: 5m, ")
    assert "it takes 2h15m at the most" in plan(text).steps[-1].sentence


def test_a_dirty_tree_is_said() -> None:
    assert sentences(plan(), Stage.SOURCE) == [
        "Release commit 1234567* on main; the tree is dirty, so the images hold more than the commit does."
    ]


def test_everything_that_can_fail_says_what_happens_then() -> None:
    assert [step.sentence for step in plan().steps if step.stage is not Stage.SOURCE and not step.if_it_fails] == []


def test_the_plan_says_what_the_gate_asks_of_the_error_budgets() -> None:
    assert sentences(plan(), Stage.BUDGET) == []
    (said,) = sentences(plan(TEXT.replace("checks:\n", "checks:\n  gate: {budget_left: 10%}\n")), Stage.BUDGET)
    assert said == (
        "Ask that 2 error budgets have at least 10 % left, and that none burns as fast as would page; now, and again "
        "before any traffic moves."
    )


def test_a_suite_against_the_canary_by_hand_is_foreseen_as_such() -> None:
    config = parsed(TEXT.replace("run: e2e}", "run: e2e, against: canary}"), "davy.yaml", {})
    step = against_canary(config.tests[1])
    assert "against the pods of the canary that is held, in the image that they run: `e2e`" in step.sentence
    assert "the rollout is left as it is; davy ends with 3" in step.if_it_fails
    assert "deployed" not in step.if_it_fails + suite(config, config.tests[0], alone=True).if_it_fails
