"""What every Builder must do, the one in memory, Docker, BuildKit through buildx, and Buildah."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from contracts.builder_places import REAL
from davy.pipeline.builds.ports import Builder, BuildOrder
from davy.pipeline.clients.docker.credentials import DockerCredentials
from davy.pipeline.registry.distribution.manifests import Registry
from twins.builds import MemoryBuilder

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


def real(name: str, request: pytest.FixtureRequest, folder: Path) -> Case:
    parts = request.getfixturevalue("real_docker")
    base = request.getfixturevalue("real_base")
    context = parts.context(folder / "app", f"FROM {base}\nCOPY a /a\nRUN echo made > /b\n", {"a": str(folder)})
    registry = Registry(DockerCredentials(parts.environment))
    order = BuildOrder(
        name=f"{parts.registry}/shop/app",
        context=context,
        annotations=ANNOTATIONS,
        tag="one",
        files={"Dockerfile": ("100644", ""), "a": ("100644", "")},
        epoch=1_700_000_000,
    )
    return Case(
        request.getfixturevalue("builder_places").builder(name),
        order,
        registry.digest,
        lambda name, digest: json.loads(registry.manifest(name, digest).body)["annotations"],
    )


@pytest.fixture(params=["memory", *(pytest.param(name, marks=pytest.mark.lab("docker")) for name in REAL)])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    return memory(tmp_path) if request.param == "memory" else real(request.param, request, tmp_path)


def test_a_builder_that_is_there_lacks_nothing_of_a_plain_order(case: Case) -> None:
    assert case.builder.lacks(case.order) == ()


def test_a_built_image_is_in_the_registry_by_the_digest_it_is_named_by(case: Case) -> None:
    built = case.builder.build(case.order, lambda _: None)
    assert case.digest_of(case.order.name, "one") == built.image.digest
    assert built.image.name == case.order.name


def test_the_annotations_are_on_the_manifest(case: Case) -> None:
    built = case.builder.build(case.order, lambda _: None)
    # Buildah adds the base image's name and digest.
    assert ANNOTATIONS.items() <= case.annotations_of(built.image.name, built.image.digest).items()


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
