"""Files and answers that were made to hurt: each is an error of davy's with a line, and soon."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.checks.metrics.prometheus.client import Prometheus
from davy.checks.samples import promql_tree
from davy.pipeline.config.file import loaded, parsed
from davy.pipeline.config.sections.images.rules import REPOSITORY
from davy.pipeline.core.errors import Unreachable, Unusable
from davy.pipeline.core.json import tree
from davy.pipeline.core.text import time_text
from davy.pipeline.core.text.sanitize import harmless
from davy.pipeline.files import plain_file
from davy.pipeline.suites.runners.webdriver.proxy_connection import is_of_webdriver

BASE = """\
service: checkout
images: [{name: registry.example.com/shop/checkout}]
deploy: {kubernetes: {namespace: shop, deployment: checkout}}
checks:
  prometheus: http://127.0.0.1:1
  slos: [{name: a, objective: 99.5, errors: e_total, total: t_total}]
"""
HOSTILE = {
    "base 60": "x: 1" + ":1" * 300_000,
    "base 60 in a list": "x: [1" + ":59" * 200_000 + "]",
    "base 60 with a fraction": "x: 1" + ":1" * 300_000 + ".5",
    "digits": "canary: {bake: " + "9" * 120_000 + "}",
    "digits of a duration": "canary: {bake: '" + "9" * 120_000 + "'}",
    "parts of a duration": "canary: {bake: " + "1s" * 200_000 + "x}",
    "a duration of centuries": "canary: {bake: " + "9" * 90 + "d}",
    "hexadecimal": "canary: {lease: 0x" + "f" * 20_000 + "}",
    "hexadecimal, short": "canary: {steps: [0x" + "f" * 990 + "]}",
    "binary": "canary: {steps: [0b" + "1" * 100_000 + "]}",
    "octal": "canary: {steps: [0" + "7" * 100_000 + "]}",
    "underscores": "canary: {steps: [1" + "_" * 100_000 + "]}",
    "exponent": "canary: {steps: [1e999999999]}",
    "deep": "x: " + "[" * 100_000,
    "deep mapping": "x: " + "{a: " * 100_000,
    "deep blocks": "\n".join(" " * depth + "x:" for depth in range(400)),
    "aliases": "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
    + "\n".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)),
    "an alias of itself": "x: &x [*x]",
    "merges": "a0: &a0 {x: 1}\n" + "\n".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 30)),
    "a long key": "x" * 900_000 + ": 1",
    "many keys": "\n".join(f"k{number}: 1" for number in range(60_000)),
    "a date": "x: 2026-13-45",
    "a tag": "x: !!python/object/apply:os.system [id]",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_davy_yaml_is_refused_soon(kind: str) -> None:
    began = time.process_time()
    with pytest.raises(Unusable) as raised:
        parsed(f"{BASE}{HOSTILE[kind]}\n", "davy.yaml", {})
    assert time.process_time() - began < 10, "not in the time that its length takes"
    assert raised.value.problems
    assert all(len(str(problem)) < 2000 for problem in raised.value.problems)


def test_an_objective_of_many_digits_is_told_in_a_short_line() -> None:
    for digits in ("0x" + "f" * 900, "9" * 999, "0x" + "f" * 20_000, "1" + ":59" * 300):
        with pytest.raises(Unusable) as raised:
            parsed(BASE.replace("99.5", digits), "davy.yaml", {})
        assert "checks.slos[0].objective" in [problem.path for problem in raised.value.problems]
        assert all(len(str(problem)) < 400 for problem in raised.value.problems)


@settings(max_examples=60, deadline=None)
@given(st.text("0123456789.smhd ", max_size=100_000))
def test_a_duration_is_read_in_the_time_that_its_length_takes(text: str) -> None:
    began = time.process_time()
    try:
        assert time_text.parsed(text) >= timedelta(0)
    except ValueError as error:
        assert len(str(error)) < 300  # noqa: PT017 - either is right
    assert time.process_time() - began < 0.5


def test_a_file_that_is_none_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    zero = tmp_path / "zero.yaml"
    zero.symlink_to("/dev/zero")
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (2**20 + 1))
    began = time.monotonic()
    for path in (pipe, zero, large, tmp_path, tmp_path / "none.yaml"):
        with pytest.raises(Unusable):
            loaded(path, {})
    assert time.monotonic() - began < 2
    with pytest.raises(OSError, match="larger than 10 bytes"):
        plain_file.content(large, 10)


@pytest.mark.parametrize("kind", ["pipe", "zero", "base 60", "digits of a duration", "deep"])
def test_the_command_ends_with_2_and_a_line(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "davy.yaml"
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "zero":
        file.symlink_to("/dev/zero")
    else:
        file.write_text(f"{BASE}{HOSTILE[kind]}\n")
    davy = Path(sys.executable).parent / "davy"
    done = subprocess.run([davy, "validate"], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "davy.yaml" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("query", ["sum(rate(a[1e400]))", "a offset 1e300", "a[99999999999999999999y]"])
def test_a_query_at_which_the_parser_panics_is_no_promql(query: str) -> None:
    with pytest.raises(ValueError, match=r"^.+$"):
        promql_tree.parsed(query)


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, "1" * 5000, "nul", b"\xff\xfe\xfa", "[" * 999])
def test_json_that_cannot_be_read_has_one_error(text: str | bytes) -> None:
    with pytest.raises(json.JSONDecodeError):
        tree.parsed(text)


@pytest.fixture
def answering() -> object:
    """Starts a server that answers everything with these bytes; gives its URL."""
    servers: list[ThreadingHTTPServer] = []

    def start(body: bytes) -> str:
        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST  # noqa: N815 - names that the server looks for

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the server has it
                """Nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        servers.append(server)
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    "body", [b"[" * 200_000, b'{"data":' * 200_000, b'{"status":"success","data":{"result":' + b"[" * 900]
)
def test_json_that_nests_without_end_is_no_answer_of_a_prometheus(
    answering: Callable[[bytes], str], body: bytes
) -> None:
    prometheus, now = Prometheus(answering(body)), datetime.now(UTC)
    with pytest.raises(Unreachable, match=r"no JSON|no answer"):
        prometheus.query("up", now)
    with pytest.raises(Unreachable, match=r"no JSON|no answer"):
        prometheus.samples("up", now - timedelta(minutes=1), now)


