"""The place a contract is tried in."""

from collections.abc import Iterator

import pytest

from contracts.places import PLACES, KubernetesPlace, Place


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    made: Place = request.param()
    yield made
    if isinstance(made, KubernetesPlace):
        made.gone()
