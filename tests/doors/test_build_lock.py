"""`davy build lock`: the digests of base images, written down whole or not at all."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from davy.pipeline.core.endings import Ending

pytestmark = pytest.mark.slow

Davy = Callable[..., subprocess.CompletedProcess[str]]
ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64


class Hub:
    """A registry that knows the digests of some tags."""

    def __init__(self, server: HTTPServer) -> None:
        self.host = f"127.0.0.1:{server.port}"
        self.digests: dict[str, str] = {}
        self.refused: set[str] = set()
        self.asked: list[str] = []
        server.expect_request(re.compile("/v2/.+/manifests/.+")).respond_with_handler(self._answer)

    def name(self, reference: str) -> str:
        return f"{self.host}/{reference}"

    def _answer(self, request: Request) -> Response:
        _, _, name, _, tag = request.path.split("/")
        self.asked.append(f"{name}:{tag}")
        if name in self.refused:
            return Response(status=403)
        digest = self.digests.get(f"{name}:{tag}")
        if digest is None:
            return Response(status=404)
        kind = "application/vnd.oci.image.index.v1+json"
        return Response(status=200, headers={"Docker-Content-Digest": digest, "Content-Type": kind})


@pytest.fixture
def hub() -> Iterator[Hub]:
    with HTTPServer(host="127.0.0.1") as server:
        made = Hub(server)
        made.digests = {"base:1": ONE, "tools:2": TWO}
        yield made


@pytest.fixture
def shop(tmp_path: Path, hub: Hub) -> Path:
    """Two images, one built from the other, on two bases."""
    names = [hub.name(f"shop/{one}") for one in ("web", "lib")]
    images = [{"name": name, "context": name.rsplit("/", 1)[-1]} for name in names]
    (tmp_path / "davy.yaml").write_text(yaml.safe_dump({"service": "shop", "images": images}))
    for one in ("web", "lib"):
        (tmp_path / one).mkdir()
    (tmp_path / "lib/Dockerfile").write_text(f"FROM {hub.name('base:1')}\nCOPY --from={hub.name('tools:2')} /a /b\n")
    (tmp_path / "web/Dockerfile").write_text(f"FROM {hub.name('shop/lib')}\nCOPY . /\n")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def locked(shop: Path) -> dict[str, str]:
    bases: dict[str, str] = yaml.safe_load((shop / "davy.lock").read_text())["bases"]
    return bases


def test_every_base_is_written_down_and_images_of_the_configuration_are_none(davy: Davy, shop: Path, hub: Hub) -> None:
    ran = davy("build", "lock")
    assert ran.returncode == Ending.DONE, ran.stderr
    assert locked(shop) == {hub.name("base:1"): ONE, hub.name("tools:2"): TWO}
    assert ran.stdout.splitlines() == [f"added {hub.name('base:1')} {ONE}", f"added {hub.name('tools:2')} {TWO}"]


def test_what_is_written_down_is_not_asked_for_again_until_update_says_so(davy: Davy, shop: Path, hub: Hub) -> None:
    davy("build", "lock")
    hub.digests["base:1"], hub.digests["tools:2"] = TWO, ONE
    hub.asked.clear()
    assert davy("build", "lock").stdout == ""
    assert hub.asked == []
    ran = davy("build", "lock", "--update", hub.name("base:1"))
    assert ran.stdout == f"moved {hub.name('base:1')} {ONE} -> {TWO}\n"
    assert locked(shop) == {hub.name("base:1"): TWO, hub.name("tools:2"): TWO}
    davy("build", "lock", "--update")
    assert locked(shop) == {hub.name("base:1"): TWO, hub.name("tools:2"): ONE}


def test_one_image_has_one_line_however_its_dockerfiles_name_it(davy: Davy, shop: Path, hub: Hub) -> None:
    hub.digests = {"base:latest": ONE, "tools:2": TWO}
    (shop / "lib/Dockerfile").write_text(f"FROM {hub.name('base:latest')}\n")
    (shop / "web/Dockerfile").write_text(f"FROM {hub.name('base')}\n")
    assert davy("build", "lock").returncode == Ending.DONE
    assert locked(shop) == {hub.name("base"): ONE}
    assert davy("build", "lock", "--check").returncode == Ending.DONE
    assert "not locked" not in davy("build", "--plan").stderr


def test_a_base_that_nothing_stands_on_any_more_is_dropped(davy: Davy, shop: Path, hub: Hub) -> None:
    davy("build", "lock")
    (shop / "lib/Dockerfile").write_text(f"FROM {hub.name('base:1')}\n")
    assert davy("build", "lock").stdout == f"gone  {hub.name('tools:2')} {TWO}\n"
    assert locked(shop) == {hub.name("base:1"): ONE}


def test_a_check_asks_nobody_writes_nothing_and_ends_with_3(davy: Davy, shop: Path, hub: Hub) -> None:
    ran = davy("build", "lock", "--check")
    assert (ran.returncode, hub.asked) == (Ending.REJECTED, [])
    assert not (shop / "davy.lock").exists()
    davy("build", "lock")
    assert davy("build", "lock", "--check").returncode == Ending.DONE
    hub.digests["base:1"] = TWO
    assert davy("build", "lock", "--check", "--update").returncode == Ending.REJECTED
    assert locked(shop)[hub.name("base:1")] == ONE


def test_a_dry_run_says_what_it_found_and_writes_nothing(davy: Davy, shop: Path, hub: Hub) -> None:
    ran = davy("build", "lock", "--dry-run", "--output", "json")
    said = json.loads(ran.stdout)
    assert ran.returncode == Ending.DONE
    assert (said["version"], said["written"]) == (1, False)
    assert said["bases"] == {hub.name("base:1"): ONE, hub.name("tools:2"): TWO}
    assert {one["kind"] for one in said["changes"]} == {"added"}
    assert not (shop / "davy.lock").exists()


def test_every_base_that_cannot_be_had_is_said_and_the_lock_stays(davy: Davy, shop: Path, hub: Hub) -> None:
    davy("build", "lock")
    before = (shop / "davy.lock").read_bytes()
    hub.refused.add("third")
    (shop / "lib/Dockerfile").write_text(f"FROM {hub.name('base:2')}\nFROM {hub.name('third:1')}\nCOPY --from=0 a b\n")
    ran = davy("build", "lock")
    assert ran.returncode == Ending.UNUSABLE
    assert f"lib/Dockerfile:1: the base {hub.name('base:2')} is not in its registry" in ran.stderr
    assert f"lib/Dockerfile:2: the base {hub.name('third:1')}" in ran.stderr
    assert (shop / "davy.lock").read_bytes() == before


def test_a_registry_that_is_away_ends_with_6_and_the_lock_stays(davy: Davy, shop: Path, hub: Hub) -> None:
    davy("build", "lock")
    before = (shop / "davy.lock").read_bytes()
    (shop / "lib/Dockerfile").write_text("FROM 127.0.0.1:9/away:1\n")
    ran = davy("build", "lock")
    assert ran.returncode == Ending.UNREACHABLE
    assert "127.0.0.1:9" in ran.stderr
    assert (shop / "davy.lock").read_bytes() == before


def test_a_lock_with_a_merge_left_in_it_is_refused_by_plan_and_mended_by_lock(davy: Davy, shop: Path) -> None:
    davy("build", "lock")
    whole = (shop / "davy.lock").read_text()
    (shop / "davy.lock").write_text(whole + "<<<<<<< ours\n")
    ran = davy("build", "--plan")
    assert ran.returncode == Ending.UNUSABLE
    assert f"davy.lock:{len(whole.splitlines()) + 1}:" in ran.stderr
    assert davy("build", "lock", "--check").returncode == Ending.REJECTED
    assert davy("build", "lock").returncode == Ending.DONE
    assert (shop / "davy.lock").read_text() == whole


def test_a_dockerfile_that_does_not_parse_is_said_with_its_line(davy: Davy, shop: Path) -> None:
    (shop / "lib/Dockerfile").write_text("FROM a:1\nRUNN x\nCOPY --form=b c d\n")
    (shop / "web/Dockerfile").write_text("FROM A:1\n")
    ran = davy("build", "lock")
    assert ran.returncode == Ending.UNUSABLE
    for place in ("lib/Dockerfile:2:", "lib/Dockerfile:3:", "web/Dockerfile:1:"):
        assert place in ran.stderr


def test_a_base_that_nobody_names_cannot_be_renewed(davy: Davy, shop: Path, hub: Hub) -> None:
    ran = davy("build", "lock", "--update", "other:1")
    assert ran.returncode == Ending.UNUSABLE
    assert hub.name("base:1") in ran.stderr
    assert davy("build", "lock", "other:1").returncode == Ending.UNUSABLE


def test_a_key_moves_with_the_lock_and_not_with_the_registry(davy: Davy, shop: Path, hub: Hub) -> None:
    def keys() -> list[str]:
        return [json.loads(line)["key"] for line in davy("build", "--plan", "--output", "json").stdout.splitlines()]

    davy("build", "lock")
    before = keys()
    hub.digests["base:1"] = TWO
    assert keys() == before
    davy("build", "lock", "--update")
    assert all(one != other for one, other in zip(keys(), before, strict=True))
