"""`davy build` on the lab's registry and a real builder: what is there is not built again, on any machine."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path

import pytest
import requests

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import BuildAction, BuildStarted, Event, ImageBuilt
from davy.pipeline.core.json.codec import decode
from lab import facts
from lab.faulty_proxy import FaultyProxy

pytestmark = pytest.mark.lab("docker")
GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com")
SERVICES = ("web", "api", "job", "mail")


class Shop:
    """A repository of several images with one base, pushed under names of its own."""

    def __init__(self, folder: Path, registry: str = "") -> None:
        """`registry`: instead of the lab's own, one that stands before it."""
        self.lab = facts.read()
        self.at = f"{registry or self.lab.registry}/build-{uuid.uuid4().hex[:8]}"
        self.folder = folder
        images = [{"name": f"{self.at}/{name}", "context": name} for name in (*SERVICES, "base", "tool")]
        config = {"service": "shop", "images": images, "build": {"parallel": 2}}
        files = {
            "davy.yaml": json.dumps(config),
            "base/Dockerfile": f"FROM {self.lab.base_image}\nCOPY lib.py /lib.py\n",
            "base/lib.py": "1\n",
            "tool/Dockerfile": f"FROM {self.lab.base_image}\nRUN echo tool > /tool\n",
            **{f"{name}/Dockerfile": f"FROM {self.at}/base\nCOPY app.py /app.py\n" for name in SERVICES},
            **{f"{name}/app.py": f"{name}\n" for name in SERVICES},
        }
        self.write(files)
        for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "one")):
            subprocess.run([*GIT, *words], cwd=folder, check=True)

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)

    def davy(self, *arguments: str, folder: Path | None = None, home: str = "home") -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DAVY_", "GITHUB_", "CI"))}
        place = folder or self.folder
        own = {"HOME": str(place.parent / home), "DOCKER_HOST": self.lab.docker_host, "COLUMNS": "100"}
        return subprocess.run(
            [Path(sys.executable).parent / "davy", *arguments],
            cwd=place, env=clean | own, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    def build(self, *arguments: str, folder: Path | None = None, home: str = "home") -> list[Event]:
        run = self.davy("build", "--output", "json", *arguments, folder=folder, home=home)
        assert run.returncode == Ending.DONE, run.stdout[-3000:] + run.stderr[-3000:]
        return [decode(json.loads(line)) for line in run.stdout.splitlines()]


def labels(events: list[Event], action: BuildAction) -> set[str]:
    return {event.label for event in events if isinstance(event, ImageBuilt) and event.action is action}


def digests(events: list[Event]) -> dict[str, str]:
    return {event.label: event.image.digest for event in events if isinstance(event, ImageBuilt)}


def test_what_is_in_the_registry_is_never_built_again(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop")
    everything = {*SERVICES, "base", "tool"}

    first = shop.build()
    assert labels(first, BuildAction.BUILD) == everything

    second = shop.build()
    assert labels(second, BuildAction.REUSE) == everything
    assert digests(second) == digests(first)

    clone = tmp_path / "runner" / "clone"
    subprocess.run(["git", "clone", "-q", shop.folder, clone], check=True)
    fresh = shop.build(folder=clone, home="another-home")
    assert labels(fresh, BuildAction.REUSE) == everything
    assert digests(fresh) == digests(first)

    shop.write({"web/app.py": "changed\n"})
    asked = shop.davy("build", "--plan", "--ask", "--output", "json")
    planned = {one["name"]: one for one in map(json.loads, asked.stdout.splitlines())}
    assert [name for name, one in planned.items() if one["action"] == "build"] == [f"{shop.at}/web"]
    web = shop.build()
    assert labels(web, BuildAction.BUILD) == {"web"}
    assert [one.because for one in web if isinstance(one, BuildStarted)] == ["web/app.py changed"]

    # The base changes on a machine that knows of no build: the registry's record says what changed.
    subprocess.run([*GIT, "pull", "-q"], cwd=clone, check=True)
    (clone / "base" / "lib.py").write_text("2\n")
    for path in (clone / ".davy" / "builds").iterdir():
        path.unlink()
    why = json.loads(shop.davy("build", "explain", "base", "-o", "json", folder=clone, home="another-home").stdout)
    assert (why["action"], why["changes"]) == ("build", ["base/lib.py changed"])
    assert why["since"]["where"] == "in the registry"
    why = json.loads(shop.davy("build", "explain", "api", "-o", "json", folder=clone, home="another-home").stdout)
    assert (why["changes"], why["above"][0]["changes"]) == (["its parent base changed"], ["base/lib.py changed"])
    based = shop.build(folder=clone, home="another-home")
    assert labels(based, BuildAction.BUILD) == {*SERVICES, "base"}
    assert labels(based, BuildAction.REUSE) == {"tool"}


def test_two_runners_that_build_the_same_at_once_do_each_other_no_harm(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop")
    clone = tmp_path / "runner" / "clone"
    subprocess.run(["git", "clone", "-q", shop.folder, clone], check=True)
    program = [str(Path(sys.executable).parent / "davy"), "build", "--plain", "--image", "web"]
    env = {**os.environ, "DOCKER_HOST": shop.lab.docker_host}
    runners = [
        subprocess.Popen(program, cwd=place, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for place in (shop.folder, clone)
    ]
    said = [runner.communicate(timeout=300) for runner in runners]
    assert [runner.returncode for runner in runners] == [0, 0], said
    after = shop.build("--image", "web")
    assert labels(after, BuildAction.REUSE) == {"web"}
    for out, _ in said:
        # Whichever they made, it is in the registry by its digest.
        name, _, digest = out.splitlines()[-1].partition("@")
        accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"
        url = f"http://{shop.lab.registry}/v2/{name.split('/', 1)[1]}/manifests/{digest}"
        assert requests.get(url, headers={"Accept": accept}, timeout=10).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "says"),
    [
        ("GET", "/manifests/k-", 503, "answered 503"),
        ("PUT", "/manifests/", 507, "507"),
        ("PUT", "/manifests/", 413, "413"),
    ],
    ids=["busy", "no space", "too large"],
)
def test_a_registry_that_refuses_is_told_in_its_words(
    tmp_path: Path, method: str, path: str, status: int, says: str
) -> None:
    with FaultyProxy(f"http://{facts.read().registry}").running() as proxy:
        shop = Shop(tmp_path / "shop", proxy.url.removeprefix("http://"))
        proxy.answer(status, times=1000, method=method, path=path)
        run = shop.davy("build", "--plain", "--image", "tool")
    assert run.returncode == Ending.UNREACHABLE, run.stderr
    assert says in run.stderr
    assert "Traceback" not in run.stderr
