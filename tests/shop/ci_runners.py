"""CI runners: what they send to a job that is cancelled, in their order. They go on as soon as all of it has ended.

GitHub: SIGINT to the step's shell alone, 7.5 s later SIGTERM to it, 2.5 s later SIGKILL to its whole tree
(actions/runner, src/Runner.Sdk/ProcessInvoker.cs); where the shell has ended, what it left may write for 5 s more.
GitLab's shell executor: SIGTERM to the process group, SIGKILL 10 s later (gitlab-runner, helpers/process; merge request
3906). Jenkins: SIGTERM to every process that has the build's cookie in its environment, SIGKILL after 5 s
(hudson.util.ProcessTree, SoftKillWaitSeconds).
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

COOKIE = "JENKINS_NODE_COOKIE"
Cancel = Callable[["subprocess.Popen[bytes]"], None]
PROC = Path("/proc")


def github(shell: "subprocess.Popen[bytes]", patience: float = 2.0, grace: float = 5.0) -> None:
    """The first pause is shorter, the last one longer than the real one: this machine may be busy."""
    tree = [shell.pid, *below(shell.pid)]
    if _ended(shell, signal.SIGINT, patience) or _ended(shell, signal.SIGTERM, grace):
        # The runner ends a tree that it still finds; here it finds also what was left alone.
        until_gone(tree, grace)
    _kill(tree)
    shell.wait()


def gitlab(shell: "subprocess.Popen[bytes]", grace: float = 5.0) -> None:
    """The job's shell leads a process group."""
    tree = [shell.pid, *below(shell.pid)]
    os.killpg(shell.pid, signal.SIGTERM)
    until_gone(tree, grace)
    with suppress(ProcessLookupError):
        os.killpg(shell.pid, signal.SIGKILL)
    shell.wait()


def jenkins(shell: "subprocess.Popen[bytes]", grace: float = 5.0) -> None:
    """All that carries the cookie, the deepest first."""
    marked = list(with_cookie(_cookie_of(shell.pid)))
    for number in reversed(marked):
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGTERM)
    until_gone(marked, grace)
    _kill(marked)
    shell.wait()


def nobody(shell: "subprocess.Popen[bytes]", grace: float = 5.0) -> None:
    """The shell alone is killed outright, as by a machine that has no memory left; nobody tells its children."""
    tree = [shell.pid, *below(shell.pid)]
    shell.kill()
    shell.wait()
    until_gone(tree, grace)
    _kill(tree)


def timeout(shell: "subprocess.Popen[bytes]", grace: float = 5.0) -> None:
    """`timeout` leads the job, and its time is over: that is its SIGALRM."""
    tree = [shell.pid, *below(shell.pid)]
    shell.send_signal(signal.SIGALRM)
    until_gone(tree, grace)
    _kill(tree)
    shell.wait()


def until_gone(numbers: list[int], within: float) -> None:
    """Returns then, or when the time is over."""
    ends = time.monotonic() + within
    while any(map(is_running, numbers)) and time.monotonic() < ends:
        time.sleep(0.05)


def is_running(number: int) -> bool:
    """False also for one that has ended and whose parent has not asked how."""
    try:
        return (PROC / str(number) / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _ended(shell: "subprocess.Popen[bytes]", number: signal.Signals, within: float) -> bool:
    shell.send_signal(number)
    try:
        shell.wait(within)
    except subprocess.TimeoutExpired:
        return False
    return True


def below(parent: int) -> Iterator[int]:
    """Children, and theirs."""
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):
            if parent_of(int(folder.name)) == parent:
                yield int(folder.name)
                yield from below(int(folder.name))


def parent_of(number: int) -> int:
    return int((PROC / str(number) / "stat").read_text().rpartition(")")[2].split()[1])


def with_cookie(cookie: bytes) -> Iterator[int]:
    for folder in sorted(PROC.glob("[0-9]*"), key=lambda one: int(one.name)):
        with suppress(OSError):
            if cookie in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name)


def _cookie_of(number: int) -> bytes:
    entries = (PROC / str(number) / "environ").read_bytes().split(b"\0")
    return next(entry for entry in entries if entry.startswith(COOKIE.encode()))


def _kill(numbers: list[int]) -> None:
    for number in numbers:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
