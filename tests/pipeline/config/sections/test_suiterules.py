"""What no single key of a suite can break alone: each rule is told with its path."""

import pytest

from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.parsing.yaml_tree import shown
from davy.pipeline.config.sections import suite_variables, suites
from davy.pipeline.config.sections.suites import SuiteConfig


def found(images: tuple[str, ...] = ("r/a",), **said: object) -> dict[str, str]:
    suite = made(SuiteConfig, {"name": "e2e", "in": "process", **said})
    return {shown(place): what for place, what in suites.suite(("tests", 0), suite, images)}


def test_a_plain_suite_breaks_no_rule() -> None:
    for place in ("process", "image", "kubernetes", "saucelabs"):
        assert found(**{"in": place, "run": "x"}) == {}
        assert found(**{"in": place, "run": "x", "junit": ["**/target/*.xml", "build"], "at_least": 1}) == {}
    assert found(**{"in": "kubernetes", "run": "x", "junit": ["/app/r/*.xml"], "shards": 4}) == {}


@pytest.mark.parametrize(
    ("said", "path", "words"),
    [
        ({}, "tests[0].run", "is needed"),
        ({"run": "x", "k6": "s.js"}, "tests[0].k6", "so does `run`"),
        ({"run": "x", "config": "c", "in": "saucelabs"}, "tests[0].config", "so does `run`"),
        ({"config": "c"}, "tests[0].config", "Sauce Labs"),
        ({"k6": "s.js", "in": "grid", "cloud": {"hub": "http://x"}}, "tests[0].k6", "drives no browser"),
        ({"k6": "s.js", "shards": 2}, "tests[0].shards", "each with its own thresholds"),
        ({"k6": "s.js", "files": ["*"]}, "tests[0].files", "`k6` knows its own"),
        ({"run": "x", "services": [{"name": "db", "image": "x"}]}, "tests[0].services", "in: kubernetes"),
        ({"run": "x", "cloud": {}}, "tests[0].cloud", "needs none"),
        ({"run": "x", "in": "grid"}, "tests[0].cloud", "is needed"),
        ({"run": "x", "against": "canary"}, "tests[0].against", "in: kubernetes"),
        ({"run": "x", "files": ["/abs/*"]}, "tests[0].files[0]", "must stay"),
        ({"run": "x", "files": ["../*"]}, "tests[0].files[0]", "must stay"),
        ({"run": "x", "matrix": {"browser": []}}, "tests[0].matrix.browser", "never run"),
        ({"run": "x", "matrix": {"browser": ["a", "a"]}}, "tests[0].matrix.browser", "twice"),
        ({"run": "x", "matrix": {"shard": ["1"]}}, "tests[0].matrix.shard", "davy itself tells"),
        ({"run": "x", "matrix": {"tests": ["1"]}}, "tests[0].matrix.tests", "davy itself tells"),
        (
            {"run": "x", "matrix": {"Web-Driver.url": ["a"], "web_driver-url": ["b"]}},
            "tests[0].matrix.web_driver-url",
            "as `Web-Driver.url` is",
        ),
        ({"run": "x", "name": "junit.xml"}, "tests[0].name", "davy itself writes"),
        ({"run": "x", "name": "Build"}, "tests[0].name", "davy itself writes"),
        ({"run": "x", "retries": 1, "pass_threshold": 3}, "tests[0].pass_threshold", "at most 2 tries"),
        ({"run": "x", "retries_up_to": 3}, "tests[0].retries_up_to", "there are none"),
        ({"run": "x", "retries": 1, "pass_threshold": 2, "retries_up_to": 3}, "tests[0].retries_up_to", "of the whole"),
        ({"k6": "s.js", "junit": ["r/*.xml"]}, "tests[0].junit[0]", "`k6` has its own"),
        ({"config": "c", "in": "saucelabs", "junit": ["r"]}, "tests[0].junit[0]", "`config` has its own"),
        ({"run": "x", "junit": ["r", "../r"]}, "tests[0].junit[1]", "must stay"),
        ({"run": "x", "junit": [""]}, "tests[0].junit[0]", "must stay"),
        ({"run": "x", "in": "image", "junit": ["/"]}, "tests[0].junit[0]", "must stay"),
        ({"run": "x", "junit": ["/abs/*.xml"]}, "tests[0].junit[0]", "relative"),
        ({"run": "x", "junit": ["r"], "shards": 2}, "tests[0].junit", "which shards and cells share"),
        ({"run": "x", "junit": ["r"], "matrix": {"a": ["b", "c"]}}, "tests[0].junit", "which shards and cells share"),
        ({"run": "x", "image": "r/b"}, "tests[0].image", "there are: r/a"),
        ({"run": "x", "in": "image", "collect": ["out"]}, "tests[0].collect[0]", "no absolute path"),
        ({"run": "x", "timeout": "0s"}, "tests[0].timeout", "above 0s"),
    ],
)
def test_each_rule_is_told_with_its_path(said: dict[str, object], path: str, words: str) -> None:
    assert words in found(**said)[path]


def test_a_suite_in_a_container_needs_an_image() -> None:
    assert "none under `images`" in found((), **{"in": "kubernetes", "run": "x"})["tests[0].in"]
    assert found((), run="x") == {}


def test_several_problems_are_told_together() -> None:
    assert len(found(services=[{"name": "db", "image": "x"}], pass_threshold=2)) == 3


@pytest.mark.parametrize("word", suite_variables.TOLD)
def test_no_key_of_a_matrix_takes_a_name_that_davy_uses(word: str) -> None:
    for key in (word.lower(), word, word.lower().replace("_", "-"), word.lower().replace("_", ".")):
        assert found(run="x", matrix={key: ["a"]}).keys() == {f"tests[0].matrix.{key}"}


@pytest.mark.parametrize("name", sorted(suites.WRITTEN))
def test_no_suite_has_the_name_of_what_davy_writes(name: str) -> None:
    assert found(run="x", name=name).keys() == {"tests[0].name"}
