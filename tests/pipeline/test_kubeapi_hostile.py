"""The API client against whatever may answer at a port: each is one of davy's errors, in bounded time and memory."""

import gzip
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.secured import Authority
from davy.pipeline.clients.http.proxies import Proxy
from davy.pipeline.clients.kubernetes import api as kubeapi
from davy.pipeline.clients.kubernetes import call
from davy.pipeline.clients.kubernetes.access import Access
from davy.pipeline.clients.kubernetes.answers import ApiAnswer
from davy.pipeline.clients.kubernetes.api import KubeApi
from davy.pipeline.core.errors import DavyError, Forbidden, Unreachable

Talk = Callable[[socket.socket], None]


@dataclass
class Port:
    """Answers every connection by `talk`, each in a thread of its own."""

    talk: Talk
    tls: ssl.SSLContext | None = None
    heard: list[bytes] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.number = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                taken, _ = self.listener.accept()
                self.count += 1
                threading.Thread(target=self._answer, args=(taken,), daemon=True).start()

    def _answer(self, taken: socket.socket) -> None:
        with suppress(OSError), closing(taken):
            if self.tls:
                taken = self.tls.wrap_socket(taken, server_side=True)
            with closing(taken):
                self.talk(taken)

    def close(self) -> None:
        with suppress(OSError):  # A thread that waits in accept would keep it open.
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def head(self, taken: socket.socket) -> bytes:
        """Of one request."""
        read = b""
        while not read.endswith(b"\r\n\r\n"):
            more = taken.recv(1)
            if not more:
                return b""
            read += more
        self.heard.append(read)
        return read


@pytest.fixture
def ports() -> Iterator[Callable[..., Port]]:
    made: list[Port] = []

    def make(talk: Talk, tls: ssl.SSLContext | None = None) -> Port:
        made.append(Port(talk, tls))
        return made[-1]

    yield make
    for port in made:
        port.close()


@pytest.fixture
def always(ports: Callable[..., Port]) -> Callable[..., Port]:
    """A port that answers every request with the same bytes, and closes where it is told to."""

    def make(answer: bytes, *, close: bool = True, tls: ssl.SSLContext | None = None) -> Port:
        def talk(taken: socket.socket) -> None:
            while port.head(taken):
                taken.sendall(answer)
                if close:
                    return

        port = ports(talk, tls)
        return port

    return make


def client(port: Port, scheme: str = "http", timeout: float = 5.0, patience: float = 0.0, **access: object) -> KubeApi:
    server = f"{scheme}://127.0.0.1:{port.number}"
    return KubeApi(Access(server=server, **access), timeout=timeout, patience=patience, sleep=lambda _: None)


def answered(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    said = "".join(f"{header}\r\n" for header in headers)
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{said}\r\n".encode() + body


# ---- time ----


def drip(begin: bytes) -> Talk:
    """A byte now and then, for ever."""

    def talk(taken: socket.socket) -> None:
        taken.sendall(begin)
        while True:
            taken.sendall(b" ")
            time.sleep(0.05)

    return talk


@pytest.mark.parametrize(
    "begin",
    [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ids=["nothing", "head", "body", "chunk"],
)  # fmt: skip
def test_an_answer_that_never_ends_is_given_up(ports: Callable[..., Port], begin: bytes) -> None:
    api = client(ports(drip(begin)), timeout=0.3)
    began = time.monotonic()
    with pytest.raises(Unreachable):
        api.get("/x")
    assert time.monotonic() - began < 5


def test_a_hundred_thousand_continues_are_no_answer(ports: Callable[..., Port]) -> None:
    def talk(taken: socket.socket) -> None:
        while True:
            taken.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)

    began = time.monotonic()
    with pytest.raises(Unreachable):
        client(ports(talk), timeout=0.3).get("/x")
    assert time.monotonic() - began < 5


def test_a_server_that_takes_nothing_is_given_up(ports: Callable[..., Port]) -> None:
    api = client(ports(lambda taken: time.sleep(3)), timeout=0.3)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="no answer in time"):
        api.replace("/x", {"data": "x" * 30_000_000})
    assert time.monotonic() - began < 3


def test_a_tls_handshake_that_never_ends_is_given_up(ports: Callable[..., Port]) -> None:
    api = client(ports(lambda taken: time.sleep(3)), "https", timeout=0.3)
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"no answer in time|timed out"):
        api.get("/x")
    assert time.monotonic() - began < 3


