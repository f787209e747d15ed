"""Servers that drip, that are large, that are not there: each whole exchange ends in its time, with its reason."""

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from davy.checks.metrics.prometheus.client import Prometheus
from davy.checks.metrics.prometheus.oauth2 import Bought
from davy.pipeline.clients.docker.credentials import DockerCredentials
from davy.pipeline.clients.http.exchange import PIECE
from davy.pipeline.config.sections.servers import OAuth2Config
from davy.pipeline.core.errors import DavyError, Unreachable
from davy.pipeline.core.images import references
from davy.pipeline.core.images.oci import Descriptor
from davy.pipeline.registry.distribution.auth import Signs
from davy.pipeline.registry.distribution.blobs import Blobs, _Upload
from davy.pipeline.registry.distribution.http import RegistryClient
from davy.pipeline.registry.distribution.messages import RegistryRequest
from davy.pipeline.suites.clouds.vendors import Addresses, Cloud, Vendor
from davy.pipeline.suites.runners.webdriver.api import CloudApi

Serve = Callable[[Callable[[socket.socket], None]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that does this with every connection; gives its host and port."""
    over, listeners = threading.Event(), []

    def start(answer: Callable[[socket.socket], None]) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def one(held: socket.socket) -> None:
            with held:
                try:
                    held.recv(2**16)
                    answer(held)
                except OSError:
                    return

        def listen() -> None:
            while not over.is_set():
                try:
                    held, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(held,), daemon=True).start()

        threading.Thread(target=listen, daemon=True).start()
        return f"127.0.0.1:{listener.getsockname()[1]}"

    yield start
    over.set()
    for listener in listeners:
        listener.close()


def dripping(first: bytes, drop: bytes = b" ") -> Callable[[socket.socket], None]:
    def answer(held: socket.socket) -> None:
        held.sendall(first)
        for _ in range(600):
            held.sendall(drop)
            time.sleep(0.05)  # As slow as the server is; nobody's test waits for it.

    return answer


DRIPS = {
    "body": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"),
    "body without a length": dripping(b"HTTP/1.1 200 OK\r\n\r\n"),
    "chunks": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "headers": dripping(b"HTTP/1.1 200 OK\r\nX-A: ", b"x"),
    "status": dripping(b"HTTP/1.1 200 ", b"x"),
    "an error's body": dripping(b"HTTP/1.1 503 Away\r\nContent-Length: 1000000\r\n\r\n"),
    "continue": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


def by_prometheus(host: str) -> None:
    now = datetime.now(UTC)
    Prometheus(f"http://{host}", timeout=timedelta(seconds=0.15)).samples("up", now - timedelta(minutes=1), now)


def by_instant_query(host: str) -> None:
    Prometheus(f"http://{host}", timeout=timedelta(seconds=0.15)).query("up", datetime.now(UTC))


def by_registry(host: str) -> None:
    RegistryClient(DockerCredentials({"HOME": "/nowhere"}), whole=0.45).ask(
        RegistryRequest(method="GET", name=f"{host}/a/b", path="manifests/1")
    )


def by_token_service(host: str) -> None:
    wire = RegistryClient(DockerCredentials({"HOME": "/nowhere"}), whole=0.45)
    signs: Signs = wire._signed
    signs.sign(f'Bearer realm="http://{host}/token",service="x"', "registry.example.com", ["repository:a:pull"])


def by_oauth(host: str) -> None:
    said = OAuth2Config(client_id="a", client_secret="b", token_url=f"http://{host}/token")
    Bought(said, timeout=timedelta(seconds=0.15))._buy()


def by_cloud(host: str) -> None:
    at = Addresses(hub=f"http://{host}/wd/hub", api=f"http://{host}", pages="")
    api = CloudApi(Cloud(vendor=Vendor.GRID, at=at, region="", user="", key=""), pause=lambda _: None)
    assert api.session.get(f"http://{host}/x", timeout=(0.15, 0.15))


ASKERS = [by_prometheus, by_instant_query, by_registry, by_token_service]


@pytest.mark.parametrize("drip", DRIPS)
@pytest.mark.parametrize("ask", ASKERS)
def test_a_server_that_drips_is_unreachable_in_time(serve: Serve, ask: Callable[[str], None], drip: str) -> None:
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"no whole answer within 0\.45 s"):
        ask(serve(DRIPS[drip]))
    assert time.monotonic() - began < 8


@pytest.mark.parametrize("drip", ["body", "headers"])
def test_neither_a_token_nor_a_cloud_is_waited_for_without_end(
    serve: Serve, drip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"no whole answer within 0\.45 s"):
        by_oauth(serve(DRIPS[drip]))
    with pytest.raises(OSError, match=r"no whole answer within 0\.45 s"):
        by_cloud(serve(DRIPS[drip]))
    assert time.monotonic() - began < 8


def upload(host: str) -> None:
    blobs = Blobs(RegistryClient(DockerCredentials({"HOME": "/nowhere"}), whole=0.45), chunk=2**26)
    blobs._sent(_Upload(name=f"{host}/a/b", location=f"http://{host}/up"), bytes(2**26))


def download(host: str) -> None:
    blobs = Blobs(RegistryClient(DockerCredentials({"HOME": "/nowhere"}), whole=0.45))
    for _ in blobs._chunks(f"{host}/a/b", Descriptor(digest=f"sha256:{'a' * 64}", size=10**9)):
        pass


def sipping(held: socket.socket) -> None:
    for _ in range(600):
        held.recv(2**10)
        time.sleep(0.05)


@pytest.mark.parametrize("drip", DRIPS)
def test_a_layer_that_drips_is_given_up_in_time(serve: Serve, drip: str) -> None:
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"(no whole answer|less than 256 KiB) within 0\.45 s"):
        download(serve(DRIPS[drip]))
    assert time.monotonic() - began < 8


@pytest.mark.parametrize("server", [sipping, *DRIPS.values()])
def test_an_upload_that_is_taken_by_drips_is_given_up_in_time(
    serve: Serve, server: Callable[[socket.socket], None]
) -> None:
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"no whole answer within 0\.45 s"):
        upload(serve(server))
    assert time.monotonic() - began < 8


def test_a_layer_and_an_upload_that_come_on_may_take_much_longer_than_a_piece(serve: Serve) -> None:
    size, taken = 10 * PIECE, list[int]()

    def steady(held: socket.socket) -> None:
        held.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        for _ in range(10):
            held.sendall(bytes(PIECE))
            time.sleep(0.1)

    def taking(held: socket.socket) -> None:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PIECE)
        while sum(taken) < 2**26 - 2**16:  # So much came before.
            taken.append(len(held.recv(PIECE)))
            time.sleep(0.001)
        held.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        while held.recv(PIECE):
            pass

    began = time.monotonic()
    wire = RegistryClient(DockerCredentials({"HOME": "/nowhere"}), whole=0.45)
    with wire.stream(RegistryRequest(method="GET", name=f"{serve(steady)}/a/b", path="blobs/x")) as layer:
        assert len(layer.read(size)) == size
        assert layer.read(1) == b""
    assert time.monotonic() - began > 0.9
    upload(serve(taking))
    assert sum(taken) >= 2**26 - 2**16


def bomb(held: socket.socket) -> None:
    body = gzip.compress(b" " * (16 << 20)) * 60
    held.sendall(f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


# Not with the lowest urllib3: it copies what it has unpacked for every piece, and so the limit in time comes first.
@pytest.mark.slow
def test_what_unpacks_to_more_than_davy_takes_is_not_unpacked(serve: Serve) -> None:
    import resource  # noqa: PLC0415 - no other test measures

    host = serve(bomb)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DavyError, match=r"more than|too much"):
        Prometheus(f"http://{host}").query("up", datetime.now(UTC))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 600 * 2**10


def test_what_comes_whole_and_slowly_is_an_answer(serve: Serve) -> None:
    body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": []}}).encode()

    def answer(held: socket.socket) -> None:
        held.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        for at in range(0, len(body), 8):
            held.sendall(body[at : at + 8])
            time.sleep(0.02)

    assert Prometheus(f"http://{serve(answer)}").query("up", datetime.now(UTC)).values == ()


def nobody() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("ask", ASKERS)
def test_where_nothing_listens_is_said_at_once(ask: Callable[[str], None]) -> None:
    host, began = nobody(), time.monotonic()
    with pytest.raises(Unreachable, match=f"nothing listens at {host}"):
        ask(host)
    assert time.monotonic() - began < 3


def test_a_name_that_is_unknown_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    paused: list[float] = []
    wire = RegistryClient(DockerCredentials({"HOME": "/nowhere"}), pause=paused.append)
    with pytest.raises(Unreachable, match=r"the name registry\.invalid is unknown here"):
        wire.ask(RegistryRequest(method="GET", name="registry.invalid/a/b", path="manifests/1"))
    assert paused == []


@pytest.mark.parametrize(
    ("said", "words"),
    [(b"HTTP/1.1 403 Forbidden\r\n\r\n", "refused: 403 Forbidden"), (None, "nothing listens at the proxy")],
)
def test_a_proxy_that_says_no_is_named(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, said: bytes | None, words: str
) -> None:
    proxy = serve(lambda held: held.sendall(said)) if said else nobody()
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:hidden@{proxy}")
    monkeypatch.setenv("https_proxy", f"http://user:hidden@{proxy}")
    paused: list[float] = []
    with pytest.raises(Unreachable, match=words) as raised:
        RegistryClient(DockerCredentials({"HOME": "/nowhere"}), pause=paused.append).ask(
            RegistryRequest(method="GET", name="registry.example.com/a/b", path="manifests/1")
        )
    assert f"the proxy {proxy} (HTTPS_PROXY" in raised.value.what
    assert "hidden" not in raised.value.what
    assert paused == []


def test_a_registry_that_answered_before_may_come_back(serve: Serve, tmp_path: Path) -> None:
    answered: list[int] = []

    def once(held: socket.socket) -> None:
        answered.append(1)
        if len(answered) != 2:
            held.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    paused: list[float] = []
    wire = RegistryClient(DockerCredentials({"HOME": str(tmp_path)}), pause=paused.append)
    ask = RegistryRequest(method="GET", name=f"{serve(once)}/a/b", path="manifests/1")
    assert [wire.ask(ask).status, wire.ask(ask).status] == [200, 200]
    assert len(paused) == 1


def test_a_name_alone_is_one_of_docker_hub() -> None:
    assert references.on_the_hub("nope") == "library/nope"
    assert references.on_the_hub("shop/app:1") == "shop/app"
    for name in ("localhost/a", "a.example/b", "127.0.0.1:5000/a:1"):
        assert references.on_the_hub(name) == ""
