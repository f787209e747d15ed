"""What every Platform keeps to: the held rolling update, in memory and on a real Kubernetes."""

import pytest

from contracts.places import Place
from davy.canary.ports.platform import Platform, Proposal, Speed
from davy.canary.ports.snapshot import FailureKind, Snapshot
from davy.pipeline.core.errors import Conflict


def canary(snapshot: Snapshot, stable: str) -> list[str]:
    return [pod.name for pod in snapshot.pods if pod.hash != stable and pod.serving]


def living(snapshot: Snapshot, stable: str) -> set[str]:
    return {pod.name for pod in snapshot.pods if pod.hash == stable and not pod.terminating}


def stable_serving(snapshot: Snapshot, stable: str) -> int:
    return sum(pod.serving for pod in snapshot.pods if pod.hash == stable)


def taken(place: Place, fence: int = 1) -> tuple[Platform, Snapshot]:
    cluster = place.cluster()
    cluster.take(fence)
    place.until(lambda: bool(cluster.snapshot().hash))
    return cluster, cluster.snapshot()


def begun(place: Place, images: dict[str, str]) -> tuple[Platform, Snapshot]:
    cluster, before = taken(place)
    cluster.propose(Proposal(release="r1", images=images, restore=before.own, stable_hash=before.hash), 1)
    return cluster, before


def test_a_canary_is_held_grows_and_goes_and_nothing_is_left_of_it(place: Place) -> None:
    cluster, before = begun(place, place.good)
    stable = before.hash
    place.until(lambda: len(canary(cluster.snapshot(), stable)) == 1)
    cluster.freeze()
    place.wait(2)
    held = cluster.snapshot()
    assert (held.size, cluster.terms.is_holding(held.own, before.own)) == (1, True)
    assert not cluster.terms.is_given_back(held.own, before.own)
    assert (held.is_frozen, held.held, held.release, held.stable_hash) == (True, before.own, "r1", stable)
    assert (len(canary(held, stable)), stable_serving(held, stable)) == (1, 4)

    cluster.size(3)
    place.until(lambda: len(canary(cluster.snapshot(), stable)) == 3)
    cluster.freeze()
    assert stable_serving(cluster.snapshot(), stable) == 4

    cluster.restore(before.own, Speed.WHOLE, 0)
    place.until(lambda: not canary(cluster.snapshot(), stable))
    assert stable_serving(cluster.snapshot(), stable) == 4
    back = cluster.snapshot()
    assert cluster.terms.is_given_back(back.own, before.own)
    assert cluster.terms.is_as_before(back.own, before.own)
    cluster.settle(before.own)
    place.until(lambda: cluster.snapshot().hash == stable)
    after = cluster.snapshot()
    assert (after.own, after.held, after.release, after.is_frozen) == (before.own, None, "", False)


def test_a_promoted_canary_is_what_serves_with_the_very_pods_that_were_proven(place: Place) -> None:
    cluster, before = begun(place, place.good)
    stable = before.hash
    place.until(lambda: len(canary(cluster.snapshot(), stable)) == 1)
    cluster.freeze()
    (proven,) = canary(cluster.snapshot(), stable)
    cluster.complete(before.own)
    place.until(lambda: len(canary(cluster.snapshot(), stable)) == 4 and not stable_serving(cluster.snapshot(), stable))
    assert proven in canary(cluster.snapshot(), stable)
    cluster.settle(before.own)
    assert cluster.snapshot().held is None
    assert cluster.snapshot().images == place.good


@pytest.mark.parametrize("speed", [Speed.STABLE_FIRST, Speed.CANARY_FIRST])
def test_half_way_through_a_promotion_it_still_goes_back(place: Place, speed: Speed) -> None:
    cluster, before = begun(place, place.good)
    stable = before.hash
    place.until(lambda: len(canary(cluster.snapshot(), stable)) == 1)
    cluster.complete(before.own)
    place.until(lambda: len(canary(cluster.snapshot(), stable)) >= 2)
    cluster.restore(before.own, speed, len(canary(cluster.snapshot(), stable)))
    place.until(lambda: stable_serving(cluster.snapshot(), stable) == 4 and not canary(cluster.snapshot(), stable))
    cluster.settle(before.own)
    assert cluster.snapshot().own == before.own


def test_every_write_may_be_repeated(place: Place) -> None:
    cluster, before = begun(place, place.good)
    stable = before.hash
    cluster.propose(Proposal(release="r1", images=place.good, restore=before.own, stable_hash=stable), 1)
    for _ in range(2):
        cluster.take(1)
        cluster.freeze()
        cluster.size(1)
    place.until(lambda: len(canary(cluster.snapshot(), stable)) == 1)
    for _ in range(2):
        cluster.restore(before.own, Speed.WHOLE, 0)
    place.until(lambda: not canary(cluster.snapshot(), stable))
    cluster.settle(before.own)
    assert cluster.snapshot().own == before.own


def test_a_runner_that_was_overtaken_changes_nothing_any_more(place: Place) -> None:
    older, before = begun(place, place.good)
    newer = place.cluster()
    newer.take(2)
    now = newer.snapshot()
    for write in (
        older.freeze,
        lambda: older.size(4),
        lambda: older.complete(before.own),
        lambda: older.restore(before.own, Speed.WHOLE, 0),
        lambda: older.settle(before.own),
        lambda: older.take(1),
    ):
        with pytest.raises(Conflict):
            write()
    after = newer.snapshot()
    assert (after.images, after.size, after.is_frozen, after.held) == (now.images, now.size, now.is_frozen, now.held)
    newer.restore(before.own, Speed.WHOLE, 0)
    newer.settle(before.own)


def test_a_pod_that_crashes_says_so_in_its_own_words(place: Place) -> None:
    cluster, before = begun(place, place.crashing)

    def troubled() -> list[str]:
        return [
            pod.name
            for pod in cluster.snapshot().pods
            if pod.trouble and pod.trouble.kind is FailureKind.CRASH_LOOP and pod.hash != before.hash
        ]

    place.until(lambda: bool(troubled()))
    # Not one of them was taken away; on a busy machine one may fail a probe for a moment.
    assert living(cluster.snapshot(), before.hash) == living(before, before.hash)
    place.until(lambda: stable_serving(cluster.snapshot(), before.hash) == 4)
    assert "cannot find the price list" in cluster.words(troubled()[0])
    cluster.restore(before.own, Speed.WHOLE, 1)
    cluster.settle(before.own)
