"""Kubeconfigs, as people have them."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from davy.pipeline.clients.kubernetes.kubeconfig import access_from
from davy.pipeline.core.errors import Unusable


def config(**changes: Any) -> dict[str, Any]:
    return {
        "current-context": "one",
        "contexts": [
            {"name": "one", "context": {"cluster": "c", "user": "u", "namespace": "shop"}},
            {"name": "two", "context": {"cluster": "c"}},
        ],
        "clusters": [{"name": "c", "cluster": {"server": "https://k8s:6443/", "certificate-authority": "ca.crt"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        **changes,
    }


def written(folder: Path, document: Any, name: str = "config") -> str:
    path = folder / name
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    return str(path)


def refused(folder: Path, document: Any) -> Unusable:
    with pytest.raises(Unusable) as caught:
        access_from(kubeconfig=written(folder, document), environ={})
    return caught.value


def test_the_current_context_is_chosen_and_relative_paths_are_beside_the_file(tmp_path: Path) -> None:
    access = access_from(kubeconfig=written(tmp_path, config()), environ={})
    assert (access.server, access.namespace, access.authorization()) == ("https://k8s:6443", "shop", "Bearer t")
    assert access.ca_file == str(tmp_path / "ca.crt")


def test_a_context_by_name_wins_and_may_have_no_user(tmp_path: Path) -> None:
    access = access_from(kubeconfig=written(tmp_path, config()), context="two", environ={})
    assert (access.namespace, access.authorization()) == ("default", None)


def test_of_several_files_the_first_that_names_a_thing_wins(tmp_path: Path) -> None:
    first = written(tmp_path, {"users": [{"name": "u", "user": {"token": "first"}}]}, "first")
    access = access_from(environ={"KUBECONFIG": f"{first}:/not/there:{written(tmp_path, config())}"})
    assert access.authorization() == "Bearer first"


def test_the_home_folders_file_is_the_default(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    written(tmp_path / ".kube", config())
    assert access_from(environ={"HOME": str(tmp_path)}).context == "one"


def test_a_token_file_is_read_anew_every_time(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("old\n")
    user = {"name": "u", "user": {"tokenFile": "token"}}
    access = access_from(kubeconfig=written(tmp_path, config(users=[user])), environ={})
    (tmp_path / "token").write_text("new\n")
    assert access.authorization() == "Bearer new"


def test_name_and_password_are_sent_as_basic(tmp_path: Path) -> None:
    user = {"name": "u", "user": {"username": "ann", "password": "pw"}}
    access = access_from(kubeconfig=written(tmp_path, config(users=[user])), environ={})
    assert access.authorization() == "Basic " + base64.b64encode(b"ann:pw").decode()
    assert "pw" not in repr(access)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (config(**{"current-context": "three"}), "no context 'three'.*one, two"),
        (config(**{"current-context": ""}), "No current context.*one, two"),
        (config(clusters=[]), "names the cluster 'c'"),
        (config(clusters=[{"name": "c", "cluster": {"server": ""}}]), "no usable server"),
        (
            config(clusters=[{"name": "c", "cluster": {"server": "https://k:x"}}]),
            r"config:\d+: clusters\[0\].*no usable server",
        ),
        (
            config(clusters=[{"name": "c", "cluster": {"server": "https://k", "proxy-url": "socks5://p:1"}}]),
            "socks5 proxy",
        ),
        (config(contexts=[{"name": "one", "context": {"cluster": "c", "user": "nobody"}}]), "names the user 'nobody'"),
        (config(users=[{"name": "u", "user": {"client-key-data": "%"}}]), "client-key-data: is no base64"),
        ("a: [", "config:1: is no YAML"),
        ("just text", "not a mapping"),
    ],
)
def test_each_thing_wrong_is_named(tmp_path: Path, document: Any, said: str) -> None:
    error = refused(tmp_path, document)
    assert re.search(said, "\n".join([str(error), *map(str, error.problems)]))
    assert error.remedy


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r"looked for .*nowhere"):
        access_from(kubeconfig=str(tmp_path / "nowhere"), environ={})


def test_a_folder_is_no_kubeconfig(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="cannot be read"):
        access_from(kubeconfig=str(tmp_path), environ={})


def test_bad_certificates_are_told_when_a_connection_wants_them(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("nothing of the kind")
    with pytest.raises(Unusable, match="certificates"):
        access_from(kubeconfig=written(tmp_path, config()), environ={}).tls()
