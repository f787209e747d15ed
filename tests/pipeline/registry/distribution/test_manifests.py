"""The registry client against answers that a real registry gives rarely."""

import base64
import json
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from davy.pipeline.clients.docker.credentials import Credentials, DockerCredentials
from davy.pipeline.core.errors import Forbidden, Unreachable, Unusable
from davy.pipeline.core.images.oci import DOCKER_MANIFEST, OCI_MANIFEST, annotated
from davy.pipeline.registry.distribution.manifests import Manifest, Registry, host_and_repository, is_loopback

PATH = "/v2/shop/app/manifests/one"
BODY = Manifest(media_type=OCI_MANIFEST, body=b"{}")


def registry(folder: Path, config: Mapping[str, object] | None = None) -> tuple[Registry, list[float]]:
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
    pauses: list[float] = []
    return Registry(DockerCredentials({"DOCKER_CONFIG": str(folder)}), pause=pauses.append), pauses


def name(server: HTTPServer) -> str:
    return f"127.0.0.1:{server.port}/shop/app"


def auth(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def server() -> "HTTPServer":  # type: ignore[misc]
    with HTTPServer(host="127.0.0.1") as running:
        yield running  # type: ignore[misc]


def with_tokens(server: HTTPServer, accepted: str) -> None:
    """A registry that wants a Bearer token, and a token service that wants `accepted` as Basic."""
    realm = f"http://127.0.0.1:{server.port}/token"
    challenge = f'Bearer realm="{realm}",service="reg",scope="repository:shop/app:pull,push"'

    def token(request: Request) -> Response:
        good = request.headers.get("Authorization") == f"Basic {accepted}"
        assert request.args["scope"] == "repository:shop/app:pull,push"
        return Response(json.dumps({"token": "T"}), status=200) if good else Response(status=401)

    def manifest(request: Request) -> Response:
        if request.headers.get("Authorization") == "Bearer T":
            return Response(status=201)
        return Response(status=401, headers={"WWW-Authenticate": challenge})

    server.expect_request("/token").respond_with_handler(token)
    server.expect_request(PATH).respond_with_handler(manifest)


def test_a_bearer_token_is_fetched_with_the_credentials_docker_has(server: HTTPServer, tmp_path: Path) -> None:
    with_tokens(server, auth("davy", "lamp"))
    client, _ = registry(tmp_path, {"auths": {f"127.0.0.1:{server.port}": {"auth": auth("davy", "lamp")}}})
    assert client.put(name(server), "one", BODY) == BODY.digest
    client.close()


def test_a_token_service_that_says_no_is_forbidden_and_no_password_is_told(server: HTTPServer, tmp_path: Path) -> None:
    with_tokens(server, auth("davy", "lamp"))
    client, _ = registry(tmp_path, {"auths": {f"127.0.0.1:{server.port}": {"auth": auth("davy", "hunter2")}}})
    with pytest.raises(Forbidden) as caught:
        client.put(name(server), "one", BODY)
    assert "hunter2" not in str(caught.value)
    client.close()


def test_credentials_go_to_no_plain_http_token_service_elsewhere(server: HTTPServer, tmp_path: Path) -> None:
    challenge = 'Bearer realm="http://evil.example.com/token",service="x"'
    server.expect_request(PATH).respond_with_data(status=401, headers={"WWW-Authenticate": challenge})
    client, _ = registry(tmp_path, {"auths": {f"127.0.0.1:{server.port}": {"auth": auth("davy", "lamp")}}})
    with pytest.raises(Forbidden):
        client.put(name(server), "one", BODY)
    client.close()


def test_a_busy_registry_is_asked_again_when_it_says(server: HTTPServer, tmp_path: Path) -> None:
    server.expect_ordered_request(PATH).respond_with_data(status=429, headers={"Retry-After": "7"})
    server.expect_ordered_request(PATH).respond_with_data(status=503)
    server.expect_ordered_request(PATH).respond_with_data(status=201)
    client, pauses = registry(tmp_path)
    client.put(name(server), "one", BODY)
    assert pauses == [7, 1]
    client.close()


def test_a_registry_that_stays_broken_is_unreachable(server: HTTPServer, tmp_path: Path) -> None:
    server.expect_request(PATH).respond_with_data(status=500)
    client, pauses = registry(tmp_path)
    with pytest.raises(Unreachable, match="answered 500 5 times"):
        client.digest(name(server), "one")
    assert len(pauses) == 4
    client.close()


def test_a_manifest_that_is_refused_says_the_registrys_words(server: HTTPServer, tmp_path: Path) -> None:
    body = {"errors": [{"code": "MANIFEST_INVALID", "message": "no such blob"}]}
    server.expect_request(PATH).respond_with_json(body, status=400)
    client, _ = registry(tmp_path)
    with pytest.raises(Unreachable, match="400 MANIFEST_INVALID: no such blob"):
        client.put(name(server), "one", BODY)
    client.close()


# ---- credentials ----------------------------------------------------------------------------------------------------


def helper(folder: Path, said: str, code: int = 0) -> dict[str, str]:
    program = folder / "docker-credential-test"
    program.write_text(f"#!/bin/sh\nread host\ntest \"$host\" = r.test && echo '{said}'\nexit {code}\n")
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    return {"DOCKER_CONFIG": str(folder), "PATH": f"{folder}:/usr/bin:/bin"}


@pytest.mark.parametrize("config", [{"credsStore": "test"}, {"credHelpers": {"r.test": "test"}}])
def test_a_helper_is_asked_by_the_registrys_name(tmp_path: Path, config: dict[str, object]) -> None:
    environment = helper(tmp_path, '{"Username": "davy", "Secret": "lamp"}')
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert DockerCredentials(environment).of("r.test") == Credentials(user="davy", password="lamp")


def test_an_identity_token_of_a_helper_is_one(tmp_path: Path) -> None:
    environment = helper(tmp_path, '{"Username": "<token>", "Secret": "lamp"}')
    (tmp_path / "config.json").write_text('{"credsStore": "test"}')
    assert DockerCredentials(environment).of("r.test") == Credentials(token="lamp")


def test_a_helper_that_knows_nothing_or_is_not_there_is_no_login(tmp_path: Path) -> None:
    environment = helper(tmp_path, "credentials not found", 1)
    (tmp_path / "config.json").write_text('{"credsStore": "test", "credHelpers": {"other.test": "none"}}')
    assert DockerCredentials(environment).of("r.test") is None
    assert DockerCredentials(environment).of("other.test") is None


def test_without_a_configuration_nobody_is_logged_in(tmp_path: Path) -> None:
    assert DockerCredentials({"HOME": str(tmp_path)}).of("r.test") is None


def test_a_broken_configuration_is_said(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(Unusable, match="cannot be read"):
        DockerCredentials({"DOCKER_CONFIG": str(tmp_path)}).of("r.test")


def test_a_password_is_not_shown_with_the_value() -> None:
    assert "lamp" not in repr(Credentials(user="davy", password="lamp", token="lamp"))


# ---- names and manifests --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "host", "repository"),
    [
        ("registry.example.com/shop/app", "registry.example.com", "shop/app"),
        ("localhost/app", "localhost", "app"),
        ("127.0.0.1:5000/app", "127.0.0.1:5000", "app"),
        ("shop/app", "docker.io", "shop/app"),
        ("app", "docker.io", "library/app"),
    ],
)
def test_a_name_is_a_host_and_a_repository(text: str, host: str, repository: str) -> None:
    assert host_and_repository(text) == (host, repository)


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        ("127.0.0.1:5000", True),
        ("localhost:5000", True),
        ("[::1]:5000", True),
        ("10.0.0.1", False),
        ("a.test:80", False),
    ],
)
def test_only_this_machine_is_spoken_to_in_plain_http(host: str, is_here: bool) -> None:
    assert is_loopback(host) is is_here


def test_a_docker_manifest_becomes_an_oci_one_with_annotations_and_the_same_blobs() -> None:
    layer = {"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "digest": "sha256:l", "size": 1}
    config = {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": "sha256:c", "size": 2}
    said = {"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": config, "layers": [layer]}
    made = json.loads(annotated(json.dumps(said).encode(), {"b": "2", "a": "1"}))
    assert made["mediaType"] == OCI_MANIFEST
    assert made["annotations"] == {"a": "1", "b": "2"}
    assert made["layers"][0] == {**layer, "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"}
    assert made["config"]["digest"] == "sha256:c"


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"schemaVersion": 1, "manifests": {}}', b"no"])
def test_what_is_no_images_manifest_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own is one, too
        annotated(body, {})
