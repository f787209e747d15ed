"""The pods of a cluster, told to Prometheus as its `kubernetes_sd_configs` would see them.

Debian's Prometheus is built without Kubernetes discovery, so this small server answers
its `http_sd_configs` with the same labels, from the API server's list of pods.
https://prometheus.io/docs/prometheus/latest/http_sd/
"""

from __future__ import annotations

import json
import re
import ssl
import sys
import urllib.request
from dataclasses import asdict, dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

META = "__meta_kubernetes_"
SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to speak with an API server; empty where the credential is of the other kind."""

    server: str
    ca_file: str
    token: str = ""
    cert_file: str = ""
    key_file: str = ""

    def as_json(self) -> str:
        return json.dumps(asdict(self))


def opener(access: Access) -> urllib.request.OpenerDirector:
    """What opens the API server's URLs with these credentials."""
    context = ssl.create_default_context(cafile=access.ca_file)
    if access.cert_file:
        context.load_cert_chain(access.cert_file, access.key_file)
    built = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    if access.token:
        built.addheaders = [("Authorization", f"Bearer {access.token}")]
    return built


def target_groups(pods: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One group per pod that has an address."""
    return [{"targets": [pod["status"]["podIP"]], "labels": _labels(pod)} for pod in pods if pod["status"].get("podIP")]


def _labels(pod: dict[str, Any]) -> dict[str, str]:
    about, status = pod["metadata"], pod["status"]
    labels = {
        f"{META}namespace": about["namespace"],
        f"{META}pod_name": about["name"],
        f"{META}pod_ip": status["podIP"],
        f"{META}pod_phase": status.get("phase", "Unknown"),
        f"{META}pod_node_name": pod["spec"].get("nodeName", ""),
    }
    for kind in ("label", "annotation"):
        for name, value in about.get(f"{kind}s", {}).items():
            labels[f"{META}pod_{kind}_{_plain(name)}"] = value
    return labels


def _plain(name: str) -> str:
    """A name as a Prometheus label may spell it."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", name)


def serve(access: Access, port: int) -> None:
    """Answer on loopback until ended; while the API server is dumb, so are we (503),
    and Prometheus goes on with the pods it knew."""
    opened = opener(access)

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                with opened.open(f"{access.server}/api/v1/pods", timeout=SECONDS) as reply:
                    body = json.dumps(target_groups(json.load(reply)["items"])).encode()
                self.send_response(HTTPStatus.OK)
            except OSError as down:
                body = str(down).encode()
                self.send_response(HTTPStatus.SERVICE_UNAVAILABLE)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing per request."""

    ThreadingHTTPServer(("127.0.0.1", port), Answer).serve_forever()


if __name__ == "__main__":
    serve(Access(**json.loads(Path(sys.argv[1]).read_text())), int(sys.argv[2]))
