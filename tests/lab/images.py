"""The images that the lab makes itself, since none can be pulled: pause and Python."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from .commands import answers, run, run_logged
from .layout import Layout
from .machine import remove_tree
from .talk import Stopwatch

SUITE = "bookworm"
PACKAGES = "python3,python3-pytest"
# Nothing reads these in a container; without them the image is half as large.
NEEDLESS = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
    "var/cache/apt/archives",
    "var/lib/apt/lists",
)
SETTINGS = ("ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1", 'CMD ["python3"]')


def pause_archive(name: str, binary: bytes) -> bytes:
    """An image with one static file, as `docker save` would write it."""
    layer = _tar({"pause": (binary, 0o755)})
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": ["/pause"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    return _tar(
        {
            "layer.tar": (layer, 0o644),
            "config.json": (json.dumps(config).encode(), 0o644),
            "manifest.json": (json.dumps(manifest).encode(), 0o644),
        }
    )


def _tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, (content, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def ensure_base_image(layout: Layout, docker_host: str, watch: Stopwatch) -> None:
    """See to it that the registry has the base image, and so can everyone."""
    name, _, tag = layout.base_image.removeprefix(f"{layout.registry}/").rpartition(":")
    if answers(f"http://{layout.registry}/v2/{name}/manifests/{tag}"):
        return
    archive = base_archive(layout, watch)
    docker = ("docker", "--host", docker_host)
    changes = [word for line in SETTINGS for word in ("--change", line)]
    with watch.part("base image into Docker"):
        run(*docker, "import", *changes, archive, layout.base_image, seconds=600)
    with watch.part("base image into the registry"):
        run(*docker, "push", layout.base_image, seconds=600)


def base_archive(layout: Layout, watch: Stopwatch) -> Path:
    """The base image's file system, made once by debootstrap."""
    archive = layout.images / f"python-{SUITE}.tar"
    if archive.exists():
        return archive
    folder = layout.images / "rootfs"
    remove_tree(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    log = layout.logs / "debootstrap.log"
    command: list[str | Path] = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, folder]
    with watch.part("base image from Debian", hint="once, about two minutes", log=log):
        run_logged(command, log)
        pack(folder, archive)
    remove_tree(folder)
    return archive


def pack(folder: Path, archive: Path) -> None:
    """Put a file system into one archive, without what no container reads."""
    for path in NEEDLESS:
        remove_tree(folder / path)
    # apt wants these to be there, even empty.
    (folder / "var/cache/apt/archives/partial").mkdir(parents=True, exist_ok=True)
    (folder / "var/lib/apt/lists/partial").mkdir(parents=True, exist_ok=True)
    unfinished = archive.with_suffix(".unfinished")
    run("tar", "--numeric-owner", "-C", folder, "-cf", unfinished, ".", seconds=300)
    unfinished.rename(archive)
