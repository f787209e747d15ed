"""The command on a terminal: a pseudo-terminal of 80 columns."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from rich.cells import cell_len

FILE = """
service: checkout
images: [{name: registry.example.com/shop/checkout}]
deploy: {kubernetes: {namespace: shop, deployment: checkout}}
canary: {steps: [50%], bake: 10s}
checks:
  prometheus: http://prometheus:9090
  slos: [{name: availability, objective: 99.5, errors: 'errors_total', total: 'requests_total'}]
"""
CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
COLOUR = re.compile(r"\x1b\[[0-9;]*[34][0-7](;[0-9;]*)?m")


def on_terminal(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> str:
    """What a terminal of 80 by 24 is sent."""
    (folder / "davy.yaml").write_text(FILE)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    clean = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    davy = Path(sys.executable).parent / "davy"
    child = subprocess.Popen(
        [davy, *arguments], cwd=folder, env=clean | (env or {}), stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    sent = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux says EIO where the other end is closed.
            break
        if not part:
            break
        sent += part
    os.close(ours)
    assert child.wait(timeout=60) == 0
    return sent.decode()


def test_a_terminal_gets_the_live_view_and_no_line_is_wider_than_it(tmp_path: Path) -> None:
    sent = on_terminal(tmp_path, "rehearse", "--fault", "crash-loop")
    assert "\x1b[" in sent
    assert COLOUR.search(sent)
    assert "▸ canary" in CONTROL.sub("", sent)
    lines = [CONTROL.sub("", part) for part in re.split(r"[\r\n]", sent)]
    assert max(map(cell_len, lines)) <= 80
    assert sent.count("\x1b[?25l") <= sent.count("\x1b[?25h")  # the cursor is given back


@pytest.mark.parametrize("how", [{"arguments": ["--no-color"]}, {"env": {"NO_COLOR": "1"}}])
def test_without_colour_none_is_sent(tmp_path: Path, how: dict[str, list[str] | dict[str, str]]) -> None:
    arguments, env = how.get("arguments", []), how.get("env", {})
    assert isinstance(env, dict)
    sent = on_terminal(tmp_path, "rehearse", "--fault", "crash-loop", *arguments, env=env)
    assert not COLOUR.search(sent)


def test_plain_lines_hold_no_control_sequence(tmp_path: Path) -> None:
    assert "\x1b" not in on_terminal(tmp_path, "rehearse", "--fault", "crash-loop", "--plain")


def test_json_lines_are_json_on_a_terminal_too(tmp_path: Path) -> None:
    sent = on_terminal(tmp_path, "rehearse", "--fault", "crash-loop", "--output", "json")
    assert all(line.startswith("{") for line in sent.split("\r\n") if line)
