"""What a snapshot means for a rollout."""

from dataclasses import replace
from datetime import timedelta

from canary_events import START, started
from davy.canary.engine.state import State, applied
from davy.canary.engine.view import View
from davy.canary.platforms.held_update import HELD_UPDATE
from davy.canary.ports.snapshot import Baseline, PodView, Snapshot
from davy.canary.routers.replicas import Replicas


def view_of(state: State, snapshot: Snapshot) -> View:
    return View(state=state, snapshot=snapshot, terms=HELD_UPDATE, router=Replicas())


def pod(name: str, side: str) -> PodView:
    ready = START - timedelta(minutes=5)
    return PodView(name=name, hash=side, ready=True, serving=True, created_at=ready, ready_since=ready)


def test_pods_of_the_release_before_that_still_terminate_are_on_neither_side() -> None:
    begun = started()
    state = applied(None, begun)
    before = replace(pod("bad-1", "bad"), terminating=True, serving=False)
    snapshot = Snapshot(
        workload=begun.workload,
        replicas=1,
        images=begun.images,
        hash="new",
        is_current=True,
        is_frozen=True,
        size=1,
        own=begun.restore,
        held=begun.restore,
        pods=(pod("old-1", "old"), pod("new-1", "new"), before),
    )
    asked = view_of(state, snapshot).sides
    assert ([one.name for one in asked.canary], [one.name for one in asked.stable]) == (["new-1"], ["old-1"])
    assert view_of(state, replace(snapshot, hash="")).sides.canary == ()
    assert asked.baseline == ()


def test_pods_that_a_restart_made_of_the_stable_images_are_stable_once_the_deployment_has_those_again() -> None:
    begun = started()
    state = applied(None, begun)
    snapshot = Snapshot(
        workload=begun.workload,
        replicas=1,
        images=begun.restore.images,
        hash="restarted",
        is_current=True,
        is_frozen=False,
        size=None,
        own=begun.restore,
        held=begun.restore,
        pods=(pod("old-1", "old"), pod("new-1", "new"), pod("again-1", "restarted")),
    )
    assert [one.name for one in view_of(state, snapshot).stable_pods] == ["old-1", "again-1"]
    assert [one.name for one in view_of(state, snapshot).canary_pods] == ["new-1"]
    assert view_of(state, snapshot).serving == (2, 1)
    still_new = replace(snapshot, images=begun.images)
    assert view_of(state, still_new).serving == (1, 2)


def test_the_baseline_is_the_ready_pods_of_its_deployment_while_that_runs_the_stable_version() -> None:
    begun = started()
    stable = begun.restore.images
    snapshot = Snapshot(
        workload=begun.workload,
        replicas=1,
        images=begun.images,
        hash="new",
        is_current=True,
        is_frozen=True,
        size=1,
        own=begun.restore,
        held=begun.restore,
        pods=(),
        baseline=Baseline(
            name="fresh",
            images={**stable, "sidecar": "proxy:1"},
            pods=(
                pod("base-1", "fresh"),
                replace(pod("base-2", "fresh"), ready_since=None),
                replace(pod("base-3", "fresh"), terminating=True),
            ),
        ),
    )
    state = applied(None, begun)
    assert [one.name for one in view_of(state, snapshot).sides.baseline] == ["base-1"]
    assert snapshot.baseline
    changed = replace(snapshot.baseline, images=dict.fromkeys(stable, "shop/app@sha256:other"))
    assert view_of(state, replace(snapshot, baseline=changed)).sides.baseline == ()
    assert view_of(state, replace(snapshot, baseline=Baseline(name="fresh"))).sides.baseline == ()
