"""Kubeconfig: where the API server is and how to prove who we are, as kubectl reads it.

What a kubeconfig says and davy cannot honour is refused by name: a key that was dropped would make us somebody else.
"""

import base64
import binascii
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from davy.pipeline.clients.http.proxies import Proxy, proxy_for, proxy_of
from davy.pipeline.clients.kubernetes import kubeconfig_file
from davy.pipeline.clients.kubernetes.access import HOW_TO, Access, Doc, end_of, text_of
from davy.pipeline.clients.kubernetes.kubeconfig_file import KubeconfigEntry, Named
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.fast_dataclass import dataclass

if TYPE_CHECKING:
    from davy.pipeline.clients.kubernetes import sign_in as kubesignin

__all__ = ["Access", "ContextWish", "Doc", "access_from"]

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/"""

# https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
CONTEXT_KEYS = ("cluster", "user", "namespace", "extensions")
CLUSTER_KEYS = (
    "server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority", "certificate-authority-data",
    "proxy-url", "disable-compression", "extensions",
)  # fmt: skip
"""`disable-compression` is honoured by itself: davy never asks for any."""
USER_KEYS = (
    "client-certificate", "client-certificate-data", "client-key", "client-key-data", "token", "tokenFile", "as",
    "as-uid", "as-groups", "as-user-extra", "username", "password", "auth-provider", "exec", "extensions",
)  # fmt: skip
SPACE = re.compile(r"[\x00-\x20\x7f]")
STRANGE = "it may change who you are or whom you ask"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextWish:
    """What is wanted of the kubeconfigs; None and empty: as they say."""

    kubeconfig: str | None = None
    context: str | None = None
    as_user: str | None = None
    as_groups: tuple[str, ...] = ()
    work_tree: Path | None = None
    """Said where davy.yaml names the kubeconfig: one that lies in here may start no program and read no other file."""


def access_from(
    *,
    kubeconfig: str | None = None,
    context: str | None = None,
    environ: Mapping[str, str] = os.environ,
    wish: ContextWish | None = None,
) -> Access:
    """The cluster that a kubeconfig and a context mean; in a pod without either, the pod's own service account.

    Raises Unusable: nothing to read, an unreadable file, a context that is not there, what davy cannot do; Forbidden
    and Unreachable where a plugin does not sign us in.
    """
    wish = wish or ContextWish(kubeconfig=kubeconfig, context=context)
    paths = _paths(wish.kubeconfig, environ)
    there = [path for path in paths if path.exists()]
    if not there:
        if not wish.kubeconfig and "KUBERNETES_SERVICE_HOST" in environ and (SERVICE_ACCOUNT / "token").exists():
            return _as_wished(_in_cluster(environ), wish)
        looked = ", ".join(str(path) for path in paths)
        raise Unusable(f"There is no kubeconfig: looked for {looked}.", remedy=HOW_TO)
    found, current = kubeconfig_file.entries(there)
    chosen = _Chosen(found, wish.context or current, ", ".join(map(str, there)))
    if wish.work_tree and _is_inside(there[0], wish.work_tree) and not _is_said(there[0], environ):
        chosen.harmless(there[0])
    return _as_wished(chosen.access(environ), wish)


def _paths(kubeconfig: str | None, environ: Mapping[str, str]) -> list[Path]:
    if kubeconfig:
        return [Path(kubeconfig).expanduser()]
    return _listed(environ) or [Path(environ.get("HOME", "~"), ".kube", "config").expanduser()]


def _listed(environ: Mapping[str, str]) -> list[Path]:
    return [Path(part) for part in dict.fromkeys(environ.get("KUBECONFIG", "").split(os.pathsep)) if part]


def _is_inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _is_said(path: Path, environ: Mapping[str, str]) -> bool:
    """Whether $KUBECONFIG names it too: then somebody outside of the work tree trusts it."""
    return path.resolve() in [one.resolve() for one in _listed(environ)]


def _as_wished(access: Access, wish: ContextWish) -> Access:
    """With `--as` and `--as-group` over what the file says; the file's uid and extras are the other one's."""
    if not wish.as_user and not wish.as_groups:
        return access
    user = wish.as_user or access.as_user
    if not user:
        raise Unusable("--as-group needs --as: a group alone is nobody.", remedy="Say who with --as.")
    other = bool(wish.as_user) and wish.as_user != access.as_user
    groups = wish.as_groups or (() if other else access.as_groups)
    wished = replace(access, as_user=user, as_groups=groups)
    if other:
        wished = replace(wished, as_uid=None, as_extra=())
    if access.sign_in is None:
        return wished
    sign_in = access.sign_in
    return replace(wished, sign_in=lambda: _as_wished(sign_in(), wish))


def _in_cluster(environ: Mapping[str, str]) -> Access:
    host, port = environ["KUBERNETES_SERVICE_HOST"], environ.get("KUBERNETES_SERVICE_PORT", "443")
    namespace = SERVICE_ACCOUNT / "namespace"
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    return Access(
        server=server,
        namespace=text_of(namespace, "namespace file").strip() if namespace.exists() else "default",
        context="in-cluster",
        ca_file=str(SERVICE_ACCOUNT / "ca.crt"),
        token_file=str(SERVICE_ACCOUNT / "token"),
        proxy=proxy_for(server, environ),
    )


class _Chosen:
    """The context that is meant, with its cluster and its user. Raises Unusable where one of them is not there."""

    def __init__(self, found: Mapping[str, Named], name: str, files: str) -> None:
        self.name = name
        contexts, clusters, users = (found[kind] for kind in ("contexts", "clusters", "users"))
        if name not in contexts:
            there = ", ".join(sorted(contexts)) or "none"
            what = f"There is no context {name!r} in {files}" if name else f"No current context is set in {files}"
            raise Unusable(
                f"{what}; contexts there: {there}.", remedy="Choose one with --context or `deploy.kubernetes.context`."
            )
        self.context = contexts[name]
        cluster, user = self.context.text("cluster") or "", self.context.text("user") or ""
        for kind, wanted, there_are in (("cluster", cluster, clusters), ("user", user, users)):
            if wanted not in there_are and (wanted or kind == "cluster"):
                raise Unusable(f"Context {name!r} names the {kind} {wanted!r}, which is not in {files}.", remedy=HOW_TO)
        self.cluster, self.user, self.files = clusters[cluster], users.get(user), files

    def harmless(self, path: Path) -> None:
        """Raises Unusable where the file could start a program or read another file."""
        user = self.user
        key = next((key for key in ("exec", "tokenFile") if user is not None and key in user), None)
        if user is None or key is None:
            return
        user.refuse(key, "would start a program" if key == "exec" else "would send another file's content")
        raise Unusable(
            f"davy.yaml names the kubeconfig {path}, which lies in the work tree itself.",
            problems=(user.problems[-1],),
            remedy=f"Whoever may change the repository could use it so. If you trust it, name it from outside: "
            f"--kubeconfig {path}, or KUBECONFIG.",
        )

    def access(self, environ: Mapping[str, str]) -> Access:
        """Raises Unusable with all that is wrong with the three."""
        self.context.only(CONTEXT_KEYS, STRANGE)
        place = self._place(environ)
        if self.user is None:
            self._refused()
            return place
        known = _user(self.user, place)
        if "exec" not in self.user.said():
            self._refused()
            return known
        from davy.pipeline.clients.kubernetes import sign_in as kubesignin  # noqa: PLC0415 - only who signs in by a plugin pays for it

        plugin = kubesignin.plugin_of(self.user, self.name)
        self._refused()
        if plugin is None:
            return known
        info = kubesignin.cluster_of(known, self.cluster)
        return _signed_in(known, kubesignin.SignIn(plugin=plugin, cluster=info, environ=environ), fresh=False)

    def _place(self, environ: Mapping[str, str]) -> Access:
        cluster = self.cluster
        cluster.only(CLUSTER_KEYS, STRANGE)
        server = cluster.text("server") or ""
        if not _is_server(server):
            cluster.refuse("server", "is no usable server; write it like https://k8s.example.com:6443")
        insecure = cluster.flag("insecure-skip-tls-verify")
        if insecure and ("certificate-authority" in cluster or "certificate-authority-data" in cluster):
            cluster.refuse("insecure-skip-tls-verify", "stands beside a certificate authority; take one of them out")
        cluster.flag("disable-compression")
        return Access(
            server=server.rstrip("/"),
            namespace=self.context.text("namespace") or "default",
            context=self.name,
            ca_file=cluster.path("certificate-authority"),
            ca_data=_decoded(cluster, "certificate-authority-data"),
            insecure=insecure,
            server_name=cluster.text("tls-server-name"),
            proxy=_proxy(cluster) if "proxy-url" in cluster else proxy_for(server, environ),
        )

    def _refused(self) -> None:
        entries = (self.context, self.cluster, *([self.user] if self.user else []))
        problems: dict[Problem, None] = dict.fromkeys(problem for entry in entries for problem in entry.problems)
        if problems:
            raise Unusable(
                f"Context {self.name!r} of {self.files} cannot be used.", problems=tuple(problems), remedy=HOW_TO
            )


def _is_server(url: str) -> bool:
    try:
        place = urlsplit(url)
        named = bool(place.hostname) and (place.port is None or place.port > 0)
    except ValueError:
        return False
    return named and place.scheme in ("https", "http") and not SPACE.search(url) and not place.query


def _proxy(cluster: KubeconfigEntry) -> Proxy | None:
    try:
        return proxy_of(cluster.text("proxy-url") or "", "proxy-url")
    except Unusable as error:
        cluster.refuse("proxy-url", f"{error.what.removeprefix('proxy-url ').rstrip('.')}. {error.remedy}")
        return None


def _user(user: KubeconfigEntry, place: Access) -> Access:
    user.only(USER_KEYS, STRANGE)
    if "auth-provider" in user:
        kind = user.within("auth-provider").text("name") or "?"
        what = f"signs in by {kind!r}, a way that Kubernetes took out in 1.26; take an exec plugin in its place"
        user.refuse("auth-provider", what)
    ways = [key for key in ("token", "username", "exec") if key in user]
    if len(ways) > 1:
        user.refuse(ways[1], f"stands beside `{ways[0]}`; only one of them can say who you are")
    if "as" not in user:
        for key in ("as-uid", "as-groups", "as-user-extra"):
            if key in user:
                user.refuse(key, "needs `as`: it says more about somebody who is not named")
    extra = user.within("as-user-extra")
    token, token_file = user.text("token"), user.path("tokenFile")
    return replace(
        place,
        cert_file=user.path("client-certificate"),
        key_file=user.path("client-key"),
        cert_data=_decoded(user, "client-certificate-data"),
        key_data=_decoded(user, "client-key-data"),
        token=token,
        token_file=token_file,
        username=user.text("username"),
        password=user.text("password"),
        as_user=user.text("as"),
        as_uid=user.text("as-uid"),
        as_groups=user.texts("as-groups"),
        as_extra=tuple((key, extra.texts(key)) for key in extra.said()),
        expires=None if token_file else end_of(token),
    )


def _signed_in(known: Access, sign_in: "kubesignin.SignIn", *, fresh: bool) -> Access:
    made = sign_in.credential(fresh=fresh)
    return replace(
        known,
        token=made.token or known.token,
        cert_data=made.certificate or known.cert_data,
        key_data=made.key or known.key_data,
        expires=made.expires or end_of(made.token),
        sign_in=lambda: _signed_in(known, sign_in, fresh=True),
    )


def _decoded(entry: KubeconfigEntry, key: str) -> str | None:
    data = entry.text(key)
    if not data:
        return None
    try:
        return base64.b64decode("".join(data.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        entry.refuse(key, "is no base64 text")
        return None
