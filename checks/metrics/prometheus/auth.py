"""Auth: sessions with credentials, headers and certificates, read anew when files change."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from davy.checks.metrics.prometheus.credentials import PATH, HeldSecret, _stamp, certified
from davy.pipeline.config.sections.servers import PrometheusConfig

PLAIN = frozenset({"accept", "accept-encoding", "connection", "content-length", "content-type", "user-agent"})
"""Headers that tell nobody a secret."""
UNCHECKED = "its certificate is not checked (tls_config.insecure_skip_verify)"


class Basic(AuthBase):
    """User and password; one in a file is read for each request, so that a new one counts at once."""

    def __init__(self, username: str, password: "HeldSecret") -> None:
        self._username = username
        self._password = password

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with its header."""
        # As bytes: the package would send a text as Latin-1.
        HTTPBasicAuth(self._username.encode(), self._password.read().encode())(request)
        return request


class Token(AuthBase):
    """`Authorization: <type> <credentials>`."""

    def __init__(self, kind: str, credentials: "HeldSecret") -> None:
        self._kind = kind
        self._credentials = credentials

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with its header."""
        request.headers["Authorization"] = f"{self._kind} {self._credentials.read()}"
        return request


class Unsigned(AuthBase):
    """Nothing is added; a `.netrc` would otherwise replace the header that the configuration says."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request as it is."""
        return request


class SignedSession(requests.Session):
    """The package's session, which sends a question as a form: one that names 200 pods is too long for a URL.

    Certificates are those of the configuration, also where `REQUESTS_CA_BUNDLE` is set.
    """

    def __init__(self, params: Mapping[str, str] | None = None) -> None:
        """`params`: sent with every question."""
        super().__init__()
        self._params = dict(params or {})
        self._settings: dict[tuple[object, ...], Any] = {}

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """The package's own; the same questions go to one server, and to go through the environment is dear."""
        key = (urlsplit(url)[:2], stream, verify, cert)
        if proxies:
            return super().merge_environment_settings(url, proxies, stream, verify, cert)
        if key not in self._settings:
            self._settings[key] = super().merge_environment_settings(url, proxies, stream, verify, cert)
        return self._settings[key]

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """The package's hook, where a server sends on to another one: it knows one header that is secret, not ours."""
        super().rebuild_auth(prepared_request, response)  # type: ignore[no-untyped-call]
        if self.should_strip_auth(str(response.request.url), str(prepared_request.url)):  # type: ignore[no-untyped-call]
            for name in [name for name in prepared_request.headers if name.lower() not in PLAIN]:
                del prepared_request.headers[name]

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **more: Any) -> requests.Response:
        """The package's own, of which the questions are made."""
        more |= {"cert": self.cert, "verify": None if self.verify is True else self.verify}
        if more.get("params") and str(method).upper() == "GET":
            method, more["data"] = "POST", more.pop("params")
        if isinstance(more.get("data"), dict):
            more["data"] = {**self._params, **more["data"]}
        return super().request(method, url, *args, **more)


class Signing:
    """Makes sessions for one server. What all of them share (tokens that were bought) is here."""

    def __init__(self, server: PrometheusConfig) -> None:
        self._server = server
        self.url, self._auth = _auth(server)

    def session(self) -> SignedSession:
        """A new session; for one thread at a time. Raises Unusable where a certificate cannot be read."""
        session = certified(SignedSession(self._server.params), self._server.tls_config, f"{PATH}.tls_config")
        session.headers.update(self._server.headers)
        session.auth = self._auth
        return session

    def stamp(self) -> tuple[object, ...]:
        """Changes when a file does that sessions read once: a session made before is then out of date."""
        tls = self._server.tls_config
        return tuple(_stamp(file) for file in (tls.ca_file, tls.cert_file, tls.key_file))

    def renewed(self) -> bool:
        """After the server refused: True where another token was bought, so that asking again may help."""
        forget = getattr(self._auth, "forget", None)
        return bool(forget and forget())

    def warning(self) -> str:
        """What is to be said of how davy signs in, once; empty where there is nothing."""
        return UNCHECKED if self._server.tls_config.insecure_skip_verify else ""


def _auth(server: PrometheusConfig) -> tuple[str, AuthBase | None]:
    """The URL as it may be shown, and how requests are signed."""
    url, own = _without_credentials(server.url.rstrip("/"))
    if server.basic_auth is not None:
        basic = server.basic_auth
        own = Basic(basic.username, HeldSecret(basic.password, basic.password_file, f"{PATH}.basic_auth.password_file"))
    elif server.authorization is not None:
        said = server.authorization
        held = HeldSecret(said.credentials, said.credentials_file, f"{PATH}.authorization.credentials_file")
        own = Token(said.type, held)
    elif server.oauth2 is not None:
        from davy.checks.metrics.prometheus.oauth2 import Bought  # noqa: PLC0415 - only those who buy tokens need the package

        own = Bought(server.oauth2, timeout=server.timeout)
    elif server.sigv4 is not None:
        from davy.checks.metrics.prometheus.sigv4 import signature  # noqa: PLC0415 - heavy, and an extra

        own = signature(server.sigv4)
    elif any(name.lower() == "authorization" for name in server.headers):
        own = Unsigned()
    return url, own


def _without_credentials(url: str) -> tuple[str, AuthBase | None]:
    parts = urlsplit(url)
    if parts.username is None:
        return url, None
    shown = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return shown, Basic(unquote(parts.username), HeldSecret(unquote(parts.password or ""), None, f"{PATH}.url"))
