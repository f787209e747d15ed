"""What a key counts is what real builders need: with just that they build what they build of everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.builder_places import REAL, BuilderPlaces
from davy.pipeline.builds.content import resolve
from davy.pipeline.builds.content.keyed_images import Keyed
from davy.pipeline.builds.dockerfile.parser import pinned
from davy.pipeline.builds.ports import BuildOrder
from davy.pipeline.config.document import DeliveryConfig
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.source.git.work_tree import GitWorkTree

pytestmark = pytest.mark.lab("docker")
TREE = {
    "README.md": "hello",
    "src/main.py": "main",
    "src/lib/one.py": "1",
    "src/lib/one.pyc": "1",
    "svc/web/go.mod": "web",
    "svc/web/main.go": "web",
    "svc/api/go.mod": "api",
    "v1/app": "1",
    "v2/app": "2",
    "real/file": "file",
}
PLAIN = """\
ARG V=v2
FROM BASE AS unused
COPY nothing /
FROM BASE AS made
COPY src/*.py link /x/
FROM BASE
ARG V
COPY $V /x/
COPY --from=1 /x/ /x/
RUN [ "$(echo $(ls /x))" = "app link main.py" ] && [ "$(cat /x/app /x/link)" = "2file" ]
"""
OF_BUILDKIT = """\
FROM BASE
COPY --parents svc/**/go.mod /x/
COPY --exclude=*.pyc src/lib /x/lib/
RUN --mount=source=v1,target=/v [ "$(cat /v/app)" = 1 ]
RUN [ "$(echo $(ls /x /x/lib))" = "/x: lib svc /x/lib: one.py" ]
RUN [ "$(echo $(ls /x/svc/api /x/svc/web))" = "/x/svc/api: go.mod /x/svc/web: go.mod" ]
"""


@pytest.fixture
def order(real_docker: Any, real_base: str, tmp_path: Path) -> Callable[[str], tuple[BuildOrder, Keyed]]:
    """What davy would order of a Dockerfile, and what it counted."""

    def ordered(dockerfile: str) -> tuple[BuildOrder, Keyed]:
        folder = real_docker.context(tmp_path / "app", dockerfile.replace("BASE", real_base))
        for name, text in TREE.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        (folder / "link").symlink_to("real/file")
        config = made(DeliveryConfig, {"service": "s", "images": [{"name": "r.test/s/a", "context": "."}]})
        tree = GitWorkTree(real_docker.environment)
        shop = resolve.workshop(config, tree, folder, lock={}, resolve=lambda asked: dict.fromkeys(asked, ""))
        (keyed,) = shop.images
        files: Mapping[str, tuple[str, str]] = {path: (one.mode, one.blob) for path, one in keyed.files.items()}
        given = BuildOrder(name=f"{real_docker.registry}/shop/reach", context=folder, tag="one")
        return replace(given, files=files, dockerfile_text=pinned(keyed.dockerfile, {})), keyed

    return ordered


@pytest.mark.parametrize("name", REAL)
def test_each_builder_finds_all_that_a_dockerfile_takes_and_needs_no_stage_more(
    builder_places: BuilderPlaces, order: Callable[[str], tuple[BuildOrder, Keyed]], name: str
) -> None:
    wanted, keyed = order(PLAIN)
    assert set(keyed.files) == {"src/main.py", "link", "real/file", "v2/app"}
    assert builder_places.builder(name).build(wanted, lambda _: None).image.digest


def test_buildkit_finds_what_its_own_flags_and_mounts_take(
    builder_places: BuilderPlaces, order: Callable[[str], tuple[BuildOrder, Keyed]]
) -> None:
    wanted, keyed = order(OF_BUILDKIT)
    assert set(keyed.files) == {"svc/web/go.mod", "svc/api/go.mod", "src/lib/one.py", "v1/app"}
    assert builder_places.builder("buildx").build(wanted, lambda _: None).image.digest
