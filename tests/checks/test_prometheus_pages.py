"""Many series in few requests: side by side, in pages where the server wants them, none lost and none twice."""

import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.secured import Server
from davy.checks.metrics.prometheus.client import Prometheus
from davy.checks.metrics.prometheus.paging import LEAST_MS, is_too_much
from davy.pipeline.config.sections.servers import PrometheusConfig
from davy.pipeline.core.errors import Unusable

AT = datetime(2026, 3, 1, tzinfo=UTC)
END = AT.timestamp()
PODS, METRICS = 200, 10


class Shop:
    """A Prometheus over pods that were scraped at known times; refuses what would load too many samples."""

    def __init__(self, server, *, times, pods=1, most=10**9, refusal=None, edge=True):
        self.times, self.pods, self.most = times, pods, most
        self.refusal = refusal or (422, "query processing would load too many samples into memory in query execution")
        self.edge = edge
        self.lock, self.under_way, self.most_under_way = threading.Lock(), 0, 0
        server.answer = self.answer

    def answer(self, request):
        with self.lock:
            self.under_way += 1
            self.most_under_way = max(self.under_way, self.most_under_way)
        try:
            return self.found(request.form)
        finally:
            with self.lock:
                self.under_way -= 1

    def found(self, form):
        name, span = re.fullmatch(r"(\w+)\{.*\}\[(\d+)ms\]", form["query"]).groups()
        last = round(float(form["time"]) * 1000)
        first = last - int(span)
        inside = [at for at in self.times if (first <= at if self.edge else first < at) and at <= last]
        if len(inside) * self.pods > self.most:
            status, said = self.refusal
            return status, {"status": "error", "errorType": "execution", "error": said}
        series = [
            {"metric": {"__name__": name, "pod": f"p{n}"}, "values": [[at / 1000, str(at % 997)] for at in inside]}
            for n in range(self.pods)
        ]
        return 200, {"status": "success", "data": {"resultType": "matrix", "result": series if inside else []}}


@pytest.fixture
def server():
    made = Server()
    yield made
    made.close()


def client(server, **more):
    return Prometheus(server.url, sleep=lambda _: None, **more)


def every(seconds, back):
    return [round((END - n * seconds) * 1000) for n in range(int(back / seconds), -1, -1)]


def test_200_pods_and_10_metrics_cost_10_requests(server):
    shop = Shop(server, times=every(15, 600), pods=PODS)
    selectors = [f'm{n}{{pod=~"{"|".join(f"p{pod}" for pod in range(PODS))}"}}' for n in range(METRICS)]
    found = client(server).samples_of(selectors, AT - timedelta(minutes=5), AT)
    assert len(server.asked) == METRICS
    assert [len(group) for group in found] == [PODS] * METRICS
    assert [group[0].labels["__name__"] for group in found] == [f"m{n}" for n in range(METRICS)]
    assert {len(one.samples) for group in found for one in group} == {20}
    assert shop.most_under_way <= 8


def test_requests_are_under_way_at_the_same_time_and_each_connection_is_used_again(server):
    both = threading.Barrier(4, timeout=20)
    shop = Shop(server, times=every(15, 60))
    answer = shop.answer

    def together(request):
        both.wait()
        return answer(request)

    server.answer = together
    prometheus = client(server)
    for _ in range(3):
        prometheus.samples_of([f"m{n}{{}}" for n in range(4)], AT - timedelta(minutes=1), AT)
    assert len({one.client_address for one in server.asked}) == 4


def test_a_selector_that_is_there_twice_is_asked_once(server):
    Shop(server, times=every(15, 60))
    found = client(server).samples_of(["a{}", "b{}", "a{}"], AT - timedelta(minutes=1), AT)
    assert len(server.asked) == 2
    assert found[0] == found[2] != found[1]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (422, "query processing would load too many samples into memory in query execution"),
        (413, ""),
        (422, "the query exceeded the maximum number of chunks (limit: 10 chunks) (err-mimir-max-chunks-per-query)"),
        (422, "cannot select more than -search.maxSamplesPerQuery=1000000000 samples"),
        (500, "rpc error: code = ResourceExhausted desc = exceeded samples limit: limit 100 violated (got 101)"),
    ],
)
def test_what_a_server_will_not_give_at_once_is_read_in_pages(server, status, said):
    times = every(5, 600)
    Shop(server, times=times, pods=3, most=40, refusal=(status, said))
    prometheus = client(server)
    found = prometheus.samples("m{}", AT - timedelta(minutes=10), AT)
    wanted = [at / 1000 for at in times if at > times[0]]
    assert [[at for at, _ in one.samples] for one in found] == [wanted] * 3
    before = len(server.asked)
    prometheus.samples("m{}", AT - timedelta(minutes=10), AT)
    assert len(server.asked) - before < before


