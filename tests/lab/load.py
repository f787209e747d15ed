"""Open-loop load on a service at this machine's loopback, counted exactly on the client's side.

Requests leave at their appointed times whether or not earlier ones were answered, each on
a connection of its own, so what is seen is what customers would see. Count and time are
bounded: a load ends by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .tally import Reply, Tally

SHOP = "http://127.0.0.1:30080"
PATHS = ("/products", "/cart?lamp=1&seed=2", "POST /checkout")
ORDER = b'{"items": {"lamp": 1}}'
MOST_PER_SECOND = 500
MOST_SECONDS = 3600
MOST_REQUESTS = 500_000
MOST_IN_FLIGHT = 1000
LATE_SECONDS = 0.1
LATE_SHARE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much load, of what, and for how long."""

    rate: float
    seconds: float
    url: str = SHOP
    paths: tuple[str, ...] = PATHS
    timeout: float = 5.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme != "http" or not ipaddress.ip_address(parts.hostname or "0").is_loopback:
            raise ValueError(f"{self.url}: load goes to http on a loopback address only")
        if not 0 < self.rate <= MOST_PER_SECOND:
            raise ValueError(f"rate {self.rate}: from above 0 to {MOST_PER_SECOND} per second")
        if not 0 < self.seconds <= MOST_SECONDS:
            raise ValueError(f"seconds {self.seconds}: from above 0 to {MOST_SECONDS}")
        if self.count > MOST_REQUESTS:
            raise ValueError(f"{self.count} requests: at most {MOST_REQUESTS}")

    @property
    def count(self) -> int:
        """How many requests the plan makes."""
        return round(self.rate * self.seconds)


class Load:
    """A running load: `start`, look at `snapshot` at any time, and `stop` or `wait`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.tally = Tally()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._main, name="load", daemon=True)

    def start(self) -> Load:
        self._thread.start()
        return self

    def stop(self) -> dict[str, Any]:
        """Send nothing more, wait for the answers under way, and return the last snapshot."""
        self._stopped.set()
        return self.wait()

    def wait(self) -> dict[str, Any]:
        """Wait for the plan's end and return the last snapshot."""
        self._thread.join()
        return self.snapshot()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def snapshot(self) -> dict[str, Any]:
        """The counts so far; `kept_rate` is False if requests left late or not at all."""
        seen = self.tally.snapshot()
        late = seen["late"] > LATE_SHARE * max(seen["sent"], 1)
        asked = {"url": self.plan.url, "rate": self.plan.rate, "planned": self.plan.count}
        return asked | seen | {"kept_rate": not late and seen["skipped"] == 0}

    def __enter__(self) -> Load:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _main(self) -> None:
        asyncio.run(self._send_all())

    async def _send_all(self) -> None:
        begun = time.monotonic()
        self.tally.begin()
        async with asyncio.TaskGroup() as tasks:
            under_way = set[asyncio.Task[None]]()
            for number in range(self.plan.count):
                due = begun + number / self.plan.rate
                if not await self._until(due):
                    break
                if len(under_way) >= MOST_IN_FLIGHT:
                    self.tally.skip()
                    continue
                self.tally.send(late=time.monotonic() - due, is_late_after=LATE_SECONDS)
                task = tasks.create_task(self._send(number))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
        self.tally.end()

    async def _until(self, due: float) -> bool:
        """Sleep until a time, in short naps so that a stop is soon seen."""
        while not self._stopped.is_set():
            left = due - time.monotonic()
            if left <= 0:
                return True
            await asyncio.sleep(min(left, 0.1))
        return False

    async def _send(self, number: int) -> None:
        request = _request(self.plan, self.plan.paths[number % len(self.plan.paths)])
        begun = time.monotonic()
        reply = await _reply_within(_asked(self.plan.url, request), self.plan.timeout)
        self.tally.count(reply, seconds=time.monotonic() - begun, at=time.time())


def _request(plan: Plan, path: str) -> bytes:
    method, _, rest = path.rpartition(" ")
    body = ORDER if method == "POST" else b""
    lines = [
        f"{method or 'GET'} {rest} HTTP/1.1",
        f"Host: {urlsplit(plan.url).netloc}",
        "Connection: close",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _reply_within(asking: Coroutine[Any, Any, Reply], seconds: float) -> Reply:
    """The reply, or why there is none."""
    try:
        async with asyncio.timeout(seconds):
            return await asking
    except TimeoutError:
        return Reply(lost="timeout")
    except ConnectionRefusedError:
        return Reply(lost="refused")
    except ConnectionError:
        return Reply(lost="reset")
    except OSError:
        return Reply(lost="network")


async def _asked(url: str, request: bytes) -> Reply:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    try:
        writer.write(request)
        return parsed(await reader.read())
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def parsed(answer: bytes) -> Reply:
    """What a whole answer says; one that is cut short counts as lost."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not answer:
        return Reply(lost="closed")
    if not end:
        return Reply(lost="truncated")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    if len(body) < int(headers.get("content-length", "0")):
        return Reply(lost="truncated")
    return Reply(
        status=int(status.split()[1]),
        version=headers.get("x-version", ""),
        pod=headers.get("x-pod", ""),
    )
