"""Faults: why no answer came, in words that say what to look at; and which of them waiting cannot mend."""

import http.client
import socket
import ssl
from typing import Never
from urllib.parse import urlsplit

from davy.pipeline.clients.http.wire import TunnelRefused
from davy.pipeline.clients.kubernetes.access import Access
from davy.pipeline.core.errors import Forbidden, Unreachable
from davy.pipeline.core.text.excerpt import excerpt

PLAIN_TO_TLS = b"HTTP request to an HTTPS server"
"""What Go's servers answer to it."""
NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "UNKNOWN_PROTOCOL"})
ALERT = ("\x15\x03", "\x16\x03")
"""How an answer begins that is TLS: an alert, or a handshake."""
HOW_TO = "Check that the server runs and can be reached from here; `kubectl get --raw /readyz` asks it."
BROKEN = (OSError, http.client.HTTPException, ValueError)
"""What a connection or an answer that is none raises; ValueError is `http.client`'s for a head that is no head."""


def is_refusal(error: Exception) -> bool:
    """Nobody listens, or nobody knows the name. A server that restarts looks so, too."""
    return isinstance(error, ConnectionRefusedError | socket.gaierror)


def is_final(error: Exception) -> bool:
    """Asking again changes nothing."""
    if isinstance(error, TunnelRefused):
        return error.status in (401, 403, 407)
    return isinstance(error, ssl.SSLCertVerificationError) or is_other_protocol(error)


def is_other_protocol(error: Exception) -> bool:
    """TLS spoken to a plain port, or the other way round."""
    if isinstance(error, ssl.SSLError):
        return error.reason in NOT_TLS
    return isinstance(error, http.client.BadStatusLine) and str(error).startswith(ALERT)


def give_up(error: Exception, what: str, spent: float, access: Access) -> Never:
    """Raises Unreachable; Forbidden where a proxy wants to know who we are."""
    place = urlsplit(access.server)
    port = place.port or (443 if place.scheme == "https" else 80)
    server = f"The Kubernetes API server at {access.server}"
    context = f" (context {access.context})" if access.context else ""
    where = f"the proxy {access.proxy}" if access.proxy else f"{place.hostname}:{port}{context}"
    if isinstance(error, TunnelRefused) and is_final(error):
        raise Forbidden(
            f"{server} cannot be reached: {error}.", remedy="Put the proxy's user and password into its URL."
        ) from error
    if isinstance(error, ConnectionRefusedError):
        raise Unreachable(
            f"Nothing listens at {where}: the connection was refused ({what}).",
            remedy="Is the tunnel, the VPN or the cluster up? `kubectl cluster-info` asks the same server.",
        ) from error
    if isinstance(error, socket.gaierror):
        name = access.proxy.host if access.proxy else place.hostname
        raise Unreachable(
            f"The name {name} of {where} is unknown here ({what}).",
            remedy="Check the kubeconfig's server, the name service and the VPN.",
        ) from error
    if is_other_protocol(error):
        raise Unreachable(
            f"{server} {_protocol(place.scheme)} ({what}).", remedy="Mend the kubeconfig's server: its scheme or port."
        ) from error
    raise Unreachable(f"{server} did not answer {what} within {spent:.0f} s: {_why(error)}.", remedy=HOW_TO) from error


def plain_to_tls(what: str, access: Access) -> Never:
    """The server said itself that it wants TLS."""
    raise Unreachable(
        f"The Kubernetes API server at {access.server} {_protocol('http')} ({what}).",
        remedy="Mend the kubeconfig's server: its scheme or port.",
    )


def _protocol(scheme: str) -> str:
    return "does not speak TLS: a plain port?" if scheme == "https" else "speaks TLS: is it https://?"


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, http.client.IncompleteRead):
        return "its answer was cut"
    return excerpt(str(error), 200) or type(error).__name__
