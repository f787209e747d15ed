"""What the cluster lacks for suites is said before anything is built."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from davy.pipeline.core.endings import Ending

Davy = Callable[..., subprocess.CompletedProcess[str]]


class ApiServer(ThreadingHTTPServer):
    """Says who may do what, and that it has no such namespace."""

    allowed = True
    namespace = 404

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)


class Answers(BaseHTTPRequestHandler):
    server: ApiServer

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(201, {"status": {"allowed": self.server.allowed}})

    def do_GET(self) -> None:
        self.answer(self.server.namespace, {"message": 'namespaces "shop" not found'})

    def answer(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...  # type: ignore[override]


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


def played(davy: Davy, folder: Path, server: ApiServer) -> subprocess.CompletedProcess[str]:
    kube = {
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "me", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
    }  # fmt: skip
    (folder / "kube").write_text(json.dumps(kube))
    config = {
        "service": "shop",
        "images": [{"name": "registry.invalid/shop"}],
        "tests": [{"name": "smoke", "in": "kubernetes", "run": "true"}],
        "deploy": {"kubernetes": {"namespace": "shop", "deployment": "shop", "kubeconfig": str(folder / "kube")}},
    }
    (folder / "davy.yaml").write_text(json.dumps(config))
    done = davy("test")
    # There is no git here and no such registry: who began to build would say so.
    assert "git" not in done.stderr
    assert "registry.invalid" not in done.stderr
    return done


def test_a_namespace_that_is_not_there(davy: Davy, tmp_path: Path, server: ApiServer) -> None:
    done = played(davy, tmp_path, server)
    assert done.returncode == Ending.UNUSABLE, done.stderr
    assert "deploy.kubernetes.namespace: there is no namespace 'shop' in the cluster of context 'here'" in done.stdout


def test_rights_that_are_missing(davy: Davy, tmp_path: Path, server: ApiServer) -> None:
    server.allowed = False
    done = played(davy, tmp_path, server)
    assert done.returncode == Ending.UNUSABLE, done.stderr
    assert "missing create jobs.batch" in done.stdout


def test_a_namespace_that_one_may_not_read_stops_nobody(davy: Davy, tmp_path: Path, server: ApiServer) -> None:
    server.namespace = 403
    with pytest.raises(AssertionError, match="git"):  # It went on to what is built.
        played(davy, tmp_path, server)
