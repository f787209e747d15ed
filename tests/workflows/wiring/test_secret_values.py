"""Secrets of the servers: read from where they are, all that miss at once, and all known to redaction."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from davy.checks.metrics.prometheus.client import Prometheus
from davy.checks.metrics.quorum import Quorum
from davy.pipeline.config.file import parsed
from davy.pipeline.core.errors import Unusable
from davy.workflows import wiring
from davy.workflows.cli.commands.validate import validate
from davy.workflows.wiring import secret_values

HEAD = """\
service: checkout
images: [{name: registry.example.com/shop/checkout}]
deploy: {kubernetes: {namespace: shop, deployment: checkout}}
checks:
  slos: [{name: availability, objective: 99.5, errors: 'errors_total', total: 'requests_total'}]
"""


def config(prometheus: str):
    return parsed(f"{HEAD}  prometheus: {prometheus}\n", "davy.yaml", {})


TWO = """
  - {url: http://a, basic_auth: {username: 'env:USER_A', password: 'env:PASS_A'}, timeout: 100ms}
  - {url: http://b, headers: {X-Key: 'env:KEY_B', X-Scope-OrgID: tenant}}
"""


def test_every_name_is_filled_in_and_nothing_else_changes():
    servers = config(TWO).checks.prometheus
    first, second = secret_values.opened(servers, {"USER_A": "u", "PASS_A": "p", "KEY_B": "k"})
    assert (first.basic_auth.username, first.basic_auth.password, first.timeout) == ("u", "p", servers[0].timeout)
    assert second.headers == {"X-Key": "k", "X-Scope-OrgID": "tenant"}


def test_every_name_that_is_not_set_is_told_at_once_with_its_path():
    with pytest.raises(Unusable) as raised:
        secret_values.opened(config(TWO).checks.prometheus, {"USER_A": "u"})
    assert [str(problem) for problem in raised.value.problems] == [
        "checks.prometheus[0].basic_auth.password: is read from $PASS_A, which is not set",
        "checks.prometheus[1].headers.X-Key: is read from $KEY_B, which is not set",
    ]
    assert raised.value.remedy == "Set PASS_A, KEY_B in the environment."


def test_redaction_knows_every_secret_wherever_it_is_held(tmp_path: Path, monkeypatch):
    (tmp_path / "token").write_text("filed-secret\n")
    monkeypatch.setenv("KEY_C", "key-secret")
    said = config(
        f"[{{url: http://a, authorization: {{credentials_file: {tmp_path}/token}}}}, "
        "{url: http://b, basic_auth: {username: ann, password: written-secret}}, "
        "'http://u:url%2Dsecret@c', {url: http://d, headers: {K: 'env:KEY_C', T: tenant}}]"
    )
    assert set(wiring.secrets(said)) == {"filed-secret", "written-secret", "url-secret", "key-secret"}
    assert wiring.washing(said)("a filed-secret b key-secret") == "a *** b ***"


def test_one_server_is_itself_and_several_are_a_quorum():
    assert isinstance(wiring.metrics(config("http://a")), Prometheus)
    assert isinstance(wiring.metrics(config("[http://a, http://b]")), Quorum)
    replicas_behind_one = config("http://a\n  replica_labels: [replica]")
    assert isinstance(wiring.metrics(replicas_behind_one), Quorum)


THRESHOLD = "  prometheus: http://p\n  thresholds: [{{name: q, query: '{query}', success: '<= 1'}}]\n"


def validated(folder: Path, query: str, *options: str):
    (folder / "davy.yaml").write_text(HEAD + THRESHOLD.format(query=query))
    return CliRunner().invoke(validate.command(), ["-f", str(folder / "davy.yaml"), *options])


def test_validate_tells_what_the_linter_advises_and_is_still_good(tmp_path: Path):
    run = validated(tmp_path, "sum(rate(x[5m])) or vector(0)")
    assert run.exit_code == 0
    assert "davy.yaml:7: checks.thresholds[0].query: `or vector(0)`" in run.stderr
    assert "good." in run.stdout
    said = json.loads(validated(tmp_path, "sum(rate(x[5m])) or vector(0)", "-o", "json").stdout)
    assert len(said["warnings"]) == 2


def test_validate_refuses_what_the_linter_calls_an_error(tmp_path: Path):
    run = validated(tmp_path, 'rate(x{{pod=~"{{canary}}"}}[15s])'.replace("{{", "{").replace("}}", "}"))
    assert isinstance(run.exception, Unusable)
    (problem,) = run.exception.problems
    assert (problem.line, problem.path) == (7, "checks.thresholds[0].query")


def test_what_is_no_part_of_davy_gets_none_of_the_configurations_secrets() -> None:
    tree = {"checks": {"prometheus": [{"bearer": "env:TOKEN"}]}, "tests": ({"cloud": {"key": "env:CLOUD"}},), "x": None}
    environment = {"TOKEN": "a", "CLOUD": "b", "PATH": "/bin"}
    assert secret_values.without_secrets(tree, environment) == {"PATH": "/bin"}
