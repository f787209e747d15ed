"""Silence: why a server was not reached, in words for people, and whether another try could help."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import urllib3

from davy.pipeline.clients.http.exchange import Expired
from davy.pipeline.core.fast_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """What happened."""

    words: str
    """As the end of a sentence: `the name db.example is unknown here`."""
    for_good: bool = False
    """True where the next second brings nothing else: a name that nobody knows, a port that nobody listens at."""


def silence(error: BaseException, url: str, proxy: str = "") -> Silence:
    """Of an error of urllib3, requests or a socket, met on the way to the URL. `proxy`: what it went by."""
    host, causes = urlsplit(url).netloc.rpartition("@")[2] or url, tuple(_causes(error))
    by_proxy = proxy and any(isinstance(cause, urllib3.exceptions.ProxyError) for cause in causes)
    through = urlsplit(proxy).netloc.rpartition("@")[2]
    for cause in causes:
        match cause:
            case Expired():
                return Silence(words=str(cause), for_good=True)
            case ConnectionRefusedError():
                where = f"the proxy {through} (HTTPS_PROXY or HTTP_PROXY)" if by_proxy else host
                return Silence(words=f"nothing listens at {where}", for_good=True)
            case socket.gaierror() | urllib3.exceptions.NameResolutionError():
                where = f"of the proxy {through} (HTTPS_PROXY or HTTP_PROXY)" if by_proxy else host
                return Silence(words=f"the name {where} is unknown here", for_good=True)
    tunnel = next((str(cause) for cause in causes if "Tunnel connection failed" in str(cause)), "")
    if proxy and (by_proxy or tunnel):
        why = tunnel.rpartition("failed: ")[2].strip("'\") ") or "it did not answer"
        return Silence(words=f"the proxy {through} (HTTPS_PROXY or HTTP_PROXY) refused: {why[:100]}", for_good=True)
    if any(isinstance(cause, TimeoutError | urllib3.exceptions.TimeoutError) for cause in causes):
        return Silence(words="it was silent for too long")
    if any("SSL" in type(cause).__name__ for cause in causes):
        return Silence(words="its TLS certificate or handshake was refused", for_good=True)
    return Silence(words="the connection broke off")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, its reason, and what each came from; the outermost first."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or any(one is other for other in seen) or len(seen) > 30:
            continue
        seen.append(one)
        yield one
        waiting += [getattr(one, "reason", None), getattr(one, "original_error", None), one.__cause__, one.__context__]
        waiting += [part for part in one.args if isinstance(part, BaseException)]
