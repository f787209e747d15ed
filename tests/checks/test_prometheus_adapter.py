"""The Prometheus adapter against a server that misbehaves on order."""

import json
import math
from datetime import UTC, datetime, timedelta

import pytest
from werkzeug import Response

from davy.checks.metrics.prometheus.client import Prometheus
from davy.pipeline.core.errors import Forbidden, Unreachable, Unusable

AT = datetime(2026, 3, 1, tzinfo=UTC)
START = AT - timedelta(seconds=30)


def good(result, kind="matrix", **more):
    return {"status": "success", "data": {"resultType": kind, "result": result}, **more}


@pytest.fixture
def server(httpserver):
    httpserver.pauses = []
    return httpserver


def client(server, **more):
    return Prometheus(server.url_for(""), sleep=server.pauses.append, **more)


def samples(prometheus):
    return prometheus.samples('up{a="b"}', START, AT)


def test_samples_are_asked_as_a_range_of_the_selector_and_the_left_edge_is_cut(server):
    first = START.timestamp()
    values = [[first, "1"], [first + 15, "2"], [first + 30, "NaN"]]
    server.expect_oneshot_request("/api/v1/query", method="POST").respond_with_json(
        good([{"metric": {"pod": "x"}, "values": values}, {"metric": {"pod": "old"}, "values": values[:1]}])
    )
    (series,) = samples(client(server))
    assert series.labels == {"pod": "x"}
    assert series.samples[0] == (first + 15, 2.0)
    assert math.isnan(series.samples[1][1])
    (request, _) = server.log[0]
    assert request.form["query"] == 'up{a="b"}[30000ms]'
    assert float(request.form["time"]) == AT.timestamp()


def test_a_query_gives_values_and_warnings(server):
    body = good(
        [{"metric": {"a": "b"}, "value": [1, "NaN"]}, {"metric": {}, "value": [1, "+Inf"]}],
        "vector",
        warnings=["partial"],
        infos=["metric might not be a counter"],
    )
    server.expect_request("/api/v1/query").respond_with_json(body)
    answer = client(server).query("up", AT)
    assert math.isnan(answer.values[0][1])
    assert answer.values[1] == ({}, math.inf)
    assert answer.warnings == ("partial", "metric might not be a counter")


def test_a_scalar_and_an_empty_vector_are_answers(server):
    server.expect_oneshot_request("/api/v1/query").respond_with_json(good([1, "2.5"], "scalar"))
    server.expect_oneshot_request("/api/v1/query").respond_with_json(good([], "vector"))
    assert client(server).query("scalar(x)", AT).values == (({}, 2.5),)
    assert client(server).query("x", AT).values == ()


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_failure_that_may_pass_is_asked_again(server, status):
    server.expect_ordered_request("/api/v1/query").respond_with_data("", status=status)
    server.expect_ordered_request("/api/v1/query").respond_with_data("", status=status)
    server.expect_ordered_request("/api/v1/query").respond_with_json(good([]))
    assert samples(client(server)) == ()
    assert server.pauses == [0.3, 0.6]


def test_a_failure_that_does_not_pass_is_unreachable_after_three_attempts(server):
    body = json.dumps({"status": "error", "errorType": "unavailable", "error": "starting up"})
    server.expect_request("/api/v1/query").respond_with_data(body, status=503)
    with pytest.raises(Unreachable, match="HTTP 503: starting up"):
        samples(client(server))
    assert len(server.log) == 3


def test_the_server_may_say_how_long_to_wait_up_to_a_limit(server):
    server.expect_ordered_request("/api/v1/query").respond_with_data("", status=429, headers={"Retry-After": "3600"})
    server.expect_ordered_request("/api/v1/query").respond_with_json(good([], "vector"))
    client(server).query("up", AT)
    assert server.pauses == [2.0]


@pytest.mark.parametrize("ask", [samples, lambda prometheus: prometheus.query("up(", AT)])
def test_a_bad_selector_is_unusable_with_the_words_of_prometheus_and_not_asked_again(server, ask):
    body = json.dumps({"status": "error", "errorType": "bad_data", "error": "1:4: parse error: unclosed"})
    server.expect_request("/api/v1/query").respond_with_data(body, status=400)
    with pytest.raises(Unusable, match="1:4: parse error: unclosed"):
        ask(client(server))
    assert len(server.log) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_forbidden_and_never_shown(server, status):
    server.expect_request("/api/v1/query").respond_with_data("token s3cret", status=status)
    url = server.url_for("").replace("http://", "http://user:s3cret@")
    prometheus = Prometheus(url, headers={"X-Token": "s3cret"})
    with pytest.raises(Forbidden) as raised:
        samples(prometheus)
    assert "s3cret" not in raised.value.what + raised.value.remedy + str(raised.value.__cause__)
    assert server.log[0][0].headers["X-Token"] == "s3cret"
    assert server.log[0][0].authorization.password == "s3cret"


@pytest.mark.parametrize(
    "body", ["<html>proxy</html>", "[]", "{}", '{"data": null}', '{"data": {"resultType": "matrix"}}']
)
def test_an_answer_that_is_none_of_prometheus_is_unreachable_and_no_crash(server, body):
    server.expect_request("/api/v1/query").respond_with_data(body)
    prometheus = client(server)
    with pytest.raises(Unreachable):
        samples(prometheus)
    with pytest.raises(Unreachable):
        prometheus.query("up", AT)


def test_a_server_that_is_slow_or_gone_is_unreachable(server):
    def slow(request):
        import time  # noqa: PLC0415

        time.sleep(0.4)
        return Response("{}")

    server.expect_request("/api/v1/query").respond_with_handler(slow)
    with pytest.raises(Unreachable, match=r"no answer within 0\.1 s"):
        samples(client(server, timeout=timedelta(seconds=0.1)))
    with pytest.raises(Unreachable, match=r"nothing listens at 127\.0\.0\.1:9"):
        samples(Prometheus("http://127.0.0.1:9", sleep=server.pauses.append))


def test_an_empty_span_is_not_asked_about(server):
    assert client(server).samples("up", AT, AT) == ()
    assert server.log == []
