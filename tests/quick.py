"""Quick: within a minute, whether what was changed in a room still holds, and what was not asked.

Lint of the changed files, types, and the fast tests of the rooms that changed, side by side; first the tests that name
a changed module. What has not begun when the time is over is left out, and counted.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("pipeline", "checks", "canary", "workflows")
SECONDS = 45.0
"""In which tests may begin; the rest of the minute is for their end and for nox."""
BASES = ("origin/main", "main")
UNTIL, FIRST = "DAVY_QUICK_UNTIL", "DAVY_QUICK_FIRST"
NO_TIME = "no time left in the minute"
FAST = "not lab and not slow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command under way."""

    name: str
    child: subprocess.Popen[bytes]
    log: Path

    def ended(self) -> bool:
        """Whether it is green; what it said is printed where it is not."""
        if self.child.wait() == 0:
            return True
        print(f"\n==== {self.name} ====\n{self.text}", flush=True)
        return False

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace")


# ---- what to ask ----------------------------------------------------------------------------------------------------


def changed() -> list[str]:
    """Paths that differ from where this branch left main, committed or not."""
    base = next((found for name in BASES if (found := _git("merge-base", name, "HEAD"))), "HEAD")
    differ = _git("diff", "--name-only", "--diff-filter=d", base).split("\n")
    fresh = _git("ls-files", "--others", "--exclude-standard").split("\n")
    return sorted({path for path in (*differ, *fresh) if path})


def rooms_of(paths: Iterable[str]) -> list[str]:
    """The rooms that they lie in, by themselves or by their tests."""
    touched = {path.removeprefix("tests/").split("/")[0] for path in paths}
    return [room for room in ROOMS if room in touched]


def modules(paths: Iterable[str]) -> list[str]:
    """As an import names them."""
    named = (Path(path).with_suffix("") for path in paths if path.endswith(".py"))
    return [".".join(("davy", *path.parts)) for path in named if path.parts[0] in ROOMS]


def _git(*words: str) -> str:
    run = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return run.stdout.strip()


# ---- asking ---------------------------------------------------------------------------------------------------------


def main(wanted: Sequence[str]) -> int:
    began, paths = time.monotonic(), changed()
    if strange := set(wanted) - set(ROOMS):
        print(f"quick: no such room: {', '.join(sorted(strange))}; there are {', '.join(ROOMS)}")
        return 2
    rooms = list(wanted) or rooms_of(paths)
    print(f"quick: {len(paths)} changed files; rooms: {', '.join(rooms) or 'none'}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        steps = _started(rooms, paths, Path(folder))
        ended = [step.ended() for step in steps]
        said = [step.text for step in steps if step.name == "tests"]
    for line in said:
        print(line.strip().split("\n")[-1])
    for line in left_out(rooms, "".join(said)):
        print(f"left out: {line}")
    print(f"quick: {'green' if all(ended) else 'red'} after {time.monotonic() - began:.0f} s; `./dev` says the rest")
    return 0 if all(ended) else 1


def _started(rooms: list[str], paths: list[str], folder: Path) -> list[Step]:
    python = [path for path in paths if path.endswith(".py")]
    mypy = [sys.executable, "-m", "mypy"]
    commands = {"types": mypy, "imports": [str(Path(sys.executable).with_name("lint-imports"))]}
    if python:
        commands["format"] = [sys.executable, "-m", "ruff", "format", "--check", *python]
        commands["lint"] = [sys.executable, "-m", "ruff", "check", *python]
    if rooms:
        commands["tests"] = [
            *(sys.executable, "-m", "pytest", "-q", "-p", "quick", "-m", FAST, "--hypothesis-profile=few"),
            *("-n", str(os.cpu_count() or 1), "--dist=worksteal", *(f"tests/{room}" for room in rooms)),
        ]
    until = {UNTIL: str(time.time() + SECONDS), FIRST: " ".join([*paths, *modules(paths)]), "PYTHONPATH": "tests"}
    return [_step(name, command, folder, {**os.environ, **until}) for name, command in commands.items()]


def _step(name: str, command: list[str], folder: Path, environment: dict[str, str]) -> Step:
    log = folder / name
    with log.open("wb") as out:
        child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
    return Step(name=name, child=child, log=log)


def left_out(rooms: list[str], said: str) -> list[str]:
    """What a green answer does not hold for."""
    above = [room for room in ROOMS if room not in rooms]
    late = sum(int(number) for number in re.findall(rf"^{NO_TIME}: (\d+)$", said, re.MULTILINE))
    return [
        *([f"{late} tests of {', '.join(rooms)}: {NO_TIME}"] if late else []),
        f"tests marked lab or slow of {', '.join(rooms) or 'every room'}, and most examples of properties",
        f"contracts, doors, the simulation{''.join(f', {room}' for room in above)}",
    ]


# ---- inside pytest --------------------------------------------------------------------------------------------------


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First what was changed itself, then what names a changed module, then the rest."""
    first = os.environ.get(FIRST, "").split()
    order: dict[Path, int] = {}
    for item in items:
        if item.path not in order:
            order[item.path] = _distance(item.path, first)
    items.sort(key=lambda item: order[item.path])


def _distance(path: Path, first: list[str]) -> int:
    if str(path.relative_to(ROOT)) in first:
        return 0
    text = path.read_text(encoding="utf-8")
    named = [one.rpartition(".") for one in first if one.startswith("davy.")]
    return 1 if any(f"{room}.{name}" in text or f"from {room} import {name}" in text for room, _, name in named) else 2


LATE: Counter[str] = Counter()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    """What comes too late is passed over without a word; to skip thousands takes half a minute."""
    if time.time() <= float(os.environ.get(UNTIL, "inf")):
        return None
    LATE[NO_TIME] += 1
    return True


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["late"] = LATE[NO_TIME]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    LATE[NO_TIME] += getattr(node, "workeroutput", {}).get("late", 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if LATE[NO_TIME]:
        terminalreporter.write_line(f"{NO_TIME}: {LATE[NO_TIME]}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
