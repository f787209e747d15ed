"""Registry: manifests over the distribution API, with the credentials that Docker has."""

import base64
import hashlib
import ipaddress
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import requests

from davy.pipeline import oci
from davy.pipeline.adapters.credentials import Credentials, DockerCredentials
from davy.pipeline.errors import Forbidden, Missing, Unreachable

TRIES = 5
TIMEOUT = (5.0, 30.0)
LONGEST_WAIT = 30.0
ACCEPTED = ", ".join(
    (
        oci.OCI_MANIFEST,
        oci.DOCKER_MANIFEST,
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    )
)
MOST_BYTES = 4 * 2**20
"""A registry must take manifests up to this size: https://github.com/opencontainers/distribution-spec"""
CHALLENGE = re.compile(r'([a-zA-Z_]+)="([^"]*)"')
PULL, PUSH = "pull", "pull,push"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest as the registry holds it."""

    media_type: str
    body: bytes

    @property
    def digest(self) -> str:
        """By its bytes: what a registry names it by."""
        return f"sha256:{hashlib.sha256(self.body).hexdigest()}"


def host_and_repository(name: str) -> tuple[str, str]:
    """`registry.example.com/shop/checkout` in two; a name without a host is docker.io's."""
    first, _, rest = name.partition("/")
    if rest and ("." in first or ":" in first or first == "localhost"):
        return first, rest
    return "docker.io", name if "/" in name else f"library/{name}"


def is_loopback(host: str) -> bool:
    """True for this machine: Docker speaks plain http there, and so do we."""
    bare = host.rsplit(":", 1)[0].strip("[]") if not host.endswith("]") else host.strip("[]")
    if bare == "localhost":
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


