"""A promise that nobody means, or that cannot be broken or kept, is refused where it is written."""

import pytest

from davy.checks.preflight import lint
from davy.pipeline.config import file
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.core.errors import Unusable

AROUND = """
service: shop
images: [{name: registry.example.com/shop}]
deploy: {kubernetes: {namespace: shop, deployment: shop}}
checks:
  prometheus: http://prometheus:9090
  slos:
    - SLO
"""


def problems(slo):
    try:
        file.parsed(AROUND.replace("SLO", slo), "davy.yaml", {})
    except Unusable as error:
        return [(problem.line, problem.path, problem.what) for problem in error.problems]
    return []


def test_a_share_for_a_percentage_is_refused_with_what_was_meant():
    ((line, path, what),) = problems("{name: a, objective: 0.999, errors: bad, total: all}")
    assert (line, path) == (8, "checks.slos[0].objective")
    assert what == (
        "0.999 % would let 99 of 100 requests fail; did you mean 99.9? If it is meant, write `accept: [low-objective]`"
    )


@pytest.mark.parametrize(
    ("objective", "says"),
    [
        ("0.9", "did you mean 90?"),
        ("0.9999", "99 of 100 requests fail; did you mean 99.99?"),
        ("0.05", "99 of 100 requests fail. If"),
        ("49.9", "50 of 100 requests fail. If"),
        ("10", "90 of 100 requests fail. If"),
    ],
)
def test_below_half_it_is_asked_for_a_word(objective, says):
    ((_, _, what),) = problems(f"{{name: a, objective: {objective}, errors: bad, total: all}}")
    assert says in what
    assert problems(f"{{name: a, objective: {objective}, errors: bad, total: all, accept: [low-objective]}}") == []


@pytest.mark.parametrize("objective", ["50", "50.0", "99", "99.999999"])
def test_from_half_on_no_word_is_needed(objective):
    assert problems(f"{{name: a, objective: {objective}, errors: bad, total: all}}") == []


@pytest.mark.parametrize(
    ("good", "total"),
    [
        ("http_total", "http_total"),
        ('\'http_total{a="1",b=~"x,y"}\'', '\'http_total{ b=~"x,y", a = "1" }\''),
        ("'http_total{}'", "http_total"),
        ("'http_total{a=\"1\",}'", "' http_total {a=\"1\"}'"),
    ],
)
@pytest.mark.parametrize(("key", "which"), [("good", "good"), ("errors", "bad")])
def test_a_part_that_is_the_whole_is_refused(good, total, key, which):
    ((_, path, what),) = problems(f"{{name: a, objective: 99, {key}: {good}, total: {total}}}")
    assert path == f"checks.slos[0].{key}"
    assert what == f"counts the same as `total`: every event would be {which} for ever"


@pytest.mark.parametrize(
    ("good", "total"),
    [("a", "b"), ('a{x="1"}', "a"), ('a{x="1"}', 'a{x="2"}'), ('a{x="1"}', 'a{x!="1"}')],
)
def test_a_part_is_a_part(good, total):
    assert problems(f"{{name: a, objective: 99, good: '{good}', total: '{total}'}}") == []


def remarks(**said):
    threshold = {"name": "e", "query": 'rate(x{pod=~"{canary}"}[5m])', "success": "< 1", **said}
    config = made(ChecksConfig, {"prometheus": "http://p", "judge": "threshold", "thresholds": [threshold]})
    return [remark.rule for remark in lint.remarks(config)]


@pytest.mark.parametrize(
    ("said", "never"),
    [
        ({"style": "argo", "count": 2, "failure_limit": 2}, True),
        ({"style": "argo", "count": 5, "failure_limit": 7}, True),
        ({"style": "argo", "count": 5, "failure_limit": -1}, True),
        ({"successes": 3, "failure_limit": -1}, True),
        ({"count": 5, "failure_limit": 5}, True),
        ({"style": "argo", "count": 5, "failure_limit": 4}, False),
        ({"style": "argo", "successes": 3, "failure_limit": 100}, False),
        ({"style": "argo", "count": 2, "failure_limit": 2, "accept": ["never-fails"]}, False),
    ],
)
def test_a_threshold_that_no_failure_fails_is_advised_against(said, never):
    assert ("never-fails" in remarks(**said)) is never


def test_a_missing_file_names_the_option_that_there_is(tmp_path):
    with pytest.raises(Unusable) as caught:
        file.text(tmp_path / "davy.yaml")
    assert "--file" in caught.value.remedy
    assert "--config" not in caught.value.remedy
