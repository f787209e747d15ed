"""CI job: a process that plays a CI runner. It starts the job's shell, cancels it when told, and says how davy ended.

An orphan's exit code goes to whoever adopts it, so this process is the reaper of all that the job leaves behind.
`python ci_job.py github <pauses as JSON> bash -e step.sh`; a line on stdin cancels.
"""

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from shop import ci_runners

PR_SET_CHILD_SUBREAPER = 36
"""https://man7.org/linux/man-pages/man2/PR_SET_CHILD_SUBREAPER.2const.html"""


def main(runner: str, pauses: str, *shell: str) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # The cookie is the job's alone: all that carries it is ended with it.
    marked = {**os.environ, ci_runners.COOKIE: f"job-{os.getpid()}"}
    job = subprocess.Popen(shell, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=marked, start_new_session=True)
    sys.stdin.readline()
    line = _line_of(next(number for number in (job.pid, *ci_runners.below(job.pid)) if _is_davy(number)), job.pid)
    getattr(ci_runners, runner)(job, **json.loads(pauses))
    codes = {job.pid: job.returncode} | _reaped()
    # Where its parent outlived davy, davy's code went to the parent, which ends with it.
    print(json.dumps({"davy": next(codes[number] for number in line if number in codes)}), flush=True)


def _line_of(number: int, oldest: int) -> list[int]:
    """The process, its parent, and so on up to the job's shell."""
    found = [number]
    while found[-1] != oldest:
        found.append(ci_runners.parent_of(found[-1]))
    return found


def _is_davy(number: int) -> bool:
    """The installed command: its interpreter's first argument."""
    try:
        words = (ci_runners.PROC / str(number) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return len(words) > 1 and Path(os.fsdecode(words[1])).name == "davy"


def _reaped() -> dict[int, int]:
    """Exit codes of what was left, by process; negative where a signal ended it."""
    codes: dict[int, int] = {}
    while True:
        try:
            number, status = os.wait()
        except ChildProcessError:
            return codes
        codes[number] = os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    main(*sys.argv[1:])
