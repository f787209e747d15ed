"""Registry names: which host and repository a name means, how it is spoken to, and how a refusal is said."""

import ipaddress

from davy.pipeline.core.errors import Forbidden

PULL, PUSH = "pull", "pull,push"
HUB = "docker.io"


def host_and_repository(name: str) -> tuple[str, str]:
    """`registry.example.com/shop/checkout` in two; a name without a host is docker.io's."""
    first, _, rest = name.partition("/")
    if rest and ("." in first or ":" in first or first == "localhost"):
        if first in ("index.docker.io", "registry-1.docker.io"):
            first = HUB
        return first, rest if first != HUB or "/" in rest else f"library/{rest}"
    return HUB, name if "/" in name else f"library/{name}"


def address(host: str) -> str:
    """Where the registry answers."""
    return "registry-1.docker.io" if host == HUB else host


def is_loopback(host: str) -> bool:
    """True for this machine: Docker speaks plain http there, and so do we."""
    bare = host.rsplit(":", 1)[0].strip("[]") if not host.endswith("]") else host.strip("[]")
    if bare == "localhost":
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def forbidden(name: str, rights: str, *, known: bool) -> Forbidden:
    """No rights: which ones, where, and how to get them."""
    host, repository = host_and_repository(name)
    who = "these credentials may not" if known else "nobody is logged in, and without a login one may not"
    deed = "push to" if "push" in rights else "pull from"
    login = "docker login" if host == HUB else f"docker login {host}"
    return Forbidden(
        f"{host} refused: {who} {deed} the repository {repository} (rights needed: {rights}).",
        remedy=f"Log in with `{login}`, as a user who has the rights {rights} on {repository}.",
    )
