"""From weights wished for to pods."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.canary.engine.steps import planned, policy
from davy.canary.routers.replicas import Replicas
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.canary import CanaryConfig
from davy.pipeline.core.errors import Unusable

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def canary(*steps, **more):
    return made(CanaryConfig, {"steps": list(steps), **more})


def test_the_share_reached_is_said_where_it_is_not_the_one_wished():
    plan = planned(canary("5%", "33%", "50%"), 2.0, 4, Replicas())
    assert [(step.pods, step.share) for step in plan.steps] == [(1, 20.0), (2, 33.33), (4, 50.0)]
    assert plan.warnings == ("5 % wished, 20.0 % reached with 1 canary pod",)


@given(
    weights=st.lists(st.integers(1, 50), min_size=1, max_size=6, unique=True).map(sorted),
    replicas=st.integers(1, 100),
)
def test_pods_grow_with_every_step_and_demands_never_fall_below_the_last_one(weights, replicas):
    plan = planned(canary(*weights), 2.0, replicas, Replicas())
    pods = [step.pods for step in plan.steps]
    assert pods == sorted(set(pods))
    assert plan.steps[-1].worse == 2.0
    assert all(step.worse >= 2.0 for step in plan.steps)


def test_small_shares_only_have_to_exclude_large_regressions():
    plan = planned(canary("5%", "20%", "50%"), 2.0, 38, Replicas())
    assert [(step.pods, step.worse) for step in plan.steps] == [(2, 10.0), (10, 5.0), (38, 2.0)]


def test_a_demand_of_the_file_is_kept_and_checks_worse_is_the_floor_of_the_others():
    plan = planned(canary({"weight": 5, "worse": 3}, "20%", "50%"), 7.0, 38, Replicas())
    assert [step.worse for step in plan.steps] == [3.0, 7.0, 7.0]


def test_two_steps_with_the_same_pods_are_one_that_asks_for_what_both_asked_for():
    plan = planned(
        canary({"weight": 5, "at_least": "2m", "worse": 4}, {"weight": 10, "approve": True, "at_least": "1m"}),
        2.0,
        4,
        Replicas(),
    )
    (step,) = plan.steps
    assert (step.pods, step.at_least, step.approve, step.worse) == (1, timedelta(minutes=2), True, 4.0)
    assert "the steps 5 % and 10 % are one: beside 4 stable pods both are 1 canary pod, 20.0 %" in plan.warnings


def test_steps_above_half_and_steps_that_do_not_grow_are_refused_together():
    with pytest.raises(Unusable) as refused:
        policy(canary("25%", "25%", "80%"), 2.0, 4, NOW, router=Replicas(), target="the Deployment")
    first, second = refused.value.problems
    assert (first.path, second.path) == ("canary.steps[2].weight", "canary.steps[1].weight")
    assert "by replicas at most 50 % can be reached before stable pods have to go" in first.what
    assert second.what == "must be above 25, the step before it"


def test_the_deadline_is_absolute():
    assert policy(
        canary("25%", deadline="30m"), 2.0, 4, NOW, router=Replicas(), target="the Deployment"
    ).deadline == NOW + timedelta(minutes=30)


def test_a_deployment_without_replicas_has_no_stable_side():
    with pytest.raises(Unusable, match="the Deployment has no replicas, so there is no stable side"):
        policy(canary("25%"), 2.0, 0, NOW, router=Replicas(), target="the Deployment")
