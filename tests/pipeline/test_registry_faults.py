"""The image store against registries that are full, cut, lie, ask to wait, or send one elsewhere."""

import gc
import hashlib
import json
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from davy.pipeline.clients.docker.credentials import DockerCredentials
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import Conflict, DavyError, Forbidden, Missing, Unreachable
from davy.pipeline.core.images import oci
from davy.pipeline.registry.distribution.store import RegistryImages
from davy.pipeline.registry.ports import Attachment

CONFIG, LAYER = b"{}", bytes(range(256)) * 40
"""10 KiB: more than the chunks of these tests."""


def sha(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@dataclass
class Fake:
    """A registry in memory that does as it is told: the answers that a real one gives rarely."""

    server: HTTPServer
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """By repository and reference."""
    uploads: dict[str, bytearray] = field(default_factory=dict)
    faults: list[Callable[[Request], Response | None]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    referrers: bool = False

    def __post_init__(self) -> None:
        self.server.expect_request(re.compile("/v2/.*")).respond_with_handler(self.answer)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.port}"

    def image(self, name: str = "shop/app", tag: str = "") -> Image:
        for body in (CONFIG, LAYER):
            self.blobs[sha(body)] = body
        config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": sha(CONFIG), "size": len(CONFIG)}
        layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": sha(LAYER), "size": len(LAYER)}
        made = oci.packed({"schemaVersion": 2, "mediaType": oci.OCI_MANIFEST, "config": config, "layers": [layer]})
        for reference in filter(None, (sha(made), tag)):
            self.manifests[f"{name}/{reference}"] = (oci.OCI_MANIFEST, made)
        return Image(name=f"{self.host}/{name}", digest=sha(made))

    def answer(self, request: Request) -> Response:
        self.seen.append(f"{request.method} {request.path}")
        for fault in list(self.faults):
            if answer := fault(request):
                return answer
        path = request.path.removeprefix("/v2/")
        if "/manifests/" in path:
            return self._manifest(request, path.replace("/manifests/", "/"))
        if "/referrers/" in path:
            return self._referrers(path)
        if "/blobs/uploads/" in path:
            return self._upload(request, path)
        return self._blob(request, path.rpartition("/")[2])

    def _manifest(self, request: Request, key: str) -> Response:
        if request.method == "PUT":
            body = request.get_data()
            headers = {"Docker-Content-Digest": sha(body)}
            if self.referrers and b'"subject"' in body:
                headers["OCI-Subject"] = json.loads(body)["subject"]["digest"]
            for reference in (key, f"{key.rpartition('/')[0]}/{sha(body)}"):
                self.manifests[reference] = (request.headers["Content-Type"], body)
            return Response(status=201, headers=headers)
        if key not in self.manifests:
            return Response(status=404)
        kind, body = self.manifests[key]
        return Response(body, headers={"Content-Type": kind, "Docker-Content-Digest": sha(body)})

    def _referrers(self, path: str) -> Response:
        if not self.referrers:
            return Response(status=404)
        digest = path.rpartition("/")[2]
        found = {
            sha(body): {
                "mediaType": kind,
                "digest": sha(body),
                "size": len(body),
                "artifactType": json.loads(body)["artifactType"],
            }
            for kind, body in self.manifests.values()
            if json.loads(body).get("subject", {}).get("digest") == digest
        }
        said = {"schemaVersion": 2, "mediaType": oci.OCI_INDEX, "manifests": list(found.values())}
        return Response(json.dumps(said), headers={"Content-Type": oci.OCI_INDEX})

    def _blob(self, request: Request, digest: str) -> Response:
        if digest not in self.blobs:
            return Response(status=404)
        body, wanted = self.blobs[digest], request.headers.get("Range", "")
        if wanted:
            return Response(body[int(wanted.removeprefix("bytes=").rstrip("-")) :], status=206)
        return Response(body)

    def _upload(self, request: Request, path: str) -> Response:
        if request.method == "POST":
            key = f"u{len(self.uploads)}"
            self.uploads[key] = bytearray()
            return Response(status=202, headers={"Location": f"/v2/{path.rstrip('/')}/{key}?state=1"})
        key = path.rpartition("/")[2]
        kept = self.uploads[key]
        if request.method == "DELETE":
            return Response(status=204)
        where = {"Location": f"/v2/{path}?state=2", "Range": f"0-{max(0, len(kept) - 1)}"}
        if request.method == "GET":
            return Response(status=204, headers=where)
        kept += request.get_data()
        if request.method == "PATCH":
            return Response(status=202, headers=where)
        if sha(bytes(kept)) != request.args["digest"]:
            body = {"errors": [{"code": "DIGEST_INVALID", "message": "provided digest did not match"}]}
            return Response(json.dumps(body), status=400)
        self.blobs[request.args["digest"]] = bytes(kept)
        return Response(status=201)


def once(method: str, part: str, answer: Response, times: int = 1) -> Callable[[Request], Response | None]:
    left = [times]

    def fault(request: Request) -> Response | None:
        if request.method == method and part in request.path and left[0]:
            left[0] -= 1
            return answer
        return None

    return fault


@pytest.fixture
def fakes() -> Iterator[tuple[Fake, Fake]]:
    with HTTPServer(host="127.0.0.1") as one, HTTPServer(host="127.0.0.1") as two:
        yield Fake(one), Fake(two)


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def store(fakes: tuple[Fake, Fake], tmp_path: Path, pauses: list[float]) -> Iterator[RegistryImages]:
    one, two = fakes
    logins = {fake.host: {"username": "davy", "password": "hunter2"} for fake in (one, two)}
    (tmp_path / "config.json").write_text(json.dumps({"auths": logins}))
    made = RegistryImages(DockerCredentials({"DOCKER_CONFIG": str(tmp_path)}), pause=pauses.append, chunk=4096)
    yield made
    made.close()


def copied(fakes: tuple[Fake, Fake], store: RegistryImages) -> Image:
    one, two = fakes
    image = one.image()
    made = store.copy(image, f"{two.host}/prod/app")
    assert two.blobs[sha(LAYER)] == LAYER
    assert two.manifests[f"prod/app/{image.digest}"] == one.manifests[f"shop/app/{image.digest}"]
    return made


def test_a_large_blob_goes_in_chunks_and_arrives_whole(fakes: tuple[Fake, Fake], store: RegistryImages) -> None:
    copied(fakes, store)
    assert sum(line.startswith("PATCH") for line in fakes[1].seen) == 3


def test_an_upload_that_breaks_in_the_middle_is_begun_anew(
    fakes: tuple[Fake, Fake], store: RegistryImages, pauses: list[float]
) -> None:
    fakes[1].faults.append(once("PATCH", "uploads", Response(status=502)))
    copied(fakes, store)
    assert pauses == [0.5]


def test_an_upload_that_never_gets_through_says_so(fakes: tuple[Fake, Fake], store: RegistryImages) -> None:
    fakes[1].faults.append(once("PATCH", "uploads", Response(status=503), times=99))
    with pytest.raises(Unreachable, match="broke off 5 times"):
        copied(fakes, store)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Response(status=507), "has no room left"),
        (
            Response('{"errors":[{"code":"UNKNOWN","message":"x","detail":{"Op":"write","Err":28}}]}', 500),
            "no room left",
        ),
        (Response('{"errors":[{"code":"DENIED","message":"Quota exceeded"}]}', 400), "no room left"),
        (Response(status=413), "413"),
    ],
)
def test_a_full_registry_is_said_at_once(
    answer: Response, says: str, fakes: tuple[Fake, Fake], store: RegistryImages, pauses: list[float]
) -> None:
    fakes[1].faults.append(once("PUT", "uploads", answer, times=99))
    with pytest.raises(Unreachable, match=says) as caught:
        copied(fakes, store)
    assert caught.value.remedy
    assert pauses == []


