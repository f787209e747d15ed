"""A real chromedriver, with a real Chromium behind it; and a test in a few lines that needs no package."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SUITE = """
import json, os, sys, urllib.error, urllib.request

HUB = os.environ["SELENIUM_REMOTE_URL"]


def asked(method, path, body=None):
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(HUB + path, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        sys.exit("webdriver: " + error.read().decode(errors="replace"))


def started(**more):
    always = {"browserName": os.environ.get("DAVY_BROWSER", "chrome"), **more}
    return "/session/" + asked("POST", "/session", {"capabilities": {"alwaysMatch": always}})["sessionId"]
"""
OPENS = (
    SUITE
    + """
session = started()
asked("POST", session + "/url", {"url": os.environ["DAVY_URL"]})
title = asked("GET", session + "/title")
asked("DELETE", session)
good = title == os.environ["WANTED"]
said = "" if good else "<failure message='another title'/>"
with open(os.environ["JUNIT"], "w") as report:
    case = f"<testcase classname='shop' name='title' time='1'>{said}</testcase>"
    report.write(f"<testsuite name='e2e'>{case}</testsuite>")
print("the title is", title)
sys.exit(not good)
"""
)


@contextmanager
def chromedriver(folder: Path) -> Iterator[str]:
    """Running; the URL of its WebDriver endpoint."""
    words = ["chromedriver", "--port=0", "--url-base=/wd/hub"]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=folder)
    assert child.stdout is not None
    try:
        line = next(line for line in child.stdout if "successfully on port" in line)
        yield f"http://127.0.0.1:{line.rsplit(' ', 1)[1].strip().rstrip('.')}/wd/hub"
    finally:
        child.terminate()
        child.wait()
        child.stdout.close()


def has_chromedriver() -> bool:
    return bool(shutil.which("chromedriver") and shutil.which("chromium"))


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>The shop is open</title><p>Welcome"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def page() -> Iterator[str]:
    """A page of a shop, on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
