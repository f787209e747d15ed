"""Real registries for the contracts of images: processes of our own, on loopback."""

import gzip
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from contracts.conftest import HTPASSWD
from davy.pipeline.clients.docker.credentials import DockerCredentials
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.images import oci
from davy.pipeline.registry import artifact
from davy.pipeline.registry.distribution.blobs import Blobs
from davy.pipeline.registry.distribution.manifests import Manifest, Registry


@dataclass
class RealRegistry:
    """distribution, as Debian packs it: 2.8.2, without the referrers API."""

    folder: Path
    locked: bool = False
    data: Path | None = None
    host: str = ""
    child: "subprocess.Popen[bytes] | None" = None
    extra: Mapping[str, str] = field(default_factory=dict)

    def __enter__(self) -> "RealRegistry":
        if not shutil.which("docker-registry"):
            pytest.skip("no docker-registry here")
        self.folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.host = f"127.0.0.1:{probe.getsockname()[1]}"
        (self.folder / "htpasswd").write_text(HTPASSWD)
        auth = f"auth: {{htpasswd: {{realm: test, path: {self.folder}/htpasswd}}}}\n" if self.locked else ""
        data = self.data or self.folder / "data"
        config = self.folder / "config.yml"
        storage = f"storage: {{filesystem: {{rootdirectory: {data}}}}}"
        config.write_text(f"version: 0.1\n{storage}\nhttp: {{addr: '{self.host}'}}\n{auth}")
        with (self.folder / "log").open("wb") as log:
            self.child = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=log, stderr=log)
        for _ in range(100):
            try:
                requests.get(f"http://{self.host}/v2/", timeout=1)
            except requests.ConnectionError:
                time.sleep(0.05)
            else:
                return self
        pytest.fail(f"the registry did not come up: {(self.folder / 'log').read_text()[-500:]}")

    def __exit__(self, *_: object) -> None:
        assert self.child
        self.child.terminate()
        self.child.wait()


def credentials(folder: Path, logins: Mapping[str, tuple[str, str]] | None = None) -> DockerCredentials:
    """As `docker login` would have written them."""
    folder.mkdir(parents=True, exist_ok=True)
    auths = {host: {"username": user, "password": password} for host, (user, password) in (logins or {}).items()}
    (folder / "config.json").write_text(json.dumps({"auths": auths}))
    return DockerCredentials({"DOCKER_CONFIG": str(folder)})


@dataclass
class Pusher:
    """Puts small but real images into a registry."""

    registry: Registry

    @property
    def blobs(self) -> Blobs:
        return Blobs(self.registry.wire)

    def image(
        self,
        name: str,
        tag: str = "",
        *,
        files: Mapping[str, bytes] | None = None,
        architecture: str = "amd64",
        annotations: Mapping[str, str] | None = None,
    ) -> Image:
        layer = tarred(files or {"hello": name.encode()})
        diff = artifact.digest_of(gzip.decompress(layer))
        config = {
            "architecture": architecture,
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [diff]},
        }
        said = {
            "schemaVersion": 2,
            "mediaType": oci.OCI_MANIFEST,
            "config": self._blob(name, json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"),
            "layers": [self._blob(name, layer, "application/vnd.oci.image.layer.v1.tar+gzip")],
            "annotations": {f"{oci.PREFIX}title": name.rsplit("/", 1)[-1], **(annotations or {})},
        }
        return self._put(name, said, tag)

    def index(self, name: str, tag: str = "") -> Image:
        """Two platforms and an attestation, as buildx makes them."""
        children = []
        for architecture in ("amd64", "arm64"):
            made = self.image(name, files={"arch": architecture.encode()}, architecture=architecture)
            platform = {"os": "linux", "architecture": architecture}
            children.append(self._child(made, {"platform": platform}))
        statement = json.dumps({"_type": "https://in-toto.io/Statement/v0.1", "subject": []}).encode()
        layer = self._blob(name, statement, "application/vnd.in-toto+json")
        layer["annotations"] = {"in-toto.io/predicate-type": "https://spdx.dev/Document"}
        config = self._blob(name, b'{"architecture":"unknown"}', "application/vnd.oci.image.config.v1+json")
        said = {"schemaVersion": 2, "mediaType": oci.OCI_MANIFEST, "config": config, "layers": [layer]}
        attestation = self._put(name, said)
        marks = {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": children[0]["digest"],
        }
        unknown = {"os": "unknown", "architecture": "unknown"}
        children.append(self._child(attestation, {"platform": unknown, "annotations": marks}))
        whole = {
            "schemaVersion": 2,
            "mediaType": oci.OCI_INDEX,
            "manifests": children,
            "annotations": {f"{oci.PREFIX}title": "both"},
        }
        return self._put(name, whole, tag)

    def _child(self, image: Image, more: Mapping[str, Any]) -> dict[str, Any]:
        body = self.registry.manifest(image.name, image.digest).body
        return {"mediaType": oci.OCI_MANIFEST, "digest": image.digest, "size": len(body), **more}

    def _blob(self, name: str, body: bytes, kind: str) -> dict[str, Any]:
        return {"mediaType": kind, "digest": self.blobs.put(name, body), "size": len(body)}

    def _put(self, name: str, said: Mapping[str, Any], tag: str = "") -> Image:
        manifest = Manifest(media_type=str(said["mediaType"]), body=oci.packed(said))
        self.registry.put(name, manifest.digest, manifest)
        if tag:
            self.registry.put(name, tag, manifest)
        return Image(name=name, digest=manifest.digest)


def tarred(files: Mapping[str, bytes]) -> bytes:
    """A layer."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, body in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return gzip.compress(buffer.getvalue(), mtime=0)


def random_file(size: int) -> bytes:
    """That no compression makes small."""
    return os.urandom(size)
