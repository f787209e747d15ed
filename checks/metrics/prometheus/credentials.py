"""Credentials and certificates in files, read anew when they change."""

import warnings
from pathlib import Path
from typing import Any, TypeVar

import requests
import urllib3

from davy.pipeline.clients.http.requests_transport import LimitedAdapter
from davy.pipeline.config.sections.servers import TlsConfig
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.files import plain_file

PATH = "checks.prometheus"
S = TypeVar("S", bound=requests.Session)
MOST_SECRET = 2**16
"""Bytes of a file with a secret."""


class HeldSecret:
    """A secret: a value, or a file that holds it now."""

    def __init__(self, value: str | None, file: str | None, path: str) -> None:
        self._value = value
        self._file = file
        self._path = path

    def read(self) -> str:
        """The secret, without the white space around it. Raises Unusable where its file cannot be read."""
        if self._file is None:
            return self._value or ""
        try:
            return plain_file.text(self._file, 2**20).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise _unreadable(self._file, self._path, error) from error


class Certified(LimitedAdapter):
    """The package's transport, with a name of our own for the server's certificate. It retries nothing itself."""

    def __init__(self, server_name: str | None) -> None:
        self._named: dict[str, Any] = {}
        if server_name is not None:
            self._named = {"server_hostname": server_name, "assert_hostname": server_name}
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """The package's hook."""
        super().init_poolmanager(*args, **{**kwargs, **self._named})

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """The package's hook, for requests by way of a proxy."""
        return super().proxy_manager_for(*args, **{**kwargs, **self._named})


def certified(session: S, tls: TlsConfig, path: str) -> S:
    """The session with these certificates. Raises Unusable where one cannot be read."""
    for key in ("ca_file", "cert_file", "key_file"):
        file = getattr(tls, key)
        if file is not None:
            _readable(file, f"{path}.{key}")
    session.mount("https://", Certified(tls.server_name))
    session.mount("http://", Certified(None))
    session.verify = tls.ca_file or True
    if tls.cert_file is not None and tls.key_file is not None:
        session.cert = (tls.cert_file, tls.key_file)
    if tls.insecure_skip_verify:
        session.verify = False
        # Said once, by `heard()`; the package would say it at every request, on stderr.
        warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
    return session


def _readable(file: str, path: str) -> None:
    try:
        with plain_file.open_file(file):
            pass
    except OSError as error:
        raise _unreadable(file, path, error) from error


def _unreadable(file: str, path: str, error: OSError | UnicodeDecodeError) -> Unusable:
    why = getattr(error, "strerror", None) or "it is not UTF-8 text"
    problem = Problem(path=path, what=f"{file} cannot be read: {why}")
    return Unusable("A file that signs davy in cannot be read.", problems=(problem,), remedy="See that it is there.")


def _stamp(file: str | None) -> tuple[int, int, int] | None:
    if file is None:
        return None
    try:
        seen = Path(file).stat()
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size, seen.st_ino