# ---- size and form ----

OK = json.dumps({"ok": True}).encode()
STRANGE = {
    "no json": answered(b"<html>a proxy</html>"),
    "empty": answered(b""),
    "null": answered(b"null"),
    "list": answered(b"[1]"),
    "text": answered(b'"x"'),
    "cut json": answered(b'{"a": '),
    "not utf-8": answered(b'{"a": "\xff\xfe"}'),
    "deep": answered(b'{"a":' * 200_000),
    "deep list": answered(b"[" * 200_000 + b"]" * 200_000),
    "long number": answered(b'{"a": ' + b"9" * 5_000 + b"}"),
    "cut body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
    "gzip": answered(gzip.compress(OK), "Content-Encoding: gzip"),
    "no gzip": answered(OK, "Content-Encoding: gzip"),
    "deflate": answered(OK, "Content-Encoding: deflate"),
    "encoding of no name": answered(OK, "Content-Encoding: \xe9"),
    "chunk of no size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "chunk below zero": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n",
    "chunk cut": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{}",
    "no http": b"SSH-2.0-OpenSSH_9.2\r\n",
    "http of old": b"HTTP/0.9 hello\r\n\r\n",
    "status of no number": b"HTTP/1.1 OK OK\r\n\r\n",
    "status 99": b"HTTP/1.1 99 X\r\n\r\n",
    "status 1000": b"HTTP/1.1 1000 X\r\n\r\n",
    "long head": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("name", STRANGE)
def test_an_answer_that_is_none_is_unreachable_and_says_who_was_asked(always: Callable[..., Port], name: str) -> None:
    with pytest.raises(Unreachable) as caught:
        client(always(STRANGE[name])).get("/x")
    assert "GET /x" in str(caught.value)
    assert caught.value.remedy
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    "status", [*range(100, 600, 7), 101, 103, 204, 205, 301, 302, 304, 307, 408, 410, 418, 451, 511]
)
@pytest.mark.parametrize("body", [b"", b'{"details": [0], "message": 5}', b'{"details": {"causes": [1, null, {}]}}'])
def test_every_status_is_an_answer_or_one_of_davys_errors(
    always: Callable[..., Port], status: int, body: bytes
) -> None:
    api = client(always(answered(body, status=f"{status} X")))
    with suppress(DavyError):
        assert isinstance(api.get("/x"), dict)
        assert 200 <= status < 300


def test_an_answer_larger_than_any_is_not_read_to_its_end(
    always: Callable[..., Port], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "MOST", 10_000)
    monkeypatch.setattr(call, "SLACK", 1000)
    with pytest.raises(Unreachable, match="more than it can have to say"):
        client(always(answered(b" " * 20_000))).get("/x")
    with pytest.raises(Unreachable, match="more than it can have to say"):
        client(always(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 20_000)).get("/x")


def test_a_log_that_is_too_long_and_a_failure_that_is_are_cut(
    always: Callable[..., Port], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "MOST_OF_A_TEXT", 100)
    assert client(always(answered(b"x" * 500))).text("/log") == "x" * 100
    with pytest.raises(Unreachable, match="500"):
        client(always(answered(b" " * 200_000, status="500 X"))).get("/x")


def test_a_line_that_is_too_long_is_cut_and_the_next_one_is_whole(
    always: Callable[..., Port], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "LONGEST_LINE", 10)
    api = client(always(answered(b"a" * 35 + b"\nshort\nlast")))
    assert list(api.lines("/log")) == ["a" * 10, "short", "last"]


@pytest.mark.parametrize("date", ["yesterday", "", "Mon, 99 Foo 2026 99:99:99 GMT", "Fri, 31 Dec 9999 23:59:59 GMT",
                                  "Mon, 01 Jan 1000 00:00:00 GMT", "\xff"])  # fmt: skip
def test_a_date_that_is_none_leaves_the_clock_alone(always: Callable[..., Port], date: str) -> None:
    api = client(always(answered(OK, f"Date: {date}")))
    assert api.get("/x") == {"ok": True}
    assert abs(api.server_now().timestamp() - time.time()) < 5


