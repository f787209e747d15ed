"""Real parts for the contracts: a Docker Engine, a registry of our own on loopback, a base image from this machine."""

import gc
import os
import re
import shutil
import socket
import subprocess
import tarfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import docker
import pytest
import requests

from contracts.builder_places import BuilderPlaces
from contracts.places import PLACES, KubernetesPlace, Place
from lab import facts
from lab.talk import LabError

TOOLS = ("sleep", "cat", "mkdir", "ls", "ln", "head", "dd", "id", "tail")
HTPASSWD = "davy:$2b$05$FVMtYuIcBbOTVZBkYFaOkeu/78zrMDaVb3uuI/7Mqi.afnz3yQyQy\n"


def docker_host() -> str:
    """The lab's; without one, whatever the environment names."""
    try:
        return facts.read().docker_host
    except LabError:
        return os.environ.get("DOCKER_HOST", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class RealDocker:
    environment: Mapping[str, str]
    registry: str
    client: docker.APIClient
    base: str
    made: list[str] = field(default_factory=list)

    def context(self, folder: Path, dockerfile: str, files: Mapping[str, str] | None = None) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "Dockerfile").write_text(dockerfile.replace("BASE", self.base))
        for name, text in (files or {}).items():
            (folder / name).write_text(text)
        return folder


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_left_to_the_garbage_collector() -> Iterator[None]:
    """What a test leaves open fails its own module, each time. Collected now and then, it may be closed in good order,

    or be found in the middle of a test that has nothing to do with it.
    """
    gc.collect()
    gc.disable()
    yield
    gc.collect()
    gc.enable()


@pytest.fixture(scope="session")
def real_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Starts distribution's registry; `registry(locked=True)` wants a login."""
    if not shutil.which("docker-registry"):
        pytest.skip("no docker-registry here")
    running: dict[bool, tuple[str, subprocess.Popen[bytes]]] = {}

    def started(*, locked: bool = False) -> str:
        if locked not in running:
            running[locked] = _registry(tmp_path_factory.mktemp("registry"), locked)
        return running[locked][0]

    yield started
    for _, child in running.values():
        child.terminate()
        child.wait()


def _registry(folder: Path, locked: bool) -> tuple[str, "subprocess.Popen[bytes]"]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    (folder / "htpasswd").write_text(HTPASSWD)
    auth = f"auth: {{htpasswd: {{realm: test, path: {folder}/htpasswd}}}}\n" if locked else ""
    config = folder / "config.yml"
    config.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\nhttp: {{addr: '{host}'}}\n{auth}"
    )
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=log, stderr=log)
    for _ in range(100):
        try:
            requests.get(f"http://{host}/v2/", timeout=1)
            return host, child
        except requests.ConnectionError:
            time.sleep(0.05)
    pytest.fail(f"the registry did not come up: {(folder / 'log').read_text()[-500:]}")


@pytest.fixture(scope="session")
def real_docker(real_registry: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDocker]:
    host = docker_host()
    if not host:
        pytest.skip("no Docker here")
    home = tmp_path_factory.mktemp("home")
    client = docker.APIClient(base_url=host, version="auto", timeout=60)
    base = f"davy-test-base:{uuid.uuid4().hex[:8]}"
    with _base(tmp_path_factory.mktemp("base")).open("rb") as tar:
        client.import_image_from_data(tar.read(), *base.split(":"))
    environment = {"DOCKER_HOST": host, "HOME": str(home), "PATH": os.environ["PATH"]}
    yield RealDocker(environment=environment, registry=real_registry(), client=client, base=base)
    hosts = (f"{real_registry()}/", f"{real_registry(locked=True)}/")
    names = [name for image in client.images() for name in [*(image["RepoTags"] or ()), *(image["RepoDigests"] or ())]]
    for name in [*(name for name in names if name.startswith(hosts)), base]:
        with suppress(docker.errors.APIError):
            client.remove_image(name, force=True)
    client.close()


@pytest.fixture(scope="session")
def real_base(real_docker: RealDocker) -> str:
    """The base image in the registry, for builders that have no images of Docker's."""
    name = f"{real_docker.registry}/davy/base"
    real_docker.client.tag(real_docker.base, name, "1")
    said = real_docker.client.push(name, "1")
    assert "digest: " in said, said
    return f"{name}:1"


@pytest.fixture(scope="session")
def builder_places(real_docker: RealDocker, tmp_path_factory: pytest.TempPathFactory) -> BuilderPlaces:
    """Environments in which each builder finds what it builds with."""
    return BuilderPlaces(real_docker.environment, tmp_path_factory.mktemp("builders"))


def _base(folder: Path) -> Path:
    """A shell and a few tools of this machine, with their libraries, as a tar."""
    programs = {"/bin/sh": "bin/sh"}
    programs |= {path: f"bin/{name}" for name in TOOLS if (path := shutil.which(name))}
    libraries = {
        path: path.lstrip("/")
        for program in programs
        for path in re.findall(
            r"(/\S+) \(0x", subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
        )
    }
    made = folder / "base.tar"
    with tarfile.open(made, "w") as archive:
        for folder_name in ("tmp", "etc"):
            entry = tarfile.TarInfo(folder_name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
            archive.addfile(entry)
        for source, target in (programs | libraries).items():
            archive.add(os.path.realpath(source), target)
    return made


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """The place a contract of the cluster is tried in."""
    made: Place = request.param()
    yield made
    if isinstance(made, KubernetesPlace):
        made.gone()
