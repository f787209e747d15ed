"""Kubeconfig: where the API server is and how to prove who we are, without importing a Kubernetes client."""

import base64
import binascii
import os
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from davy.pipeline.errors import Unusable
from davy.pipeline.excerpt import excerpt
from davy.pipeline.value import dataclass

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/"""

HOW_TO = "Name a kubeconfig in $KUBECONFIG or `deploy.kubernetes.kubeconfig`; `kubectl config view` shows what is set."

Doc = dict[str, Any]
"""A JSON document, as Kubernetes has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One API server and the credentials for it. Its repr shows no secret."""

    server: str
    namespace: str = "default"
    context: str = ""
    ca_file: str | None = None
    ca_data: str | None = None
    """PEM."""
    insecure: bool = False
    server_name: str | None = None
    """The name its certificate is for, where that is not the host of `server`."""
    cert_file: str | None = None
    key_file: str | None = None
    cert_data: str | None = None
    """PEM."""
    key_data: str | None = field(default=None, repr=False)
    """PEM."""
    token: str | None = field(default=None, repr=False)
    token_file: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    sign_in: Callable[[], "Access"] | None = field(default=None, repr=False)
    """Where credentials come from a plugin: gives fresh ones."""

    def authorization(self) -> str | None:
        """The Authorization header. A token file is read every time: the kubelet replaces what is in it."""
        if self.token_file:
            return f"Bearer {_text(Path(self.token_file), 'token file').strip()}"
        if self.token:
            return f"Bearer {self.token}"
        if self.username is not None:
            pair = f"{self.username}:{self.password or ''}".encode()
            return f"Basic {base64.b64encode(pair).decode()}"
        return None

    def tls(self) -> ssl.SSLContext:
        """Trust and client certificate for a connection. Raises Unusable where a file or its text is no good."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file, cadata=self.ca_data)
            if self.insecure:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            if self.cert_file or self.cert_data:
                _load_certificate(context, self)
        except (OSError, ValueError) as error:
            raise Unusable(
                f"The certificates for {self.server} cannot be used: {error}.", remedy="See the kubeconfig's user."
            ) from error
        return context


def _load_certificate(context: ssl.SSLContext, access: Access) -> None:
    """OpenSSL wants files; given as text they lie in a folder only we can read, while they are loaded."""
    import tempfile  # noqa: PLC0415 - few need it, and it costs every look at a canary 3 ms

    with tempfile.TemporaryDirectory(prefix="davy-") as folder:
        cert = access.cert_file or _written(Path(folder, "cert"), access.cert_data or "")
        key = access.key_file or (_written(Path(folder, "key"), access.key_data) if access.key_data else None)
        context.load_cert_chain(cert, key)


def _written(path: Path, text: str) -> str:
    path.touch(mode=0o600)
    path.write_text(text)
    return str(path)


def access_from(
    *, kubeconfig: str | None = None, context: str | None = None, environ: Mapping[str, str] = os.environ
) -> Access:
    """The cluster that a kubeconfig and a context mean; in a pod without either, the pod's own service account.

    Raises Unusable: nothing to read, an unreadable file, a context that is not there, what davy cannot do.
    """
    paths = _paths(kubeconfig, environ)
    there = [path for path in paths if path.exists()]
    if not there:
        if not kubeconfig and "KUBERNETES_SERVICE_HOST" in environ and (SERVICE_ACCOUNT / "token").exists():
            return _in_cluster(environ)
        looked = ", ".join(str(path) for path in paths)
        raise Unusable(f"There is no kubeconfig: looked for {looked}.", remedy=HOW_TO)
    return _chosen([(path, _document(path)) for path in there], context, environ)


