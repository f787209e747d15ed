"""`davy build` on work trees as others left them: links, pipes, files that never end; and how soon it lets go."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from davy.pipeline.core.endings import Ending
from git_alone import ALONE, commit, git

pytestmark = pytest.mark.slow

DAVY = Path(sys.executable).parent / "davy"
FILE = "service: shop\nimages:\n  - {name: r.test/shop/web, context: app}\n"


def davy(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DAVY, *arguments], cwd=folder, env={**ALONE, **(env or {})},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def key(folder: Path) -> str:
    done = davy(folder, "build", "--plan")
    assert done.returncode == Ending.DONE, done.stderr
    return done.stdout.split()[2]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    for name, text in {
        "davy.yaml": FILE,
        "app/Dockerfile": "FROM scratch\nCOPY . /\n",
        "app/lib/x": "x",
        "app/main.py": "1",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "init", "-q", "-b", "main")
    commit(folder)
    return folder


@pytest.mark.parametrize("name", ["davy.yaml", "davy.lock", "app/Dockerfile", "app/.dockerignore"])
@pytest.mark.parametrize("end", [os.mkfifo, lambda at: at.symlink_to("/dev/zero")], ids=["pipe", "zero"])
def test_what_should_be_a_file_and_is_none_is_said(repository: Path, name: str, end: Callable[[Path], None]) -> None:
    (repository / name).unlink(missing_ok=True)
    end(repository / name)
    done = davy(repository, "build", "--plan")
    assert done.returncode == Ending.UNUSABLE
    assert f"{name}: " in done.stderr
    assert "is no file" in done.stderr or "outside of the repository" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_plan_in_the_middle_of_a_file(repository: Path, number: signal.Signals) -> None:
    with (repository / "app/large").open("wb") as file:
        file.truncate(2**40)
    running = subprocess.Popen([DAVY, "build", "--plan"], cwd=repository, env=ALONE, stderr=subprocess.PIPE, text=True)
    try:
        _wait_for(lambda: _reads(running.pid, repository / "app/large"))
        running.send_signal(number)
        # It would take an hour; on a machine with much to do a second may be several.
        _, said = running.communicate(timeout=20)
    finally:
        running.kill()
    assert running.returncode == Ending.INTERRUPTED
    assert "Interrupted" in said


def _wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _reads(process: int, path: Path) -> bool:
    try:
        return any(one.readlink() == path for one in Path(f"/proc/{process}/fd").iterdir())
    except OSError:
        return False


@pytest.mark.parametrize("said", ["../../outside", "/etc/passwd", "../../../../../../../../etc/passwd", "link"])
def test_no_dockerfile_of_elsewhere_is_read(repository: Path, said: str) -> None:
    (repository.parent / "outside").write_text("FROM scratch\nTOPSECRET line\n")
    (repository / "app/link").symlink_to("../../outside")
    (repository / "davy.yaml").write_text(FILE.replace("context: app", f"context: app, dockerfile: {said}"))
    done = davy(repository, "build", "--plan")
    assert done.returncode == Ending.UNUSABLE
    assert "TOPSECRET" not in done.stderr
    assert "root:" not in done.stderr.lower()


def test_a_context_that_is_a_link_out_brings_no_dockerfile_in(repository: Path) -> None:
    (repository.parent / "secret").write_text("TOPSECRET\n")
    (repository / "there").symlink_to("..")
    (repository / "davy.yaml").write_text(FILE.replace("context: app", "context: there, dockerfile: secret"))
    done = davy(repository, "build", "--plan")
    assert done.returncode == Ending.UNUSABLE
    assert "TOPSECRET" not in done.stderr


def test_a_dockerfile_elsewhere_in_the_repository_is_read_also_through_a_link(repository: Path) -> None:
    before = key(repository)
    (repository / "docker").mkdir()
    (repository / "app/Dockerfile").rename(repository / "docker/web")
    (repository / "davy.yaml").write_text(FILE.replace("context: app", "context: app, dockerfile: ../docker/web"))
    assert key(repository)
    (repository / "davy.yaml").write_text(FILE)
    (repository / "app/Dockerfile").symlink_to("../docker/web")
    assert key(repository) != before


def test_a_line_that_is_like_no_instruction_is_not_told(repository: Path) -> None:
    (repository / "app/Dockerfile").write_text("FROM scratch\nroot:x:0:0 a\nCOPPY a /\n")
    said = davy(repository, "build", "--plan").stderr
    assert "app/Dockerfile:2: is no instruction" in said
    assert "app/Dockerfile:3: unknown instruction COPPY" in said
    assert "ROOT" not in said


def test_a_dockerfile_may_be_of_another_encoding_and_in_small_letters(repository: Path) -> None:
    path = repository / "app/Dockerfile"
    path.write_bytes(b"# M\xfcnchen\nFROM scratch\nCOPY . /\n")
    one = key(repository)
    path.write_bytes(b"# M\xf6nchen\nFROM scratch\nCOPY . /\n")
    assert key(repository) != one
    path.write_bytes(b"FROM b\xfcse\n")
    assert davy(repository, "build", "--plan", "-o", "json").returncode == Ending.UNUSABLE
    path.unlink()
    (repository / "app/dockerfile").write_text("FROM scratch\nCOPY . /\n")
    assert key(repository)


@pytest.mark.parametrize("context", ["https://github.com/x/y.git#main", "git@github.com:x/y.git", "git://h/x"])
def test_a_remote_context_is_said_to_be_one(repository: Path, context: str) -> None:
    (repository / "davy.yaml").write_text(FILE.replace("context: app", f'context: "{context}"'))
    done = davy(repository, "build", "--plan")
    assert done.returncode == Ending.UNUSABLE
    assert "davy.yaml:3: images[0].context: " in done.stderr
    assert "davy builds no remote contexts" in done.stderr


def test_a_lock_that_is_a_link_is_not_written_through(repository: Path) -> None:
    (repository / "elsewhere").write_text("bases: {}\n# mine\n")
    (repository / "davy.lock").symlink_to("elsewhere")
    done = davy(repository, "build", "lock")
    assert (repository / "elsewhere").read_text() == "bases: {}\n# mine\n"
    (repository / "davy.lock").unlink()
    (repository / "davy.lock").symlink_to("../outside")
    (repository.parent / "outside").write_text("password: hunter2\n  password: hunter2\n")
    done = davy(repository, "build", "lock")
    assert done.returncode == Ending.UNUSABLE
    assert "hunter2" not in done.stderr
