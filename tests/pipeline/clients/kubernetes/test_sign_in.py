"""Sign-in plugins: run as kubectl runs them, and told in their own words when they fail."""

import json
import stat
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.pipeline.clients.kubernetes.access import Access
from davy.pipeline.clients.kubernetes.kubeconfig import access_from
from davy.pipeline.clients.kubernetes.sign_in import Plugin, credential_of
from davy.pipeline.core.errors import DavyError, Forbidden, Unusable

V1 = "client.authentication.k8s.io/v1"
BETA = "client.authentication.k8s.io/v1beta1"


def credential(version: str = V1, **status: str) -> str:
    return json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status})


def plugin(folder: Path, script: str) -> str:
    path = folder / "sign-in"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return "./sign-in"


def signed_in(folder: Path, *, environ: Mapping[str, str] | None = None, cluster: Any = None, **run: Any) -> Access:
    document = {
        "current-context": "ci",
        "contexts": [{"name": "ci", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://k8s:6443", **(cluster or {})}}],
        "users": [{"name": "u", "user": {"exec": {"apiVersion": V1, "interactiveMode": "Never", **run}}}],
    }
    (folder / "config").write_text(yaml.safe_dump(document))
    return access_from(kubeconfig=str(folder / "config"), environ=environ or {"PATH": "/usr/bin:/bin"})


@pytest.mark.parametrize("version", [V1, BETA])
def test_a_plugins_token_is_sent(tmp_path: Path, version: str) -> None:
    command = plugin(tmp_path, f"echo '{credential(version, token='made')}'")
    access = signed_in(tmp_path, command=command, apiVersion=version)
    assert access.authorization() == "Bearer made"
    assert access.sign_in is not None
    assert "made" not in repr(access)


def test_a_plugins_certificate_is_ours(tmp_path: Path) -> None:
    command = plugin(tmp_path, f"echo '{credential(clientCertificateData='CERT', clientKeyData='KEY')}'")
    access = signed_in(tmp_path, command=command)
    assert (access.cert_data, access.key_data, access.authorization()) == ("CERT", "KEY", None)


def test_a_plugin_gets_its_arguments_its_environment_and_the_cluster_where_it_wants_it(tmp_path: Path) -> None:
    command = plugin(
        tmp_path,
        f'echo "$@ $REGION $OTHER" > said; echo "$KUBERNETES_EXEC_INFO" > info; echo \'{credential(token="t")}\'',
    )
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x"}}
    signed_in(
        tmp_path,
        environ={"PATH": "/usr/bin:/bin", "OTHER": "kept", "PWD": str(tmp_path)},
        command=plugin(tmp_path, f"cd {tmp_path}; " + (tmp_path / command).read_text().partition("\n")[2]),
        args=["get token", "--x"],
        env=[{"name": "REGION", "value": "eu"}],
        provideClusterInfo=True,
        cluster={"insecure-skip-tls-verify": True, "tls-server-name": "k", "extensions": [extension]},
    )
    assert (tmp_path / "said").read_text() == "get token --x eu kept\n"
    info = json.loads((tmp_path / "info").read_text())
    assert (info["apiVersion"], info["kind"], info["spec"]["interactive"]) == (V1, "ExecCredential", False)
    assert info["spec"]["cluster"] == {
        "server": "https://k8s:6443", "tls-server-name": "k", "insecure-skip-tls-verify": True,
        "config": {"audience": "x"},
    }  # fmt: skip


def test_a_plugin_that_is_not_there_is_named_with_its_hint(tmp_path: Path) -> None:
    with pytest.raises(Unusable) as caught:
        signed_in(tmp_path, command="no-such-aws", installHint="Get it from\nexample.com.")
    assert str(caught.value).startswith("`no-such-aws` (the sign-in plugin of context ci) is not installed")
    assert "Get it from example.com." in str(caught.value)
    assert "PATH" in caught.value.remedy


def test_a_plugin_that_fails_is_told_in_its_own_last_words_and_obeys_no_ci(tmp_path: Path) -> None:
    command = plugin(
        tmp_path,
        "seq 100 >&2; echo '::error::owned' >&2; printf '\\033[31mexpired; run aws sso login\\n' >&2; exit 255",
    )
    with pytest.raises(Forbidden) as caught:
        signed_in(tmp_path, command=command)
    told = str(caught.value)
    assert "failed with exit code 255" in told
    assert "expired; run aws sso login" in told
    assert "\x1b" not in told
    assert " ::error" not in told
    assert " 50 " not in told
    assert "kubectl auth whoami --context ci" in caught.value.remedy


def test_a_plugin_that_wants_a_person_is_refused_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="wants a person at a terminal"):
        signed_in(tmp_path, command="true", interactiveMode="Always")


def test_a_credential_is_kept_until_it_ends_or_is_refused(tmp_path: Path) -> None:
    ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    answer = credential(token="t", expirationTimestamp=ends)
    command = plugin(tmp_path, f"echo run >> {tmp_path}/runs; echo '{answer}'")
    for _ in range(3):
        access = signed_in(tmp_path, command=command)
    assert (tmp_path / "runs").read_text() == "run\n"
    assert access.expires == datetime.fromisoformat(ends)
    assert access.sign_in is not None
    access.sign_in()
    assert (tmp_path / "runs").read_text() == "run\nrun\n"


def test_a_credential_that_has_ended_is_fetched_anew(tmp_path: Path) -> None:
    answer = credential(token="t", expirationTimestamp=datetime.now(UTC).isoformat())
    command = plugin(tmp_path, f"echo run >> {tmp_path}/runs; echo '{answer}'")
    for _ in range(2):
        signed_in(tmp_path, command=command)
    assert (tmp_path / "runs").read_text() == "run\nrun\n"


ODD = [
    ("", "no ExecCredential"),
    ("null", "no ExecCredential"),
    ("[" * 100_000, "no ExecCredential"),
    ('{"kind": "Other"}', "no ExecCredential"),
    (credential(BETA, token="t"), "v1beta1"),
    (json.dumps({"apiVersion": V1, "kind": "ExecCredential"}), "no status"),
    (credential(), "neither a token"),
    (credential(clientKeyData="k", token="t"), "neither a token"),
    (json.dumps({"apiVersion": V1, "kind": "ExecCredential", "status": {"token": 5}}), "no texts"),
    (credential(token="t", expirationTimestamp="soon"), "no time"),
]


@pytest.mark.parametrize(("text", "said"), ODD, ids=range(len(ODD)))
def test_an_answer_that_is_no_credential_is_told(text: str, said: str) -> None:
    with pytest.raises(Unusable, match=said):
        credential_of(text, Plugin(context="ci", command="x"))


JSONS = st.recursive(
    st.none() | st.integers() | st.text(max_size=4), lambda inner: st.lists(inner, max_size=2), max_leaves=4
)


@given(
    st.dictionaries(st.sampled_from(["token", "clientCertificateData", "clientKeyData", "expirationTimestamp"]), JSONS)
)
@settings(max_examples=100)
def test_whatever_a_plugin_answers_is_a_credential_or_one_of_davys_errors(status: dict[str, Any]) -> None:
    text = json.dumps({"apiVersion": V1, "kind": "ExecCredential", "status": status})
    try:
        found = credential_of(text, Plugin(context="ci", command="x"))
    except DavyError:
        return
    assert found.token or (found.certificate and found.key)


# ---- held against the official client ----

USERS: tuple[dict[str, Any], ...] = (
    {"token": "t"},
    {"username": "ann", "password": "pw"},
    {"tokenFile": "token"},
    {"exec": {"apiVersion": V1, "interactiveMode": "Never", "command": "./sign-in"}},
    {"exec": {"apiVersion": V1, "interactiveMode": "IfAvailable", "command": "./sign-in", "args": ["a b"]}},
)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("cluster", [{}, {"certificate-authority": "ca.crt"}, {"insecure-skip-tls-verify": True}])
def test_the_official_client_reads_the_same_out_of_a_kubeconfig(
    tmp_path: Path, user: dict[str, Any], cluster: dict[str, Any]
) -> None:
    from kubernetes import client, config  # noqa: PLC0415 - a second to import

    (tmp_path / "token").write_text("from-a-file")  # The official client would send a newline at its end.
    (tmp_path / "ca.crt").write_text("")
    plugin(tmp_path, f"echo '{credential(token='made')}'")
    document = {
        "current-context": "ci",
        "contexts": [{"name": "ci", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://k8s:6443/path/", **cluster}}],
        "users": [{"name": "u", "user": user}],
    }
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(document))
    theirs = client.Configuration()
    config.load_kube_config(config_file=str(path), client_configuration=theirs, persist_config=False)
    ours = access_from(kubeconfig=str(path), environ={"PATH": "/usr/bin:/bin"})
    assert ours.server == theirs.host.rstrip("/")
    assert ours.insecure is not theirs.verify_ssl
    assert (ours.ca_file and Path(ours.ca_file)) == (theirs.ssl_ca_cert and Path(theirs.ssl_ca_cert))
    settings_ = theirs.auth_settings()
    bearer = (settings_.get("BearerToken") or {}).get("value")
    assert ours.authorization() == (bearer or theirs.get_basic_auth_token())
