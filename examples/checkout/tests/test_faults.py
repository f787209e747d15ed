"""Every built-in fault does what its name says, and nothing else does."""

from __future__ import annotations

import pytest
from checkout.faults import Fault, parse


def test_no_fault_never_fails_and_never_waits() -> None:
    fault = parse("")
    assert not fault.fails(1000, lambda: 0.0)
    assert fault.extra_seconds(lambda: 0.0) == 0


def test_errors_fail_the_given_share_of_requests() -> None:
    fault = parse("errors:0.05")
    assert fault.fails(0, lambda: 0.049)
    assert not fault.fails(0, lambda: 0.05)


def test_late_errors_fail_nothing_before_their_time() -> None:
    fault = parse("late-errors:0.05:300s")
    assert not fault.fails(299.9, lambda: 0.0)
    assert fault.fails(300, lambda: 0.0)


def test_a_slow_tail_delays_the_given_share_by_the_given_time() -> None:
    fault = parse("slow:0.02:800ms")
    assert fault.extra_seconds(lambda: 0.019) == pytest.approx(0.8)
    assert fault.extra_seconds(lambda: 0.02) == 0
    assert not fault.fails(0, lambda: 0.0)


def test_crash_and_never_ready_are_named() -> None:
    assert parse("crash") == Fault(kind="crash")
    assert parse("never-ready") == Fault(kind="never-ready")


def test_a_leak_has_a_speed_in_bytes() -> None:
    assert parse("leak:5MiB/s").bytes_per_second == 5 * 1024 * 1024


@pytest.mark.parametrize("text", ["eror:1", "errors", "errors:2", "errors:x", "slow:1:8", "leak:5"])
def test_what_is_no_fault_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)
