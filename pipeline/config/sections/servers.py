"""Server config: where samples are read, and how davy signs in there, as frozen values.

The keys are those of Prometheus' own `http_config`, so that what works there can be copied.
"""

from datetime import timedelta
from typing import Annotated, Literal

from davy.pipeline.config.parsing.fields import Before, Duration
from davy.pipeline.config.parsing.section import Part, part, setting


@part
class BasicAuthConfig(Part):
    """User and password."""

    username: str = setting(description="The user, or `env:NAME`.", min_length=1)
    password: str | None = setting(default=None, repr=False, description="`env:NAME`, better than the password itself.")
    password_file: str | None = setting(
        default=None, description="File with the password; read anew for every request."
    )


@part
class AuthorizationConfig(Part):
    """A token in the header `Authorization`."""

    type: str = setting(default="Bearer", min_length=1, description="The word before the token.")
    credentials: str | None = setting(default=None, repr=False, description="`env:NAME`, better than the token itself.")
    credentials_file: str | None = setting(
        default=None, description="File with the token; read anew for every request."
    )


@part
class TlsConfig(Part):
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
class OAuth2Config(Part):
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
class SigV4Config(Part):
    """Amazon's signature; needs `davy[aws]`."""

    region: str | None = setting(default=None, description="By default what AWS' own settings say.")
    access_key: str | None = setting(default=None, repr=False, description="`env:NAME`; by default AWS' own chain.")
    secret_key: str | None = setting(default=None, repr=False, description="`env:NAME`, with `access_key`.")
    profile: str | None = setting(default=None, description="Profile of AWS' settings.")
    role_arn: str | None = setting(default=None, description="Role to take on first.")
    service: str = setting(default="aps", description="Service that is signed for; `aps` is Amazon Managed Prometheus.")


@part
class PrometheusConfig(Part):
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
