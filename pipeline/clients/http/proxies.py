"""Proxies: which one leads to a server, as Go programs and so kubectl read it. Nothing is asked here.

https://pkg.go.dev/golang.org/x/net/http/httpproxy: HTTPS_PROXY, HTTP_PROXY, NO_PROXY, each also in small letters.
"""

import base64
from collections.abc import Mapping
from dataclasses import field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import unquote, urlsplit

from davy.pipeline.core.errors import Unusable
from davy.pipeline.core.fast_dataclass import dataclass

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """Where it is, and what it is told about who we are. Its repr shows no secret."""

    host: str
    port: int
    tls: bool = False
    said: str = ""
    """Where it is configured: `proxy-url`, or a variable's name."""
    authorization: str | None = field(default=None, repr=False)
    """The Proxy-Authorization header."""

    def __str__(self) -> str:
        return f"{self.host}:{self.port} ({self.said})"


def proxy_of(url: str, said: str) -> Proxy:
    """The proxy that a URL means. Raises Unusable for what is no http or https URL; a password is never in it."""
    if "://" not in url:
        url = f"http://{url}"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Unusable(f"{said} is no URL.", remedy="Write it like http://proxy.example.com:3128.") from None
    if parts.scheme not in PORTS or not host:
        what = f"names a {parts.scheme} proxy" if host and parts.scheme else "is no URL"
        raise Unusable(
            f"{said} {what}, which davy cannot use.",
            remedy="Name an http or https proxy that knows CONNECT, or forward a port with `ssh -L` and name that.",
        )
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    basic = base64.b64encode(pair.encode()).decode() if parts.username or parts.password else ""
    return Proxy(
        host=host,
        port=port if port is not None else PORTS[parts.scheme],
        tls=parts.scheme == "https",
        said=said,
        authorization=f"Basic {basic}" if basic else None,
    )


def proxy_for(server: str, environ: Mapping[str, str]) -> Proxy | None:
    """The environment's proxy for a server's URL; None where it is reached directly. Raises Unusable."""
    place = urlsplit(server)
    names = ("HTTPS_PROXY", "https_proxy") if place.scheme == "https" else ("HTTP_PROXY", "http_proxy")
    name = next((name for name in names if environ.get(name)), None)
    if name is None:
        return None
    if name == "HTTP_PROXY" and environ.get("REQUEST_METHOD"):
        return None  # A CGI script: a client's `Proxy:` header stands in it. CVE-2016-5386.
    none = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    host, port = (place.hostname or "").lower(), place.port or PORTS.get(place.scheme, 0)
    return None if is_direct(host, port, none) else proxy_of(environ[name], f"${name}")


def is_direct(host: str, port: int, none: str) -> bool:
    """Whether NO_PROXY's text takes the host out. localhost and loopback addresses always are."""
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    entries = [entry.strip().lower() for entry in none.split(",")]
    return any(entry == "*" or _is_meant(entry, host, port, address) for entry in entries if entry)


def _is_meant(entry: str, host: str, port: int, address: IPv4Address | IPv6Address | None) -> bool:
    if "/" in entry:
        try:
            return address is not None and address in ip_network(entry, strict=False)
        except ValueError:
            return False
    name, its_port = _split(entry)
    if its_port and its_port != str(port):
        return False
    named = _address(name)
    if named is not None:
        return named == address
    bare = name.removeprefix("*")
    if not bare:
        return False
    return host.endswith(bare) if bare.startswith(".") else host == bare or host.endswith(f".{bare}")


def _split(entry: str) -> tuple[str, str]:
    """`host:port`, `[v6]:port`, or a host alone."""
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        return name, rest.removeprefix(":")
    if entry.count(":") == 1:
        name, _, port = entry.partition(":")
        return name, port
    return entry, ""


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