FAULTY = ("PATCH", "PUT", "POST", "DELETE", "GET", "HEAD")


@pytest.mark.slow
@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 507])
@pytest.mark.parametrize("method", FAULTY)
@pytest.mark.parametrize("side", [0, 1], ids=["source", "target"])
def test_no_fault_leaves_a_connection_to_the_garbage_collector(
    side: int, method: str, status: int, fakes: tuple[Fake, Fake], store: RegistryImages
) -> None:
    fakes[side].faults.append(once(method, "blobs", Response(status=status), times=99))
    gc.disable()  # What would be closed by it is seen.
    try:
        try:
            copied(fakes, store)
        except (DavyError, AssertionError) as error:
            failed = error  # Whoever tells of it later holds all that its traceback does.
        else:
            failed = None
        store.close()
        left = [one for one in gc.get_objects() if isinstance(one, socket.socket) and _leads_to(one, fakes)]
        assert left == [], failed
    finally:
        gc.enable()


def _leads_to(held: socket.socket, fakes: tuple[Fake, Fake]) -> bool:
    try:
        return held.getpeername()[1] in {fake.server.port for fake in fakes}
    except OSError:
        return False


def test_a_source_that_lies_about_a_layer_is_found_out_and_nothing_is_named(
    fakes: tuple[Fake, Fake], store: RegistryImages
) -> None:
    image = fakes[0].image()
    fakes[0].blobs[sha(LAYER)] = b"x" * len(LAYER)
    with pytest.raises(Unreachable, match="gave other content than it was asked for"):
        store.copy(image, f"{fakes[1].host}/prod/app")
    assert fakes[1].manifests == {}


