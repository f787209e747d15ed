"""By replicas: the share follows the pods."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.canary.routers.replicas import Replicas, share

ROUTER = Replicas()


@given(weight=st.floats(0.1, 50), replicas=st.integers(1, 300))
def test_no_other_number_of_pods_is_nearer_to_the_weight(weight, replicas):
    reach = ROUTER.reach(weight, replicas)
    assert 1 <= reach.pods <= replicas
    assert reach.share == share(reach.pods, replicas)
    best = min(abs(share(k, replicas) - weight) for k in range(1, replicas + 1))
    assert abs(reach.share - weight) == pytest.approx(best)


def test_the_weight_is_the_canarys_part_of_the_pods_that_serve():
    assert ROUTER.weight(4, 2) == 33.33
    assert ROUTER.weight(4, 0) == ROUTER.weight(0, 0) == 0.0
    assert ROUTER.weight(0, 3) == 100.0


def test_beyond_half_of_the_traffic_stable_pods_would_have_to_go():
    assert ROUTER.refusal(50) == ""
    assert "by replicas at most 50 % can be reached before stable pods have to go" in ROUTER.refusal(80)
