"""The Prometheus adapter on real Prometheus servers of the test's own: pages, TLS, native histograms, a pair."""

import http.server
import re
import shutil
import socket
import struct
import subprocess
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import requests

from contracts.secured import Authority
from davy.checks.metrics.prometheus.client import Prometheus
from davy.checks.metrics.quorum import Quorum
from davy.checks.samples.counters import growth
from davy.checks.samples.native_histograms import classic
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.servers import PrometheusConfig
from davy.pipeline.core.errors import Forbidden, Unreachable

pytestmark = pytest.mark.lab("docker")
PODS, METRICS = 200, 10
PASSWORD = "hunter2"
HASH = "$2b$05$q3IMo3T7hqBozVzdKOP.LeHBVzdxqWKBYdMk2PLv05c0t4AHLI44O"
"""Of the password, by bcrypt."""
PROTOBUF = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"


def now():
    return datetime.now(UTC)


class Exporter:
    """One page of metrics, made anew for each scrape."""

    def __init__(self, page, kind="text/plain; version=0.0.4"):
        self.scrapes = 0
        outer = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.scrapes += 1
                body = page(outer.scrapes)
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Real:
    """Debian's Prometheus on a free loopback port, scraping every second."""

    def __init__(self, folder, exporter, *flags, scheme="http", session=None):
        folder.mkdir(exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"{scheme}://127.0.0.1:{port}"
        self.session = session or requests.Session()
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            "scrape_configs:\n"
            f"- {{job_name: shop, honor_labels: true, static_configs: [{{targets: ['{exporter.address}']}}]}}\n"
        )
        command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
        self.process = subprocess.Popen(
            [*command, f"--web.listen-address=127.0.0.1:{port}", *flags],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until(self.is_ready)
        except AssertionError:
            self.close()
            raise

    def is_ready(self):
        try:
            return self.session.get(f"{self.url}/-/ready", timeout=1).ok
        except requests.RequestException:
            return False

    def asked(self):
        """How many instant queries it has answered, by its own count."""
        text = self.session.get(f"{self.url}/metrics", timeout=5).text
        counts = re.findall(
            r'^prometheus_http_requests_total\{.*handler="/api/v1/query".*\} (\S+)$', text, re.MULTILINE
        )
        return sum(int(float(count)) for count in counts)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.session.close()


def until(holds, seconds=30):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


@pytest.fixture
def stack():
    if not shutil.which("prometheus"):
        pytest.skip("no prometheus binary here")
    with ExitStack() as held:
        yield held


def kept(stack, part):
    stack.callback(part.close)
    return part


def many(scrape):
    return "".join(f'm{n}{{pod="p{pod}"}} {scrape}\n' for n in range(METRICS) for pod in range(PODS)).encode()


def test_200_pods_and_10_metrics_cost_10_requests_and_a_few_more_where_samples_are_rationed(stack, tmp_path):
    exporter = kept(stack, Exporter(many))
    server = kept(stack, Real(tmp_path / "a", exporter))
    begun = now()
    until(lambda: exporter.scrapes >= 12, 40)
    end = now() - timedelta(milliseconds=300)
    selectors = [f'm{n}{{pod=~"{"|".join(f"p{pod}" for pod in range(PODS))}"}}' for n in range(METRICS)]
    before = server.asked()
    whole = Prometheus(server.url).samples_of(selectors, begun, end)
    assert server.asked() - before == METRICS
    assert [len(group) for group in whole] == [PODS] * METRICS
    server.process.terminate()
    server.process.wait()
    rationed = kept(stack, Real(tmp_path / "a", exporter, f"--query.max-samples={PODS * 6}"))
    small = Prometheus(rationed.url)
    before = rationed.asked()
    paged = small.samples_of(selectors, begun, end)
    first, before = rationed.asked() - before, rationed.asked()
    assert by_series(paged) == by_series(whole)
    assert METRICS < first <= 8 * METRICS
    print(f"{METRICS} requests; {first} with samples rationed")
    small.samples_of(selectors, begun, end)
    assert rationed.asked() - before < first
    for group in paged:
        for one in group:
            values = [value for _, value in one.samples]
            assert values == [values[0] + n for n in range(len(values))]


def by_series(groups):
    return [{one.labels["pod"]: one.samples for one in group} for group in groups]


def test_a_server_behind_tls_passwords_and_client_certificates(stack, tmp_path):
    authority = Authority(tmp_path)
    cert, key = authority.signed("server", "IP:127.0.0.1")
    mine = authority.signed("davy")
    (tmp_path / "web.yml").write_text(
        f"tls_server_config: {{cert_file: {cert}, key_file: {key}, client_auth_type: RequireAndVerifyClientCert, "
        f"client_ca_file: {authority.ca}}}\n"
        f"basic_auth_users: {{davy: '{HASH}'}}\n"
    )
    session = requests.Session()
    session.trust_env = False  # REQUESTS_CA_BUNDLE would go before `verify`.
    session.cert, session.verify, session.auth = mine, str(authority.ca), ("davy", PASSWORD)
    exporter = kept(stack, Exporter(lambda scrape: b"up2 1\n"))
    flag = f"--web.config.file={tmp_path}/web.yml"
    server = kept(stack, Real(tmp_path / "a", exporter, flag, scheme="https", session=session))
    tls = {"ca_file": str(authority.ca), "cert_file": mine[0], "key_file": mine[1]}
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    basic = {"username": "davy", "password_file": str(tmp_path / "password")}

    def asked(**said):
        found = Prometheus(made(PrometheusConfig, {"url": server.url, **said}), sleep=lambda _: None)
        return found.query("vector(1)", now()).values, found.samples("up2", now() - timedelta(minutes=1), now())

    assert asked(tls_config=tls, basic_auth=basic)[0] == (({}, 1.0),)
    with pytest.raises(Forbidden):
        asked(tls_config=tls, basic_auth={"username": "davy", "password": "wrong"})
    with pytest.raises(Unreachable):
        asked(tls_config={"ca_file": str(authority.ca)}, basic_auth=basic)
    with pytest.raises(Unreachable, match="TLS certificate"):
        asked(basic_auth=basic)


def varint(value):
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def zigzag(value):
    return varint(value * 2 if value >= 0 else -value * 2 - 1)


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def native(name, pod, *, zero, low, high):
    """A histogram of schema 0 in the exposition's protobuf: (0.25, 0.5] holds `low`, (0.5, 1] holds `high`."""
    span = varint(1 << 3) + zigzag(-1) + varint(2 << 3) + varint(2)
    histogram = (
        varint(1 << 3)
        + varint(zero + low + high)
        + (varint(2 << 3 | 1) + struct.pack("<d", 1.5))
        + (varint(5 << 3) + zigzag(0))
        + (varint(6 << 3 | 1) + struct.pack("<d", 0.001))
        + (varint(7 << 3) + varint(zero))
        + field(12, span)
        + field(13, zigzag(low) + zigzag(high - low))
    )
    label = field(1, field(1, b"pod") + field(2, pod.encode()))
    family = field(1, name.encode()) + varint(3 << 3) + varint(4) + field(4, label + field(7, histogram))
    return varint(len(family)) + family


def test_native_histograms_are_read_as_prometheus_counts_them(stack, tmp_path):
    def page(scrape):
        return native("latency_seconds", "new-1", zero=2, low=10 * scrape, high=3 * scrape)

    exporter = kept(stack, Exporter(page, PROTOBUF))
    server = kept(stack, Real(tmp_path / "a", exporter, "--enable-feature=native-histograms"))
    begun = now()
    until(lambda: exporter.scrapes >= 5)
    time.sleep(0.3)
    prometheus = Prometheus(server.url)
    found = prometheus.samples('latency_seconds{pod="new-1"}', begun - timedelta(minutes=1), now())
    assert len(found[0].histograms) >= 4
    made, notes = classic(found, [0.5, 0.7, 1.0])
    points = {one.labels["le"]: [value for _, value in one.samples] for one in made}
    scrapes = [round((value - 2) / 10) for value in points["0.5"]]
    assert all(b - a == 1 for a, b in pairwise(scrapes))
    assert points["1.0"] == points["+Inf"] == [2 + 13 * n for n in scrapes]
    assert all(2 + 10 * n < value < 2 + 13 * n for n, value in zip(scrapes, points["0.7"], strict=True))
    assert len(notes) == 1
    at = datetime.fromtimestamp(found[0].histograms[-1][0], UTC)
    assert prometheus.query("histogram_count(latency_seconds)", at).values[0][1] == points["+Inf"][-1]
    share = prometheus.query("histogram_fraction(0, 0.5, latency_seconds)", at).values[0][1]
    assert share == pytest.approx(points["0.5"][-1] / points["+Inf"][-1])


def test_a_pair_of_which_one_dies_gives_every_count_once(stack, tmp_path):
    counted = {"value": 0}
    exporter = kept(stack, Exporter(lambda scrape: f'c{{pod="p"}} {counted["value"]}\n'.encode()))
    servers = [kept(stack, Real(tmp_path / name, exporter)) for name in "ab"]
    clients = [(server.url, Prometheus(server.url, sleep=lambda _: None)) for server in servers]
    pair = Quorum(clients, need=1)

    def scraped():
        goal = exporter.scrapes + 5
        until(lambda: exporter.scrapes >= goal)
        time.sleep(0.2)

    def grown(since):
        ((one,),) = [pair.samples_of(["c"], begun - timedelta(seconds=20), now())]
        (series,) = one
        return growth(series.samples, start=since.timestamp(), end=now().timestamp(), born=False)

    scraped()
    begun = now()
    counted["value"] += 100
    scraped()
    assert grown(begun) == 100
    servers[0].process.kill()
    servers[0].process.wait()
    counted["value"] += 50
    scraped()
    scraped()
    assert grown(begun) == 150
    assert any("did not answer" in said for said in pair.heard())
    with pytest.raises(Unreachable, match="1 answered and 2 must"):
        Quorum(clients).samples("c", begun, now())
