"""Targets of bake as images of davy.yaml: the meaning is kept, or the target is left out with its reason."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from davy.pipeline.config.bake import KNOWN, carried
from davy.pipeline.config.file import parsed_delivery
from davy.pipeline.core.errors import Unusable
from davy.workflows.builds import bake_file
from davy.workflows.cli.commands import build

WEB: dict[str, Any] = {
    "annotations": ["manifest:a=b"],
    "attest": [{"mode": "max", "type": "provenance"}, {"type": "sbom"}],
    "context": "web",
    "contexts": {"assets": "./assets", "base": "target:base", "node": "docker-image://node:22"},
    "dockerfile": "Dockerfile.web",
    "args": {"VERSION": "1.2", "PLAIN": "${x}", "UNSET": None},
    "labels": {"com.x": "y"},
    "tags": ["r.test/shop/web:latest", "r.test/shop/web:1", "other.test/web:1"],
    "cache-from": [{"type": "gha"}],
    "target": "serve",
    "secret": [{"id": "npm", "env": "NPM_TOKEN"}, {"id": "netrc", "src": "./netrc"}, {"id": "PLAIN"}],
    "ssh": [{"id": "default"}, {"id": "git", "paths": ["a", "b"]}],
    "platforms": ["linux/amd64", "linux/arm64"],
    "output": [{"type": "registry"}],
    "no-cache": True,
    "network": "none",
    "shm-size": "64m",
    "ulimits": ["nofile=1024:2048"],
    "entitlements": ["security.insecure"],
    "extra-hosts": {"db": "10.0.0.1"},
    "later": 1,
}
"""As buildx 0.30.1 prints it, and a key that it may have one day."""
BASE = {"context": "base", "dockerfile": "Dockerfile", "output": [{"type": "cacheonly"}]}


@pytest.fixture
def imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """What is printed for these targets: the images, and the words beside them."""

    def run(**targets: object) -> tuple[list[dict[str, Any]], str]:
        file = tmp_path / "bake.json"
        file.write_text(json.dumps({"group": {}, "target": targets}))
        bake_file.print_images(bake_file.BakeImportOptions(file=file, output="text"))
        said = capsys.readouterr()
        assert parsed_delivery(f"service: s\n{said.out}", "davy.yaml", {})
        return yaml.safe_load(said.out)["images"], said.err

    return run


def test_every_option_that_davy_has_is_carried_over(imported: Any) -> None:
    (base, web), _ = imported(base=BASE, web=WEB)
    assert base == {"name": "registry.example.com/base", "context": "base"}
    assert web == {
        "name": "r.test/shop/web",
        "context": "web",
        "dockerfile": "Dockerfile.web",
        "target": "serve",
        "platforms": ["linux/amd64", "linux/arm64"],
        "network": "none",
        "entitlements": ["security.insecure"],
        "args": {"VERSION": "1.2", "PLAIN": "$${x}"},
        "labels": {"com.x": "y"},
        "extra_hosts": {"db": "10.0.0.1"},
        "contexts": {
            "assets": "./assets",
            "base": "target:registry.example.com/base",
            "node": "docker-image://node:22",
        },
        "ulimits": {"nofile": "1024:2048"},
        "shm_size": "64Mi",
        "secrets": [
            {"id": "npm", "env": "NPM_TOKEN"},
            {"id": "netrc", "file": "./netrc"},
            {"id": "PLAIN", "env": "PLAIN"},
        ],
        "ssh": ["default", "git=a,b"],
        "tags": ["latest", "1"],
    }


@pytest.mark.parametrize(
    "words",
    [
        "target.base: has no tag",
        "target.web: annotations: `labels`",
        "target.web: attest: `build.provenance`",
        "target.web: cache-from: `build.cache_from`",
        "target.web: no-cache: `davy build --no-cache`",
        "target.web: args.UNSET: has no value",
        "target.web: is pushed to one repository; `davy image copy` takes it to other.test/web",
        "target.web: later: nothing here does that",
    ],
)
def test_what_is_said_elsewhere_or_not_at_all_is_noted(imported: Any, words: str) -> None:
    _, said = imported(base=BASE, web=WEB)
    assert words in said


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ({"dockerfile-inline": "FROM x"}, "has its Dockerfile inline"),
        ({"call": "check"}, "makes no image: it is a `call`"),
        ({"output": [{"type": "local", "dest": "out"}]}, "its output is local"),
        ({"output": ["type=tar,dest=x"]}, "its output is type=tar,dest=x"),
        ({"context": "https://github.com/x/y.git"}, "`context` 'https://github.com/x/y.git' is no folder"),
        ({"contexts": {"src": "oci-layout://x"}}, "`contexts.src` 'oci-layout://x': davy takes no OCI layout"),
        ({"contexts": {"src": "target:nobody"}}, "no image of this file is called 'nobody'"),
        ({"tags": ["r.test/Base:1"]}, "is no repository's name"),
        ({"tags": ["registry.example.com/base:1"]}, "has the repository of target base"),
        ({"network": "bridge"}, "`network` must be `default`, `none` or `host`"),
        ({"entitlements": ["device=kvm"]}, "`entitlements[0]` must be"),
        ({"shm-size": "lots"}, "`shm_size` must be a size"),
        ({"tags": ["r.test/a:davy-main"]}, "begins as davy's own tags do"),
    ],
)
def test_a_target_that_davy_cannot_build_is_left_out_whole(imported: Any, target: dict[str, Any], why: str) -> None:
    images, said = imported(base=BASE, other=target)
    assert [one["name"] for one in images] == ["registry.example.com/base"]
    assert why in said


def test_what_stands_on_a_target_that_is_left_out_is_left_out_too(imported: Any) -> None:
    images, said = imported(
        base={"dockerfile-inline": "FROM x"}, web={"contexts": {"base": "target:base"}}, job={"context": "job"}
    )
    assert [one["name"] for one in images] == ["registry.example.com/job"]
    assert "target.web: davy.yaml cannot say it: `contexts.base` no image of this file is called" in said


@pytest.mark.parametrize(
    ("size", "right"),
    [("64m", "64Mi"), ("1GiB", "1Gi"), ("1gb", "1Gi"), ("1536m", "1536Mi"), ("65537", "65Ki"), ("2048b", "2Ki")],
)
def test_a_size_is_said_as_davy_has_it(imported: Any, size: str, right: str) -> None:
    ((image,), _) = imported(base={"shm-size": size})
    assert image["shm_size"] == right


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"target": []}', '{"target": {"a": 1}}', "[" * 5000, 'target "a" {}']
)
def test_what_bake_did_not_print_is_refused_with_the_command_that_prints_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "f").write_text(text)
    with pytest.raises(Unusable) as caught:
        bake_file.print_images(bake_file.BakeImportOptions(file=tmp_path / "f", output="text"))
    assert "docker buildx bake -f FILE --print" in caught.value.remedy or "No target" in caught.value.what


SCRAPS = st.none() | st.booleans() | st.integers(-1, 9) | st.text(max_size=4) | st.just([1]) | st.just({"a": None})


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from(sorted(KNOWN)), value=SCRAPS | st.lists(SCRAPS, max_size=2))
def test_no_value_of_any_key_is_a_defect_of_davy_s(tmp_path: Path, key: str, value: object) -> None:
    (tmp_path / "f").write_text(json.dumps({"target": {"a": {key: value}, "b": {}}}))
    with suppress(Unusable):
        bake_file.print_images(bake_file.BakeImportOptions(file=tmp_path / "f", output="text"))


def test_standard_input_is_read_and_the_json_says_the_same() -> None:
    text = json.dumps({"target": {"base": BASE, "gone": {"call": "check"}}})
    run = CliRunner().invoke(build.import_.command(), ["-", "--output", "json"], input=text)
    said = json.loads(run.stdout)
    assert said["images"] == [{"name": "registry.example.com/base", "context": "base"}]
    assert [one["path"] for one in (*said["left_out"], *said["notes"])] == ["target.gone", "target.base"]


def test_the_output_itself_is_read_without_the_door() -> None:
    found = carried({"target": {"a": {"context": "x"}}}, "f")
    assert found is not None
    assert found.images == {"a": {"name": "registry.example.com/a", "context": "x"}}
