"""A real k6 in every place that runs one: what its script decides is what davy tells."""

import http.server
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.kube_lab import NAMESPACE, KubeLab, kube_lab
from contracts.parts import demand
from davy.pipeline.config.sections.suites import ServiceConfig
from davy.pipeline.core.artifacts import Image
from davy.pipeline.suites.ports import SuiteOrder, SuiteRun
from davy.pipeline.suites.reports.cases import CaseResult
from davy.pipeline.suites.reports.writer import read
from davy.pipeline.suites.runners.docker.runner import DockerSuites
from davy.pipeline.suites.runners.kubernetes.runner import JobSuites
from davy.pipeline.suites.runners.process import ProcessSuites
from lab.layout import layout_from

pytestmark = [pytest.mark.lab, pytest.mark.extra]

SCRIPTS = {
    "load.js": """
import http from 'k6/http'; import { check } from 'k6';
export const options = { iterations: 4, thresholds: { http_req_failed: ['rate<0.01'], checks: ['rate>0.99'] } };
export default function () {
  check(http.get(__ENV.DAVY_URL + '/' + (__ENV.PATH_OF || '')), { ok: (r) => r.status === 200 });
}
""",
    "broken.js": "export default function () { nonsense( }",
    "wrong.js": "export const options = {scenarios: {a: {executor: 'nope'}}}; export default function () {}",
}
SHOP = """
import http.server
class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/" else 500)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("", 8080), Shop).serve_forever()
"""
Play = Callable[..., SuiteRun]


class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/" else 500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def lab() -> KubeLab:
    return kube_lab()


@pytest.fixture(scope="module")
def k6() -> Path:
    path = layout_from().binaries / "k6"
    demand("k6", path.exists())
    return path.resolve()


@pytest.fixture(scope="module")
def image(lab: KubeLab, k6: Path, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """An image with k6 and the scripts, in the lab's registry."""
    folder = tmp_path_factory.mktemp("k6")
    shutil.copy(k6, folder / "k6")
    for name, text in SCRIPTS.items():
        (folder / name).write_text(text)
    dockerfile = f"FROM {lab.facts['base_image']}\nWORKDIR /load\nCOPY k6 /usr/local/bin/k6\nCOPY *.js ./\n"
    (folder / "Dockerfile").write_text(dockerfile)
    docker, tag = ("docker", "--host", lab.facts["docker_host"]), f"{lab.facts['registry']}/kube-test/k6:1"
    subprocess.run([*docker, "build", "-q", "-t", tag, str(folder)], check=True, capture_output=True)
    subprocess.run([*docker, "push", "-q", tag], check=True, capture_output=True)
    said = subprocess.run(
        [*docker, "inspect", "-f", "{{index .RepoDigests 0}}", tag], check=True, capture_output=True, text=True
    )
    name, _, digest = said.stdout.strip().partition("@")
    return Image(name=name, digest=digest)


@pytest.fixture(params=["process", "image", "kubernetes"])
def play(request: pytest.FixtureRequest, tmp_path: Path, shop: str) -> Play:
    """Runs one of the scripts in one of the places, against the shop that is beside it."""
    match request.param:
        case "process":
            return on_this_machine(request.getfixturevalue("k6"), tmp_path, shop)
        case "image":
            return in_docker(request.getfixturevalue("lab"), request.getfixturevalue("image"), tmp_path, shop)
        case _:
            return as_job(request.getfixturevalue("lab"), request.getfixturevalue("image"), tmp_path)


def on_this_machine(k6: Path, folder: Path, shop: str) -> Play:
    (folder / "bin").mkdir()
    (folder / "bin" / "k6").symlink_to(k6)
    for name, text in SCRIPTS.items():
        (folder / name).write_text(text)
    runner = ProcessSuites({"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "HOME": str(folder)})
    return lambda script, **env: runner.run(
        replace(order_of(script, folder, env={"DAVY_URL": shop, **env}), folder=folder), lambda _: None
    )


def in_docker(lab: KubeLab, image: Image, folder: Path, shop: str) -> Play:
    runner = DockerSuites({**os.environ, "DOCKER_HOST": lab.facts["docker_host"]})
    return lambda script, **env: runner.run(
        order_of(script, folder, image=image, network="host", env={"DAVY_URL": shop, **env}), lambda _: None
    )


def as_job(lab: KubeLab, image: Image, folder: Path) -> Play:
    beside = ServiceConfig(name="shop", image=lab.image("v1"), args=("python3", "-c", SHOP), port=8080, memory="64Mi")
    runner = JobSuites(lab.api(), NAMESPACE, service="shop", release=folder.name)
    return lambda script, **env: runner.run(
        order_of(
            script, folder, image=image, env={"DAVY_URL": "http://shop:8080", **env}, settings={"services": (beside,)}
        ),
        lambda _: None,
    )


def order_of(
    script: str, folder: Path, *, image: Image | None = None, settings: dict[str, object] | None = None, **more: object
) -> SuiteOrder:
    own = {"k6": script, **(settings or {})}
    return SuiteOrder(name="load", image=image, run="", settings=own, out=folder / "out", **more)  # type: ignore[arg-type]


def test_thresholds_that_hold_pass(play: Play) -> None:
    good = play("load.js")
    assert (good.exit_code, good.because) == (0, "")
    assert {case.result for case in read(good.junit or "")} == {CaseResult.PASSED}


def test_thresholds_that_do_not_hold_fail_by_their_names(play: Play) -> None:
    bad = play("load.js", PATH_OF="cart")
    failed = [case.name for case in read(bad.junit or "") if case.result is CaseResult.FAILED]
    assert (bad.exit_code, failed) == (99, ["checks: rate>0.99", "http_req_failed: rate<0.01"])


@pytest.mark.parametrize(
    ("script", "because"),
    [
        ("broken.js", "the script raised an exception"),
        ("wrong.js", "the script's options, or k6's, are not valid"),
    ],
)
def test_a_script_that_cannot_run_is_told_from_one_that_fails(play: Play, script: str, because: str) -> None:
    run = play(script)
    assert (run.because, run.fault) == (because, False)
