"""What every Cluster keeps to: the held rolling update, in memory and on a real Kubernetes."""

import pytest

from contracts.places import Place
from davy.canary.ports.platform import Cluster, Speed, Standing, TroubleKind
from davy.pipeline.core.errors import Conflict


def canary(standing: Standing, stable: str) -> list[str]:
    return [pod.name for pod in standing.pods if pod.hash != stable and pod.serving]


def living(standing: Standing, stable: str) -> set[str]:
    return {pod.name for pod in standing.pods if pod.hash == stable and not pod.terminating}


def stable_serving(standing: Standing, stable: str) -> int:
    return sum(pod.serving for pod in standing.pods if pod.hash == stable)


def taken(place: Place, fence: int = 1) -> tuple[Cluster, Standing]:
    cluster = place.cluster()
    cluster.take(fence)
    place.until(lambda: bool(cluster.standing().template_hash))
    return cluster, cluster.standing()


def begun(place: Place, images: dict[str, str]) -> tuple[Cluster, Standing]:
    cluster, before = taken(place)
    cluster.begin(release="r1", images=images, surge=1, restore=before.own, stable_hash=before.template_hash)
    return cluster, before


def test_a_canary_is_held_grows_and_goes_and_nothing_is_left_of_it(place: Place) -> None:
    cluster, before = begun(place, place.good)
    stable = before.template_hash
    place.until(lambda: len(canary(cluster.standing(), stable)) == 1)
    cluster.hold()
    place.wait(2)
    held = cluster.standing()
    assert (held.paused, held.held, held.release, held.stable_hash) == (True, before.own, "r1", stable)
    assert (len(canary(held, stable)), stable_serving(held, stable)) == (1, 4)

    cluster.grow(3)
    place.until(lambda: len(canary(cluster.standing(), stable)) == 3)
    cluster.hold()
    assert stable_serving(cluster.standing(), stable) == 4

    cluster.roll_back(before.own, Speed.WHOLE, 0)
    place.until(lambda: not canary(cluster.standing(), stable))
    assert stable_serving(cluster.standing(), stable) == 4
    cluster.settle(before.own)
    place.until(lambda: cluster.standing().template_hash == stable)
    after = cluster.standing()
    assert (after.own, after.held, after.release, after.paused) == (before.own, None, "", False)


def test_a_promoted_canary_is_what_serves_with_the_very_pods_that_were_proven(place: Place) -> None:
    cluster, before = begun(place, place.good)
    stable = before.template_hash
    place.until(lambda: len(canary(cluster.standing(), stable)) == 1)
    cluster.hold()
    (proven,) = canary(cluster.standing(), stable)
    cluster.promote(before.own)
    place.until(lambda: len(canary(cluster.standing(), stable)) == 4 and not stable_serving(cluster.standing(), stable))
    assert proven in canary(cluster.standing(), stable)
    cluster.settle(before.own)
    assert cluster.standing().held is None
    assert cluster.standing().images == place.good


@pytest.mark.parametrize("speed", [Speed.SURGE, Speed.REPLACE])
def test_half_way_through_a_promotion_it_still_goes_back(place: Place, speed: Speed) -> None:
    cluster, before = begun(place, place.good)
    stable = before.template_hash
    place.until(lambda: len(canary(cluster.standing(), stable)) == 1)
    cluster.promote(before.own)
    place.until(lambda: len(canary(cluster.standing(), stable)) >= 2)
    cluster.roll_back(before.own, speed, len(canary(cluster.standing(), stable)))
    place.until(lambda: stable_serving(cluster.standing(), stable) == 4 and not canary(cluster.standing(), stable))
    cluster.settle(before.own)
    assert cluster.standing().own == before.own


def test_every_write_may_be_repeated(place: Place) -> None:
    cluster, before = begun(place, place.good)
    stable = before.template_hash
    cluster.begin(release="r1", images=place.good, surge=1, restore=before.own, stable_hash=stable)
    for _ in range(2):
        cluster.take(1)
        cluster.hold()
        cluster.grow(1)
    place.until(lambda: len(canary(cluster.standing(), stable)) == 1)
    for _ in range(2):
        cluster.roll_back(before.own, Speed.WHOLE, 0)
    place.until(lambda: not canary(cluster.standing(), stable))
    cluster.settle(before.own)
    assert cluster.standing().own == before.own


def test_a_runner_that_was_overtaken_changes_nothing_any_more(place: Place) -> None:
    older, before = begun(place, place.good)
    newer = place.cluster()
    newer.take(2)
    now = newer.standing()
    for write in (
        older.hold,
        lambda: older.grow(4),
        lambda: older.promote(before.own),
        lambda: older.roll_back(before.own, Speed.WHOLE, 0),
        lambda: older.settle(before.own),
        lambda: older.take(1),
    ):
        with pytest.raises(Conflict):
            write()
    after = newer.standing()
    assert (after.images, after.surge, after.paused, after.held) == (now.images, now.surge, now.paused, now.held)
    newer.roll_back(before.own, Speed.WHOLE, 0)
    newer.settle(before.own)


def test_a_pod_that_crashes_says_so_in_its_own_words(place: Place) -> None:
    cluster, before = begun(place, place.crashing)

    def troubled() -> list[str]:
        return [
            pod.name
            for pod in cluster.standing().pods
            if pod.trouble and pod.trouble.kind is TroubleKind.CRASH_LOOP and pod.hash != before.template_hash
        ]

    place.until(lambda: bool(troubled()))
    # Not one of them was taken away; on a busy machine one may fail a probe for a moment.
    assert living(cluster.standing(), before.template_hash) == living(before, before.template_hash)
    place.until(lambda: stable_serving(cluster.standing(), before.template_hash) == 4)
    assert "cannot find the price list" in cluster.words(troubled()[0])
    cluster.roll_back(before.own, Speed.WHOLE, 1)
    cluster.settle(before.own)
