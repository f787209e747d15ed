"""What is said of an image beside its Dockerfile: labels, and in what surroundings its steps run."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_httpserver import HTTPServer

from davy.pipeline.builds.builders.buildah import BuildahBuilder
from davy.pipeline.builds.builders.buildx import BuildxBuilder
from davy.pipeline.builds.builders.docker import DockerBuilder
from davy.pipeline.builds.ports import Builder, BuildOrder
from davy.pipeline.config.file import parsed
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.images.build_steps import Steps
from davy.pipeline.config.sections.images.keys import ImageConfig
from davy.pipeline.config.sections.images.matrix import expanded
from davy.pipeline.core.errors import Rejected, Unusable
from yard import Yard

STEPS = Steps(
    network="host",
    hosts={"db.test": "10.0.0.7", "six.test": "fd00::7"},
    shm=2**30,
    ulimits={"nofile": "1024:4096"},
    entitlements=("security.insecure",),
)
SAID = {
    "labels": {"com.example.team": "shop"},
    "network": "none",
    "extra_hosts": {"db.test": "10.0.0.7"},
    "shm_size": "64Mi",
    "ulimits": {"nofile": "1024"},
    "entitlements": ["security.insecure"],
}


def document(**more: object) -> str:
    return yaml.safe_dump(
        {
            "service": "shop",
            "images": [{"name": "r.test/shop/app", **more}],
            "deploy": {"kubernetes": {"deployment": "shop"}},
            "checks": {
                "prometheus": "http://p:9090",
                "slos": [{"name": "a", "objective": 99, "errors": "e", "total": "t"}],
            },
        }
    )


@pytest.mark.parametrize(
    ("said", "path", "what"),
    [
        ({"labels": {"a b": "x"}}, "labels.a b", "is no name of a label"),
        ({"labels": {"": "x"}}, "labels.", "is no name of a label"),
        ({"labels": {"a=b": "x"}}, "labels.a=b", "is no name of a label"),
        ({"labels": {"dev.davy.key": "x"}}, "labels.dev.davy.key", "is davy's own to say"),
        (
            {"labels": {"org.opencontainers.image.created": "x"}},
            "labels.org.opencontainers.image.created",
            "is davy's own to say",
        ),
        (
            {"labels": {"org.opencontainers.image.base.name": "x"}},
            "labels.org.opencontainers.image.base.name",
            "is davy's own to say",
        ),
        ({"labels": {"a": 1}}, "labels.a", "put it in quotes"),
        ({"network": "bridge"}, "network", "must be `default`, `none` or `host`"),
        ({"extra_hosts": {"a b": "10.0.0.1"}}, "extra_hosts.a b", "is no name of a host"),
        ({"extra_hosts": {"a": "b"}}, "extra_hosts.a", "'b' is no address"),
        ({"extra_hosts": {"a": "10.0.0.256"}}, "extra_hosts.a", "is no address"),
        ({"shm_size": "1g"}, "shm_size", "must be a size, like 512Mi"),
        ({"ulimits": {"files": "1"}}, "ulimits.files", "'files' is no limit; there is core"),
        ({"ulimits": {"nofile": "many"}}, "ulimits.nofile", "'many' is no limit"),
        ({"ulimits": {"nofile": "2:1"}}, "ulimits.nofile", "the soft limit is above the hard one"),
        ({"ulimits": {"nofile": "-1:1"}}, "ulimits.nofile", "the soft limit is above the hard one"),
        ({"entitlements": ["all"]}, "entitlements[0]", "must be `network.host`, `security.insecure` or `device`"),
        ({"annotations": {"a": "b"}}, "annotations", "`labels` are the manifest's annotations, too"),
        ({"build-args": {"a": "b"}}, "build-args", "did you mean `args`?"),
        ({"additional_contexts": {"a": "b"}}, "additional_contexts", "did you mean `contexts`?"),
        ({"no-cache": True}, "no-cache", "`davy build --no-cache`"),
        ({"pull": True}, "pull", "`davy build lock --update`"),
        ({"dockerfile_inline": "FROM a"}, "dockerfile_inline", "davy builds by files"),
        ({"allow": ["x"]}, "allow", "did you mean `entitlements`?"),
    ],
)
def test_what_nobody_can_build_by_is_refused_with_its_line(said: Mapping[str, Any], path: str, what: str) -> None:
    with pytest.raises(Unusable) as caught:
        parsed(document(**said), "davy.yaml", {})
    (problem,) = caught.value.problems
    assert (problem.path, bool(problem.line)) == (f"images[0].{path}", True)
    assert what in problem.what


@pytest.mark.parametrize("said", [{key: value} for key, value in SAID.items()])
def test_each_option_is_taken(said: Mapping[str, Any]) -> None:
    assert parsed(document(**said), "davy.yaml", {})


def test_what_may_make_another_image_counts_in_the_key_and_a_limit_does_not(tmp_path: Path) -> None:
    def key(**more: object) -> str:
        (one,) = Yard(tmp_path, said=({"name": "r.test/shop/tool", "context": "tool", **more},)).shop().images
        return one.key

    plain = key()
    counted = {key(**{name: SAID[name]}) for name in ("labels", "network", "extra_hosts")}
    assert len({plain, *counted}) == 4
    assert {key(**{name: SAID[name]}) for name in ("shm_size", "ulimits", "entitlements")} == {plain}
    assert key(network="default", labels={}, extra_hosts={}) == plain


def test_the_image_bears_the_labels_and_a_change_of_one_is_why_it_is_built(tmp_path: Path) -> None:
    label = {"com.example.team": "shop", "org.opencontainers.image.title": "The shop"}
    yard = Yard(tmp_path, said=({"name": "r.test/shop/tool", "context": "tool", "labels": label},))
    (built,) = yard.build().built
    assert label.items() <= yard.order_of(built.image).annotations.items()
    yard.said = ({"name": "r.test/shop/tool", "context": "tool", "labels": {**label, "com.example.team": "hidden"}},)
    run = yard.build()
    (why,) = (str(one) for one in run.events if type(one).__name__ == "BuildStarted")
    assert "the label com.example.team changed" in why
    assert "hidden" not in why


def test_a_label_holds_what_its_cell_says() -> None:
    said = {"name": "r.test/a-{PY}", "matrix": {"PY": ["3.11", "3.12"]}, "labels": {"python": "{PY}"}}
    assert [one.labels for one in expanded([made(ImageConfig, said)])] == [{"python": "3.11"}, {"python": "3.12"}]


def test_no_step_is_taken_from_a_cache_where_that_is_asked_for(tmp_path: Path) -> None:
    yard = Yard(tmp_path)
    for anew in (False, True):
        yard.anew = anew
        (built,) = yard.build("tool", force=True).built
        assert yard.order_of(built.image).no_cache is anew


TOOL = """#!/bin/sh
DIGEST=sha256:1111111111111111111111111111111111111111111111111111111111111111
echo "$@" >> "$LOG"
case "$1" in
  version) echo "github.com/docker/buildx v0.30.1" ;;
  --debug) printf 'Driver:    docker-container\\nBuildKit version: v0.26.3\\nPlatforms: linux/amd64\\n' ;;
  --version) echo "buildah version 1.28.2" ;;
  info) echo '{"store": {"GraphRoot": "/nowhere", "GraphDriverName": "vfs"}}' ;;
  build|push) while [ $# -gt 0 ]; do
      [ "$1" = --metadata-file ] && echo '{"containerimage.digest": "'$DIGEST'"}' > "$2"
      [ "$1" = --digestfile ] && echo $DIGEST > "$2"
      shift
    done ;;
esac
"""


@pytest.mark.parametrize(
    ("tool", "builder", "allowed"),
    [
        ("buildx", BuildxBuilder, " --allow network.host --allow security.insecure"),
        ("buildah", BuildahBuilder, ""),
    ],
)
def test_a_tool_is_told_each_of_them(
    tmp_path: Path, tool: str, builder: Callable[[Mapping[str, str]], Builder], allowed: str
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / tool).write_text(TOOL)
    (tmp_path / "bin" / tool).chmod(0o755)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text("FROM scratch\n")
    log = tmp_path / "log"
    environment = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "LOG": str(log), "HOME": str(tmp_path)}
    order = BuildOrder(name="127.0.0.1:9/app", context=tmp_path / "app", steps=STEPS, no_cache=True)
    one = builder(environment)
    assert one.lacks(order) == ()
    assert one.build(order, lambda _: None).image.digest == "sha256:" + "1" * 64
    told = next(line for line in log.read_text().splitlines() if line.startswith("build "))
    wanted = (
        "--network host --add-host db.test:10.0.0.7 --add-host six.test:fd00::7 --shm-size 1073741824b"
        f" --ulimit nofile=1024:4096 --no-cache{allowed}"
    )
    assert wanted in told


@pytest.fixture
def engine(httpserver: HTTPServer) -> Builder:
    """An Engine that answers, and refuses each build."""
    httpserver.expect_request("/version").respond_with_json({"ApiVersion": "1.41", "Os": "linux", "Arch": "amd64"})
    httpserver.expect_request("/v1.41/version").respond_with_json({"Os": "linux", "Arch": "amd64"})
    httpserver.expect_request("/v1.41/build").respond_with_data('{"error": "no"}\n')
    return DockerBuilder({"DOCKER_HOST": f"tcp://{httpserver.host}:{httpserver.port}"})


def test_the_engine_says_that_it_sets_no_limits_and_is_told_the_rest(
    engine: Builder, httpserver: HTTPServer, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    order = BuildOrder(name="r.test/app", context=tmp_path, steps=STEPS, no_cache=True)
    assert engine.lacks(order) == ("the Docker Engine's own API cannot set ulimits of a build",)
    with pytest.raises(Rejected, match="no"):
        engine.build(order, lambda _: None)
    asked = next(request.args for request, _ in httpserver.log if request.path == "/v1.41/build")
    assert {name: asked[name] for name in ("networkmode", "shmsize", "nocache")} == {
        "networkmode": "host",
        "shmsize": str(2**30),
        "nocache": "True",
    }
    assert asked.getlist("extrahosts") == ["db.test:10.0.0.7", "six.test:fd00::7"]
