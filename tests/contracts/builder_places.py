"""Places where the builder's port is kept to: the memory twin always; Docker, BuildKit and Buildah in the lab."""

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from contracts.parts import demand
from davy.pipeline.builds.builders.buildah import BuildahBuilder
from davy.pipeline.builds.builders.buildx import BuildxBuilder
from davy.pipeline.builds.builders.docker import DockerBuilder
from davy.pipeline.builds.ports import Builder
from lab import builders
from lab.layout import layout_from

REAL = ("engine", "buildx", "buildx-docker", "buildah")
"""`buildx-docker` is buildx on the BuildKit inside the Docker Engine."""


class BuilderPlaces:
    """Environments, made when they are asked for. Skips where a part is not there."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._plain, self._folder = dict(environment), folder
        self._known = builders.known(layout_from())
        self._made: dict[str, dict[str, str]] = {}

    def environment(self, name: str) -> dict[str, str]:
        if name not in self._made:
            self._made[name] = self._environment(name)
        return dict(self._made[name])

    def builder(self, name: str, interrupted: Callable[[], bool] = lambda: False, **more: str) -> Builder:
        environment = self.environment(name) | more
        if name == "engine":
            return DockerBuilder(environment, interrupted=interrupted)
        if name == "buildah":
            return BuildahBuilder(environment, interrupted=interrupted)
        return BuildxBuilder(environment, interrupted=interrupted)

    def buildkit(self, name: str, socket: str) -> dict[str, str]:
        """buildx with a builder behind that address."""
        environment = self._with_buildx()
        make = ("buildx", "create", "--name", name, "--driver", "remote", socket)
        subprocess.run(make, env=environment, check=True, capture_output=True)
        return {**environment, "BUILDX_BUILDER": name}

    def buildah(self, name: str) -> dict[str, str]:
        """Buildah with a storage of its own: a fresh machine. vfs and chroot work in every container."""
        if not self._known.buildah:
            pytest.skip("no Buildah here")
        home = self._folder / name
        home.mkdir()
        (home / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{home}/store"\nrunroot = "{home}/run"\n'
        )
        return {**self._plain, "CONTAINERS_STORAGE_CONF": str(home / "storage.conf"), "BUILDAH_ISOLATION": "chroot"}

    def _environment(self, name: str) -> dict[str, str]:
        if name == "engine":
            return self._plain
        if name == "buildah":
            return self.buildah("buildah")
        if name == "buildx-docker":
            return {**self._with_buildx(), "BUILDX_BUILDER": "default"}
        demand("buildkit", self._known.buildkit)
        return self.buildkit("lab", self._known.buildkit)

    def _with_buildx(self) -> dict[str, str]:
        demand("buildkit", self._known.buildx)
        path = os.pathsep.join([str(Path(self._known.buildx).parent), self._plain["PATH"]])
        return {**self._plain, "PATH": path, "BUILDX_CONFIG": str(self._folder / "buildx")}
