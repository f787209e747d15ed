"""Ancestry: in a CI job, an ending of any process above davy is heard as SIGTERM.

A cancelled job is told to the step's shell alone, or to its process group; what stands behind a wrapper or `timeout`
hears nothing, and is killed a moment later. So the kernel is asked. `DAVY_DETACHED=1`: davy means to outlive its shell.
"""

import os
import signal
import sys
from collections.abc import Mapping

JOBS = (
    "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "BUILD_URL", "BUILDKITE", "TEAMCITY_VERSION", "TF_BUILD", "CIRCLECI",
    "BITBUCKET_BUILD_NUMBER", "CODEBUILD_BUILD_ID", "DRONE", "SEMAPHORE",
)  # fmt: skip
"""Variables that CI systems set in their jobs; most set CI=true too."""
NO = frozenset({"", "0", "false", "no", "off"})
LAUNCH = 0.5
"""Seconds in which an ancestor beyond the parent may end: `nohup sh -c "…" &` starts a job and goes. No canary is as
quick."""
PR_SET_PDEATHSIG = 1
"""https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html"""
PROC = "/proc"


def in_ci(environment: Mapping[str, str]) -> bool:
    """True in a CI job; CI=false says that it is none."""
    said = environment.get("CI")
    if said is not None and said.lower() in NO:
        return False
    return said is not None or any(environment.get(name) for name in JOBS)


def watch(environment: Mapping[str, str]) -> None:
    """From now on SIGTERM comes when an ancestor ends. Nothing outside of CI, and where there is no Linux."""
    if sys.platform != "linux" or not in_ci(environment):
        return
    if environment.get("DAVY_DETACHED", "").lower() not in NO:
        return
    parent = os.getppid()
    _ask_the_kernel(parent)
    _follow(ancestors(parent))
    if os.getppid() != parent:  # It ended before the kernel was asked.
        os.kill(os.getpid(), signal.SIGTERM)


def ancestors(parent: int) -> list[int]:
    """The parent and those above it, without the first process of all: that one outlives the job."""
    found: list[int] = []
    while parent > 1:
        found.append(parent)
        parent = _parent_of(parent)
    return found


def _parent_of(number: int) -> int:
    try:
        # The name, in parentheses, may itself hold spaces and parentheses.
        with open(f"{PROC}/{number}/stat", "rb") as stat:  # noqa: PTH123 - every command would pay for pathlib
            return int(stat.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def _ask_the_kernel(parent: int) -> None:
    """The signal comes at the end of the *thread* that began us, so a parent with several is none for this."""
    try:
        threads = len(os.listdir(f"{PROC}/{parent}/task"))  # noqa: PTH208 - as above
    except OSError:
        return
    if threads != 1:
        return
    import ctypes  # noqa: PLC0415 - a CI job alone pays for it

    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    except (OSError, AttributeError):
        return


def _follow(numbers: list[int]) -> None:
    """A descriptor of a process becomes readable at its end, whoever may be its parent."""
    import threading  # noqa: PLC0415 - a CI job alone pays for it

    held = dict(filter(None, map(_descriptor, numbers)))
    if held:
        threading.Thread(target=_wait, args=(held, numbers[0]), name="ancestry", daemon=True).start()


def _descriptor(number: int) -> tuple[int, int] | None:
    try:
        return os.pidfd_open(number), number
    except OSError:  # Gone, or a kernel before 5.3.
        return None


def _wait(held: Mapping[int, int], parent: int) -> None:
    import select  # noqa: PLC0415
    import time  # noqa: PLC0415

    began = time.monotonic()
    poll = select.poll()
    for descriptor in held:
        poll.register(descriptor, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if held[descriptor] == parent or time.monotonic() - began > LAUNCH:
                os.kill(os.getpid(), signal.SIGTERM)
                return
            poll.unregister(descriptor)
