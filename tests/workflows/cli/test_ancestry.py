"""Who stands above davy, and what its end means."""

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from davy.workflows.cli.ancestry import ancestors, in_ci

CHILD = """
import os, signal, sys, time
from davy.workflows.cli import ancestry
heard = []
signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
parent = os.getppid()
ancestry.watch(os.environ)
time.sleep(0.7)
print("ready", flush=True)
ends = time.monotonic() + float(sys.argv[1])
while time.monotonic() < ends and not heard:
    time.sleep(0.05)
print("heard" if heard else "quiet", os.getppid() == parent, flush=True)
"""
THREADS = """
import subprocess, sys, threading, time
ready = threading.Event()
def begin():
    global child
    child = subprocess.Popen([sys.executable, "-c", sys.argv[1], "2.5"], stdout=subprocess.PIPE, text=True)
    child.stdout.readline()
worker = threading.Thread(target=begin); worker.start(); worker.join()
print(child.communicate()[0], end="")
"""


def environment(**more: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if name not in {"CI", "GITHUB_ACTIONS", "GITLAB_CI"}}
    return plain | {"PYTHONPATH": os.pathsep.join(sys.path)} | more


def after_its_shell(**more: str) -> str:
    """What a davy says whose shell is killed once it is ready."""
    words = ["bash", "-c", '"$@"; true', "bash", sys.executable, "-c", CHILD, "3"]
    with subprocess.Popen(words, env=environment(**more), stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == "ready\n"
        shell.kill()
        return shell.stdout.read()


@pytest.mark.parametrize(
    ("said", "is_job"),
    [
        ({}, False),
        ({"CI": "true"}, True),
        ({"CI": "1"}, True),
        ({"CI": "false", "GITHUB_ACTIONS": "true"}, False),
        ({"CI": ""}, False),
        ({"GITHUB_ACTIONS": "true"}, True),
        ({"GITLAB_CI": "true"}, True),
        ({"JENKINS_URL": "https://ci"}, True),
        ({"BUILDKITE": "true"}, True),
    ],
)
def test_a_ci_job_is_known_by_its_variables(said: Mapping[str, str], is_job: bool) -> None:
    assert in_ci(said) is is_job


def test_the_end_of_the_shell_is_heard_in_a_ci_job_alone() -> None:
    assert after_its_shell(CI="true") == "heard False\n"
    assert after_its_shell() == "quiet False\n"


def test_who_means_to_outlive_the_shell_may() -> None:
    assert after_its_shell(CI="true", DAVY_DETACHED="1") == "quiet False\n"


def test_the_end_of_a_thread_of_the_parent_is_not_the_end_of_the_parent() -> None:
    """Runners begin processes on threads that end later; the kernel takes such a thread for the parent."""
    words = [sys.executable, "-c", THREADS, CHILD]
    run = subprocess.run(words, env=environment(CI="true"), capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout == "quiet True\n"


def test_the_line_of_ancestors_begins_with_the_parent_and_leaves_the_first_process_out() -> None:
    found = ancestors(os.getpid())
    assert found[:2] == [os.getpid(), os.getppid()][: len(found)]
    assert not {0, 1} & set(found)
    assert ancestors(0) == ancestors(1) == []
