"""A CI job that is cancelled while a canary serves: whatever stands between runner and davy, traffic is made safe."""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from shop import ci_runners, memory_canary

pytestmark = pytest.mark.slow

TESTS = Path(memory_canary.__file__).parents[1]
CI = {
    "github": {"GITHUB_ACTIONS": "true", "CI": "true"},
    "gitlab": {"GITLAB_CI": "true"},
    "jenkins": {"BUILD_URL": "x"},
}
CANCEL: Mapping[str, ci_runners.Cancel] = {
    "github": ci_runners.github, "gitlab": ci_runners.gitlab, "jenkins": ci_runners.jenkins,
}  # fmt: skip
LINES = {
    "plain": "echo begun\n{davy}\n",
    "exec": "exec {davy}\n",
    "pipe": "{davy} 2>&1 | tee log\n",
    "timeout": "timeout 10m {davy}\n",
    "exec timeout": "exec timeout 10m {davy}\n",
    "wrapper": "./wrapper\necho done\n",
}
SHELLS: Mapping[str, Callable[[Path, str], list[str]]] = {
    "bash -e": lambda script, text: ["bash", "-e", str(script)],
    "sh -c": lambda script, text: ["sh", "-c", text],
    "bash -eo pipefail": lambda script, text: ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
}
CASES = [
    *product(CI, LINES, ["bash -e"]),
    *product(["github"], ["plain", "exec", "pipe"], ["sh -c", "bash -eo pipefail"]),
]

Played = Mapping[tuple[str, str, str], "Future[dict[str, Any]]"]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """All of them side by side: they mostly wait."""
    with ThreadPoolExecutor(12) as crew:
        yield {case: crew.submit(cancelled, tmp_path_factory.mktemp("job"), *case) for case in CASES}


@pytest.mark.parametrize(("runner", "line", "shell"), CASES)
def test_a_cancelled_job_leaves_no_canary(played: Played, runner: str, line: str, shell: str) -> None:
    after = played[runner, line, shell].result()
    assert after["serving"] == [4, 0], after


def environment(**more: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "PYTHONPATH": f"{TESTS}:{TESTS.parent / '.editable'}",
        **more,
    }


def cancelled(folder: Path, runner: str, line: str, shell: str) -> dict[str, Any]:
    """What serves after the runner's last signal."""
    davy = shlex.join([sys.executable, memory_canary.__file__, "memory", str(folder / "state")])
    (folder / "wrapper").write_text(f"#!/bin/sh\n{davy}\necho wrapped\n")
    (folder / "wrapper").chmod(0o755)
    text = LINES[line].format(davy=davy)
    (folder / "script").write_text(text)
    with (folder / "said").open("wb") as said:
        job = subprocess.Popen(
            SHELLS[shell](folder / "script", text), cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            env=environment(**CI[runner], JENKINS_NODE_COOKIE=str(folder), HOME=str(folder)), start_new_session=True,
        )  # fmt: skip
        until(lambda: state(folder).get("serving") == [4, 1], folder)
        CANCEL[runner](job)
    return state(folder)


def state(folder: Path) -> dict[str, Any]:
    path = folder / "state"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def until(true: Callable[[], bool], folder: Path, within: float = 60) -> None:
    ends = time.monotonic() + within
    while not true():
        assert time.monotonic() < ends, (folder / "said").read_text()
        time.sleep(0.05)
