"""A connection that nobody has any more."""

import gc
import socket
import sys
import time

import pytest

from davy.pipeline.clients.http.wire import dialled


class Holder:
    pass


@pytest.mark.parametrize("first", ["holder", "wire"])
def test_a_wire_in_a_circle_that_nobody_has_any_more_is_closed_without_a_word(first, monkeypatch):
    said = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: said.append(told.exc_value))
    with socket.create_server(("127.0.0.1", 0)) as door:
        holder = Holder() if first == "holder" else None
        wire = dialled("127.0.0.1", door.getsockname()[1], time.monotonic() + 5)
        there, _ = door.accept()
        holder = holder or Holder()
        holder.me, holder.wire, holder.reads = holder, wire, wire.makefile("rb")
        del wire, holder
        gc.collect()
        assert said == []
        with there:
            there.settimeout(5)
            assert there.recv(1) == b""
