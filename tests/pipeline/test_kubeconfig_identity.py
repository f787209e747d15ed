"""Who one is, and by which way one goes: nothing that a kubeconfig says about it is dropped."""

import base64
import json
import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.pipeline.clients.http.proxies import is_direct, proxy_for
from davy.pipeline.clients.kubernetes.access import Access, end_of, escaped
from davy.pipeline.clients.kubernetes.kubeconfig import ContextWish, access_from
from davy.pipeline.core.errors import DavyError, Unusable


def written(folder: Path, *, user: Any = None, cluster: Any = None, name: str = "config", **more: Any) -> str:
    document = {
        "current-context": "ci",
        "contexts": [{"name": "ci", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://k8s:6443", **(cluster or {})}}],
        "users": [{"name": "u", "user": user or {}}],
        **more,
    }
    (folder / name).write_text(yaml.safe_dump(document))
    return str(folder / name)


def read(folder: Path, wish: ContextWish | None = None, environ: dict[str, str] | None = None, **more: Any) -> Access:
    path = written(folder, **more)
    wish = wish or ContextWish()
    return access_from(
        wish=ContextWish(kubeconfig=path, as_user=wish.as_user, as_groups=wish.as_groups), environ=environ or {}
    )


def problems(folder: Path, **more: Any) -> str:
    with pytest.raises(Unusable) as caught:
        read(folder, **more)
    return "\n".join([str(caught.value), *map(str, caught.value.problems)])


ACTING = {
    "token": "t", "as": "viewer", "as-uid": "42", "as-groups": ["devs", "shop"],
    "as-user-extra": {"example.com/team": ["a", "b"], "scopes": ["view"]},
}  # fmt: skip


def test_who_one_acts_as_is_sent_with_every_request(tmp_path: Path) -> None:
    assert list(read(tmp_path, user=ACTING).headers()) == [
        ("Authorization", "Bearer t"),
        ("Impersonate-User", "viewer"),
        ("Impersonate-Uid", "42"),
        ("Impersonate-Group", "devs"),
        ("Impersonate-Group", "shop"),
        ("Impersonate-Extra-example.com%2Fteam", "a"),
        ("Impersonate-Extra-example.com%2Fteam", "b"),
        ("Impersonate-Extra-scopes", "view"),
    ]


def test_the_command_line_says_who_over_the_file_and_then_the_files_groups_are_another_ones(tmp_path: Path) -> None:
    headers = list(read(tmp_path, ContextWish(as_user="admin"), user=ACTING).headers())
    assert headers == [("Authorization", "Bearer t"), ("Impersonate-User", "admin")]
    headers = list(read(tmp_path, ContextWish(as_groups=("ops",)), user=ACTING).headers())
    assert [value for name, value in headers if name == "Impersonate-Group"] == ["ops"]
    assert ("Impersonate-User", "viewer") in headers
    with pytest.raises(Unusable, match="--as-group needs --as"):
        read(tmp_path, ContextWish(as_groups=("ops",)), user={"token": "t"})


@given(st.text(min_size=1))
@settings(max_examples=100)
def test_a_key_of_extras_is_a_header_whatever_it_is(key: str) -> None:
    assert re.fullmatch(r"[!#$&'*+.^_`|~0-9A-Za-z-]*(%[0-9A-F]{2}[!#$&'*+.^_`|~0-9A-Za-z-]*)*", escaped(key))


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ({"as-groups": ["devs"]}, "users[0].user.as-groups: needs `as`"),
        ({"as-uid": "1"}, "needs `as`"),
        ({"as": "a", "as-groups": "devs"}, "must be a list of texts"),
        ({"as": 5}, "users[0].user.as: must be a text"),
        ({"AS": "viewer"}, "is a key that davy does not know, and it may change who you are"),
        ({"client-certificate-date": "x"}, "is it 'client-certificate-data'?"),
        ({"auth-provider": {"name": "gcp"}}, "signs in by 'gcp'"),
        ({"token": "a", "username": "b"}, "stands beside `token`"),
        ({"token": "a", "exec": {"command": "x", "apiVersion": "client.authentication.k8s.io/v1"}}, "stands beside"),
        ({"exec": {"command": "x", "apiVersion": "client.authentication.k8s.io/v1alpha1"}}, "must be client.auth"),
        ({"exec": {"apiVersion": "client.authentication.k8s.io/v1"}}, "command: is not there"),
        ({"token": ["x"]}, "must be a text"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name_with_its_line(tmp_path: Path, user: Any, said: str) -> None:
    told = problems(tmp_path, user=user)
    assert said in told
    assert re.search(r"config:\d+: users", told)


def test_what_is_unknown_of_a_cluster_or_context_is_refused_too(tmp_path: Path) -> None:
    assert "clusters[0].cluster.proxy: is a key" in problems(tmp_path, cluster={"proxy": "http://p"})
    contexts = [{"name": "ci", "context": {"cluster": "c", "user": "u", "as": "x"}}]
    assert "contexts[0].context.as: is a key" in problems(tmp_path, contexts=contexts)
    both = {"insecure-skip-tls-verify": True, "certificate-authority": "ca.crt"}
    assert "stands beside a certificate authority" in problems(tmp_path, cluster=both)


def test_other_peoples_entries_stop_nobody_and_extensions_are_nobodys(tmp_path: Path) -> None:
    users = [{"name": "u", "user": {"token": "t", "extensions": [{"name": "x", "extension": {"y": 1}}]}},
             {"name": "other", "user": {"auth-provider": {"name": "gcp"}}}]  # fmt: skip
    access = read(tmp_path, users=users, cluster={"disable-compression": True})
    assert access.authorization() == "Bearer t"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "nul\x00"])
@pytest.mark.parametrize("key", ["token", "as"])
def test_no_value_begins_a_header_of_its_own(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(DavyError, match="no header may hold"):
        list(Access(server="https://k", **{key.replace("as", "as_user"): value}).headers())


def test_a_token_file_comes_before_the_token_and_the_token_where_it_cannot_be_read(tmp_path: Path) -> None:
    user = {"token": "old", "tokenFile": "token"}
    assert read(tmp_path, user=user).authorization() == "Bearer old"
    (tmp_path / "token").write_text("new\n")
    assert read(tmp_path, user=user).authorization() == "Bearer new"


# ---- a kubeconfig that a pull request could have written ----


@pytest.mark.parametrize("user", [
    {"tokenFile": "/etc/hostname"},
    {"exec": {"command": "sh", "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never"}},
])  # fmt: skip
def test_a_kubeconfig_in_the_work_tree_starts_and_reads_nothing_unless_named_from_outside(
    tmp_path: Path, user: Any
) -> None:
    path = written(tmp_path, user=user)
    inside = ContextWish(kubeconfig=path, work_tree=tmp_path)
    with pytest.raises(Unusable, match="lies in the work tree") as caught:
        access_from(wish=inside, environ={})
    assert caught.value.problems[0].line
    assert "--kubeconfig" in caught.value.remedy
    with pytest.raises(Unusable, match="lies in the work tree"):
        access_from(wish=inside, environ={"KUBECONFIG": "/somewhere/else"})
    if "tokenFile" in user:
        named = access_from(wish=inside, environ={"KUBECONFIG": path})
        assert named.token_file == "/etc/hostname"
    outside = tmp_path / "deep" / "tree"
    outside.mkdir(parents=True)
    if "tokenFile" in user:
        assert access_from(wish=ContextWish(kubeconfig=path, work_tree=outside), environ={}).token_file


def test_a_plain_kubeconfig_in_the_work_tree_is_used(tmp_path: Path) -> None:
    path = written(tmp_path, user={"token": "t"})
    assert access_from(wish=ContextWish(kubeconfig=path, work_tree=tmp_path), environ={}).token == "t"


# ---- proxies ----

HTTPS = "https://k8s.example.com:6443"


def by(server: str = HTTPS, **environ: str) -> str | None:
    found = proxy_for(server, environ)
    return found and f"{'https' if found.tls else 'http'}://{found.host}:{found.port}"


def test_the_environments_proxy_is_the_one_that_go_would_take() -> None:
    assert by() is None
    assert by(HTTPS_PROXY="http://p:3128") == "http://p:3128"
    assert by(https_proxy="p:3128") == "http://p:3128"
    assert by(HTTPS_PROXY="https://p") == "https://p:443"
    assert by(HTTPS_PROXY="http://a", https_proxy="http://b") == "http://a:80"
    assert by(HTTP_PROXY="http://p", ALL_PROXY="http://q") is None
    assert by("http://k8s.example.com", HTTP_PROXY="http://p") == "http://p:80"
    assert by("http://k8s.example.com", HTTP_PROXY="http://p", REQUEST_METHOD="GET") is None
    assert by("https://127.0.0.1:6443", HTTPS_PROXY="http://p") is None
    assert by("https://[::1]:6443", HTTPS_PROXY="http://p") is None
    assert by("https://localhost:6443", HTTPS_PROXY="http://p") is None
    with pytest.raises(Unusable, match="socks5"):
        by(HTTPS_PROXY="socks5://p:1080")


@pytest.mark.parametrize(
    ("none", "host", "direct"),
    [
        ("*", "k8s.example.com", True),
        ("other.com, *", "k8s.example.com", True),
        ("example.com", "k8s.example.com", True),
        ("example.com", "example.com", True),
        (".example.com", "example.com", False),
        (".example.com", "k8s.example.com", True),
        ("*.example.com", "k8s.example.com", True),
        ("*.example.com", "example.com", False),
        ("ample.com", "k8s.example.com", False),
        ("EXAMPLE.com", "k8s.example.com", True),
        ("example.com:6443", "k8s.example.com", True),
        ("example.com:443", "k8s.example.com", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "k8s.example.com", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3:6443", "10.1.2.3", True),
        ("10.1.2.3:1", "10.1.2.3", False),
        ("fd00::/8", "fd00::1", True),
        ("[fd00::1]:6443", "fd00::1", True),
        ("fd00::1", "fd00::1", True),
        ("", "k8s.example.com", False),
        (":6443,, ,/,10.0.0.0/99", "k8s.example.com", False),
    ],
)
def test_no_proxy_is_read_as_go_reads_it(none: str, host: str, direct: bool) -> None:
    assert is_direct(host, 6443, none) is direct


@given(st.text(max_size=60), st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){0,3}|\d{1,3}(\.\d{1,3}){3}", fullmatch=True))
@settings(max_examples=150)
def test_no_text_of_no_proxy_is_an_error(none: str, host: str) -> None:
    assert is_direct(host, 6443, none) in (True, False)
    assert is_direct(host, 6443, none + ",*")


def test_the_clusters_own_proxy_comes_first_and_its_password_is_in_no_text(tmp_path: Path) -> None:
    access = read(tmp_path, cluster={"proxy-url": "http://me:p%40ss@p:3128"}, environ={"HTTPS_PROXY": "http://other:1"})
    assert access.proxy is not None
    assert (access.proxy.host, access.proxy.port) == ("p", 3128)
    assert access.proxy.authorization == "Basic " + base64.b64encode(b"me:p@ss").decode()
    assert "ss" not in f"{access.proxy!r} {access.proxy}".replace("cluss", "")
    assert str(access.proxy) == "p:3128 (proxy-url)"


# ---- a token's end ----


def jwt(**claims: Any) -> str:
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, claims, 1)
    )


def test_a_tokens_own_end_is_read_and_a_strange_token_has_none(tmp_path: Path) -> None:
    assert end_of(jwt(exp=1_800_000_000)) == datetime(2027, 1, 15, 8, tzinfo=UTC)
    assert read(tmp_path, user={"token": jwt(exp=1_800_000_000)}).expires == datetime(2027, 1, 15, 8, tzinfo=UTC)
    for token in (None, "", "opaque", "a.b.c", jwt(), jwt(exp="soon"), jwt(exp=1e99), jwt(exp=None), "é.é.é"):
        assert end_of(token) is None


def test_a_token_file_has_no_end_for_it_is_renewed(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(jwt(exp=1))
    assert read(tmp_path, user={"tokenFile": "token"}).expires is None


# ---- whatever a file holds, it is one of davy's errors ----

HOSTILE = [
    "contexts: [x]",
    "contexts: x",
    "contexts: {a: 1}",
    "users: [[1]]",
    "clusters: [{name: [1]}]",
    "clusters: [{cluster: {}}]",
    "contexts: [{name: a, context: 5}]",
    "current-context: [1]",
    "a: 2026-13-45",
    "a: 0x" + "f" * 20_000,
    "- 1",
    "5",
    "{" * 500,
    "[" * 100_000,
    "a: &a [1,1,1,1,1,1,1,1,1]\n"
    + "\n".join(f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    "contexts: [{name: a}, {name: a}]",
    "? [1]\n: 2",
    "a: !!python/object:os.system x",
    "a: \x01",
    "current-context: a\ncontexts: [{name: a, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: 'https://'}}]",
    "current-context: a\ncontexts: [{name: a, context: {cluster: c}}]\nclusters: [{name: c, cluster: [1]}]",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_file_is_unusable_and_where_a_line_is_at_fault_it_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").write_text(text)
    with pytest.raises(Unusable) as caught:
        access_from(kubeconfig=str(tmp_path / "config"), environ={})
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["\n\ncontexts: [x]", "\n\na: &a [1]\nb: {name: *a}\nusers: [{name: *a}]"])
def test_the_line_of_a_wrong_shape_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").write_text(text)
    with pytest.raises(Unusable) as caught:
        access_from(kubeconfig=str(tmp_path / "config"), environ={})
    assert caught.value.problems[0].line >= 3


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = [
    "server",
    "cluster",
    "user",
    "token",
    "exec",
    "command",
    "args",
    "env",
    "as",
    "as-groups",
    "as-user-extra",
    "name",
]


@given(
    junk=JUNK,
    at=st.sampled_from(["contexts", "clusters", "users", "context", "cluster", "user"]),
    key=st.sampled_from(KEYS),
)
@settings(max_examples=150, deadline=None)
def test_whatever_stands_anywhere_is_an_access_or_one_of_davys_errors(
    tmp_path_factory: pytest.TempPathFactory, junk: Any, at: str, key: str
) -> None:
    document: dict[str, Any] = {
        "current-context": "ci",
        "contexts": [{"name": "ci", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://k8s:6443"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }
    if at.endswith("s"):
        document[at] = junk
    else:
        document[f"{at}s"][0][at][key] = junk
    path = tmp_path_factory.mktemp("kube") / "config"
    path.write_text(yaml.safe_dump(document))
    with suppress(DavyError):
        assert access_from(kubeconfig=str(path), environ={}).server == "https://k8s:6443"


def test_a_file_without_an_end_is_not_read_to_it(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="no plain file"):
        access_from(kubeconfig="/dev/zero", environ={})
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(Unusable, match="no plain file"):
        access_from(kubeconfig=str(tmp_path / "fifo"), environ={})
    with (tmp_path / "large").open("wb") as file:
        file.truncate(2**24)
    with pytest.raises(Unusable, match="larger than"):
        access_from(kubeconfig=str(tmp_path / "large"), environ={})
