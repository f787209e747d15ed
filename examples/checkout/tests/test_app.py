"""What the shop answers, and what it counts."""

from __future__ import annotations

import json
from typing import Any

from checkout.app import CODES, App
from checkout.settings import settings_from


def an_app(fault: str = "", **more: Any) -> App:
    return App(settings=settings_from({"VERSION": "v1", "FAULT": fault, **more.pop("env", {})}), **more)


def test_a_cart_is_priced_with_the_discount() -> None:
    app = an_app(env={"DISCOUNT_PERCENT": "10", "CURRENCY": "GBP"})
    answer = app.answer("GET", "/cart?lamp=2&seed=1", b"")
    assert json.loads(answer.body) == {
        "items": {"lamp": 2, "seed": 1},
        "total": 7875,
        "currency": "GBP",
    }


def test_an_order_is_taken_with_its_total() -> None:
    answer = an_app().answer("POST", "/checkout", b'{"items": {"canary": 1}}')
    assert answer.code == 201
    assert json.loads(answer.body)["total"] == 2450


def test_what_is_not_sold_is_refused() -> None:
    for body in (b"", b"[]", b'{"items": {}}', b'{"items": {"gold": 1}}', b'{"items": {"lamp": 0}}'):
        assert an_app().answer("POST", "/checkout", body).code == 400
    assert an_app().answer("GET", "/cart?lamp=many", b"").code == 400


def test_an_unknown_path_is_not_found() -> None:
    assert an_app().answer("GET", "/nothing", b"").code == 404


def test_every_answer_that_can_be_given_is_counted_from_zero() -> None:
    page = an_app().metrics.render()
    for (method, path), codes in CODES.items():
        for code in codes:
            assert f'{{method="{method}",path="{path}",code="{code}"}} 0' in page


def test_requests_are_counted_and_probes_are_not() -> None:
    app = an_app()
    for target in ("/products", "/products", "/healthz", "/readyz", "/metrics", "/secret"):
        app.answer("GET", target, b"")
    page = app.metrics.render()
    assert 'http_requests_total{method="GET",path="/products",code="200"} 2' in page
    assert 'http_requests_total{method="any",path="other",code="404"} 1' in page
    assert "healthz" not in page


def test_a_duration_falls_into_its_bucket_and_all_above() -> None:
    times = iter([0.0, 0.0, 0.0, 0.3])
    app = an_app(clock=lambda: next(times))
    app.answer("GET", "/products", b"")
    page = app.metrics.render()
    route = 'http_request_duration_seconds_bucket{method="GET",path="/products"'
    assert f'{route},le="0.25"}} 0' in page
    assert f'{route},le="0.5"}} 1' in page
    assert f'{route},le="+Inf"}} 1' in page


def test_built_in_errors_are_answered_and_counted() -> None:
    app = an_app("errors:0.05", roll=lambda: 0.01)
    assert app.answer("GET", "/products", b"").code == 500
    assert 'path="/products",code="500"} 1' in app.metrics.render()


def test_built_in_slowness_is_waited_for() -> None:
    waited: list[float] = []
    app = an_app("slow:0.02:800ms", roll=lambda: 0.01, sleep=waited.append)
    assert app.answer("GET", "/products", b"").code == 200
    assert waited == [0.8]


def test_late_errors_start_late() -> None:
    now = [0.0]
    app = an_app("late-errors:1:300s", roll=lambda: 0.5, clock=lambda: now[0])
    assert app.answer("GET", "/products", b"").code == 200
    now[0] = 301.0
    assert app.answer("GET", "/products", b"").code == 500


def test_a_never_ready_pod_lives_but_is_not_ready() -> None:
    app = an_app("never-ready")
    assert app.answer("GET", "/healthz", b"").code == 200
    assert app.answer("GET", "/readyz", b"").code == 503


def test_a_draining_pod_is_not_ready_but_serves() -> None:
    app = an_app()
    assert app.answer("GET", "/readyz", b"").code == 200
    app.is_draining = True
    assert app.answer("GET", "/readyz", b"").code == 503
    assert app.answer("GET", "/products", b"").code == 200
