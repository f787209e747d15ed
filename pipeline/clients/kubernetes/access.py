"""Access: one API server, how it is reached, and how to prove who we are."""

import base64
import json
import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from davy.pipeline.clients.http.proxies import Proxy
from davy.pipeline.core.errors import Unusable
from davy.pipeline.core.fast_dataclass import dataclass

Doc = dict[str, Any]
"""A JSON document, as Kubernetes has it."""

HOW_TO = "Name a kubeconfig with --kubeconfig or $KUBECONFIG; `kubectl config view` shows what is set."
NO_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""What no header may hold: it could begin another one."""
MARKS = frozenset("!#$&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""A header's name may hold these, RFC 9110 5.6.2, but for the percent sign, which stands before what is escaped."""


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
    proxy: Proxy | None = None
    cert_file: str | None = None
    key_file: str | None = None
    cert_data: str | None = None
    """PEM; before a file, as kubectl has it."""
    key_data: str | None = field(default=None, repr=False)
    """PEM; before a file."""
    token: str | None = field(default=None, repr=False)
    token_file: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    as_user: str | None = None
    """Who we act as; the server asks whether these credentials may."""
    as_uid: str | None = None
    as_groups: tuple[str, ...] = ()
    as_extra: tuple[tuple[str, tuple[str, ...]], ...] = ()
    expires: datetime | None = None
    """When the credentials end, where that is known."""
    sign_in: Callable[[], "Access"] | None = field(default=None, repr=False)
    """Where credentials come from a plugin: gives fresh ones."""

    def authorization(self) -> str | None:
        """The Authorization header. A token file is read every time: the kubelet replaces what is in it."""
        token = self._token()
        if token:
            return f"Bearer {token}"
        if self.username is not None:
            pair = f"{self.username}:{self.password or ''}".encode()
            return f"Basic {base64.b64encode(pair).decode()}"
        return None

    def _token(self) -> str | None:
        if not self.token_file:
            return self.token
        try:
            return text_of(Path(self.token_file), "token file").strip()
        except Unusable:
            # As Kubernetes' own clients have it: the file first, and what stands in the kubeconfig where it fails.
            if self.token:
                return self.token
            raise

    def headers(self) -> Iterator[tuple[str, str]]:
        """Who we are, and who we act as. Raises Unusable where a value cannot stand in a header."""
        for name, value in self._said():
            if NO_HEADER.search(value):
                what = "The credentials" if name == "Authorization" else f"The value of {name}"
                raise Unusable(
                    f"{what} for {self.server} hold a character that no header may hold.", remedy="See the kubeconfig."
                )
            yield name, value

    def _said(self) -> Iterator[tuple[str, str]]:
        if authorization := self.authorization():
            yield "Authorization", authorization
        # https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
        if self.as_user:
            yield "Impersonate-User", self.as_user
        if self.as_uid:
            yield "Impersonate-Uid", self.as_uid
        yield from (("Impersonate-Group", group) for group in self.as_groups)
        for key, values in self.as_extra:
            yield from ((f"Impersonate-Extra-{escaped(key)}", value) for value in values)

    def tls(self) -> ssl.SSLContext:
        """Trust and client certificate for a connection. Raises Unusable where a file or its text is no good."""
        try:
            context = ssl.create_default_context(
                cafile=None if self.ca_data else self.ca_file, cadata=self.ca_data or None
            )
            # On by default from Python 3.13 on; Go does not ask for it, and old authorities lack an extension.
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
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
        cert = _written(Path(folder, "cert"), access.cert_data) if access.cert_data else access.cert_file
        key = _written(Path(folder, "key"), access.key_data) if access.key_data else access.key_file
        # Without a password of ours OpenSSL would ask for one at the terminal.
        context.load_cert_chain(cert or "", key, password=lambda: "")


def _written(path: Path, text: str) -> str:
    path.touch(mode=0o600)
    path.write_text(text)
    return str(path)


def text_of(path: Path, what: str) -> str:
    """A small file's text. Raises Unusable."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"The {what} {path} cannot be read: {error}.", remedy=HOW_TO) from error


def escaped(key: str) -> str:
    """A key of `as-user-extra` as a part of a header's name: what may not stand there as %2F, byte by byte."""
    return "".join(chr(byte) if chr(byte) in MARKS else f"%{byte:02X}" for byte in key.encode())


def end_of(token: str | None) -> datetime | None:
    """When a JWT ends, by its own `exp`; None where the token is none, or says nothing. Nothing is verified here."""
    parts = (token or "").split(".")
    if len(parts) != 3:
        return None
    try:
        held = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(float(held["exp"]), UTC)
    except (ValueError, TypeError, KeyError, OverflowError, OSError, RecursionError):
        return None