def _paths(kubeconfig: str | None, environ: Mapping[str, str]) -> list[Path]:
    if kubeconfig:
        return [Path(kubeconfig).expanduser()]
    listed = [Path(part) for part in environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return listed or [Path(environ.get("HOME", "~"), ".kube", "config").expanduser()]


def _in_cluster(environ: Mapping[str, str]) -> Access:
    host, port = environ["KUBERNETES_SERVICE_HOST"], environ.get("KUBERNETES_SERVICE_PORT", "443")
    namespace = SERVICE_ACCOUNT / "namespace"
    return Access(
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        namespace=_text(namespace, "namespace file").strip() if namespace.exists() else "default",
        context="in-cluster",
        ca_file=str(SERVICE_ACCOUNT / "ca.crt"),
        token_file=str(SERVICE_ACCOUNT / "token"),
    )


def _text(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"The {what} {path} cannot be read: {error}.", remedy=HOW_TO) from error


def _document(path: Path) -> Doc:
    import yaml  # noqa: PLC0415 -- 45 ms that a service account's pod need not pay

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        document = yaml.load(_text(path, "kubeconfig"), Loader=loader)  # noqa: S506 -- both are safe loaders
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where = f" (line {place.line + 1})" if place else ""
        raise Unusable(f"The kubeconfig {path} is no YAML{where}.", remedy=HOW_TO) from error
    if not isinstance(document, dict):
        raise Unusable(f"The kubeconfig {path} is no kubeconfig: not a mapping.", remedy=HOW_TO)
    return document


def _chosen(documents: Sequence[tuple[Path, Doc]], context: str | None, environ: Mapping[str, str]) -> Access:
    contexts, clusters, users = (_merged(documents, kind) for kind in ("contexts", "clusters", "users"))
    name = context or next((str(doc["current-context"]) for _, doc in documents if doc.get("current-context")), "")
    files = ", ".join(str(path) for path, _ in documents)
    if name not in contexts:
        there = ", ".join(sorted(contexts)) or "none"
        what = f"There is no context {name!r} in {files}" if name else f"No current context is set in {files}"
        raise Unusable(f"{what}; contexts there: {there}.", remedy="Choose one with `deploy.kubernetes.context`.")
    _, entry = contexts[name]
    chosen = entry.get("context") or {}
    cluster, user = str(chosen.get("cluster", "")), str(chosen.get("user", ""))
    if cluster not in clusters:
        raise Unusable(f"Context {name!r} names the cluster {cluster!r}, which is not in {files}.", remedy=HOW_TO)
    place = _cluster(name, str(chosen.get("namespace") or "default"), *clusters[cluster])
    if user not in users:
        return Access(**place)
    folder, entry = users[user]
    fields = entry.get("user") or {}
    if "exec" in fields or "auth-provider" in fields:
        return _signed_in(place, files, name, environ)
    return Access(**place, **_user(folder, fields))


def _merged(documents: Sequence[tuple[Path, Doc]], kind: str) -> dict[str, tuple[Path, Doc]]:
    """By name; the first file that has one wins, as kubectl does it."""
    found: dict[str, tuple[Path, Doc]] = {}
    for path, document in documents:
        for entry in document.get(kind) or []:
            found.setdefault(str(entry.get("name", "")), (path.parent, entry))
    return found


def _cluster(context: str, namespace: str, folder: Path, entry: Doc) -> Doc:
    cluster = entry.get("cluster") or {}
    server = str(cluster.get("server", ""))
    if not server.startswith(("https://", "http://")):
        raise Unusable(f"The cluster {entry.get('name')!r} of the kubeconfig has no usable server.", remedy=HOW_TO)
    if cluster.get("proxy-url"):
        raise Unusable(
            f"The cluster {entry.get('name')!r} is behind a proxy ({cluster['proxy-url']}), which davy cannot use.",
            remedy="Reach the API server directly, or through `kubectl proxy`, and name that address.",
        )
    return {
        "server": server.rstrip("/"),
        "namespace": namespace,
        "context": context,
        "ca_file": _beside(folder, cluster.get("certificate-authority")),
        "ca_data": _decoded(cluster.get("certificate-authority-data"), "certificate-authority-data"),
        "insecure": bool(cluster.get("insecure-skip-tls-verify", False)),
        "server_name": cluster.get("tls-server-name"),
    }


def _user(folder: Path, user: Doc) -> Doc:
    return {
        "cert_file": _beside(folder, user.get("client-certificate")),
        "key_file": _beside(folder, user.get("client-key")),
        "cert_data": _decoded(user.get("client-certificate-data"), "client-certificate-data"),
        "key_data": _decoded(user.get("client-key-data"), "client-key-data"),
        "token": user.get("token"),
        "token_file": None if user.get("token") else _beside(folder, user.get("tokenFile")),
        "username": user.get("username"),
        "password": user.get("password"),
    }


def _beside(folder: Path, name: str | None) -> str | None:
    """A relative path is meant from the kubeconfig's folder."""
    return str(folder / name) if name else None


def _decoded(data: str | None, what: str) -> str | None:
    if not data:
        return None
    try:
        return base64.b64decode("".join(data.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Unusable(f"The kubeconfig's {what} is no base64 text.", remedy=HOW_TO) from error


def _signed_in(place: Doc, files: str, context: str, environ: Mapping[str, str]) -> Access:
    """Plugins are run by the official client, which is imported only here: it costs over a second and 100 MB."""
    from kubernetes import client, config  # noqa: PLC0415 -- see above

    configuration = client.Configuration()
    try:
        config.load_kube_config(  # type: ignore[no-untyped-call]
            config_file=files.replace(", ", os.pathsep),
            context=context,
            client_configuration=configuration,
            persist_config=False,
        )
    except Exception as error:
        raise Unusable(
            f"Signing in to context {context!r} failed: {excerpt(str(error))}.",
            remedy="Run `kubectl auth whoami` with the same context: it uses the same plugin.",
        ) from error
    # The token's key is "authorization" up to 36 and "BearerToken" from 37 on; this says the same in both.
    settings: Any = configuration.auth_settings()
    bearer = str((settings.get("BearerToken") or {}).get("value") or "")
    return Access(
        **place,
        token=bearer.removeprefix("Bearer ") or None,
        cert_file=configuration.cert_file,
        key_file=configuration.key_file,
        sign_in=lambda: _signed_in(place, files, context, environ),
    )
