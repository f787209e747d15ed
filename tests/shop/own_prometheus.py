"""A Prometheus of a test's own over the lab's pods: one that may be killed, and told to look away from a pod."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from lab.layout import layout_from

from .stage import answered


class OwnPrometheus:
    """The lab's binary and the lab's way to the pods, with a folder, a port and a life of its own."""

    def __init__(self, folder: Path, namespace: str) -> None:
        self._folder, self._namespace = folder, namespace
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._configure(())
        self.start()

    def start(self) -> None:
        """Until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={self._folder / 'prometheus.json'}",
                    f"--storage.tsdb.path={self._folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self._port}",
                    "--web.enable-lifecycle",
                ],
                stdout=log,
                stderr=log,
            )
        until(self._is_ready, 30)

    def kill(self) -> None:
        """As the kernel does it."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()

    def look_away_from(self, *pods: str) -> None:
        """They are no targets any more; without any name, all are again."""
        self._configure(pods)
        with urlopen(Request(f"{self.url}/-/reload", method="POST"), timeout=5):
            pass

    def scraped(self, pods: Iterable[str], since: float) -> bool:
        """Every one of these pods has answered a scrape since then, in Unix seconds."""
        up = {one["metric"]["pod"]: float(one["value"][1]) for one in self.query("timestamp(up) and up == 1")}
        return all(up.get(pod, 0.0) > since for pod in pods)

    def query(self, promql: str) -> list[dict[str, Any]]:
        return answered(self.url, promql)

    def counted(self, name: str, matcher: str = "") -> dict[str, int]:
        """By pod, the newest value of a counter, summed over its other labels."""
        found = self.query(f"sum by (pod) ({name}{{{matcher}}})")
        return {one["metric"]["pod"]: round(float(one["value"][1])) for one in found}

    def _is_ready(self) -> bool:
        with suppress(URLError, OSError), urlopen(f"{self.url}/-/ready", timeout=1) as answer:
            return bool(answer.status == 200)
        return False

    def _configure(self, without: tuple[str, ...]) -> None:
        settings = json.loads((layout_from().run / "prometheus" / "prometheus.json").read_text())
        (pods,) = settings["scrape_configs"]
        pods["relabel_configs"] += [
            {"action": "keep", "source_labels": ["__meta_kubernetes_namespace"], "regex": self._namespace},
            {"action": "drop", "source_labels": ["__meta_kubernetes_pod_name"], "regex": "|".join(without) or "none"},
        ]
        own = {"global": settings["global"], "scrape_configs": [pods]}
        (self._folder / "prometheus.json").write_text(json.dumps(own))


def until(true: Callable[[], bool], within: float) -> None:
    """Wait for it, at most so many seconds."""
    ends = time.monotonic() + within
    while not true():
        assert time.monotonic() < ends, f"did not come true within {within:g} s"
        time.sleep(0.2)
