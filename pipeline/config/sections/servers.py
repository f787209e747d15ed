"""Servers: where samples are read, and how davy signs in there, as frozen values.

The keys are those of Prometheus' own `http_config`, so that what works there can be copied.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from davy.pipeline.config.parsing.fields import Before, Duration
from davy.pipeline.config.parsing.section import Section, part, setting
from davy.pipeline.config.parsing.yaml_tree import Place
from davy.pipeline.core.text import nouns


@part
class BasicAuthConfig(Section):
    """User and password."""

    username: str = setting(description="The user, or `env:NAME`.", min_length=1)
    password: str | None = setting(default=None, repr=False, description="`env:NAME`, better than the password itself.")
    password_file: str | None = setting(
        default=None, description="File with the password; read anew for every request."
    )


@part
class AuthorizationConfig(Section):
    """A token in the header `Authorization`."""

    type: str = setting(default="Bearer", min_length=1, description="The word before the token.")
    credentials: str | None = setting(default=None, repr=False, description="`env:NAME`, better than the token itself.")
    credentials_file: str | None = setting(
        default=None, description="File with the token; read anew for every request."
    )


@part
class TlsConfig(Section):
    """Who is trusted, and what davy shows of itself."""

    ca_file: str | None = setting(
        default=None, description="Authorities that may sign the server; the system's by default."
    )
    cert_file: str | None = setting(default=None, description="davy's own certificate (mTLS), with `key_file`.")
    key_file: str | None = setting(default=None, description="Key of `cert_file`.")
    server_name: str | None = setting(
        default=None, description="Name in the server's certificate; the URL's by default."
    )
    insecure_skip_verify: bool = setting(
        default=False, description="Trust any certificate. For trying things out only."
    )


@part
class OAuth2Config(Section):
    """Client credentials (RFC 6749, 4.4) that buy a token."""

    client_id: str = setting(description="The client, or `env:NAME`.", min_length=1)
    client_secret: str | None = setting(
        default=None, repr=False, description="`env:NAME`, better than the secret itself."
    )
    client_secret_file: str | None = setting(
        default=None, description="File with the secret; read anew for every token."
    )
    token_url: str = setting(description="Where tokens are; https.", min_length=1)
    scopes: tuple[str, ...] = setting(default=(), description="Scopes to ask for.")
    endpoint_params: dict[str, str] = setting(default_factory=dict, description="More to send with the request.")
    tls_config: TlsConfig = setting(default=TlsConfig(), description="For `token_url`.")


@part
class SigV4Config(Section):
    """Amazon's signature; needs `davy[aws]`."""

    region: str | None = setting(default=None, description="By default what AWS' own settings say.")
    access_key: str | None = setting(default=None, repr=False, description="`env:NAME`; by default AWS' own chain.")
    secret_key: str | None = setting(default=None, repr=False, description="`env:NAME`, with `access_key`.")
    profile: str | None = setting(default=None, description="Profile of AWS' settings.")
    role_arn: str | None = setting(default=None, description="Role to take on first.")
    service: str = setting(default="aps", description="Service that is signed for; `aps` is Amazon Managed Prometheus.")


@part
class PrometheusConfig(Section):
    """Where samples are read."""

    url: str = setting(min_length=1)
    headers: dict[str, str] = setting(
        default_factory=dict, repr=False, description="A value `env:NAME` is read from NAME; `X-Scope-OrgID` is one."
    )
    params: dict[str, str] = setting(
        default_factory=dict, description="More to send with each question; `docs/prometheus.md` says which help where."
    )
    timeout: Duration = timedelta(seconds=10)
    retries: int = setting(default=2, ge=0, le=10, description="How often a request is sent again where that may help.")
    basic_auth: BasicAuthConfig | None = setting(default=None, description="User and password.")
    authorization: AuthorizationConfig | None = setting(default=None, description="A token.")
    oauth2: OAuth2Config | None = setting(default=None, description="A token that is bought with client credentials.")
    sigv4: SigV4Config | None = setting(default=None, description="Amazon's signature.")
    tls_config: TlsConfig = setting(default=TlsConfig(), description="Certificates.")


