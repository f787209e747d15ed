"""HTTP: requests of the distribution API, signed, retried, redirected with care. Many threads may ask at once.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

import urllib3

from davy.pipeline.clients.docker.credentials import DockerCredentials
from davy.pipeline.clients.docker.registry_names import PULL, address, forbidden, host_and_repository, is_loopback
from davy.pipeline.clients.http.exchange import Exchange, Expired, Paced, limited, sent, within
from davy.pipeline.clients.http.silence import Silence, silence
from davy.pipeline.core.errors import Unreachable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.registry.distribution.auth import Signs
from davy.pipeline.registry.distribution.messages import RegistryAnswer, RegistryRequest

TRIES = 5
TIMEOUT = urllib3.Timeout(connect=5.0, read=30.0)
WHOLE = 45.0
"""Seconds for an answer that is kept whole, from the question to its last byte; for each piece of what is larger."""
SMALL = 2**20
"""Bytes that are sent in a moment."""
LONGEST_WAIT = 30.0


MOST_REDIRECTS = 5
THREADS = 64
"""Connections kept to one registry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """An answer, whose body may still be on the way."""

    response: urllib3.BaseHTTPResponse
    body: bytes
    whole: Exchange


class RegistryClient:
    """Asks registries. Raises Forbidden with what to do, Unreachable after retries."""

    def __init__(
        self,
        credentials: DockerCredentials,
        *,
        plain: Callable[[str], bool] = is_loopback,
        pause: Callable[[float], None] = time.sleep,
        whole: float = WHOLE,
    ) -> None:
        """`plain`: True for registries that are spoken to over http. `whole`: seconds that an answer may take."""
        self._whole = whole
        self._heard: set[str] = set()
        """Hosts that have answered: where one of them is away, it may come back."""
        self._credentials, self._plain, self.pause = credentials, plain, pause
        self._pools: dict[str, urllib3.PoolManager] = {"": _pool("")}
        self._signed = Signs(self._pools[""], credentials, plain, whole=whole)
        self._signs: dict[tuple[str, str, str], str] = {}

    def close(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            pool.clear()

    def ask(self, ask: RegistryRequest) -> RegistryAnswer:
        """The answer, whole. 404 and refusals of what was sent are answers, too."""
        with self._opened(ask, keep=True) as (heard, url):
            return RegistryAnswer(
                status=heard.response.status, headers=heard.response.headers, body=heard.body, url=url
            )

    @contextmanager
    def stream(self, ask: RegistryRequest) -> Iterator[Paced]:
        """The answer with its body still on the way."""
        with self._opened(ask, keep=False) as (heard, _):
            yield Paced(heard.response, heard.whole)

    @contextmanager
    def _opened(self, ask: RegistryRequest, *, keep: bool) -> Iterator[tuple[_Heard, str]]:
        host, repository = host_and_repository(ask.name)
        origin = f"{'http' if self._plain(host) else 'https'}://{address(host)}"
        url = urljoin(origin, ask.url) if ask.url else f"{origin}/v2/{repository}/{ask.path}"
        key = (ask.name, ask.rights, ask.also_pull)
        heard = self._sent(ask, origin, url, self._signs.get(key, ""), keep=keep)
        try:
            if heard.response.status == 401 and _origin(url) == origin:
                sign = self._signed.sign(heard.response.headers.get("WWW-Authenticate", ""), host, _scopes(ask))
                if sign:
                    self._signs[key] = sign
                    heard.response.close()
                    heard = self._sent(ask, origin, url, sign, keep=keep)
            if heard.response.status in (401, 403):
                raise forbidden(ask.name, ask.rights, known=self._credentials.of(host) is not None)
            yield heard, url
        finally:
            if keep:
                heard.response.release_conn()
            else:
                heard.response.close()

    def _sent(self, ask: RegistryRequest, origin: str, url: str, sign: str, *, keep: bool) -> _Heard:
        """The answer, after retries where the registry was busy or away."""
        host = url.split("/")[2]
        for attempt in range(1, TRIES + 1):
            wait = min(LONGEST_WAIT, 0.5 * 2 ** (attempt - 1))
            try:
                heard = self._answered(ask, origin, url, sign, keep=keep)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                why = silence(error, url, _proxy(url))
                if attempt == TRIES or ask.once or isinstance(error, Expired):
                    raise _away(host, why) from error
                if why.for_good and host not in self._heard:
                    raise _away(host, why) from error
            else:
                self._heard.add(host)
                response = heard.response
                answer = RegistryAnswer(status=response.status, headers=response.headers, body=heard.body, url=url)
                if not answer.is_full and (ask.once or (response.status != 429 and response.status < 500)):
                    return heard
                response.close()
                if answer.is_full:
                    raise _full(ask.name, answer)
                if attempt == TRIES:
                    raise _broken(host, answer)
                wait = _retry_after(response.headers) or wait
            self.pause(min(wait, LONGEST_WAIT))
        raise AssertionError("the last try returns or raises")

    def _answered(self, ask: RegistryRequest, origin: str, url: str, sign: str, *, keep: bool) -> _Heard:
        """One try. The whole has a limit; of what streams its beginning, and of a large body each piece."""
        with within(self._whole) as whole:
            response = self._followed(ask, origin, url, sign, whole)
            try:
                body = _whole(response, ask) if keep or response.status >= 400 else b""
                return _Heard(response=response, body=body, whole=whole)
            except BaseException:
                # What is not read to its end is on no connection that another answer may come on.
                response.close()
                raise

    def _followed(
        self, ask: RegistryRequest, origin: str, url: str, sign: str, whole: Exchange
    ) -> urllib3.BaseHTTPResponse:
        """The answer, after redirects. To another host no credentials are sent, and none leads out of TLS."""
        for _ in range(MOST_REDIRECTS + 1):
            headers, body = dict(ask.headers), ask.body
            large = sent(body, whole) if body and len(body) > SMALL else None
            if body and large:
                headers["Content-Length"] = str(len(body))
            if sign and _origin(url) == origin:
                headers["Authorization"] = sign
            response = self._pool_for(url).request(
                ask.method,
                url,
                body=large or body,
                headers=headers,
                redirect=False,
                retries=False,
                preload_content=False,
            )
            if response.status not in (301, 302, 303, 307, 308) or ask.method not in ("GET", "HEAD"):
                return response
            onward = urljoin(url, response.headers.get("Location", ""))
            response.drain_conn()
            response.release_conn()
            if url.startswith("https://") and not onward.startswith("https://"):
                raise Unreachable(f"The registry {urlsplit(url).netloc} leads out of https; that way is not gone.")
            url = onward
        raise Unreachable(f"The registry {urlsplit(origin).netloc} redirects without end.")

    def _pool_for(self, url: str) -> urllib3.PoolManager:
        proxy = _proxy(url)
        if proxy not in self._pools:
            self._pools[proxy] = _pool(proxy)
        return self._pools[proxy]


def _pool(proxy: str) -> urllib3.PoolManager:
    kept = {"num_pools": 16, "maxsize": THREADS, "timeout": TIMEOUT, "retries": False}
    made = urllib3.ProxyManager(proxy, **kept) if proxy else urllib3.PoolManager(**kept)  # type: ignore[arg-type]
    return limited(made)


def _proxy(url: str) -> str:
    """What HTTPS_PROXY, HTTP_PROXY and NO_PROXY say of it."""
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return ""
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - 20 ms that few need

    parts = urlsplit(url)
    if is_loopback(parts.netloc) or proxy_bypass(parts.netloc):
        return ""
    return getproxies().get(parts.scheme, "")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _scopes(ask: RegistryRequest) -> list[str]:
    scopes = [f"repository:{host_and_repository(ask.name)[1]}:{ask.rights}"]
    if ask.also_pull:
        scopes.append(f"repository:{ask.also_pull}:{PULL}")
    return scopes


def _whole(response: urllib3.BaseHTTPResponse, ask: RegistryRequest) -> bytes:
    """The body. Raises Unreachable where it is larger than it may be."""
    body = response.read(ask.most + 1)
    if len(body) > ask.most:
        response.close()
        what = "a manifest" if "manifests/" in ask.path else "something"
        raise Unreachable(f"The registry of {ask.name} answered with {what} larger than {ask.most // 2**20} MiB.")
    with contextlib.suppress(urllib3.exceptions.HTTPError, OSError):
        response.drain_conn()
    return body


def _away(host: str, why: Silence) -> Unreachable:
    return Unreachable(
        f"The registry {host} did not answer: {why.words}.",
        remedy="Check that it runs and can be reached from here.",
    )


def _full(name: str, answer: RegistryAnswer) -> Unreachable:
    host = host_and_repository(name)[0]
    return Unreachable(
        f"The registry {host} has no room left for {name} ({answer.status}).",
        remedy="Make room there: delete old tags and collect the garbage, or raise the quota. Then try again.",
    )


def _broken(host: str, answer: RegistryAnswer) -> Unreachable:
    busy = "It asks for fewer requests; wait, or log in for a higher limit." if answer.status == 429 else ""
    said = f": {answer.said}" if answer.said else ""
    return Unreachable(f"The registry {host} answered {answer.status} {TRIES} times{said}.", remedy=busy)


def _retry_after(headers: Mapping[str, str]) -> float:
    try:
        return max(0.0, float(headers.get("Retry-After", "")))
    except ValueError:
        return 0.0