class Registry:
    """Reads and writes manifests. Raises Forbidden with what to do, Missing, Unreachable."""

    def __init__(
        self,
        credentials: DockerCredentials,
        *,
        plain: Callable[[str], bool] = is_loopback,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """`plain`: True for registries that are spoken to over http."""
        self._credentials, self._plain, self._pause = credentials, plain, pause
        self._session = requests.Session()
        self._session.auth = _Nothing()
        self._signs: dict[tuple[str, str], str] = {}

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    def digest(self, name: str, reference: str) -> str | None:
        """The digest behind a tag or digest; None where there is none."""
        answer = self._asked("HEAD", name, reference, PULL)
        return answer.headers.get("Docker-Content-Digest") if answer.status_code == 200 else None

    def manifest(self, name: str, reference: str) -> Manifest:
        """The manifest behind a tag or digest."""
        answer = self._asked("GET", name, reference, PULL)
        if answer.status_code == 404:
            raise Missing(f"{name} has no {reference} in its registry.")
        if len(answer.content) > MOST_BYTES:
            raise Unreachable(f"The registry of {name} answered with a manifest larger than 4 MiB.")
        return Manifest(media_type=answer.headers.get("Content-Type", ""), body=answer.content)

    def put(self, name: str, reference: str, manifest: Manifest) -> str:
        """Store the manifest under a tag or digest; its digest."""
        headers = {"Content-Type": manifest.media_type}
        answer = self._asked("PUT", name, reference, PUSH, body=manifest.body, headers=headers)
        if answer.status_code not in (200, 201):
            raise Unreachable(
                f"The registry did not take the manifest of {name}: {answer.status_code} {_said(answer)}".rstrip()
            )
        return manifest.digest

    def _asked(
        self,
        method: str,
        name: str,
        reference: str,
        rights: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        host, repository = host_and_repository(name)
        scheme = "http" if self._plain(host) else "https"
        place = "registry-1.docker.io" if host == "docker.io" else host
        url = f"{scheme}://{place}/v2/{repository}/manifests/{reference}"
        sent = {"Accept": ACCEPTED, **(headers or {})}
        sign = self._signs.get((name, rights))
        answer = self._sent(method, url, {**sent, "Authorization": sign} if sign else sent, body)
        if answer.status_code == 401:
            sign = self._sign(answer.headers.get("WWW-Authenticate", ""), host, repository, rights)
            if sign:
                self._signs[name, rights] = sign
                answer = self._sent(method, url, {**sent, "Authorization": sign}, body)
        if answer.status_code in (401, 403):
            raise forbidden(name, rights, known=self._credentials.of(host) is not None)
        return answer

    def _sent(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> requests.Response:
        """The answer, after retries where the registry was busy or away."""
        host = url.split("/")[2]
        for attempt in range(1, TRIES + 1):
            wait = min(LONGEST_WAIT, 0.5 * 2 ** (attempt - 1))
            try:
                answer = self._session.request(method, url, headers=dict(headers), data=body, timeout=TIMEOUT)
            except requests.RequestException as error:
                if attempt == TRIES:
                    raise Unreachable(
                        f"The registry {host} did not answer: {type(error).__name__}.",
                        remedy="Check that it runs and can be reached from here.",
                    ) from error
            else:
                if answer.status_code != 429 and answer.status_code < 500:
                    return answer
                if attempt == TRIES:
                    raise Unreachable(f"The registry {host} answered {answer.status_code} {TRIES} times.")
                wait = _retry_after(answer) or wait
            self._pause(min(wait, LONGEST_WAIT))
        raise AssertionError("the last try returns or raises")

    def _sign(self, challenge: str, host: str, repository: str, rights: str) -> str:
        """The Authorization that the registry asks for; empty where there is none to give."""
        kind, _, rest = challenge.partition(" ")
        known = self._credentials.of(host)
        if kind.lower() == "basic":
            return _basic(known) if known and known.user else ""
        said = dict(CHALLENGE.findall(rest))
        realm = said.get("realm", "")
        inner = realm.split("/")[2] if realm.count("/") >= 2 else ""
        # A password must not cross the network in the clear, wherever the challenge points.
        if kind.lower() != "bearer" or not (realm.startswith("https://") or is_loopback(inner) or self._plain(inner)):
            return ""
        wanted = {"service": said.get("service", ""), "scope": said.get("scope") or f"repository:{repository}:{rights}"}
        return self._token(realm, wanted, known)

    def _token(self, realm: str, wanted: Mapping[str, str], known: Credentials | None) -> str:
        try:
            if known and known.token:
                form = {**wanted, "grant_type": "refresh_token", "refresh_token": known.token, "client_id": "davy"}
                answer = self._session.post(realm, data=form, timeout=TIMEOUT)
            else:
                headers = {"Authorization": _basic(known)} if known else {}
                answer = self._session.get(realm, params=dict(wanted), headers=headers, timeout=TIMEOUT)
            body = answer.json() if answer.status_code == 200 else {}
        except (requests.RequestException, ValueError) as error:
            raise Unreachable(
                f"The registry's token service did not answer: {type(error).__name__}.", remedy="Try again."
            ) from error
        token = body.get("token") or body.get("access_token") if isinstance(body, dict) else None
        return f"Bearer {token}" if token else ""


class _Nothing(requests.auth.AuthBase):
    """Adds nothing, and keeps requests from adding what it finds in ~/.netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def forbidden(name: str, rights: str, *, known: bool) -> Forbidden:
    """No rights: which ones, where, and how to get them."""
    host, repository = host_and_repository(name)
    who = "these credentials may not" if known else "nobody is logged in, and without a login one may not"
    deed = "push to" if "push" in rights else "pull from"
    login = "docker login" if host == "docker.io" else f"docker login {host}"
    return Forbidden(
        f"{host} refused: {who} {deed} the repository {repository} (rights needed: {rights}).",
        remedy=f"Log in with `{login}`, as a user who has the rights {rights} on {repository}.",
    )


def _basic(known: Credentials | None) -> str:
    if known is None:
        return ""
    return f"Basic {base64.b64encode(f'{known.user}:{known.password}'.encode()).decode()}"


def _retry_after(answer: requests.Response) -> float:
    try:
        return float(answer.headers.get("Retry-After", ""))
    except ValueError:
        return 0.0


def _said(answer: requests.Response) -> str:
    try:
        errors = answer.json()["errors"]
        return "; ".join(f"{error['code']}: {error['message']}" for error in errors)[:300]
    except (ValueError, LookupError, TypeError):
        return ""
