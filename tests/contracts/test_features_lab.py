"""What real builders know of a Dockerfile is what the table says, and one key makes one image whoever builds it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.builder_places import BuilderPlaces
from davy.pipeline.builds.dockerfile.features import FRONTEND, platform_arguments
from davy.pipeline.builds.ports import BuildOrder
from davy.pipeline.core.errors import DavyError
from feature_texts import SAMPLES

pytestmark = pytest.mark.lab("docker")
IN_TURN = [(name, feature) for name in ("engine", "buildah") for feature in SAMPLES if feature != FRONTEND]
"""Both overlook a frontend: what it would have made of the rest nobody can see from outside."""


@pytest.fixture
def asked(real_docker: Any, real_base: str, tmp_path: Path) -> Callable[[str], BuildOrder]:
    """An order of one Dockerfile on a base that is there."""
    context = real_docker.context(tmp_path / "app", "FROM scratch\n", {"a": "glow\n"})

    def made(text: str) -> BuildOrder:
        said = text.replace(" base\n", f" {real_base}\n")
        name = f"{real_docker.registry}/shop/features"
        return BuildOrder(name=name, context=context, tag="one", dockerfile_text=said)

    return made


@pytest.mark.parametrize(("name", "feature"), IN_TURN)
def test_a_builder_fails_of_what_it_says_it_does_not_know_and_of_nothing_else(
    builder_places: BuilderPlaces, asked: Callable[[str], BuildOrder], name: str, feature: str
) -> None:
    builder = builder_places.builder(name)
    wanted = asked(SAMPLES[feature])
    if builder.lacks(wanted):
        with pytest.raises(DavyError):
            builder.build(wanted, lambda _: None)
    else:
        builder.build(wanted, lambda _: None)


@pytest.mark.parametrize("name", ["engine", "buildx", "buildah"])
def test_every_builder_fills_in_the_platform(
    builder_places: BuilderPlaces, asked: Callable[[str], BuildOrder], real_docker: Any, name: str
) -> None:
    names = sorted(platform_arguments("linux/amd64"))
    text = "FROM base\n" + "".join(f"ARG {one}\n" for one in names)
    text += "LABEL " + " ".join(f"{one}=v-${one}" for one in names) + "\nCOPY a /\n"
    built = builder_places.builder(name).build(asked(text), lambda _: None)
    real_docker.client.pull(built.image.reference)
    labels = real_docker.client.inspect_image(built.image.reference)["Config"]["Labels"]
    own = real_docker.client.version()
    known = platform_arguments(f"{own['Os']}/{own['Arch']}")
    assert {one: labels[one] for one in names} == {one: f"v-{known[one]}" for one in names}