def test_a_manifest_that_is_not_what_its_digest_says_is_refused(
    fakes: tuple[Fake, Fake], store: RegistryImages
) -> None:
    image = fakes[0].image()
    fakes[0].manifests[f"shop/app/{image.digest}"] = (oci.OCI_MANIFEST, b'{"schemaVersion": 2, "evil": true}')
    with pytest.raises(Unreachable, match="gave other content"):
        store.tag(image, ["main"])


def test_a_tag_that_somebody_moves_at_the_same_moment_is_said(fakes: tuple[Fake, Fake], store: RegistryImages) -> None:
    one = fakes[0]
    image = one.image()
    heads: list[int] = []

    def other(request: Request) -> Response | None:
        if request.method == "HEAD" and request.path.endswith("/manifests/main"):
            heads.append(1)
            if len(heads) == 2:
                return Response(status=200, headers={"Docker-Content-Digest": "sha256:" + "9" * 64})
        return None

    one.faults.append(other)
    with pytest.raises(Conflict, match="was moved to sha256:999"):
        store.tag(image, ["main"])


def test_blobs_elsewhere_are_fetched_without_our_credentials(fakes: tuple[Fake, Fake], store: RegistryImages) -> None:
    one, two = fakes
    image = one.image()
    elsewhere: list[str | None] = []
    with HTTPServer(host="127.0.0.1") as third:

        def blob(request: Request) -> Response:
            elsewhere.append(request.headers.get("Authorization"))
            return Response(LAYER)

        third.expect_request("/cdn").respond_with_handler(blob)

        def locked(request: Request) -> Response | None:
            if "Authorization" not in request.headers:
                return Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
            if request.method == "GET" and request.path.endswith(sha(LAYER)):
                return Response(status=307, headers={"Location": third.url_for("/cdn")})
            return None

        one.faults.append(locked)
        store.copy(image, f"{two.host}/prod/app")
    assert elsewhere == [None]
    assert two.blobs[sha(LAYER)] == LAYER


def test_who_may_not_push_is_told_what_to_do_and_the_password_is_not_told(
    fakes: tuple[Fake, Fake], store: RegistryImages
) -> None:
    fakes[1].faults.append(once("POST", "uploads", Response(status=403), times=99))
    with pytest.raises(Forbidden, match="may not push to the repository prod/app") as caught:
        copied(fakes, store)
    assert "docker login" in caught.value.remedy
    assert "hunter2" not in f"{caught.value} {caught.value.remedy}"


def test_a_repository_that_must_be_made_first_is_said(fakes: tuple[Fake, Fake], store: RegistryImages) -> None:
    body = json.dumps({"errors": [{"code": "NAME_UNKNOWN", "message": "The repository does not exist"}]})
    fakes[1].faults.append(once("POST", "uploads", Response(body, 404), times=99))
    with pytest.raises(Missing, match="NAME_UNKNOWN") as caught:
        copied(fakes, store)
    assert "made before the first push" in caught.value.remedy


def test_a_busy_registry_is_waited_for_in_a_copy_too(
    fakes: tuple[Fake, Fake], store: RegistryImages, pauses: list[float]
) -> None:
    fakes[1].faults.append(once("POST", "uploads", Response(status=429, headers={"Retry-After": "3"})))
    copied(fakes, store)
    assert 3 in pauses


def test_a_registry_with_the_referrers_api_needs_no_list_under_a_tag(
    fakes: tuple[Fake, Fake], store: RegistryImages
) -> None:
    one = fakes[0]
    one.referrers = True
    image = one.image()
    digest = store.attach(image, Attachment(kind="a/b", body=b"said"))
    assert not any("sha256-" in key for key in one.manifests)
    (found,) = store.attached(image)
    assert (found.digest, found.kind, found.body) == (digest, "a/b", b"said")


def test_an_entry_that_another_writer_took_out_of_the_list_is_put_back(
    fakes: tuple[Fake, Fake], store: RegistryImages
) -> None:
    one = fakes[0]
    image = one.image()
    store.attach(image, Attachment(kind="a/b", body=b"first"))
    tag = f"shop/app/{image.digest.replace(':', '-')}"
    without = one.manifests[tag]
    puts: list[int] = []

    def overwritten(request: Request) -> Response | None:
        """Somebody who read the list before our write, and writes after it."""
        if request.method == "GET" and "manifests/sha256-" in request.path:
            puts.append(1)
            if len(puts) == 2:
                one.manifests[tag] = without
        return None

    one.faults.append(overwritten)
    second = store.attach(image, Attachment(kind="a/b", body=b"second"))
    assert second in one.manifests[tag][1].decode()
    assert len(store.attached(image)) == 2


def test_what_is_no_manifest_is_said(fakes: tuple[Fake, Fake], store: RegistryImages) -> None:
    one = fakes[0]
    body = b'{"hello": 1}'
    one.manifests[f"shop/app/{sha(body)}"] = (oci.OCI_MANIFEST, body)
    with pytest.raises(Unreachable, match="cannot be read"):
        store.stored(f"{one.host}/shop/app", sha(body))