@given(st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_whatever_bytes_come_it_is_an_answer_or_one_of_davys_errors(junk: bytes) -> None:
    def talk(taken: socket.socket) -> None:
        port.head(taken)
        taken.sendall(junk if junk[:1] > b"\x80" else b"HTTP/1.1 200 OK\r\n" + junk)

    port = Port(talk)
    try:
        with suppress(DavyError):
            client(port).get("/x")
    finally:
        port.close()


@given(st.binary(max_size=80), st.integers(100, 599))
@settings(max_examples=100)
def test_whatever_a_failure_says_is_a_short_text(body: bytes, status: int) -> None:
    assert len(ApiAnswer(status=status, body=body).said()) <= 400


# ---- pages ----


def pages(port: Port, *documents: object) -> Talk:
    def talk(taken: socket.socket) -> None:
        while port.head(taken):
            status, document = documents[min(len(port.heard), len(documents)) - 1]  # type: ignore[misc]
            taken.sendall(answered(json.dumps(document).encode(), status=f"{status} X"))

    return talk


PODS = "/api/v1/namespaces/shop/pods"


def listed(ports: Callable[..., Port], *documents: object) -> tuple[dict[str, object], list[str]]:
    port = ports(lambda taken: None)
    port.talk = pages(port, *documents)
    with closing(
        client(
            port,
        )
    ) as api:
        found = api.get(PODS, {"labelSelector": "a=b"})
    return found, [head.split()[1].decode() for head in port.heard]


def test_a_list_is_asked_for_page_by_page(ports: Callable[..., Port]) -> None:
    first = (200, {"items": [{"a": 1}], "metadata": {"continue": "m&1"}})
    found, asked = listed(ports, first, (200, {"items": [{"a": 2}], "metadata": {}}))
    assert found["items"] == [{"a": 1}, {"a": 2}]
    assert asked == [f"{PODS}?labelSelector=a%3Db&limit=250", f"{PODS}?labelSelector=a%3Db&limit=250&continue=m%261"]


def test_a_list_that_changed_too_much_meanwhile_is_asked_for_once_more(ports: Callable[..., Port]) -> None:
    first = (200, {"items": [{"a": 1}], "metadata": {"continue": "m"}})
    found, asked = listed(ports, first, (410, {"message": "too old"}), (200, {"items": [{"a": 3}]}))
    assert found["items"] == [{"a": 3}]
    assert len(asked) == 3
    with pytest.raises(Unreachable, match="too old"):
        listed(ports, (410, {"message": "too old"}))


def test_a_list_without_an_end_is_none(ports: Callable[..., Port], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeapi, "MOST_PAGES", 3)
    with pytest.raises(Unreachable, match="a list of more than"):
        listed(ports, (200, {"items": [], "metadata": {"continue": "m"}}))


@pytest.mark.parametrize("items", ["x", {"a": 1}, [None], [[]], [1], 5, True])
def test_a_list_of_no_things_is_no_answer(ports: Callable[..., Port], items: object) -> None:
    with pytest.raises(Unreachable, match="a list whose items are none"):
        listed(ports, (200, {"items": items}))


def test_an_empty_list_may_be_null_and_a_document_without_one_is_none(ports: Callable[..., Port]) -> None:
    assert listed(ports, (200, {"items": None, "metadata": None}))[0]["items"] == []
    with pytest.raises(Unreachable, match="a list whose items are none"):
        listed(ports, (200, {"metadata": {}}))


# ---- nobody there ----


def test_a_name_that_nobody_knows_is_told_at_once() -> None:
    slept: list[float] = []
    api = KubeApi(Access(server="https://no-such-host.invalid:6443", context="ci"), sleep=slept.append)
    with pytest.raises(Unreachable, match=r"The name no-such-host\.invalid of .* is unknown here"):
        api.get("/x")
    assert not slept


def test_a_refused_connection_names_the_place_and_the_context(ports: Callable[..., Port]) -> None:
    port = ports(lambda taken: None)
    port.close()
    with pytest.raises(Unreachable, match=rf"Nothing listens at 127\.0\.0\.1:{port.number} \(context ci\)") as caught:
        client(port, context="ci").get("/x")
    assert "tunnel" in caught.value.remedy


def test_a_server_that_answered_before_is_waited_for_while_it_restarts(always: Callable[..., Port]) -> None:
    port = always(answered(OK))
    slept: list[float] = []
    api = KubeApi(Access(server=f"http://127.0.0.1:{port.number}"), patience=0.2)
    api._sleep = lambda seconds: (slept.append(seconds), time.sleep(seconds))[1]
    api.get("/x")
    port.close()
    with pytest.raises(Unreachable, match="Nothing listens"):
        api.get("/x")
    assert slept


def test_tls_spoken_to_a_plain_port_is_told_at_once(always: Callable[..., Port]) -> None:
    port = always(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    port.talk = lambda taken: (taken.recv(1000), taken.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))[1]
    slept: list[float] = []
    api = KubeApi(Access(server=f"https://127.0.0.1:{port.number}"), sleep=slept.append)
    with pytest.raises(Unreachable, match="does not speak TLS"):
        api.get("/x")
    assert not slept
    assert port.count == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
    ],
)
def test_plain_words_spoken_to_a_tls_port_are_told_at_once(always: Callable[..., Port], answer: bytes) -> None:
    port = always(answer)
    slept: list[float] = []
    api = KubeApi(Access(server=f"http://127.0.0.1:{port.number}"), sleep=slept.append)
    with pytest.raises(Unreachable, match="speaks TLS"):
        api.get("/x")
    assert not slept
    assert port.count == 1


