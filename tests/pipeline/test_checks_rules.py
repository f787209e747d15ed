"""What no single key of `checks` can break, said where it stands."""

import pytest

from davy.pipeline.config.file import parsed
from davy.pipeline.core.errors import Unusable

FILE = """
service: shop
images: [{name: registry.example.com/shop}]
deploy: {kubernetes: {deployment: shop}}
checks:
  prometheus: http://prometheus:9090
  slos:
    - {name: availability, objective: 99, errors: http_errors, total: http_total%s}
%s"""


@pytest.mark.parametrize(
    ("slo", "more", "path"),
    [
        ("", "  baseline: fresh", "checks.baseline_deployment"),
        ("", "  baseline_deployment: shop-baseline", "checks.baseline_deployment"),
        (", bounds: [100ms]", "", "checks.slos[0].bounds"),
        ("", "  dispersion: 0.5", "checks.dispersion"),
        ("", "  dispersion: much", "checks.dispersion"),
    ],
)
def test_it_is_refused_with_its_place(slo, more, path):
    with pytest.raises(Unusable) as refused:
        parsed(FILE % (slo, more), "davy.yaml", {})
    assert {problem.path for problem in refused.value.problems} == {path}


def test_each_kind_of_baseline_and_a_number_for_the_dispersion_are_taken():
    for more in (
        "  baseline: none",
        "  baseline: fresh\n  baseline_deployment: b",
        "  dispersion: 1",
        "  dispersion: auto",
    ):
        assert parsed(FILE % ("", more), "davy.yaml", {}).checks.slos
