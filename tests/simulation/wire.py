"""Wire: a connection to the API server in memory, and all that can happen to a request on it."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulation.exchange import Reply, Request, parse_request, refusal
from simulation.objects import Unfit, date_header
from simulation.watches import Stream

if TYPE_CHECKING:
    from davy.pipeline.clients.kubernetes.call import ApiRequest
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

    def __init__(self, wire: Wire, reply: Reply, second: int, seconds: float = 0.0, missing: int = 0) -> None:
        """`seconds`: until all of it came. `missing`: bytes that were promised and do not come."""
        self._wire, self._body, self._seconds = wire, reply.body, seconds
        wire.count(len(reply.body))
        self.length = missing
        self.status = reply.status
        self.headers: Mapping[str, str] = {"Date": date_header(second), "Content-Type": reply.kind}

    def read(self, most: int | None = None) -> bytes:
        """All of it, or as much; what comes slowly takes its time."""
        seconds, self._seconds = self._seconds, 0.0
        self._wire.rest(seconds)
        size = len(self._body) if most is None else most
        piece, self._body = self._body[:size], self._body[size:]
        return piece

    def readline(self, most: int) -> bytes:
        line, _, self._body = self._body.partition(b"\n")
        return line and line + b"\n"

    def isclosed(self) -> bool:
        return not self._body


class Wire:
    """What stands for a connection."""

    def __init__(self, machine: Machine, ends: float) -> None:
        self._machine, self._ends, self._wait = machine, ends, float("inf")

    def until(self, ends: float, *, wait: float = float("inf"), most: float = 0) -> None:
        self._ends, self._wait = ends, wait

    def close(self) -> None:
        """There is nothing to close."""

    def count(self, size: int) -> None:
        """So much is read over it."""
        self._machine.bytes_read += size

    def rest(self, seconds: float) -> None:
        """Wait for what comes late. Raises TimeoutError at the deadline."""
        left = self._ends - self._machine.monotonic()
        if seconds > left:
            self._machine.doze(max(left, 0.0))
            raise TimeoutError("timed out")
        if seconds:
            self._machine.doze(seconds)

    def ask(self, ask: ApiRequest) -> Response | Stream:
        """One call: three moments at which the runner may die, two at which others may come between."""
        machine, world = self._machine, self._machine.world
        machine.calls += 1
        call = machine.calls
        if call in machine.stalls:
            machine.stood_still += 1
            world.note(machine, "stopped", f"for {machine.stalls[call]:.0f} s")
            machine.doze(machine.stalls[call])
        doomed = machine.kill_at is not None and machine.kill_at[0] == call
        if doomed:
            self._moment(call, "before")
        request = parse_request(machine.name, ask.method, ask.target, body=ask.data, kind=ask.kind, accept=ask.accept)
        fault = world.weather.fault(request)
        there, back = world.latency()
        machine.doze(there)
        what = f"{request.method} {request.path}"
        try:
            response = self._met(request, fault)
        except (OSError, http.client.HTTPException) as error:
            world.note(machine, what, f"{fault and fault.kind}: {type(error).__name__}")
            raise
        world.note(machine, what, f"{response.status} {fault.kind}" if fault else str(response.status))
        if response.status == 200 and request.method == "GET" and not request.is_partial:
            world.law.read(machine.name, request.path)
        if doomed:
            self._moment(call, "during")
        machine.doze(back)
        if doomed:
            self._moment(call, "after")
        return response

    def _moment(self, call: int, moment: str) -> None:
        if self._machine.kill_at == (call, moment):
            self._machine.world.note(self._machine, "killed", moment)
            self._machine.die()

    def _met(self, request: Request, fault: Fault | None) -> Response | Stream:
        second = int(self._machine.world.timeline.now)
        if fault is None and request.query.get("watch") == "true":
            return self._watched(request, second)
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
                return Response(self, half, second, missing=len(reply.body) - len(half.body))
            case "cut text":
                return Response(self, half, second)
            case "drip":
                return Response(self, reply, second, seconds=fault.seconds)
        raise AssertionError(fault.kind)

    def _watched(self, request: Request, second: int) -> Response | Stream:
        try:
            return Stream(self, self._machine.world.server, request)
        except Unfit as error:
            return Response(self, refusal(error.status, error.reason, str(error)), second)

    def pause(self, seconds: float, silent: float) -> None:
        """Wait for more of a stream that has been silent so long already."""
        if silent + seconds > self._wait:
            raise TimeoutError("timed out")
        self._machine.doze(seconds)

    def _answered(self, request: Request) -> Reply:
        return self._machine.world.server.answer(request)

    def _silence(self) -> TimeoutError:
        left = self._ends - self._machine.monotonic()
        self._machine.doze(max(0.0, min(self._wait, left)))
        return TimeoutError("timed out")