# ---- rights ----


def test_a_missing_right_is_named_with_its_verb_its_kind_and_what_grants_it(always: Callable[..., Port]) -> None:
    port = always(answered(b'{"message": "nope"}', status="403 Forbidden"))
    with pytest.raises(
        Forbidden, match=r"may not patch deployments\.apps checkout in namespace shop as viewer: nope"
    ) as one:
        client(port, as_user="viewer").patch("/apis/apps/v1/namespaces/shop/deployments/checkout", [])
    assert "kubectl apply -f docs/rbac.yaml" in one.value.remedy
    assert "kubectl auth can-i patch deployments.apps -n shop" in one.value.remedy
    with pytest.raises(Forbidden, match="may not list pods in namespace shop"):
        client(port).get(PODS)
    with pytest.raises(Forbidden, match="may not get pods/log p in namespace shop"):
        client(port).text(f"{PODS}/p/log")
    with pytest.raises(Forbidden, match="refused GET /version"):
        client(port).get("/version")


# ---- who, and by which way ----


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.signed("server", "DNS:k8s.example.com,IP:127.0.0.1")
    made.signed("client")
    return made


def server_tls(authority: Authority, *, clients: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.folder / "server.crt", authority.folder / "server.key")
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority.ca)
    return context


def test_who_one_acts_as_stands_in_the_request_several_times_where_it_must(always: Callable[..., Port]) -> None:
    port = always(answered(OK))
    access = {"as_user": "ann\u00e9", "as_groups": ("a", "b"), "as_extra": (("x/y", ("1", "2")),)}
    client(port, **access).get("/x")
    head = port.heard[0].decode()
    for line in ("Impersonate-User: ann\u00e9", "Impersonate-Group: a", "Impersonate-Group: b",
                 "Impersonate-Extra-x%2Fy: 1", "Impersonate-Extra-x%2Fy: 2"):  # fmt: skip
        assert f"\r\n{line}\r\n" in head


def test_a_certificate_for_another_name_is_believed_where_the_kubeconfig_names_it(
    always: Callable[..., Port], authority: Authority
) -> None:
    port = always(answered(OK), tls=server_tls(authority))
    assert client(port, "https", ca_file=str(authority.ca)).get("/x") == {"ok": True}
    assert client(port, "https", ca_file=str(authority.ca), server_name="k8s.example.com").get("/x") == {"ok": True}
    assert client(port, "https", ca_data=authority.ca.read_text()).get("/x") == {"ok": True}
    assert client(port, "https", insecure=True).get("/x") == {"ok": True}
    with pytest.raises(Unreachable, match="certificate is not trusted"):
        client(port, "https", ca_file=str(authority.ca), server_name="other.example.com").get("/x")
    with pytest.raises(Unreachable, match="certificate is not trusted"):
        client(port, "https").get("/x")


