"""The process itself: its headers, its end, its crash and its leak."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent


@contextmanager
def a_process(**environment: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The service on a free port, and that port."""
    command = [sys.executable, "-m", "checkout"]
    settings = {**os.environ, "PORT": "0", "POD_NAME": "pod-1", "VERSION": "v7", "FAULT": ""}
    with subprocess.Popen(command, cwd=ROOT, env=settings | environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            found = re.search(r"on port (\d+)", process.stderr.readline())
            yield process, int(found[1]) if found else 0
        finally:
            process.kill()


def get(port: int, path: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response
    finally:
        connection.close()


def test_an_answer_tells_version_and_pod() -> None:
    with a_process() as (_, port):
        response = get(port, "/products")
    assert (response.status, response.headers["X-Version"]) == (200, "v7")
    assert response.headers["X-Pod"] == "pod-1"


def test_a_connection_can_be_kept_for_a_second_request() -> None:
    with a_process() as (_, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        for _ in range(3):
            connection.request("GET", "/cart?seed=1")
            response = connection.getresponse()
            response.read()
            assert response.status == 200
            assert response.headers["Connection"] is None
        connection.close()


def test_while_draining_it_serves_but_is_not_ready_and_keeps_no_connection() -> None:
    with a_process(DRAIN_SECONDS="2") as (process, port):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert get(port, "/readyz").status == 503
        response = get(port, "/products")
        assert (response.status, response.headers["Connection"]) == (200, "close")


def test_a_request_in_flight_is_finished_before_the_end() -> None:
    with a_process(FAULT="slow:1:800ms", DRAIN_SECONDS="0.2") as (process, port):
        statuses: list[int] = []
        asking = threading.Thread(target=lambda: statuses.append(get(port, "/products").status))
        asking.start()
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        asking.join()
    assert statuses == [200]


def test_an_idle_kept_connection_does_not_hold_up_the_end() -> None:
    with a_process(DRAIN_SECONDS="0.1") as (process, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/products")
        connection.getresponse().read()
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        assert time.monotonic() - begun < 3
        connection.close()


def test_a_version_built_to_crash_ends_at_once_with_an_error() -> None:
    with a_process(FAULT="crash") as (process, _):
        assert process.wait(5) == 1


def test_a_version_built_to_leak_grows() -> None:
    with a_process(FAULT="leak:20MiB/s") as (process, _):
        before = resident(process.pid)
        time.sleep(2.2)
        assert resident(process.pid) - before > 20 * 1024


def resident(pid: int) -> int:
    """The memory of a process in KiB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1])
