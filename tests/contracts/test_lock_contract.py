"""What every Lock keeps to: one runner at a time, each with a number of its own."""

from datetime import timedelta

import pytest

from contracts.places import Place
from davy.pipeline.core.errors import LockedOut


def test_a_second_runner_is_locked_out_and_told_who_holds_it(place: Place) -> None:
    first = place.lock()
    fence = first.acquire("ann@one")
    with pytest.raises(LockedOut, match="ann@one"):
        place.lock().acquire("bob@two")
    holder = place.lock().holder()
    assert holder is not None
    assert (holder.runner, holder.fence) == ("ann@one", fence)
    first.renew()


def test_a_lock_given_back_is_free_and_its_number_grows(place: Place) -> None:
    first, second = place.lock(), place.lock()
    before = first.acquire("ann")
    first.release()
    first.release()
    assert place.lock().holder() is None
    assert second.acquire("bob") > before


def test_a_runner_that_stopped_renewing_is_taken_over_from_and_told_so(place: Place) -> None:
    first, second = place.lock(timedelta(seconds=2)), place.lock(timedelta(seconds=2))
    before = first.acquire("ann")
    place.wait(5)
    after = second.acquire("bob")
    assert after > before
    with pytest.raises(LockedOut):
        first.renew()
    first.release()
    holder = second.holder()
    assert holder is not None
    assert (holder.runner, holder.fence) == ("bob", after)


def test_a_runner_that_renews_keeps_it_for_longer_than_it_lasts(place: Place) -> None:
    first = place.lock(timedelta(seconds=3))
    first.acquire("ann")
    for _ in range(7):
        place.wait(1)
        first.renew()
    with pytest.raises(LockedOut):
        place.lock().acquire("bob")