def test_an_answer_that_is_too_large_to_hold_is_read_in_pages(server):
    times = every(1, 300)
    Shop(server, times=times)
    (one,) = client(server, most_bytes=4000).samples("m{}", AT - timedelta(minutes=5), AT)
    assert [at for at, _ in one.samples] == [at / 1000 for at in times[1:]]
    assert len(server.asked) > 2


def test_what_is_too_much_even_in_a_second_is_said_and_not_asked_for_ever(server):
    Shop(server, times=every(1, 60), pods=50, most=10)
    with pytest.raises(Unusable, match="even a second of it is too much"):
        client(server).samples("m{}", AT - timedelta(minutes=1), AT)
    assert len(server.asked) < 12
    assert LEAST_MS == 1000


@pytest.mark.parametrize("said", ["parse error: unexpected end of input", "unknown function with name x", ""])
def test_no_other_refusal_is_taken_for_too_much(said):
    assert not is_too_much(422, said)


def test_warnings_beside_samples_are_heard_once(server):
    body = {"status": "success", "data": {"resultType": "matrix", "result": []}, "warnings": ["partial response"]}
    server.answer = lambda request: (200, body | {"infos": ["not a counter"]})
    prometheus = client(server)
    prometheus.samples_of([f"m{n}{{}}" for n in range(5)], AT - timedelta(minutes=1), AT)
    assert sorted(prometheus.heard()) == ["not a counter", "partial response"]
    assert prometheus.heard() == ()


def test_a_partial_answer_is_heard_and_the_users_parameters_go_with_each_question(server):
    body = {"status": "success", "isPartial": True, "data": {"resultType": "vector", "result": []}}
    server.answer = lambda request: (200, body)
    prometheus = Prometheus(PrometheusConfig(url=server.url, params={"deny_partial_response": "1"}))
    assert prometheus.query("up", AT).warnings == ("the answer is partial",)
    prometheus.samples("up", AT - timedelta(minutes=1), AT)
    assert [one.form["deny_partial_response"] for one in server.asked] == ["1", "1"]
    assert prometheus.heard() == ("the answer is partial",)


def test_native_histograms_are_read_as_the_api_documents_them(server):
    """The form of docs/querying/api.md, "Native histograms"."""
    told = {"count": "13", "sum": "3.2", "buckets": [[0, "0.5", "1", "3"], [3, "-0.001", "0.001", "10"]]}
    metric = {"metric": {"__name__": "h", "pod": "a"}, "histograms": [[END - 60, told], [END, told]]}
    server.answer = lambda r: (200, {"status": "success", "data": {"resultType": "matrix", "result": [metric]}})
    (one,) = client(server).samples("h", AT - timedelta(minutes=1), AT)
    ((at, histogram),) = one.histograms
    assert (at, one.samples) == (END, ())
    assert (histogram.count, histogram.sum) == (13, 3.2)
    assert histogram.buckets == ((-0.001, 0.001, 10), (0.5, 1, 3))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(0, 60_000), min_size=1, max_size=60, unique=True),
    st.integers(1, 20),
    st.integers(0, 59_999),
    st.booleans(),
)
def test_pages_lose_no_sample_and_double_none(server, times, most, first, edge):
    base = round(END * 1000)
    stamps = sorted(base - at for at in times)
    Shop(server, times=stamps, most=max(most, 1), edge=edge)
    start = datetime.fromtimestamp((base - 60_000 + first) / 1000, UTC)
    try:
        found = client(server).samples("m{}", start, AT)
    except Unusable:
        return
    wanted = [at / 1000 for at in stamps if at > base - 60_000 + first]
    assert [at for one in found for at, _ in one.samples] == wanted
