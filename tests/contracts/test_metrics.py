"""The contract of Metrics: kept by the memory twin always, and by a real Prometheus in the lab."""

import http.server
import shutil
import signal
import socket
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
import requests

from davy.checks.judges.sequential.judge import SequentialJudge
from davy.checks.metrics.memory import SimulatedMetrics
from davy.checks.metrics.prometheus.client import Prometheus
from davy.checks.metrics.quorum import Quorum
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.core.errors import Unreachable, Unusable
from davy.pipeline.core.verdict import Decision, Gap
from davy.pipeline.core.workload import ReadyPod, Sides


def now():
    return datetime.now(UTC)


class Exporter:
    """Two pods' counters behind one HTTP server, changed by the test, so every count is known."""

    def __init__(self):
        self.values = {}
        self.scrapes = []
        exporter = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = "".join(f"{name}{{{labels}}} {value}\n" for (name, labels), value in exporter.values.items())
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(body.encode())
                exporter.scrapes.append(dict(exporter.values))

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def count(self, pod, code, by):
        key = ("http_total", f'pod="{pod}",code="{code}"')
        self.values[key] = self.values.get(key, 0) + by

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class RealPrometheus:
    """Debian's Prometheus on a free loopback port, over an exporter of ours."""

    def __init__(self, folder):
        self.exporter = Exporter()
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            "scrape_configs:\n"
            "- job_name: shop\n"
            "  honor_labels: true\n"
            f"  static_configs: [{{targets: ['127.0.0.1:{self.exporter.port}']}}]\n"
        )
        self.metrics = Prometheus(f"http://127.0.0.1:{self.port}", timeout=timedelta(seconds=2))
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={self.folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={self.folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.until(self.is_ready, 30)

    def is_ready(self):
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/-/ready", timeout=1).ok
        except requests.RequestException:
            return False

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def until(self, holds, seconds):
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, "waited too long"
            time.sleep(0.1)

    def scraped(self, times=2):
        """Wait until what was counted has been scraped and stored."""
        goal = len(self.exporter.scrapes) + times
        self.until(lambda: len(self.exporter.scrapes) >= goal, 20)
        time.sleep(0.2)

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.exporter.close()


class Twin:
    """The memory twin behind the same handles."""

    def __init__(self):
        self.metrics = SimulatedMetrics()
        self.exporter = self

    def count(self, pod, code, by):
        self.metrics.count("http_total", {"pod": pod, "code": code, "job": "shop"}, by)

    def scraped(self, times=2):
        for _ in range(times):
            time.sleep(0.002)
            self.metrics.scrape(now())

    def close(self):
        pass


class PairOfTwins(Twin):
    """Two memory twins that saw the same, behind a quorum."""

    def __init__(self):
        self.twins = [Twin(), Twin()]
        self.metrics = Quorum([(name, twin.metrics) for name, twin in zip("ab", self.twins, strict=True)])
        self.exporter = self

    def count(self, pod, code, by):
        for twin in self.twins:
            twin.count(pod, code, by)

    def scraped(self, times=2):
        for twin in self.twins:
            twin.scraped(times)


@pytest.fixture(scope="module", params=["memory", "pair", pytest.param("prometheus", marks=pytest.mark.lab("docker"))])
def part(request, tmp_path_factory):
    """One for all tests here: a Prometheus takes seconds to its first scrape. Each test has pods of its own."""
    if request.param == "prometheus":
        if not shutil.which("prometheus"):
            pytest.skip("no prometheus binary here")
        made = RealPrometheus(tmp_path_factory.mktemp("prometheus"))
    else:
        made = Twin() if request.param == "memory" else PairOfTwins()
    yield made
    made.close()


@pytest.fixture
def real(tmp_path):
    if not shutil.which("prometheus"):
        pytest.skip("no prometheus binary here")
    made = RealPrometheus(tmp_path)
    yield made
    made.close()


def test_samples_are_raw_ordered_inside_the_span_and_by_series(part):
    start = now()
    part.exporter.count("new-1", "200", 7)
    part.exporter.count("new-1", "500", 2)
    part.exporter.count("old-1", "200", 40)
    part.scraped(3)
    end = now()
    found = part.metrics.samples('http_total{job="shop",pod=~"new-1|old-1"}', start, end)
    assert {(one.labels["pod"], one.labels["code"], one.samples[-1][1]) for one in found} == {
        ("new-1", "200", 7.0),
        ("new-1", "500", 2.0),
        ("old-1", "200", 40.0),
    }
    for one in found:
        times = [at for at, _ in one.samples]
        assert times == sorted(times)
        assert start.timestamp() < times[0] <= times[-1] <= end.timestamp()
    first = min(one.samples[0][0] for one in found)
    edge = datetime.fromtimestamp(first, UTC)
    assert all(at > first for one in part.metrics.samples("http_total", edge, end) for at, _ in one.samples)


def test_no_series_is_an_empty_answer_and_no_error(part):
    part.exporter.count("new-4", "200", 1)
    part.scraped(1)
    assert part.metrics.samples('http_total{pod="nobody"}', now() - timedelta(minutes=1), now()) == ()
    assert part.metrics.query('http_total{pod="nobody"}', now()).values == ()


def test_a_selector_is_answered_with_the_newest_values(part):
    part.exporter.count("new-2", "200", 3)
    part.scraped(3)
    answer = part.metrics.query('http_total{pod="new-2"}', now())
    assert [(labels["code"], value) for labels, value in answer.values] == [("200", 3.0)]


@pytest.mark.parametrize("text", ['http_total{pod="new"', "http_total{pod=new}", "sum(http_total)["])
def test_a_selector_that_does_not_parse_is_unusable(part, text):
    part.exporter.count("new-3", "200", 1)
    part.scraped(1)
    with pytest.raises(Unusable):
        part.metrics.samples(text, now() - timedelta(minutes=1), now())


def judge_over(metrics):
    slo = {"name": "availability", "objective": 99, "errors": 'http_total{code=~"5.."}', "total": "http_total"}
    config = made(ChecksConfig, {"prometheus": "http://p.example", "slos": [slo], "interval": "1s"})
    return SequentialJudge(metrics, config, timedelta(0))


@pytest.mark.lab("docker")
def test_a_prometheus_that_dies_in_the_middle_and_returns_costs_no_count(real):
    for pod in ("new", "old"):
        real.exporter.count(pod, "200", 0)
    real.scraped()
    begun = now()
    sides = Sides(
        canary=(ReadyPod(name="new", ready_since=begun),),
        stable=(ReadyPod(name="old", ready_since=begun - timedelta(days=1)),),
        started_at=begun - timedelta(seconds=1),
    )
    real.scraped()
    judge = judge_over(real.metrics)
    judge.look(sides, now(), 2.0)
    real.exporter.count("new", "200", 100)
    real.exporter.count("new", "500", 1)
    real.exporter.count("old", "200", 900)
    real.scraped()
    assert judge.look(sides, now(), 2.0).evidence[0].canary.total == 101
    real.kill()
    real.exporter.count("new", "200", 50)
    real.exporter.count("new", "500", 4)
    real.exporter.count("old", "200", 450)
    verdict = judge.look(sides, now(), 2.0)
    assert (verdict.decision, verdict.gaps) == (Decision.UNKNOWN, {"availability": Gap.UNREACHABLE})
    real.start()
    real.scraped(3)
    (evidence,) = judge.look(sides, now(), 2.0).evidence
    assert (evidence.canary.bad, evidence.canary.total) == (5, 155)
    assert (evidence.stable.bad, evidence.stable.total) == (0, 1350)


@pytest.mark.lab("docker")
def test_the_numbers_of_the_users_own_client_library_agree_with_ours(real):
    from prometheus_api_client.prometheus_connect import PrometheusConnect  # noqa: PLC0415

    for by in (5, 11, 17):
        real.exporter.count("new", "200", by)
        real.scraped()
    at = now()
    theirs = PrometheusConnect(f"http://127.0.0.1:{real.port}")
    samples = theirs.custom_query("http_total[60s]", params={"time": f"{at.timestamp():.3f}"})
    ours = real.metrics.samples("http_total", at - timedelta(seconds=60), at)
    assert [[(at, float(value)) for at, value in one["values"]] for one in samples] == [list(s.samples) for s in ours]
    instant = theirs.custom_query("sum by (pod) (http_total)", params={"time": f"{at.timestamp():.3f}"})
    mine = real.metrics.query("sum by (pod) (http_total)", at)
    assert [(one["metric"], float(one["value"][1])) for one in instant] == list(mine.values) == [({"pod": "new"}, 33.0)]


@pytest.mark.lab("docker")
def test_a_server_that_is_gone_is_unreachable(real):
    real.kill()
    with pytest.raises(Unreachable):
        real.metrics.query("up", now())
    real.start()
    assert real.metrics.query("vector(1)", now()).values == (({}, 1.0),)
