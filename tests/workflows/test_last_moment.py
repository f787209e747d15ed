"""A signal that comes when davy's answer is known already, while Python itself ends."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # `nohup` has it ignored.

class Late:
    # It goes when the interpreter does.
    def __del__(self, kill=os.kill, me=os.getpid(), number=signal.{name}):
        kill(me, number)

late = Late()
sys.argv = ["davy", *{words}]
from davy.workflows.cli.main import main
main()
"""


@pytest.mark.parametrize("place", [{}, {"CI": "true"}], ids=["at a desk", "in CI, beside a thread"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize(("words", "code"), [(["version"], 0), (["nothing"], 2)], ids=["good", "bad"])
def test_the_exit_code_stays(place: dict[str, str], name: str, words: list[str], code: int) -> None:
    program = PROGRAM.format(name=name, words=words)
    surroundings = {key: value for key, value in os.environ.items() if key != "CI"} | place
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False, env=surroundings
    )
    assert run.returncode == code, run.stderr
