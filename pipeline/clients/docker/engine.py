"""Engine: a connection to Docker, and its answers said in davy's words."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from threading import Event, Thread
from typing import Any

import docker
import requests
import urllib3
from docker.errors import APIError, DockerException, TLSParameterError
from docker.utils import kwargs_from_env

from davy.pipeline.clients.docker.credentials import Credentials, DockerCredentials
from davy.pipeline.clients.docker.registry_names import forbidden, host_and_repository, is_loopback
from davy.pipeline.core.errors import DavyError, Unreachable, Unusable

REMEDY = "Start Docker, or set DOCKER_HOST to where it listens; `docker version` must answer."
DENIED = ("denied", "unauthorized", "authentication required", "no basic auth", "forbidden")
BROKEN_OFF = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)
"""What a connection that breaks off raises; the SDK reads streams past requests, so urllib3's own comes through."""
ANSWER_WITHIN = 60
"""Seconds without a byte from the engine, outside of builds and suites."""


@contextmanager
def connected(environment: Mapping[str, str], *, silence: timedelta | None = None) -> Iterator[docker.APIClient]:
    """A connection to the engine that DOCKER_HOST names. Raises Unreachable, also where it goes away in between."""
    try:
        where = kwargs_from_env(environment=dict(environment))
        seconds = int(silence.total_seconds()) + 1 if silence else ANSWER_WITHIN
        client = docker.APIClient(version="auto", timeout=seconds, **where)
    except TLSParameterError as error:
        raise Unusable(f"Docker's TLS settings cannot be used: {error}", remedy="See DOCKER_CERT_PATH.") from error
    except (DockerException, requests.RequestException) as error:
        raise Unreachable("Docker did not answer.", remedy=REMEDY) from error
    with closing(client):
        try:
            yield client
        except APIError as error:
            raise said(error) from error
        except BROKEN_OFF as error:
            raise Unreachable(f"Docker stopped answering: {type(error).__name__}.", remedy=REMEDY) from error


def said(error: APIError) -> DavyError:
    """What the engine answered, as an error of ours: a request it cannot take is not one to send again."""
    if error.is_client_error():
        return Unusable(f"Docker refused: {words(error)}", remedy="Mend what it names in the configuration.")
    return Unreachable(f"Docker answered with an error: {words(error)}", remedy="See Docker's own log.")


def words(error: APIError) -> str:
    """The engine's own words, in one line."""
    return " ".join(str(error.explanation or error).split())[:500]


def is_denied(text: str) -> bool:
    """True for the words by which a registry says no through the engine."""
    return any(word in text.lower() for word in DENIED)


def denied(name: str, rights: str, credentials: DockerCredentials) -> DavyError:
    """No rights, with what to do."""
    return forbidden(name, rights, known=credentials.of(host_and_repository(name)[0]) is not None)


def sign_in(credentials: DockerCredentials, name: str) -> dict[str, str]:
    """What the engine passes on to the registry. Never empty: then the SDK would look for itself."""
    known = credentials.of(host_and_repository(name)[0]) or Credentials()
    if known.token:
        return {"identitytoken": known.token}
    return {"username": known.user, "password": known.password}


def plain_for(client: docker.APIClient) -> Callable[[str], bool]:
    """Which registries the engine speaks to over plain http."""
    indexes = (client.info().get("RegistryConfig") or {}).get("IndexConfigs") or {}
    insecure = {host for host, index in indexes.items() if not index.get("Secure", True)}
    return lambda host: host in insecure or is_loopback(host)


class Watch:
    """Cuts an answer that takes too long, or that nobody wants any more."""

    def __init__(self, client: docker.APIClient, limit: timedelta, interrupted: Callable[[], bool]) -> None:
        self.expired = False
        self.unwanted = False
        self._answers: list[requests.Response] = []
        self._over = Event()
        self._limit, self._interrupted = limit.total_seconds(), interrupted
        client.hooks["response"].append(self._seen)
        self._thread = Thread(target=self._stand, daemon=True)

    def _seen(self, answer: requests.Response, *_: Any, **__: Any) -> None:
        self._answers.append(answer)

    def _stand(self) -> None:
        waited, tick = 0.0, 0.1
        while not self._over.wait(tick):
            waited += tick
            self.expired, self.unwanted = waited >= self._limit, self._interrupted()
            if self.expired or self.unwanted:
                # From another thread a blocked read ends only when its socket is shut down.
                for answer in self._answers:
                    getattr(answer.raw, "shutdown", answer.raw.close)()
                return

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        # Closing the connection is how the engine learns that its work is not wanted.
        for answer in self._answers:
            answer.close()
