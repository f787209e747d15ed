"""A reader who stops reading holds up nobody."""

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import pytest

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import CanaryFinished, Event, Warned
from davy.workflows.render.json_lines import JsonLines
from davy.workflows.story.outlet import Outlet, may_block
from davy.workflows.story.screens import played

AT = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    read, write = os.pipe()
    stream = open(write, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - a pipe, closed below
    yield read, stream
    for close in (lambda: os.close(read), stream.close):
        with suppress(OSError):
            close()


def events(number: int) -> Iterator[Event]:
    for _ in range(number):
        yield Warned(at=AT, what="x" * 500)
    yield CanaryFinished(at=AT, ending=Ending.ROLLED_BACK, sentence="back")


def test_a_rollout_goes_on_to_its_end_though_nobody_reads_what_it_says(pipe: tuple[int, TextIO]) -> None:
    _, stream = pipe
    outlet = Outlet(stream)
    ending, seen = played(events(1000), JsonLines(outlet))  # type: ignore[arg-type]
    outlet.drain(0.1)
    assert (ending, len(seen)) == (Ending.ROLLED_BACK, 1001)


def test_a_slow_reader_gets_every_line_in_its_order(pipe: tuple[int, TextIO]) -> None:
    read, stream = pipe
    got: list[bytes] = []

    def reader() -> None:
        while (data := os.read(read, 5000)) and b"the end" not in b"".join([*got[-1:], data]):
            got.append(data)
        got.append(data)

    thread = threading.Thread(target=reader)
    thread.start()
    outlet = Outlet(stream)
    lines = [f"line {number}\n" for number in range(20_000)] + ["the end\n"]
    for line in lines:
        outlet.write(line)
    outlet.drain()
    thread.join(20)
    assert b"".join(got).decode() == "".join(lines)


def test_a_reader_who_has_gone_is_told_to_the_writer(pipe: tuple[int, TextIO]) -> None:
    read, stream = pipe
    os.close(read)
    outlet = Outlet(stream)
    outlet.write("first\n")
    outlet.drain()
    with pytest.raises(BrokenPipeError):
        outlet.write("second\n")


def test_a_reader_far_behind_is_given_up(pipe: tuple[int, TextIO]) -> None:
    _, stream = pipe
    outlet = Outlet(stream)
    for _ in range(17):
        outlet.write("x" * 1024 * 1024)
    with pytest.raises(BlockingIOError):
        outlet.write("x")


def test_files_take_everything_and_need_no_outlet(tmp_path: Path, pipe: tuple[int, TextIO]) -> None:
    with (tmp_path / "out.txt").open("w") as file:
        assert not may_block(file)
    assert may_block(pipe[1])
