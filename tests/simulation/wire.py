"""Wire: a connection to the API server in memory, and all that can happen to a request on it."""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulation.objects import date_header
from simulation.server import Reply, Request, parse_request, refusal

if TYPE_CHECKING:
    from simulation.machine import Machine

PAGE = b"<html><head><title>Sign in</title></head><body>Please sign in to continue.</body></html>"


@dataclass(frozen=True)
class Fault:
    """What happens to one request.

    `refused`: no connection. `lost`: it never arrives. `reset`: the same, told at once. `unanswered`: carried out, and
    the answer is lost. `hung up`: the same, told at once. `instead`, `after`: `status` in place of it, or of its
    answer. `page`: HTML as 200 in place of it. `cut`: carried out, half of the answer comes. `drip`: the answer takes
    `seconds`.
    """

    kind: str
    status: int = 0
    seconds: float = 0.0


class Response:
    """What `http.client` hands out."""

    will_close = False

    def __init__(self, wire: Wire, reply: Reply, second: int, seconds: float = 0.0, whole: int | None = None) -> None:
        self._wire, self._body, self._left = wire, reply.body, seconds
        self._missing = 0 if whole is None else whole - len(reply.body)
        self.status = reply.status
        self.headers: Mapping[str, str] = {"Date": date_header(second), "Content-Type": reply.kind}

    def read(self, most: int | None = None) -> bytes:
        """All of it, or a piece; what comes slowly takes its time."""
        if most is None or most < 0:
            self._wire.rest(self._left)
            piece, self._body, self._left = self._body, b"", 0.0
        else:
            pause = min(self._left, 1.0)
            self._wire.rest(pause)
            self._left -= pause
            size = most if self._left <= 0 else 1
            piece, self._body = self._body[:size], self._body[size:]
        if not self._body and self._missing:
            raise http.client.IncompleteRead(piece, self._missing)
        return piece

    read1 = read

    def __iter__(self) -> Iterator[bytes]:
        yield from self.read().splitlines(keepends=True)

    def getheader(self, name: str, default: str | None = None) -> str | None:
        return self.headers.get(name, default)

    def isclosed(self) -> bool:
        return not self._body

    def close(self) -> None:
        self._body = b""


class Socket:
    """As far as a client touches it."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def settimeout(self, seconds: float) -> None:
        self._wire.timeout = seconds

    def shutdown(self, how: int) -> None:
        pass

    def close(self) -> None:
        pass


class Wire:
    """What stands for an `http.client.HTTPConnection`."""

    def __init__(self, machine: Machine, timeout: float) -> None:
        self._machine, self.timeout = machine, timeout
        self._asked: tuple[str, str, bytes | None, str] | None = None
        self.sock: Socket | None = None

    def connect(self) -> None:
        self.sock = Socket(self)

    def close(self) -> None:
        self.sock = None

    def rest(self, seconds: float) -> None:
        if seconds:
            self._machine.doze(seconds)

    def request(
        self, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self._asked = (method, target, body, (headers or {}).get("Content-Type", ""))

    def getresponse(self) -> Response:
        """One call: three moments at which the runner may die, two at which others may come between."""
        machine, world = self._machine, self._machine.world
        assert self._asked is not None
        machine.calls += 1
        call = machine.calls
        if call in machine.stalls:
            world.note(machine, "stopped", f"for {machine.stalls[call]:.0f} s")
            machine.doze(machine.stalls[call])
        self._moment(call, "before")
        request = parse_request(machine.name, *self._asked)
        fault = world.weather.fault(request)
        there, back = world.latency()
        machine.doze(there)
        try:
            response = self._met(request, fault)
        except (OSError, http.client.HTTPException) as error:
            world.note(machine, f"{request.method} {request.path}", f"{fault and fault.kind}: {type(error).__name__}")
            raise
        world.note(machine, f"{request.method} {request.path}", f"{response.status}{f' {fault.kind}' if fault else ''}")
        if response.status == 200 and request.method == "GET":
            world.law.read(machine.name, request.path)
        self._moment(call, "during")
        machine.doze(back)
        self._moment(call, "after")
        return response

    def _moment(self, call: int, moment: str) -> None:
        if self._machine.kill_at == (call, moment):
            self._machine.world.note(self._machine, "killed", moment)
            self._machine.die()

    def _met(self, request: Request, fault: Fault | None) -> Response:
        second = int(self._machine.world.timeline.now)
        if fault is None:
            return Response(self, self._answered(request), second)
        match fault.kind:
            case "refused" | "reset":
                raise ConnectionResetError(104, "Connection reset by peer")
            case "lost":
                raise self._silence()
            case "unanswered":
                self._answered(request)
                raise self._silence()
            case "hung up":
                self._answered(request)
                raise http.client.RemoteDisconnected("Remote end closed connection without response")
            case _:
                return self._garbled(request, fault, second)

    def _garbled(self, request: Request, fault: Fault, second: int) -> Response:
        if fault.kind == "page":
            return Response(self, Reply(200, PAGE, "text/html"), second)
        said = refusal(fault.status, "Simulated", f"status {fault.status}")
        if fault.kind == "instead":
            return Response(self, said, second)
        reply = self._answered(request)
        half = Reply(reply.status, reply.body[: len(reply.body) // 2])
        match fault.kind:
            case "after":
                return Response(self, said, second)
            case "cut":
                return Response(self, half, second, whole=len(reply.body))
            case "cut text":
                return Response(self, half, second)
            case "drip":
                return Response(self, reply, second, seconds=fault.seconds)
        raise AssertionError(fault.kind)

    def _answered(self, request: Request) -> Reply:
        return self._machine.world.server.answer(request)

    def _silence(self) -> TimeoutError:
        self._machine.doze(self.timeout)
        return TimeoutError("timed out")
