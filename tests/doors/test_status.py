"""`davy canary status` as a subprocess, against an API server that knows nothing."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

Davy = Callable[..., subprocess.CompletedProcess[str]]
HEAVY = {"docker", "git", "requests", "kubernetes", "rich", "junitparser", "pydantic", "prometheus_api_client"}
STATUS = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}


class Nothing(BaseHTTPRequestHandler):
    """404 for everything, as Kubernetes says it."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({**STATUS, "message": 'deployments.apps "checkout" not found'}).encode()
        self.send_response(404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Nothing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    path = tmp_path / "kubeconfig"
    url = f"http://127.0.0.1:{server.server_address[1]}"
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "c",
                "clusters": [{"name": "c", "cluster": {"server": url}}],
                "users": [{"name": "u", "user": {}}],
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            }
        )
    )
    yield str(path)
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def configuration(tmp_path: Path) -> None:
    """A file whose other parts are broken: finding the Deployment needs only this one."""
    (tmp_path / "davy.yaml").write_text("deploy: {kubernetes: {namespace: shop, deployment: checkout}}\nimages: 3\n")


@pytest.mark.parametrize("command", ["status", "watch", "history", "promote", "abort", "hold"])
def test_a_deployment_or_rollout_that_is_not_there_is_said_with_exit_2_or_an_empty_list(
    davy: Davy, kubeconfig: str, command: str
) -> None:
    run = davy("canary", command, env={"KUBECONFIG": kubeconfig})
    if command == "history":
        assert (run.returncode, run.stdout) == (0, "no rollout has ended yet\n")
    else:
        assert run.returncode == 2
        assert "Traceback" not in run.stderr


def test_the_status_names_the_deployment_that_is_missing(davy: Davy, kubeconfig: str) -> None:
    run = davy("canary", "status", env={"KUBECONFIG": kubeconfig})
    assert "no Deployment checkout in the namespace shop" in run.stderr
    assert run.stdout == ""


def test_without_a_file_the_options_say_which_deployment(davy: Davy, kubeconfig: str, tmp_path: Path) -> None:
    (tmp_path / "davy.yaml").unlink()
    run = davy("canary", "status", "-n", "cellar", "--deployment", "wine", env={"KUBECONFIG": kubeconfig})
    assert run.returncode == 2
    assert "no Deployment wine in the namespace cellar" in run.stderr


def test_without_a_kubeconfig_it_says_what_to_do(davy: Davy) -> None:
    run = davy("canary", "status", "-o", "json")
    said = json.loads(run.stdout)
    assert (run.returncode, said["davy_error"]) == (2, 1)
    assert said["remedy"]


def test_the_status_imports_nothing_heavy(kubeconfig: str, tmp_path: Path) -> None:
    program = (
        "import sys; from davy.workflows.cli.main import run\n"
        "code = run(['canary', 'status']); print(code, *sys.modules)"
    )  # fmt: skip
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"KUBECONFIG": kubeconfig, "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        timeout=60,
    )
    code, *modules = run.stdout.split()
    assert code == "2"
    assert not HEAVY & {name.partition(".")[0] for name in modules}
