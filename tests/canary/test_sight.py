"""What a standing means for a rollout."""

from dataclasses import replace
from datetime import timedelta

from canary_events import START, started
from davy.canary.ports import PodView, Standing
from davy.canary.sight import sides
from davy.canary.state import applied


def pod(name: str, side: str) -> PodView:
    ready = START - timedelta(minutes=5)
    return PodView(name=name, hash=side, ready=True, serving=True, created_at=ready, ready_since=ready)


def test_pods_of_the_release_before_that_still_terminate_are_on_neither_side() -> None:
    begun = started()
    state = applied(None, begun)
    before = replace(pod("bad-1", "bad"), terminating=True, serving=False)
    standing = Standing(
        workload=begun.workload,
        replicas=1,
        images=begun.images,
        template_hash="new",
        seen=True,
        paused=True,
        surge="1",
        own=begun.restore,
        held=begun.restore,
        pods=(pod("old-1", "old"), pod("new-1", "new"), before),
    )
    asked = sides(state, standing)
    assert ([one.name for one in asked.canary], [one.name for one in asked.stable]) == (["new-1"], ["old-1"])
    assert sides(state, replace(standing, template_hash="")).canary == ()
