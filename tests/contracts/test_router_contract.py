"""What every Router keeps to: what it says that it reaches can be had, and what is planned is what comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.canary.ports.router import Router
from davy.canary.routers.replicas import Replicas

ROUTERS = [pytest.param(Replicas(), id="replicas")]


@pytest.mark.parametrize("router", ROUTERS)
@given(weights=st.lists(st.floats(0.1, 100), min_size=2, max_size=2).map(sorted), replicas=st.integers(1, 300))
def test_more_is_never_reached_with_fewer_pods(router: Router, weights: list[float], replicas: int) -> None:
    less, more = (router.reach(weight, replicas) for weight in weights)
    assert 1 <= less.pods <= more.pods <= replicas
    assert 0 < less.share <= more.share <= 100


@pytest.mark.parametrize("router", ROUTERS)
@given(weight=st.floats(0.1, 50), replicas=st.integers(1, 300))
def test_what_was_planned_is_what_is_reached_once_the_pods_serve(router: Router, weight: float, replicas: int) -> None:
    assert router.refusal(weight) == ""
    reach = router.reach(weight, replicas)
    assert router.weight(replicas, reach.pods) == pytest.approx(reach.share, abs=0.01)


@pytest.mark.parametrize("router", ROUTERS)
def test_a_canary_without_pods_gets_nothing_and_one_without_stable_gets_all(router: Router) -> None:
    assert (router.weight(4, 0), router.weight(0, 0), router.weight(0, 4)) == (0.0, 0.0, 100.0)
