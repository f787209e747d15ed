"""What every Builder must do, the one in memory and the one on Docker."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from davy.pipeline.adapters.credentials import DockerCredentials
from davy.pipeline.adapters.docker import DockerBuilder
from davy.pipeline.adapters.registry import Registry
from davy.pipeline.ports import Builder, BuildOrder
from davy.pipeline.twins import MemoryBuilder

ANNOTATIONS = {"org.opencontainers.image.revision": "abc", "org.opencontainers.image.title": "Grubenlampe ✓"}


@dataclass
class Case:
    builder: Builder
    order: BuildOrder
    digest_of: Callable[[str, str], str | None]
    annotations_of: Callable[[str, str], dict[str, str]]


def memory(folder: Path) -> Case:
    builder = MemoryBuilder()
    order = BuildOrder(name="registry.test/shop/app", context=folder, annotations=ANNOTATIONS, tag="one")
    return Case(
        builder,
        order,
        lambda name, tag: builder.tags.get(f"{name}:{tag}"),
        lambda name, digest: dict(builder.registry[f"{name}@{digest}"].annotations),
    )


def real(request: pytest.FixtureRequest, folder: Path) -> Case:
    parts = request.getfixturevalue("real_docker")
    context = parts.context(folder / "app", "FROM BASE\nCOPY a /a\n", {"a": str(folder)})
    registry = Registry(DockerCredentials(parts.environment))
    order = BuildOrder(name=f"{parts.registry}/shop/app", context=context, annotations=ANNOTATIONS, tag="one")
    return Case(
        DockerBuilder(parts.environment),
        order,
        registry.digest,
        lambda name, digest: json.loads(registry.manifest(name, digest).body)["annotations"],
    )


@pytest.fixture(params=["memory", pytest.param("docker", marks=pytest.mark.lab)])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    return memory(tmp_path) if request.param == "memory" else real(request, tmp_path)


def test_a_built_image_is_in_the_registry_by_the_digest_it_is_named_by(case: Case) -> None:
    built = case.builder.build(case.order, lambda _: None)
    assert case.digest_of(case.order.name, "one") == built.image.digest
    assert built.image.name == case.order.name


def test_the_annotations_are_on_the_manifest(case: Case) -> None:
    built = case.builder.build(case.order, lambda _: None)
    assert case.annotations_of(built.image.name, built.image.digest) == ANNOTATIONS


def test_the_same_order_twice_gives_the_same_digest_and_makes_no_layer(case: Case) -> None:
    first = case.builder.build(case.order, lambda _: None)
    second = case.builder.build(case.order, lambda _: None)
    assert second.image == first.image
    assert (first.cached, second.cached) == (False, True)


def test_another_tag_makes_no_layer_either(case: Case) -> None:
    case.builder.build(case.order, lambda _: None)
    again = case.builder.build(replace(case.order, tag="two"), lambda _: None)
    assert again.cached
    assert case.digest_of(case.order.name, "two") == again.image.digest


def test_something_is_said_while_building(case: Case) -> None:
    lines: list[str] = []
    case.builder.build(case.order, lines.append)
    assert lines
