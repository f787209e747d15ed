"""`davy build` at the door, without a lab: its plan, its explanations, and what it says of bad input."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from davy.pipeline.core.endings import Ending

FILE = """\
service: shop
images:
  - {name: r.test/shop/base, context: base}
  - {name: r.test/shop/web, context: web}
  - {name: r.test/shop/ci, context: ci, matrix: {PYTHON: ['3.11', '3.12']}}
"""
REPOSITORY = {
    "davy.yaml": FILE,
    "davy.lock": "bases:\n  python:3.12: sha256:" + "a" * 64 + "\n",
    "base/Dockerfile": "FROM python:3.12\nCOPY lib.py /\n",
    "base/lib.py": "1\n",
    "web/Dockerfile": "FROM r.test/shop/base\nCOPY . /app\n",
    "web/app/main.py": "1\n",
    "ci/Dockerfile": "ARG PYTHON\nFROM python:3.12\n",
}


def written(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def davy(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DAVY_", "GITHUB_", "CI"))}
    return subprocess.run(
        [Path(sys.executable).parent / "davy", *arguments],
        cwd=folder,
        env={**clean, "HOME": str(folder / "home"), "COLUMNS": "100", **(env or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    written(folder, REPOSITORY)
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com")
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "one")):
        subprocess.run([*git, *words], cwd=folder, check=True)
    return folder


def test_the_plan_is_an_object_a_line_and_needs_no_registry_no_cluster_and_no_checks(repository: Path) -> None:
    before = sorted(path for path in repository.rglob("*") if ".git" not in path.parts)
    run = davy(repository, "build", "--plan", "--output", "json")
    assert run.returncode == Ending.DONE, run.stderr
    images = [json.loads(line) for line in run.stdout.splitlines()]
    assert [one["name"] for one in images] == [
        "r.test/shop/base",
        "r.test/shop/ci",
        "r.test/shop/ci",
        "r.test/shop/web",
    ]
    for one in images:
        assert one["version"] == 1
        assert len(one["key"]) == 64
        assert one["action"] == "unknown"
        assert "the registry was not asked" in one["because"]
    assert [one.get("id") for one in images] == [
        None,
        "r.test/shop/ci[PYTHON=3.11]",
        "r.test/shop/ci[PYTHON=3.12]",
        None,
    ]
    assert len({one["key"] for one in images}) == 4
    assert sorted(path for path in repository.rglob("*") if ".git" not in path.parts) == before


def test_keys_are_the_same_in_another_clone_and_change_with_what_an_image_is_made_from(
    repository: Path, tmp_path: Path
) -> None:
    def keys(folder: Path) -> dict[str, str]:
        run = davy(folder, "build", "--plan", "--output", "json")
        return {one.get("id", one["name"]): one["key"] for one in map(json.loads, run.stdout.splitlines())}

    clone = tmp_path / "elsewhere" / "clone"
    subprocess.run(["git", "clone", "-q", repository, clone], check=True)
    before = keys(repository)
    assert keys(clone) == before
    written(clone, {"base/lib.py": "2\n"})
    after = keys(clone)
    assert {name for name in before if before[name] != after[name]} == {"r.test/shop/base", "r.test/shop/web"}


def test_keys_are_the_same_in_every_locale_whatever_files_are_called(repository: Path) -> None:
    written(repository, {"web/Größe.txt": "1", "web/日本.txt": "1"})

    def keys(**env: str) -> list[str]:
        ran = davy(repository, "build", "--plan", "--output", "json", env=env)
        assert ran.returncode == 0, ran.stderr
        return [json.loads(line)["key"] for line in ran.stdout.splitlines()]

    # Python turns the C locale into UTF-8 by itself, unless it is told not to: then names are ASCII, as with Latin-1.
    plain = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    assert keys(LC_ALL="C.UTF-8") == keys(LC_ALL="C") == keys(LC_ALL="C.UTF-8", TZ="Asia/Tokyo") == keys(**plain)


def test_who_only_asks_builds_nothing_by_mistake(repository: Path) -> None:
    ran = davy(repository, "build", "--ask")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "--plan --ask" in ran.stderr
    assert not (repository / "davy-out").exists()


def test_the_plan_for_people_is_a_table(repository: Path) -> None:
    run = davy(repository, "build", "--plan", "--image", "web")
    assert run.returncode == Ending.DONE, run.stderr
    base, web, *_, last = run.stdout.splitlines()
    assert base.startswith("unknown  base  ")
    assert "the registry was not asked" in web
    assert last == "2 unknown (--ask asks the registry). Nothing was touched."


def test_a_base_that_is_not_locked_is_said_beside_the_plan_and_in_it(repository: Path) -> None:
    (repository / "davy.lock").unlink()
    run = davy(repository, "build", "--plan", "--output", "json")
    assert "python:3.12 is not locked" in run.stderr
    assert "`davy build lock`" in run.stderr
    first = json.loads(run.stdout.splitlines()[0])
    assert first["unlocked"] == ["python:3.12"]
    assert "not locked: python:3.12" in first["because"]


def test_explain_says_what_is_known_offline(repository: Path) -> None:
    run = davy(repository, "build", "explain", "web", "--offline", "--output", "json")
    assert run.returncode == Ending.DONE, run.stderr
    said = json.loads(run.stdout)
    assert (said["name"], said["action"], said["since"]) == ("r.test/shop/web", "unknown", None)
    assert said["made_from"]["files"] == 2
    assert "r.test/shop/base" in said["made_from"]["parents"]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"web/Dockerfile": "FROM a\nRUNN x\n"}, ["web/Dockerfile:2:", "RUNN"]),
        (
            {"web/Dockerfile": "FROM a\nRUNN x\n", "base/Dockerfile": "RUN x\n"},
            ["web/Dockerfile:2:", "base/Dockerfile:1:"],
        ),
        ({"base/Dockerfile": "FROM r.test/shop/web\n"}, ["base", "web", "each is built from the next"]),
        ({"web/Dockerfile": "FROM r.test/shop/ci\n"}, ["r.test/shop/ci:3.11, r.test/shop/ci:3.12"]),
        ({"davy.lock": "bases:\n  python:3.12: latest\n"}, ["davy.lock:2:"]),
        ({"davy.yaml": FILE.replace("context: web", "context: wep")}, ["wep/Dockerfile"]),
        ({"davy.yaml": FILE.replace("shop/web", "Shop/web")}, ["davy.yaml:4: images[1].name:", "lower case"]),
    ],
    ids=["does not parse", "two do not", "circle", "which cell", "broken lock", "no context", "a bad name"],
)
@pytest.mark.parametrize("command", [("build", "--plan"), ("build",)])
def test_what_cannot_be_built_is_told_by_file_and_line(
    repository: Path, command: tuple[str, ...], files: dict[str, str], says: list[str]
) -> None:
    written(repository, files)
    run = davy(repository, *command)
    assert run.returncode == Ending.UNUSABLE, run.stderr
    for words in says:
        assert words in run.stderr
    assert "Traceback" not in run.stderr


def test_an_image_that_nobody_has_is_told_with_those_there_are(repository: Path) -> None:
    run = davy(repository, "build", "--plan", "--image", "wep")
    assert run.returncode == Ending.UNUSABLE
    assert "'wep'" in run.stderr
    assert "base, web, ci[PYTHON=3.11]" in run.stderr


# ---- a registry of this test's own ----------------------------------------------------------------------------------


def at(repository: Path, host: str) -> str:
    written(
        repository,
        {
            "davy.yaml": FILE.replace("r.test", host),
            "web/Dockerfile": REPOSITORY["web/Dockerfile"].replace("r.test", host),
        },
    )
    return host


def test_a_registry_that_refuses_ends_it_and_the_password_is_nowhere(repository: Path, httpserver: HTTPServer) -> None:
    host = at(repository, f"{httpserver.host}:{httpserver.port}")
    httpserver.expect_request("").respond_with_data("no", status=403)
    config = {"auths": {host: {"auth": "ZGF2eTpodW50ZXIy"}}}
    written(repository, {"home/.docker/config.json": json.dumps(config)})
    for command in (("build",), ("build", "--plan", "--ask"), ("build", "explain", "web")):
        run = davy(repository, *command)
        assert run.returncode == Ending.UNUSABLE, run.stderr
        assert "docker login" in run.stderr
        kept = [path.read_text() for path in (repository / "davy-out").rglob("*") if path.is_file()]
        for text in (run.stdout, run.stderr, *kept):
            assert "hunter2" not in text
            assert "ZGF2eTpodW50ZXIy" not in text


def test_a_registry_that_is_away_is_no_reason_to_build(repository: Path) -> None:
    with socket.socket() as nobody:
        # Bound and not listening: nobody else gets the port, and nobody answers.
        nobody.bind(("127.0.0.1", 0))
        at(repository, f"127.0.0.1:{nobody.getsockname()[1]}")
        run = davy(repository, "build", "--image", "base")
    assert run.returncode == Ending.UNREACHABLE, run.stderr
    assert "building" not in run.stderr
    assert "--force" in run.stderr


def test_a_registry_that_is_away_is_no_reason_to_explain_nothing(repository: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        at(repository, f"127.0.0.1:{nobody.getsockname()[1]}")
        run = davy(repository, "build", "explain", "base", "--output", "json")
        offline = davy(repository, "build", "explain", "base", "--output", "json", "--offline")
    assert run.returncode == Ending.DONE, run.stderr
    assert json.loads(run.stdout) == json.loads(offline.stdout)
    assert "What this machine knows of the last build answers." in run.stderr
    assert not (repository / "davy-out").exists()