def test_a_client_certificate_is_shown_from_files_or_from_text(
    always: Callable[..., Port], authority: Authority
) -> None:
    port = always(answered(OK), tls=server_tls(authority, clients=True))
    files = {"cert_file": str(authority.folder / "client.crt"), "key_file": str(authority.folder / "client.key")}
    texts = {f"{name[:-5]}_data": Path(path).read_text() for name, path in files.items()}
    for own in (files, texts, {**dict.fromkeys(files, "/not/there"), **texts}):
        assert client(port, "https", ca_file=str(authority.ca), **own).get("/x") == {"ok": True}
    with pytest.raises(Unreachable):
        client(port, "https", ca_file=str(authority.ca)).get("/x")


def connect_proxy(ports: Callable[..., Port], tls: ssl.SSLContext | None = None, status: str = "200 OK") -> Port:
    """Knows CONNECT."""

    def talk(taken: socket.socket) -> None:
        words = port.head(taken).split()
        taken.sendall(f"HTTP/1.1 {status}\r\n\r\n".encode())
        if not status.startswith("2"):
            return
        host, _, number = words[1].decode().rpartition(":")
        with socket.create_connection((host, int(number))) as there:
            threading.Thread(target=copied, args=(there, taken), daemon=True).start()
            copied(taken, there)

    port = ports(talk, tls)
    return port


def copied(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)


def by_proxy(port: Port, *, tls: bool = False, authorization: str | None = None) -> Proxy:
    return Proxy(host="127.0.0.1", port=port.number, tls=tls, said="proxy-url", authorization=authorization)


def test_the_server_is_reached_through_a_proxy(
    ports: Callable[..., Port], always: Callable[..., Port], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = always(answered(OK), tls=server_tls(authority))
    plain, secure = connect_proxy(ports), connect_proxy(ports, server_tls(authority))
    trusted = {"ca_file": str(authority.ca), "token": "hush"}
    way = by_proxy(plain, authorization="Basic xyz")
    assert client(server, "https", proxy=way, **trusted).get("/x") == {"ok": True}
    assert b"Proxy-Authorization: Basic xyz" in plain.heard[0]
    assert plain.heard[0].startswith(f"CONNECT 127.0.0.1:{server.number} HTTP/1.1\r\n".encode())
    assert b"hush" not in plain.heard[0]
    assert b"xyz" not in server.heard[0]
    # OpenSSL reads this variable: the proxy's own certificate is trusted as this machine trusts any.
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    assert client(server, "https", proxy=by_proxy(secure, tls=True), **trusted).get("/x") == {"ok": True}


def test_a_plain_server_is_asked_for_by_its_whole_address(
    ports: Callable[..., Port], always: Callable[..., Port]
) -> None:
    proxy = always(answered(OK))
    api = KubeApi(Access(server="http://k8s.example.com:8080", proxy=by_proxy(proxy, authorization="Basic xyz")))
    assert api.get("/x") == {"ok": True}
    assert proxy.heard[0].startswith(b"GET http://k8s.example.com:8080/x HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic xyz" in proxy.heard[0]


def test_a_proxy_that_says_no_is_named_and_one_that_is_not_there_too(ports: Callable[..., Port]) -> None:
    access = {"server": "https://k8s.example.com", "token": "hush"}
    with pytest.raises(Forbidden, match=r"the proxy 127\.0\.0\.1:\d+ \(proxy-url\) answered CONNECT with 407"):
        KubeApi(Access(proxy=by_proxy(connect_proxy(ports, status="407 No")), **access)).get("/x")
    with pytest.raises(Unreachable, match="answered CONNECT with 502"):
        KubeApi(Access(proxy=by_proxy(connect_proxy(ports, status="502 No")), **access), patience=0.0).get("/x")
    closed = ports(lambda taken: None)
    closed.close()
    with pytest.raises(Unreachable, match=r"Nothing listens at the proxy 127\.0\.0\.1:\d+ \(proxy-url\)"):
        KubeApi(Access(proxy=by_proxy(closed), **access)).get("/x")


def test_a_proxy_that_drips_is_given_up(ports: Callable[..., Port]) -> None:
    port = ports(drip(b"HTTP/1.1 200 OK\r\n"))
    began = time.monotonic()
    with pytest.raises(Unreachable):
        KubeApi(Access(server="https://k", proxy=by_proxy(port)), timeout=0.3, patience=0.0).get("/x")
    assert time.monotonic() - began < 5
