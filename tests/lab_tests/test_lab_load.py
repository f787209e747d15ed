"""The load generator against a local server: what it counts is what happened."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.load import Load, Plan, parsed
from lab.tally import Reply, Tally, histogram, quantiles


def an_answer(status: int, version: str, pod: str) -> bytes:
    head = f"HTTP/1.1 {status} x\r\nContent-Length: 2\r\nX-Version: {version}\r\nX-Pod: {pod}\r\n"
    return head.encode() + b"Connection: close\r\n\r\nok"


@contextmanager
def a_server(*answers: bytes) -> Iterator[tuple[str, Counter[bytes]]]:
    """Gives the answers in turn, one per connection; an empty one means to hang up."""
    given = Counter[bytes]()

    def serve() -> None:
        for number in range(1_000_000):
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                answer = answers[number % len(answers)]
                given[answer] += 1
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}", given
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_every_answer_is_counted_once_under_its_version_and_pod() -> None:
    good, bad = an_answer(200, "v1", "a"), an_answer(500, "v2", "b")
    with a_server(good, good, bad) as (url, given):
        seen = Load(Plan(rate=300, seconds=0.5, url=url)).start().wait()
    assert (seen["sent"], seen["answered"], seen["lost"]) == (150, 150, 0)
    assert seen["versions"]["v1"]["requests"] == given[good] == 100
    assert seen["versions"]["v2"]["requests"] == given[bad] == 50
    assert seen["versions"]["v2"]["failures"] == seen["failures"] == 50
    assert seen["pods"]["b"]["version"] == "v2"
    assert seen["bad"] == {"http_500": 50}
    assert seen["first_bad"]["version"] == "v2"
    assert seen["versions"]["v1"]["histogram"]["+Inf"] == 100


def test_a_request_without_an_answer_is_lost_and_not_failed() -> None:
    with a_server(an_answer(200, "v1", "a"), b"") as (url, given):
        seen = Load(Plan(rate=200, seconds=0.2, url=url)).start().wait()
    assert (seen["answered"], seen["lost"], seen["failures"]) == (20, 20, 0)
    assert seen["bad"] == {"closed": given[b""]}


def test_nobody_listening_is_told_as_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    seen = Load(Plan(rate=100, seconds=0.1, url=f"http://127.0.0.1:{port}")).start().wait()
    assert seen["bad"] == {"refused": 10}


def test_silence_is_told_as_timeout_and_does_not_slow_the_load() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        begun = time.monotonic()
        seen = Load(Plan(rate=100, seconds=0.3, url=url, timeout=0.3)).start().wait()
    assert seen["bad"] == {"timeout": 30}
    assert time.monotonic() - begun < 2


def test_a_stop_ends_the_load_early_with_all_its_answers() -> None:
    with a_server(an_answer(200, "v1", "a")) as (url, _):
        load = Load(Plan(rate=100, seconds=60, url=url)).start()
        time.sleep(0.3)
        seen = load.stop()
    assert not load.is_running
    assert 10 <= seen["sent"] == seen["answered"] < 100


def test_a_load_that_must_skip_requests_says_that_it_did_not_keep_the_rate() -> None:
    load = Load(Plan(rate=10, seconds=1))
    load.tally.begin()
    load.tally.send(late=0.0, is_late_after=0.1)
    assert load.snapshot()["kept_rate"]
    load.tally.skip()
    assert not load.snapshot()["kept_rate"]


def test_a_load_whose_requests_leave_late_did_not_keep_the_rate() -> None:
    load = Load(Plan(rate=10, seconds=1))
    load.tally.send(late=0.2, is_late_after=0.1)
    assert load.snapshot()["late"] == 1
    assert not load.snapshot()["kept_rate"]


@pytest.mark.parametrize("url", ["http://192.0.2.1:80", "http://10.96.0.1", "https://127.0.0.1"])
def test_load_goes_to_loopback_only(url: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        Plan(rate=1, seconds=1, url=url)


@pytest.mark.parametrize(("rate", "seconds"), [(0, 1), (501, 1), (1, 0), (1, 3601), (500, 3600)])
def test_load_is_bounded(rate: float, seconds: float) -> None:
    with pytest.raises(ValueError, match=r"from above|at most"):
        Plan(rate=rate, seconds=seconds)


def test_an_answer_that_is_cut_short_is_lost() -> None:
    assert parsed(an_answer(200, "v1", "a")[:-1]) == Reply(lost="truncated")
    assert parsed(b"HTTP/1.1 200") == Reply(lost="truncated")
    assert parsed(b"") == Reply(lost="closed")


def test_quantiles_are_values_that_were_seen() -> None:
    values = [n / 100 for n in range(1, 101)]
    assert quantiles(values) == {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    assert quantiles([]) == {}


def test_the_histogram_counts_what_took_at_most_so_long() -> None:
    counted = histogram([0.05, 0.051, 7.0])
    assert (counted["0.05"], counted["0.1"], counted["5.0"], counted["+Inf"]) == (1, 2, 2, 3)


def test_the_first_and_last_bad_answers_have_their_times() -> None:
    tally = Tally()
    for at, status in ((1.0, 200), (2.0, 500), (3.0, 503), (4.0, 200)):
        tally.count(Reply(status=status, version="v1", pod="a"), seconds=0.1, at=at)
    side = tally.snapshot()["versions"]["v1"]
    assert (side["first"], side["last"]) == (1.0, 4.0)
    assert (side["first_bad"], side["last_bad"]) == (2.0, 3.0)
