"""Server rules: what no single key of a server's settings can break alone."""

from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from davy.pipeline.core.text import nouns
from davy.pipeline.config.sections.servers import SIGN_INS, PrometheusConfig, SigV4Config, TlsConfig
from davy.pipeline.config.parsing.yaml_tree import Place

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
