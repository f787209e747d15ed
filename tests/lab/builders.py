"""The lab's builders: BuildKit, buildx and Buildah. Parts that a machine may lack; the rest of the lab needs none."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from . import packages, toolchain
from .commands import accepts, run
from .facts import Facts
from .files import put
from .layout import SEARCH, Layout, pinned
from .processes import Daemon, await_ready, ensure
from .talk import LabError, Stopwatch, say

BUILDKIT = "buildkit"
SETTINGS = """root = "{root}"
[grpc]
  address = ["unix://{socket}"]
[worker.containerd]
  enabled = false
[worker.oci]
  enabled = true
  maxUsedSpace = "5GB"
[registry."{registry}"]
  http = true
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Where each is; empty where it is not."""

    buildkit: str
    buildx: str
    buildah: str


def begin(layout: Layout, environment: Mapping[str, str], watch: Stopwatch, *, builds: bool = True) -> None:
    """Have them, and start BuildKit. On a machine that cannot, say so; in CI raise LabError."""
    with _spared(environment):
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise LabError("BuildKit and Buildah of the lab's own need root on Debian")
        packages.install(layout, packages.missing(packages.BUILDERS), watch)
        if not (builds or toolchain.has_buildkit(layout)):
            say("  without BuildKit and buildx: they are not built yet")
            return
        toolchain.buildx(layout, watch)
        toolchain.buildkit(layout, watch)
        ensure(layout, buildkitd(layout))


@contextmanager
def _spared(environment: Mapping[str, str]) -> Iterator[None]:
    try:
        yield
    except LabError as wrong:
        if environment.get("CI"):
            raise
        say(f"  without builders of the lab's own: {wrong}")


def finish(layout: Layout, facts: Facts, environment: Mapping[str, str], watch: Stopwatch) -> Facts:
    """The facts, with what of it is there."""
    if layout.buildkit.parent.exists():
        with _spared(environment), watch.part("BuildKit"):
            await_ready(layout, buildkitd(layout))
    has = known(layout)
    versions = dict(facts.versions)
    if has.buildkit:
        versions |= {"buildkit": pinned("github.com/moby/buildkit", "buildkit")}
    if has.buildx:
        versions |= {"buildx": pinned("github.com/docker/buildx", "buildx")}
    if has.buildah:
        said = re.search(r"version (\S+)", run(has.buildah, "--version"))
        versions["buildah"] = said[1] if said else "?"
    return replace(facts, versions=versions, buildkit=has.buildkit, buildx=has.buildx, buildah=has.buildah)


def known(layout: Layout) -> Known:
    """What of it is there now."""
    buildx = layout.binaries / "buildx"
    return Known(
        buildkit=f"unix://{layout.buildkit}" if accepts(layout.buildkit) else "",
        buildx=str(buildx) if buildx.exists() else "",
        buildah=shutil.which("buildah", path=SEARCH) or "",
    )


def buildkitd(layout: Layout) -> Daemon:
    """BuildKit with runc and a store of its own, which is kept when the lab goes down."""
    folder = layout.buildkit.parent
    folder.mkdir(parents=True, exist_ok=True)
    settings = SETTINGS.format(root=layout.cache / BUILDKIT, socket=layout.buildkit, registry=layout.registry)
    put(folder / "buildkitd.toml", settings)
    return Daemon(
        name=BUILDKIT,
        command=(str(layout.binaries / "buildkitd"), "--config", str(folder / "buildkitd.toml")),
        settings=settings,
        is_ready=lambda: accepts(layout.buildkit),
    )
