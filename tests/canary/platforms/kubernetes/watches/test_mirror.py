"""A mirror: what a watch told, held against what reading says."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.canary.platforms.kubernetes.watches.mirror import EVERY, RETRY, Listening, Mirror
from davy.pipeline.clients.kubernetes.api import KubeApi
from davy.pipeline.clients.kubernetes.kubeconfig import Access
from davy.pipeline.core.errors import Unreachable

API = KubeApi(Access(server="http://api.invalid"))


@dataclass
class Stream:
    """A feed that says what it is told to."""

    query: Mapping[str, Any]
    is_open: bool = True
    is_over: bool = False
    is_refused: bool = False
    lines: list[str] = field(default_factory=list)

    def taken(self) -> list[str]:
        said, self.lines = self.lines, []
        return said

    def close(self) -> None:
        self.is_over = True


class Folder:
    """Things that change, each change with a version of its own; streams are told as long as they are not deaf."""

    def __init__(self) -> None:
        self.now, self.version, self.readings = 0.0, 5, 0
        self.things: dict[str, int] = {"a": 3}
        self.streams: list[Stream] = []
        self.deaf, self.away = False, False
        self.stream = Stream
        self.mirror = Mirror(
            API,
            Listening(opened=self._opened, monotonic=lambda: self.now),
            self._read,
            folder="/things",
            query={},
        )

    def put(self, name: str) -> None:
        kind = "MODIFIED" if name in self.things else "ADDED"
        self.version += 1
        self.things[name] = self.version
        self._tell(kind, name)

    def drop(self, name: str) -> None:
        if self.things.pop(name, None):
            self.version += 1
            self._tell("DELETED", name)

    def seen(self) -> dict[str, int]:
        return {one["metadata"]["name"]: int(one["metadata"]["resourceVersion"]) for one in self.mirror.documents()}

    def heard(self) -> None:
        """As it is once a watch is open and believed."""
        for _ in range(3):
            self.seen()

    def _tell(self, kind: str, name: str) -> None:
        event = {"type": kind, "object": thing(name, self.version)}
        for stream in self.streams:
            if not self.deaf and not stream.is_over:
                stream.lines.append(json.dumps(event))

    def _read(self) -> dict[str, Any]:
        self.readings += 1
        if self.away:
            raise Unreachable("away")
        items = [thing(name, version) for name, version in self.things.items()]
        return {"metadata": {"resourceVersion": str(self.version)}, "items": items}

    def _opened(self, api: KubeApi, path: str, query: Mapping[str, Any], accept: str) -> Stream:
        self.streams.append(self.stream(query))
        return self.streams[-1]


def thing(name: str, version: int) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": str(version)}}


@pytest.fixture
def folder() -> Folder:
    return Folder()


def test_one_look_begins_no_watch_and_the_second_does_from_where_it_read(folder: Folder) -> None:
    folder.seen()
    assert not folder.streams
    folder.seen()
    (stream,) = folder.streams
    assert (stream.query["watch"], stream.query["resourceVersion"]) == ("true", "5")


def test_what_a_watch_told_is_not_read_again(folder: Folder) -> None:
    folder.heard()
    before = folder.readings
    folder.put("b")
    folder.put("a")
    folder.drop("b")
    assert folder.seen() == {"a": 7}
    assert folder.readings == before


def test_a_watch_that_is_not_open_yet_keeps_nothing_from_being_read(folder: Folder) -> None:
    for _ in range(2):
        folder.seen()
    folder.streams[0].is_open, folder.deaf = False, True
    folder.put("b")
    assert folder.seen() == folder.things


def test_an_event_of_before_the_last_reading_changes_nothing(folder: Folder) -> None:
    folder.heard()
    folder.put("a")
    waiting, folder.streams[0].lines = folder.streams[0].lines, []
    folder.put("a")
    folder.mirror.forget()
    assert folder.seen() == {"a": 7}
    folder.streams[0].lines += waiting
    assert folder.seen() == {"a": 7}


@pytest.mark.parametrize(
    "line",
    [
        json.dumps({"type": "ERROR", "object": {"kind": "Status", "code": 410}}),
        json.dumps({"type": "MODIFIED", "object": {"metadata": {"name": "a", "resourceVersion": "x1"}}}),
        json.dumps({"type": "MODIFIED", "object": {"metadata": None}}),
        "{",
        "[]",
    ],
)
def test_a_watch_that_says_something_else_than_changes_is_left_and_all_is_read(folder: Folder, line: str) -> None:
    folder.heard()
    folder.deaf = True
    folder.put("b")
    folder.streams[0].lines.append(line)
    assert folder.seen() == folder.things
    assert folder.streams[0].is_over


def test_a_bookmark_is_no_change(folder: Folder) -> None:
    folder.heard()
    before = folder.readings
    folder.streams[0].lines.append(json.dumps({"type": "BOOKMARK", "object": thing("", 9)}))
    assert (folder.seen(), folder.readings) == ({"a": 3}, before)


def test_a_watch_that_ended_is_begun_again_after_a_while_and_until_then_all_is_read(folder: Folder) -> None:
    folder.heard()
    folder.streams[0].is_over = True
    for _ in range(3):
        folder.put("a")
        assert folder.seen() == folder.things
    assert len(folder.streams) == 1
    folder.now += RETRY
    folder.seen()
    assert len(folder.streams) == 2


def test_a_watch_that_is_refused_is_not_asked_for_again(folder: Folder) -> None:
    folder.heard()
    folder.streams[0].is_over = folder.streams[0].is_refused = True
    for _ in range(10):
        folder.now += RETRY
        folder.put("a")
        assert folder.seen() == folder.things
    assert len(folder.streams) == 1


def test_a_watch_that_went_deaf_is_found_out_and_replaced(folder: Folder) -> None:
    folder.heard()
    folder.deaf = True
    folder.put("a")
    folder.now += EVERY
    assert folder.seen() == folder.things
    assert folder.streams[0].is_over
    assert len(folder.streams) == 2


def test_where_reading_fails_nothing_old_is_said(folder: Folder) -> None:
    folder.heard()
    folder.away = True
    folder.now += EVERY
    for _ in range(2):
        with pytest.raises(Unreachable):
            folder.seen()
    folder.away = False
    folder.put("b")
    assert folder.seen() == folder.things


def test_after_a_write_of_our_own_nothing_older_is_said() -> None:
    folder = Folder()
    folder.heard()
    folder.put("a")
    waiting, folder.streams[0].lines = folder.streams[0].lines, []
    folder.version += 1
    folder.mirror.learn(thing("a", folder.version))
    folder.streams[0].lines += waiting
    assert folder.seen() == {"a": folder.version}


DEEDS = st.lists(st.sampled_from(["put a", "put b", "drop a", "drop b", "look", "wait", "end", "open", "shut"]))


@settings(max_examples=150, deadline=None)
@given(DEEDS)
def test_whatever_happens_to_the_watch_a_look_says_what_is_there(deeds: list[str]) -> None:
    folder = Folder()
    for deed in deeds:
        verb, _, name = deed.partition(" ")
        stream = folder.streams[-1] if folder.streams else None
        match verb:
            case "put":
                folder.put(name)
            case "drop":
                folder.drop(name)
            case "wait":
                folder.now += 7
            case "end" if stream:
                stream.is_over = True
            case "open" | "shut" if stream:
                stream.is_open = verb == "open"
        assert folder.seen() == folder.things


@settings(max_examples=100, deadline=None)
@given(DEEDS)
def test_a_deaf_watch_is_believed_for_its_time_and_no_longer(deeds: list[str]) -> None:
    folder = Folder()
    folder.heard()
    folder.deaf = True
    for deed in deeds:
        verb, _, name = deed.partition(" ")
        match verb:
            case "put":
                folder.put(name)
            case "drop":
                folder.drop(name)
            case "look":
                folder.seen()
    folder.now += EVERY
    assert folder.seen() == folder.things