SignIn = Literal["basic_auth", "authorization", "oauth2", "sigv4"]
SIGN_INS: tuple[SignIn, ...] = ("basic_auth", "authorization", "oauth2", "sigv4")
SECRET_KEYS = frozenset({"password", "credentials", "client_secret", "access_key", "secret_key"})
"""Keys whose value is a secret, also where it is written into the file itself."""
FILE_KEYS = frozenset({f"{key}_file" for key in ("password", "credentials", "client_secret")})
"""Keys that name a file with a secret."""


def _server(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


def _servers(value: object) -> object:
    # Not by `min_length`: that also speaks up where the only one is wrong in itself.
    if isinstance(value, list | tuple) and not value:
        raise ValueError("must not be empty")
    return value if isinstance(value, list | tuple) else (value,)


Server = Annotated[PrometheusConfig, Before(_server)]
"""A mapping, or its URL alone."""

Servers = Annotated[tuple[Server, ...], Before(_servers)]
"""One, or a list of them."""
Finding = tuple[Place, str]
URL = "must be a URL, like http://prometheus.monitoring:9090"


def of_server(place: Place, server: PrometheusConfig, *, short: bool = False) -> Iterator[Finding]:
    """What is wrong with a server. `short`: it was written as its URL alone."""
    url = _url(server.url)
    if url is None:
        yield place if short else (*place, "url"), URL
    used = [key for key in SIGN_INS if getattr(server, key) is not None]
    held = ["a user in `url`"] if url is not None and url.username is not None else []
    held += ["`headers.Authorization`"] if any(name.lower() == "authorization" for name in server.headers) else []
    ways = held + [f"`{key}`" for key in used]
    if len(ways) > 1:
        yield (*place, used[-1]) if used else (*place, "url"), f"only one way to sign in at a time, not {_and(ways)}"
    yield from _secrets(place, server)
    yield from _tls((*place, "tls_config"), server.tls_config)
    if server.oauth2 is not None:
        yield from _tls((*place, "oauth2", "tls_config"), server.oauth2.tls_config)
        token = _url(server.oauth2.token_url)
        if token is None or token.scheme != "https":
            yield (*place, "oauth2", "token_url"), "must be an https URL: the client's secret is sent there"
    if server.sigv4 is not None:
        yield from _sigv4((*place, "sigv4"), server.sigv4)


def of_quorum(place: Place, quorum: int | None, servers: int) -> Iterator[Finding]:
    """`quorum` counts servers that there are."""
    if quorum is not None and quorum > servers:
        yield place, f"{quorum} servers must answer, but `prometheus` names {nouns.counted(servers, 'server')}"


def _url(text: str) -> SplitResult | None:
    try:
        url = urlsplit(text)
        usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        return None
    return url if usable else None


def _secrets(place: Place, server: PrometheusConfig) -> Iterator[Finding]:
    basic, token, oauth2 = server.basic_auth, server.authorization, server.oauth2
    if basic is not None:
        yield from _either((*place, "basic_auth"), "password", basic.password, basic.password_file)
    if token is not None:
        yield from _either((*place, "authorization"), "credentials", token.credentials, token.credentials_file)
    if oauth2 is not None:
        yield from _either((*place, "oauth2"), "client_secret", oauth2.client_secret, oauth2.client_secret_file)


def _either(place: Place, key: str, value: str | None, file: str | None) -> Iterator[Finding]:
    if value is not None and file is not None:
        yield (*place, f"{key}_file"), f"either `{key}` or `{key}_file`, not both"
    elif value is None and file is None:
        yield place, f"needs `{key}` or `{key}_file`"


def _tls(place: Place, tls: TlsConfig) -> Iterator[Finding]:
    for key, other in (("cert_file", "key_file"), ("key_file", "cert_file")):
        if getattr(tls, key) is not None and getattr(tls, other) is None:
            yield (*place, key), f"needs `{other}` beside it"


def _sigv4(place: Place, sigv4: SigV4Config) -> Iterator[Finding]:
    for key, other in (("access_key", "secret_key"), ("secret_key", "access_key")):
        if getattr(sigv4, key) is not None and getattr(sigv4, other) is None:
            yield (*place, key), f"needs `{other}` beside it"
    if sigv4.access_key is not None and sigv4.profile is not None:
        yield (*place, "profile"), "either `access_key` or `profile`, not both"


def _and(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"
