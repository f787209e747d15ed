"""What the command line says of the cluster, and credentials that end too soon."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pytest_httpserver import HTTPServer

from davy.pipeline.config.file import parsed
from davy.pipeline.config.sections.canary import CanaryConfig
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Unusable
from davy.workflows import wiring
from davy.workflows.cli import main
from davy.workflows.cli.lazy_group import LazyGroup
from davy.workflows.story.options import TargetOptions
from davy.workflows.wiring.reach import FILE, Reach, outlived, reached

ASKING = (
    "plan", "release", "test", "canary start", "canary resume", "canary promote", "canary abort", "canary hold",
    "canary status", "canary watch", "canary trace", "canary history", "judge explain", "judge backtest",
)  # fmt: skip
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def command(words: str) -> Any:
    found: Any = main.davy
    for word in words.split():
        assert isinstance(found, LazyGroup)
        found = found.get_command(None, word)  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("words", ASKING)
def test_every_command_that_asks_a_cluster_can_be_told_which_and_as_whom(words: str) -> None:
    twins = {option.opts[-1]: option.envvar for option in command(words).params if option.opts[0].startswith("-")}
    wanted = {
        "--kubeconfig": "DAVY_KUBECONFIG",
        "--context": "DAVY_CONTEXT",
        "--as": "DAVY_AS",
        "--as-group": "DAVY_AS_GROUP",
    }
    assert {name: twins.get(name) for name in wanted} == wanted
    if words.startswith("canary ") and words != "canary start":
        assert {"--namespace", "--deployment"} <= twins.keys()


CONFIG = """
service: checkout
images: [{name: registry.example.com/checkout}]
deploy: {kubernetes: {namespace: shop, deployment: checkout, kubeconfig: %s, context: one}}
checks: {prometheus: "http://p:9090", slos: [{name: a, objective: 99, errors: e, total: t}]}
"""


def kubeconfig(path: Path, server: str, user: Mapping[str, Any]) -> str:
    document = {
        "current-context": "one",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in ("one", "two")],
    }
    path.write_text(json.dumps(document))
    return str(path)


def test_the_command_line_comes_before_the_file(tmp_path: Path, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/apis/coordination.k8s.io/v1/namespaces/shop/leases/davy-checkout").respond_with_json(
        {"message": "none"}, status=404
    )
    own = kubeconfig(tmp_path / "own", "http://127.0.0.1:1", {"token": "own"})
    other = kubeconfig(tmp_path / "other", httpserver.url_for("/").rstrip("/"), {"token": "other", "as": "viewer"})
    config = parsed(CONFIG % own, "davy.yaml", {})
    assert wiring.side_of(config).api.access.token == "own"
    side = wiring.side_of(config, Reach(kubeconfig=other, context="two", as_user="ann", as_groups=("ops", "devs")))
    assert side.context == "two"
    assert side.lock.holder() is None
    ((request, _),) = httpserver.log
    assert request.headers["Authorization"] == "Bearer other"
    assert request.headers["Impersonate-User"] == "ann"
    assert request.headers.getlist("Impersonate-Group") == ["ops,devs"] or request.headers.getlist(
        "Impersonate-Group"
    ) == ["ops", "devs"]


def test_the_deployment_of_the_command_line_is_the_one_that_is_resumed() -> None:
    config = parsed(CONFIG % "x", "davy.yaml", {})
    said = reached(config, TargetOptions(file=Path("davy.yaml"), namespace="other", deployment="cart").reach)
    assert (said.deploy.kubernetes.namespace, said.deploy.kubernetes.deployment) == ("other", "cart")
    assert reached(config, FILE) is config


def test_a_kubeconfig_that_davy_yaml_names_inside_of_its_repository_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "deep").mkdir()
    run = {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [str(tmp_path / "owned")]}
    inside = kubeconfig(tmp_path / "kc.yaml", "http://127.0.0.1:1", {"exec": {**run, "interactiveMode": "Never"}})
    config = parsed(CONFIG % inside, "davy.yaml", {})
    with pytest.raises(Unusable, match="lies in the work tree"):
        wiring.side_of(config, Reach(folder=tmp_path / "deep"))
    assert not (tmp_path / "owned").exists()
    with pytest.raises(Unusable, match="no ExecCredential"):  # Somebody outside said it: it is run.
        wiring.side_of(config, Reach(folder=tmp_path / "deep", kubeconfig=inside))
    assert (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (None, None),
        (timedelta(hours=2), None),
        (timedelta(minutes=79), "ends at 2026-05-01 13:19 UTC, 1h19m from now, and a canary may take 1h20m"),
        (timedelta(0), "ends already"),
        (timedelta(days=-1), "ends already"),
    ],
)
def test_credentials_that_end_before_the_rollout_can_are_told(left: timedelta | None, said: str | None) -> None:
    found = outlived(None if left is None else NOW + left, NOW, "ci", CanaryConfig())
    assert (found is None) == (said is None)
    if said and found:
        assert said in found.what
        assert "'ci'" in found.what


def test_a_server_that_is_away_is_told_by_a_command_in_a_moment(tmp_path: Path) -> None:
    own = kubeconfig(tmp_path / "own", "http://127.0.0.1:1", {})
    run = CliRunner().invoke(
        main.davy, ["canary", "status", "--kubeconfig", own, "--deployment", "checkout", "-f", str(tmp_path / "none")]
    )
    assert "Nothing listens at 127.0.0.1:1 (context one)" in str(run.exception)
    assert run.exception.ending is Ending.UNREACHABLE  # type: ignore[union-attr]
