"""Auth: the Authorization that a registry's challenge asks for, by the credentials that Docker has."""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlencode, urlsplit

import urllib3

from davy.pipeline.clients.docker.credentials import Credentials, DockerCredentials
from davy.pipeline.clients.docker.registry_names import is_loopback
from davy.pipeline.clients.http.exchange import within
from davy.pipeline.clients.http.silence import silence
from davy.pipeline.core.errors import Unreachable
from davy.pipeline.core.json import tree

CHALLENGE = re.compile(r'([a-zA-Z_]+)="([^"]*)"')
MOST_BYTES = 2**20


class Signs:
    """Answers challenges."""

    def __init__(
        self,
        pool: urllib3.PoolManager,
        credentials: DockerCredentials,
        plain: Callable[[str], bool],
        *,
        whole: float = 45.0,
    ) -> None:
        """`whole`: seconds that a token may take."""
        self._whole = whole
        self._pool, self._credentials, self._plain = pool, credentials, plain

    def sign(self, challenge: str, host: str, scopes: Sequence[str]) -> str:
        """What to send as Authorization; empty where there is nothing to give. `scopes`: what it is wanted for."""
        kind, _, rest = challenge.partition(" ")
        known = self._credentials.of(host)
        if kind.lower() == "basic":
            return _basic(known) if known and known.user else ""
        said = dict(CHALLENGE.findall(rest))
        realm = said.get("realm", "")
        # A password must not cross the network in the clear, wherever the challenge points.
        if kind.lower() != "bearer" or not self._is_safe(realm):
            return ""
        # What is asked for by name may be less than what was asked of us, never more: mounts need two repositories.
        asked = list(scopes) if len(scopes) > 1 or not said.get("scope") else [said["scope"]]
        return self._token(realm, [("service", said.get("service", "")), *(("scope", one) for one in asked)], known)

    def _is_safe(self, realm: str) -> bool:
        parts = urlsplit(realm)
        return parts.scheme == "https" or (
            parts.scheme == "http" and (is_loopback(parts.netloc) or self._plain(parts.netloc))
        )

    def _token(self, realm: str, wanted: Sequence[tuple[str, str]], known: Credentials | None) -> str:
        try:
            if known and known.token:
                form = {"grant_type": "refresh_token", "refresh_token": known.token, "client_id": "davy"}
                scopes = " ".join(value for key, value in wanted if key == "scope")
                service = dict(wanted).get("service", "")
                body = urlencode({**form, "service": service, "scope": scopes})
                kind = {"Content-Type": "application/x-www-form-urlencoded"}
                status, said = self._asked("POST", realm, kind, body)
            else:
                url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(wanted)}"
                headers = {"Authorization": _basic(known)} if known else {}
                status, said = self._asked("GET", url, headers)
            body_said = tree.parsed(said) if status == 200 else {}
        except ValueError as error:
            what = f"The registry's token service {urlsplit(realm).netloc} answered with something that is no token."
            raise Unreachable(what, remedy="Try again.") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            what = f"The registry's token service did not answer: {silence(error, realm).words}."
            raise Unreachable(what, remedy="Check that it can be reached from here, and try again.") from error
        return _bearer(body_said)

    def _asked(self, method: str, url: str, headers: Mapping[str, str], body: str | None = None) -> tuple[int, bytes]:
        with within(self._whole):
            answer = self._pool.request(
                method, url, body=body, headers=headers, redirect=False, retries=False, preload_content=False
            )
            said = answer.read(MOST_BYTES + 1)
            # What is larger is no token, and its connection is of no more use.
            answer.close() if len(said) > MOST_BYTES else answer.release_conn()
            return answer.status, said[:MOST_BYTES]


def _bearer(said: object) -> str:
    token = (said.get("token") or said.get("access_token")) if isinstance(said, Mapping) else None
    return f"Bearer {token}" if token else ""


def _basic(known: Credentials | None) -> str:
    if known is None:
        return ""
    return f"Basic {base64.b64encode(f'{known.user}:{known.password}'.encode()).decode()}"
