"""Real registries at their limits: full, locked, cut off in the middle; and cosign's signatures in one."""

import os
import shutil
import socket
import subprocess
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from contracts.parts import demand
from contracts.registries import Pusher, RealRegistry, credentials, random_file
from davy.pipeline.config.sections.build import SignConfig
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import Forbidden, Rejected, Unreachable, Unusable
from davy.pipeline.registry.distribution.manifests import Registry
from davy.pipeline.registry.distribution.store import RegistryImages
from davy.pipeline.registry.ports import Attachment
from davy.pipeline.supply_chain.tools.cosign import Cosign
from lab.layout import layout_from

pytestmark = pytest.mark.lab("docker")

MIB = 2**20


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    with RealRegistry(tmp_path_factory.mktemp("source")) as made:
        yield made


@pytest.fixture(scope="module")
def big(source: RealRegistry, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """24 MiB in one layer: several chunks."""
    registry = Registry(credentials(tmp_path_factory.mktemp("docker")))
    made = Pusher(registry).image(f"{source.host}/shop/big", files={"noise": random_file(24 * MIB)})
    registry.close()
    return made


def store(folder: Path, logins: Mapping[str, tuple[str, str]] | None = None) -> RegistryImages:
    return RegistryImages(credentials(folder, logins), pause=lambda _: None)


# ---- full ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", place], check=False).returncode:
        pytest.skip("only root can mount a small disk")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_registry_whose_disk_is_full_is_said_so(tmp_path: Path, small_disk: Path, big: Image) -> None:
    with RealRegistry(tmp_path / "full", data=small_disk) as full:
        images = store(tmp_path / "docker")
        with pytest.raises(Unreachable, match="has no room left") as caught:
            images.copy(big, f"{full.host}/shop/big")
        assert "collect the garbage" in caught.value.remedy
        assert images.digest(f"{full.host}/shop/big", big.digest) is None
        images.close()


# ---- locked ----------------------------------------------------------------------------------------------------------


def test_a_locked_registry_takes_a_copy_with_the_login_and_refuses_it_without(
    tmp_path: Path, source: RealRegistry
) -> None:
    registry = Registry(credentials(tmp_path / "none"))
    image = Pusher(registry).image(f"{source.host}/shop/small")
    registry.close()
    with RealRegistry(tmp_path / "locked", locked=True) as locked:
        for logins in ({}, {locked.host: ("davy", "hunter2")}):
            images = store(tmp_path / "wrong", logins)
            with pytest.raises(Forbidden) as caught:
                images.copy(image, f"{locked.host}/shop/small")
            assert "hunter2" not in str(caught.value)
            images.close()
        images = store(tmp_path / "right", {locked.host: ("davy", "lamp")})
        copied = images.copy(image, f"{locked.host}/shop/small")
        assert images.digest(copied.name, copied.digest) == image.digest
        images.close()


# ---- cut -------------------------------------------------------------------------------------------------------------


class Cutter:
    """Between a client and a server: lets so many bytes of the client's through, then breaks off; once for each cut."""

    def __init__(self, host: str, cuts: list[int]) -> None:
        self._target, self._cuts, self.done = host.split(":"), cuts, 0
        self._lock = threading.Lock()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._door.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                server = socket.create_connection((self._target[0], int(self._target[1])))
                threading.Thread(target=self._up, args=(client, server), daemon=True).start()
                threading.Thread(target=self._down, args=(server, client), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        passed = 0
        with suppress(OSError), client, server:
            while data := client.recv(65536):
                passed += len(data)
                with self._lock:
                    if self._cuts and passed > self._cuts[0]:
                        self._cuts.pop(0)
                        self.done += 1
                        return
                server.sendall(data)

    def _down(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)


def test_an_upload_that_is_cut_three_times_arrives_whole(tmp_path: Path, big: Image) -> None:
    with RealRegistry(tmp_path / "far") as far:
        cutter = Cutter(far.host, [3 * MIB, 12 * MIB, 5 * MIB])
        images = store(tmp_path / "docker")
        images.copy(big, f"{cutter.host}/shop/big")
        assert cutter.done == 3
        assert images.manifest(Image(name=f"{far.host}/shop/big", digest=big.digest)) == images.manifest(big)
        again = images.copy(Image(name=f"{far.host}/shop/big", digest=big.digest), f"{far.host}/shop/mounted")
        assert again.digest == big.digest
        images.close()
        cutter.close()


# ---- cosign ----------------------------------------------------------------------------------------------------------

PASSWORD = "lamp-and-oil"


@pytest.fixture(scope="module")
def cosign(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment with cosign in its PATH, and a pair of keys in its HOME."""
    search = f"{layout_from().binaries}:{os.environ['PATH']}"
    demand("cosign", shutil.which("cosign", path=search))
    home = tmp_path_factory.mktemp("cosign")
    environment = {"PATH": search, "HOME": str(home), "COSIGN_PASSWORD": PASSWORD, "DOCKER_CONFIG": str(home)}
    for name in ("shop", "other"):
        words = ["cosign", "generate-key-pair", "--output-key-prefix", name]
        subprocess.run(words, cwd=home, env=environment, check=True, capture_output=True)
    return environment


def signer(cosign: Mapping[str, str], **said: str) -> Cosign:
    return Cosign(SignConfig(log=False, **said), cosign, Path(cosign["HOME"]))


@pytest.fixture
def image(source: RealRegistry, tmp_path: Path) -> Image:
    registry = Registry(credentials(tmp_path / "docker"))
    made = Pusher(registry).index(f"{source.host}/signed/{uuid.uuid4().hex[:8]}")
    registry.close()
    return made


@pytest.mark.extra
def test_what_cosign_signed_is_verified_by_its_key_and_by_no_other(cosign: Mapping[str, str], image: Image) -> None:
    keyed = signer(cosign, key="shop.key")
    assert "no signatures found" in keyed.verify(image)
    keyed.sign(image)
    assert keyed.verify(image) == ""
    assert signer(cosign, public_key="shop.pub").verify(image) == ""
    assert signer(cosign, public_key="other.pub").verify(image) != ""


@pytest.mark.extra
def test_a_key_may_come_from_the_environment(cosign: Mapping[str, str], image: Image) -> None:
    held = {**cosign, "SHOP_KEY": Path(cosign["HOME"], "shop.key").read_text()}
    by_name = Cosign(SignConfig(log=False, key="env://SHOP_KEY"), held, Path(cosign["HOME"]))
    by_name.sign(image)
    assert by_name.verify(image) == ""


@pytest.mark.extra
def test_a_signature_is_kept_beside_other_evidence_and_goes_along_with_a_copy(
    cosign: Mapping[str, str], image: Image, source: RealRegistry, tmp_path: Path
) -> None:
    images = store(tmp_path / "docker")
    images.attach(image, Attachment(kind="application/spdx+json", body=b"{}"))
    signer(cosign, key="shop.key").sign(image)
    images.attach(image, Attachment(kind="application/sarif+json", body=b"{}"))
    assert len(images.attached(image)) == 3
    copied = images.copy(image, f"{source.host}/signed/copied")
    assert signer(cosign, public_key="shop.pub").verify(copied) == ""
    images.close()


@pytest.mark.extra
def test_a_wrong_password_is_said_and_not_told(cosign: Mapping[str, str], image: Image) -> None:
    wrong = Cosign(
        SignConfig(log=False, key="shop.key"), {**cosign, "COSIGN_PASSWORD": "hunter2"}, Path(cosign["HOME"])
    )
    with pytest.raises(Rejected, match="was not signed") as caught:
        wrong.sign(image)
    assert "hunter2" not in str(caught.value)


@pytest.mark.extra
def test_without_a_key_somebody_must_say_whose_signature_counts(cosign: Mapping[str, str], image: Image) -> None:
    with pytest.raises(Unusable) as caught:
        signer(cosign).verify(image)
    assert "anybody can sign" in str(caught.value.problems[0])
