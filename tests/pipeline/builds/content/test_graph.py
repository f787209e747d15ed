"""The graph: what is built from what, and what has to come first."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.builds.content import graph
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.images.keys import ImageConfig
from davy.pipeline.config.sections.images.matrix import expanded


def recipes(*said: dict[str, Any]) -> Any:
    return expanded(made(ImageConfig, one) for one in said)


BASE, WEB = {"name": "r.test/base"}, {"name": "r.test/web"}


@pytest.mark.parametrize("reference", ["r.test/base", "r.test/base:latest", "r.test/base:anything"])
def test_a_reference_with_the_repository_of_an_image_is_that_image_whatever_its_tag(reference: str) -> None:
    links = graph.linked(recipes(BASE, WEB), {"r.test/web": [reference, "python:3.12"]})
    assert links.by["r.test/web"] == {reference: "r.test/base"}
    assert links.bases["r.test/web"] == ("python:3.12",)
    assert links.parents == {"r.test/base": (), "r.test/web": ("r.test/base",)}


def test_a_reference_by_digest_is_a_base() -> None:
    links = graph.linked(recipes(BASE, WEB), {"r.test/web": ["r.test/base@sha256:" + "0" * 64]})
    assert links.parents["r.test/web"] == ()


def test_a_name_without_a_registry_is_docker_hub_s() -> None:
    links = graph.linked(recipes({"name": "base"}, WEB), {"r.test/web": ["docker.io/library/base:1"]})
    assert links.parents["r.test/web"] == ("base",)


def test_in_a_shared_repository_the_tag_says_which_cell() -> None:
    matrix = {"name": "r.test/base", "matrix": {"PYTHON": ["3.1", "3.11"]}}
    made = recipes(matrix, WEB)
    links = graph.linked(made, {"r.test/web": ["r.test/base:3.11"]})
    assert links.parents["r.test/web"] == ("r.test/base[PYTHON=3.11]",)
    ((which, what),) = graph.linked(made, {"r.test/web": ["r.test/base:latest"]}).problems
    assert which == "r.test/web"
    assert "r.test/base:3.1, r.test/base:3.11" in what


def test_a_circle_is_told_with_its_way() -> None:
    parents = {"a": ("b",), "b": ("c",), "c": ("b",), "d": ()}
    assert graph.cycle(parents) == ("b", "c", "b")
    assert graph.cycle({"a": ("a",)}) == ("a", "a")
    assert graph.cycle({"a": ("b",), "b": ()}) == ()


def test_of_ancestors_only_those_are_needed_that_something_to_build_stands_on() -> None:
    parents = {"os": (), "base": ("os",), "web": ("base",), "job": ("base",)}
    assert graph.needed(["web"], {"web", "base", "os", "job"}, parents) == ("web",)
    assert graph.needed(["web"], {"base"}, parents) == ("base", "web")
    assert graph.needed(["web"], (), parents) == ("os", "base", "web")


def test_an_image_that_others_are_built_from_is_not_deployed_unless_the_file_says_so() -> None:
    made = recipes(BASE, WEB, {"name": "r.test/ci", "matrix": {"A": ["1", "2"]}})
    links = graph.linked(made, {"r.test/web": ["r.test/base"]})
    assert graph.deployed(made, links.parents, {}) == ("r.test/web",)
    said = {"r.test/base": True, "r.test/web": False}
    assert graph.deployed(made, links.parents, said) == ("r.test/base",)


@st.composite
def dags(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    names = [f"i{number}" for number in range(draw(st.integers(0, 12)))]
    earlier = {name: names[:at] for at, name in enumerate(names)}
    parents = {
        name: tuple(draw(st.lists(st.sampled_from(earlier[name]), unique=True))) if earlier[name] else ()
        for name in names
    }
    return {name: parents[name] for name in draw(st.permutations(names))}


@given(dags())
def test_every_image_comes_once_and_after_all_that_it_is_built_from(parents: dict[str, tuple[str, ...]]) -> None:
    order = graph.ordered(parents)
    assert sorted(order) == sorted(parents)
    assert all(order.index(parent) < order.index(one) for one in parents for parent in parents[one])
    assert graph.cycle(parents) == ()
