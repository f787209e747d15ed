"""From a request to its answer, with no socket in sight."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl

from .faults import Roll
from .metrics import TEXT_FORMAT, Metrics
from .settings import Settings
from .shop import PRICES, Refused, priced

CODES = {
    ("GET", "/products"): (200, 500),
    ("GET", "/cart"): (200, 400, 500),
    ("POST", "/checkout"): (201, 400, 500),
    ("any", "other"): (404,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back to the customer."""

    code: int
    body: bytes
    content_type: str = "application/json"


@dataclass(slots=True, kw_only=True)
class App:
    """The service: its settings, its numbers, and whether it takes traffic."""

    settings: Settings
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    roll: Roll = random.random
    is_draining: bool = False
    metrics: Metrics = field(init=False)
    _born: float = field(init=False)

    def __post_init__(self) -> None:
        every = [(*route, code) for route, codes in CODES.items() for code in codes]
        self.metrics = Metrics(every, self.settings.version)
        self._born = self.clock()

    @property
    def is_ready(self) -> bool:
        return not self.is_draining and self.settings.fault.kind != "never-ready"

    def answer(self, method: str, target: str, body: bytes) -> Answer:
        """The answer to one request; all but probes and metrics are counted."""
        path, _, query = target.partition("?")
        match method, path:
            case "GET", "/healthz":
                return _text(200, "ok\n")
            case "GET", "/readyz":
                return _text(200, "ready\n") if self.is_ready else _text(503, "not ready\n")
            case "GET", "/metrics":
                page = self.metrics.render().encode()
                return Answer(code=200, body=page, content_type=TEXT_FORMAT)
        return self._counted(method, path, query, body)

    def _counted(self, method: str, path: str, query: str, body: bytes) -> Answer:
        begun = self.clock()
        answer = self._sold(method, path, query, body)
        route = (method, path) if (method, path) in CODES else ("any", "other")
        self.metrics.count(*route, answer.code, self.clock() - begun)
        return answer

    def _sold(self, method: str, path: str, query: str, body: bytes) -> Answer:
        if (method, path) not in CODES:
            return _json(404, {"error": "there is nothing here"})
        fault = self.settings.fault
        if extra := fault.extra_seconds(self.roll):
            self.sleep(extra)
        if fault.fails(self.clock() - self._born, self.roll):
            return _json(500, {"error": "out of order"})
        try:
            return self._routed(path, query, body)
        except Refused as refused:
            return _json(400, {"error": str(refused)})

    def _routed(self, path: str, query: str, body: bytes) -> Answer:
        if path == "/products":
            return _json(200, {"products": PRICES, "currency": self.settings.currency})
        if path == "/cart":
            return _json(200, self._priced(_items_of_query(query)))
        return _json(201, {"order": f"{random.getrandbits(48):012x}"} | self._priced(_items(body)))

    def _priced(self, items: object) -> dict[str, object]:
        settings = self.settings
        cart = priced(items, currency=settings.currency, discount_percent=settings.discount_percent)
        return cart.as_dict()


def _items_of_query(query: str) -> dict[str, int]:
    try:
        return {name: int(amount) for name, amount in parse_qsl(query)}
    except ValueError as wrong:
        raise Refused("amounts are whole numbers") from wrong


def _items(body: bytes) -> object:
    try:
        order = json.loads(body)
    except ValueError as wrong:
        raise Refused("the order is not JSON") from wrong
    return order.get("items") if isinstance(order, dict) else None


def _json(code: int, document: object) -> Answer:
    return Answer(code=code, body=json.dumps(document).encode() + b"\n")


def _text(code: int, text: str) -> Answer:
    return Answer(code=HTTPStatus(code), body=text.encode(), content_type="text/plain")
