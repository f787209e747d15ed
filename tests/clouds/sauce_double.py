"""A Sauce Labs of our own: its REST rows as documented, its faults on demand, and a real chromedriver behind its hub.

Without a chromedriver the hub answers the few commands by itself, so that faults can be tested anywhere.
"""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

USER, KEY = "shop-team", "5ecret-0f-the-cloud"
HEADLESS = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run"]
Tree = dict[str, Any]
Answer = tuple[int, Any]


@dataclass
class Faults:
    """What goes wrong next; each number counts down."""

    hidden: int = 0
    """So often a new job is not there yet."""
    broken: int = 0
    throttled: int = 0
    redirects: int = 0
    refused: int = 0
    cut: int = 0
    """Commands within a session that a gateway answers with 502."""
    no_minutes: bool = False
    late: float = 0.0
    """Seconds between a session's beginning and the hub's word of it."""


@dataclass
class Double:
    """The cloud's whole state."""

    driver: str = ""
    """A chromedriver's URL."""
    allowed: int = 5
    faults: Faults = field(default_factory=Faults)
    jobs: dict[str, Tree] = field(default_factory=dict)
    tunnels: dict[str, list[Tree]] = field(default_factory=dict)
    stored: dict[str, str] = field(default_factory=dict)
    """Ids of files, by their SHA-256."""
    uploads: list[bytes] = field(default_factory=list)
    started: list[Tree] = field(default_factory=list)
    """Bodies of session starts that the hub let through."""
    scripts: list[str] = field(default_factory=list)
    outcomes: dict[str, list[Tree]] = field(default_factory=dict)
    """What becomes of a framework job, by its suite's name: one for each start."""
    files: dict[str, bytes] = field(default_factory=lambda: {"video.mp4": b"a film", "log.json": b"[]"})
    most: int = 0
    """Sessions that ran at once, at the highest."""
    url: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def running(self) -> list[Tree]:
        return [job for job in self.jobs.values() if job["status"] in ("new", "queued", "in progress")]

    def hub(self, method: str, path: str, body: bytes) -> Answer:
        """`/wd/hub`, with what only Sauce Labs has before the driver behind it."""
        if method == "POST" and path == "/session":
            return self._start(json.loads(body or b"{}"))
        if path.startswith("/waiting/"):
            return self._start(json.loads(base64.urlsafe_b64decode(path.split("/")[2])))
        session = path.split("/")[2] if path.count("/") > 1 else ""
        if session and session not in self.jobs:
            return _error(404, "invalid session id", "no such session")
        if self._counts("cut"):
            return 502, "<html>Bad gateway</html>"
        script = json.loads(body).get("script", "") if path.endswith("/execute/sync") else ""
        if script.startswith("sauce:"):
            return self._annotated(session, script)
        if session and self.jobs[session]["status"] != "in progress":
            return _error(404, "invalid session id", "the session has ended")
        answer = self._behind(method, path, body)
        if method == "DELETE" and path.count("/") == 2:
            self.jobs[session]["status"] = "complete"
        return answer

    def _start(self, asked: Tree) -> Answer:
        always = asked["capabilities"]["alwaysMatch"]
        options = always.get("sauce:options", {})
        if self.faults.no_minutes:
            return _error(400, "session not created", "You have used all of your automated testing minutes.")
        if self._counts("throttled"):
            return 429, {"message": "Too Many Requests"}
        if self._counts("broken"):
            return 503, "<html>Service unavailable</html>"
        if self._counts("redirects"):
            return 302, f"/wd/hub/waiting/{base64.urlsafe_b64encode(json.dumps(asked).encode()).decode()}"
        if self._counts("refused"):
            return _error(500, "session not created", "The browser did not start in time")
        with self.lock:
            if len(self.running) >= self.allowed:
                return _error(400, "session not created", "Your account has reached its concurrency limit")
            created = self._created(always, options)
        time.sleep(self.faults.late)
        return created

    def _created(self, always: Tree, options: Tree) -> Answer:
        self.started.append({"alwaysMatch": always})
        if "_batch" in options:
            session, capabilities = uuid.uuid4().hex, always
        else:
            status, answer = self._behind_start(always)
            if status >= 300:
                return status, answer
            session, capabilities = answer["value"]["sessionId"], answer["value"]["capabilities"]
        outcomes = self.outcomes.get(options.get("_batch", {}).get("testFile", "").split(" · ")[0])
        self.jobs[session] = {
            "id": session,
            "status": "in progress",
            "passed": None,
            "hidden": self.faults.hidden,
            "later": outcomes.pop(0) if outcomes else None,
            **{key: options.get(key) for key in ("name", "build", "tags", "custom-data", "maxDuration")},
        }
        self.most = max(self.most, len(self.running))
        value = {"sessionId": session, "capabilities": capabilities}
        return 200, {"value": value, "sessionId": session}

    def _behind_start(self, always: Tree) -> Answer:
        kept = {key: value for key, value in always.items() if key not in ("platformName", "browserVersion")}
        kept["goog:chromeOptions"] = {"args": HEADLESS, "binary": "/usr/bin/chromium"}
        kept["browserName"] = "chrome"
        return self._behind("POST", "/session", json.dumps({"capabilities": {"alwaysMatch": kept}}).encode())

    def _behind(self, method: str, path: str, body: bytes) -> Answer:
        if not self.driver:
            made = {"sessionId": uuid.uuid4().hex, "capabilities": {"browserName": "chrome"}}
            return 200, {"value": made if path == "/session" else "a title" if path.endswith("/title") else None}
        headers = {"Content-Type": "application/json"}
        try:
            with urlopen(Request(self.driver + path, body or None, headers, method=method), timeout=60) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)

    def _annotated(self, session: str, script: str) -> Answer:
        self.scripts.append(script)
        if script.startswith("sauce:job-result="):
            self.jobs[session]["passed"] = script.partition("=")[2] in ("passed", "true")
        return 200, {"value": None}

    def rest(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> Answer:
        """The REST rows of Sauce Labs that davy uses."""
        if self._counts("broken"):
            return 503, "<html>Service unavailable</html>"
        parts = path.strip("/").split("/")
        if path.startswith("/v1/storage"):
            return self._storage(method, parts, query, body)
        if path.endswith("/concurrency"):
            return 200, {"concurrency": {"organization": {"allowed": {"vms": self.allowed, "rds": self.allowed}}}}
        if path.endswith("/tunnels"):
            return 200, self.tunnels
        if path == "/v1/rdc/native-composer/tests":
            return self._native(json.loads(body))
        if path.startswith("/v2/testcomposer/frameworks"):
            there = {"1.49.9": "r-0", "1.50.0": "r-1", "2.0.0": "r-2"}
            rows = [{"frameworkVersion": has, "version": has, "cloudRunnerVersion": by} for has, by in there.items()]
            rows[1] |= {"cloudRunnerVersion": None, "runner": {"cloudRunnerVersion": "r-1"}}
            return 200, rows
        if path.startswith("/v2/builds/") and path.endswith("/build/"):
            return 200, {"id": "build-" + str(self.jobs[parts[4]]["build"])}
        if "jobs" in parts:
            return self._jobs(method, parts[parts.index("jobs") + 1 :], body, real="rdc" in parts)
        return 404, {"message": "no such row in the double"}

    def _jobs(self, method: str, rest: list[str], body: bytes, *, real: bool) -> Answer:  # noqa: C901
        if not rest:
            rows = [job for job in self.jobs.values() if bool(job.get("real")) == real]
            return 200, {"entities": rows} if real else rows
        job = self.jobs.get(rest[0])
        if job is None or job["hidden"]:
            if job is not None:
                job["hidden"] -= 1
            return 404, {"message": "Not found"}
        match (method, rest[1:]):
            case ("GET", []):
                job |= job.get("later") or {}
                return 200, job
            case ("PUT", []):
                job |= json.loads(body)
                return 200, job
            case ("PUT", ["stop"]):
                job |= {"status": "complete", "stopped": True}
                if self.driver and not job.get("real") and "later" in job:
                    self._behind("DELETE", f"/session/{job['id']}", b"")
                return 200, job
            case ("GET", ["assets"]):
                return 200, {name: name for name in self.files} | {"video": "video.mp4", "screenshots": []}
            case ("GET", ["assets", name]) if name in self.files:
                return 200, self.files[name]
            case ("GET", [name]) if real and name in self.files:
                return 200, self.files[name]
        return 404, {"message": "Not found"}

    def _native(self, asked: Tree) -> Answer:
        session = uuid.uuid4().hex
        self.started.append(asked)
        outcomes = self.outcomes.get(asked["test_name"].split(" · ")[0])
        later = outcomes.pop(0) if outcomes else None
        tags = asked.get("tags")
        self.jobs[session] = {"id": session, "status": "in progress", "real": True, "hidden": 0} | {
            "later": later,
            "tags": tags,
            "automation_backend": "espresso",
        }
        return 200, {"test_report": {"id": session}}

    def _storage(self, method: str, parts: list[str], query: dict[str, list[str]], body: bytes) -> Answer:
        import hashlib  # noqa: PLC0415

        if method == "GET":
            found = self.stored.get(query.get("sha256", [""])[0])
            return 200, {"items": [{"id": found}] if found else []}
        # Multipart: the file lies between the empty line and the boundary.
        boundary = body.split(b"\r\n", 1)[0]
        content = body.split(b"\r\n\r\n", 1)[1].split(b"\r\n" + boundary, 1)[0]
        self.uploads.append(content)
        made = self.stored.setdefault(hashlib.sha256(content).hexdigest(), uuid.uuid4().hex)
        return 201, {"item": {"id": made}}

    def _counts(self, fault: str) -> bool:
        with self.lock:
            left = getattr(self.faults, fault)
            setattr(self.faults, fault, max(0, left - 1))
            return left > 0


def _error(status: int, kind: str, message: str) -> Answer:
    return status, {"value": {"error": kind, "message": message, "stacktrace": ""}}


class _Asked(BaseHTTPRequestHandler):
    double: Double
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        wanted = "Basic " + base64.b64encode(f"{USER}:{KEY}".encode()).decode()
        parts = urlsplit(self.path)
        if self.headers.get("Authorization") != wanted:
            status, answer = 401, {"message": "Not authorized"}
        elif parts.path.startswith("/wd/hub"):
            # As a real Selenium Grid does.
            if "json" in self.headers.get("Content-Type", "") and "utf-8" not in self.headers["Content-Type"]:
                status, answer = _error(500, "unknown error", "Content-Type header does not indicate utf-8 JSON")
            else:
                status, answer = self.double.hub(self.command, parts.path.removeprefix("/wd/hub"), body)
        else:
            status, answer = self.double.rest(self.command, parts.path, parse_qs(parts.query), body)
        text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", str(answer))
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def sauce_double(driver: str = "") -> Iterator[Double]:
    """Running, until the block ends."""
    double = Double(driver=driver)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Asked", (_Asked,), {"double": double}))
    server.daemon_threads = True
    double.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
