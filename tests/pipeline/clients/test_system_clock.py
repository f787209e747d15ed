"""The system's clock, under real signals."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from davy.pipeline.clients.system_clock import SIGNALS, SystemClock

PROGRAM = """
import time
from davy.pipeline.clients.system_clock import SystemClock
with SystemClock() as clock:
    print("ready", flush=True)
    clock.sleep(30)
    print("interrupted", clock.interrupted(), flush=True)
    clock.sleep({safe})
    print("safe", flush=True)
"""


def started(safe: float) -> "subprocess.Popen[str]":
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(safe=safe)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_sleep_and_leaves_time_to_make_traffic_safe(number: signal.Signals) -> None:
    began = time.monotonic()
    with started(0.2) as child:
        child.send_signal(number)
        out, _ = child.communicate(timeout=30)
    assert out == "interrupted True\nsafe\n"
    assert child.returncode == 0
    assert time.monotonic() - began < 5


LATE = """
import ctypes, itertools, operator, select, signal, time
from davy.pipeline.clients.system_clock import SystemClock

wait, send = select.select, getattr(ctypes.CDLL(None), "raise")


def signalled_first(*asked):
    # In one go within C: Python has no chance to run the handler between the signal and the wait.
    select.select = wait
    return list(itertools.starmap(operator.call, [(send, signal.SIGTERM), (wait, *asked)]))[-1]


with SystemClock() as clock:
    select.select = signalled_first
    clock.sleep(30)
    print(clock.interrupted(), flush=True)
    began = time.monotonic()
    clock.sleep(0.3)
    print(time.monotonic() - began >= 0.3, flush=True)
"""


def test_a_signal_that_comes_just_before_the_wait_ends_it_too() -> None:
    began = time.monotonic()
    run = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, timeout=60, check=False)
    assert run.stdout == "True\nTrue\n", run.stderr
    assert time.monotonic() - began < 15


def test_the_same_wish_passed_on_by_a_wrapper_is_no_second_one() -> None:
    with started(0.2) as child:
        child.send_signal(signal.SIGINT)
        child.send_signal(signal.SIGTERM)
        out, _ = child.communicate(timeout=30)
    assert out.endswith("safe\n")


def test_what_ci_sends_to_cancel_a_job_does_not_break_off_a_rollback() -> None:
    with started(2.5) as child:
        child.send_signal(signal.SIGINT)
        assert child.stdout is not None
        assert child.stdout.readline() == "interrupted True\n"
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGHUP):
            time.sleep(0.6)
            child.send_signal(number)
        out, _ = child.communicate(timeout=20)
    assert out == "safe\n"
    assert child.returncode == 0


def test_a_second_signal_is_told_that_the_first_one_is_heeded() -> None:
    with started(2.5) as child:
        child.send_signal(signal.SIGINT)
        assert child.stdout is not None
        assert child.stdout.readline() == "interrupted True\n"
        time.sleep(0.8)
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate(timeout=20)
    assert out == "safe\n"
    assert err.count("already on the way back") == 1


def test_the_third_ctrl_c_breaks_off() -> None:
    with started(30) as child:
        child.send_signal(signal.SIGINT)
        assert child.stdout is not None
        assert child.stdout.readline() == "interrupted True\n"
        for _ in range(2):
            time.sleep(0.8)
            child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=20)
    assert "safe" not in out
    assert "KeyboardInterrupt" in err


def test_now_is_aware_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_the_handlers_of_before_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with SystemClock():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


ENDING = """
import signal
from davy.pipeline.clients.system_clock import SystemClock
with SystemClock() as clock:
    signal.raise_signal(signal.SIGINT)
for number in ({after}):
    signal.raise_signal(number)
print("told", flush=True)
"""


@pytest.mark.parametrize("after", ["signal.SIGTERM,", "signal.SIGHUP, signal.SIGTERM", "signal.SIGINT,"])
def test_who_was_told_to_end_is_not_kept_from_its_last_words(after: str) -> None:
    program = ENDING.format(after=after)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "told\n", "")


@pytest.fixture
def _handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_handlers")
def test_a_signal_that_comes_just_before_a_sleep_ends_it() -> None:
    with SystemClock() as clock:
        signal.raise_signal(signal.SIGTERM)
        began = time.monotonic()
        clock.sleep(30)
        assert time.monotonic() - began < 1
        clock.sleep(0.3)
        assert time.monotonic() - began >= 0.3