@pytest.mark.parametrize("name", ["--privileged/x", "-/x", "-a.example/x", "a/-b", "a/b-"])
def test_no_part_of_an_images_name_begins_with_a_dash(name: str) -> None:
    assert REPOSITORY.fullmatch(name) is None


def test_no_word_of_a_broken_line_is_a_command() -> None:
    for text in (
        "word " * 13 + "::error title=pwn::P",
        "::error::a",
        "a\n  ::set-output name=a::b",
        "x" * 80 + "::error::a",
    ):
        for width in (40, 60, 80):
            lines = [part for line in harmless(text).split("\n") for part in _broken(line, width)]
            assert not any(line.lstrip().startswith("::") for line in lines)
    assert harmless("tests.cart::test_total") == "tests.cart::test_total"


def _broken(line: str, width: int) -> list[str]:
    """At every place where it may be broken: before each word, and after so many columns."""
    words = line.split(" ")
    return [" ".join(words[at:]) for at in range(len(words))] + [
        line[at:] for at in range(0, len(line), width) if at >= 60
    ]


GOOD = (
    "/status", "/session", "/session/", "/session/a1", "/session/a1/url", "/session/a1/element/e-1/property/a%20b",
    "/session/a1/element/f.1.d.2/attribute/data-x", "/session/a1/se/file", "/session/a1/cookie/a%C3%A9?x=1",
    "/session/a1/appium/device/app_state", "/session/a1/element/a%2Fb/text",
)  # fmt: skip
BAD = (
    "/sessions", "/sessionx", "/status/..", "/status?x", "/session/a1/../b2", "/session/a1/..", "/session/../a1",
    "/session/a1/%2e%2e/b2", "/session/a1/%2E%2E%2Fb2/url", "/session/a1/%252e%252e/b2", "/session/a1/..%2fb2",
    "/session/%61%31", "/session/a1%2f..%2fb2", "/session/a1//b2", "/session//a1", "/session/a1/.;/..;/b2",
    "/session/a1/..%3bx/b2", "/session/a1/\\..\\b2", "/session/a1/%5c..%5cb2", "/session/a1/x%00y",
    "/session/a1/x%0d%0ay",
    "http://other/session/a1", "/session/a1/%25252525252e", "//session/a1", "/session/a1/%2f%2fevil",
    "/session/a1#/../b2",
)  # fmt: skip


@pytest.mark.parametrize("path", GOOD)
def test_what_webdriver_is_made_of_goes_through_the_door(path: str) -> None:
    assert is_of_webdriver(path)


@pytest.mark.parametrize("path", BAD)
def test_no_path_leads_out_of_a_session(path: str) -> None:
    assert not is_of_webdriver(path)


@settings(max_examples=300)
@given(
    st.lists(
        st.sampled_from(["..", ".", "%2e", "%2E%2e", "%252e", "/", "%2f", "%5c", ";", "a1", "url", "%00"]), max_size=8
    )
)
def test_however_a_way_out_is_written_it_is_none(parts: list[str]) -> None:
    from urllib.parse import unquote  # noqa: PLC0415 - what a server may do with it

    path = "/session/a1/" + "".join(parts)
    if is_of_webdriver(path):
        way = path
        for _ in range(6):
            assert os.path.normpath(way.replace("\\", "/")).startswith("/session/a1")
            way = unquote(way)
