"""Credentials: who Docker's own configuration says we are to a registry."""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from datetime import timedelta
from pathlib import Path
from typing import Any

from davy.pipeline.clients import process
from davy.pipeline.core.errors import DavyError, Unusable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.json import tree

HUB = "https://index.docker.io/v1/"
"""What Docker's configuration calls docker.io."""
TOKEN_USER = "<token>"  # noqa: S105 - the name by which a helper says that the secret is an identity token


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A user's name and password, or an identity token."""

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


class DockerCredentials:
    """Reads `config.json` once, and asks its helpers for each registry once."""

    def __init__(
        self, environment: Mapping[str, str], learned: Callable[[Iterable[str]], object] = lambda _: None
    ) -> None:
        """`learned`: told every secret that is found, so that nobody says it."""
        self._environment, self._learned = environment, learned
        self._known: dict[str, Credentials | None] = {}

    @property
    def path(self) -> Path:
        """Where `docker login` writes."""
        home = Path(self._environment.get("HOME") or str(Path.home()))
        return Path(self._environment.get("DOCKER_CONFIG") or home / ".docker") / "config.json"

    def of(self, host: str) -> Credentials | None:
        """What is known for the registry; None where nobody logged in."""
        if host not in self._known:
            self._known[host] = found = self._found(self._config(), host)
            self._learned(filter(None, (found.password, found.token) if found else ()))
        return self._known[host]

    def _config(self) -> dict[str, Any]:
        try:
            read = tree.parsed(self.path.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise Unusable(
                f"Docker's configuration {self.path} cannot be read.", remedy="Mend or remove it, then `docker login`."
            ) from error
        return read if isinstance(read, dict) else {}

    def _found(self, config: Mapping[str, Any], host: str) -> Credentials | None:
        names = _names(host)
        helpers = config.get("credHelpers") or {}
        helper = next((helpers[name] for name in names if name in helpers), config.get("credsStore"))
        if helper:
            told = next((known for name in names[:1] if (known := self._asked(str(helper), name))), None)
            if told:
                return told
        auths = config.get("auths") or {}
        return next((made for name in names if (made := _entry(auths.get(name)))), None)

    def _asked(self, helper: str, name: str) -> Credentials | None:
        try:
            ended = process.run(
                [f"docker-credential-{helper}", "get"],
                given=name,
                timeout=timedelta(seconds=30),
                environment=self._environment,
            )
            said = tree.parsed(ended.out) if ended.exit_code == 0 else {}
        except (DavyError, ValueError):
            return None
        user, secret = said.get("Username", ""), said.get("Secret", "")
        if not secret:
            return None
        return Credentials(token=secret) if user == TOKEN_USER else Credentials(user=user, password=secret)


def _names(host: str) -> list[str]:
    if host in ("docker.io", "index.docker.io", "registry-1.docker.io"):
        return [HUB, "docker.io", "index.docker.io"]
    return [host, f"https://{host}", f"http://{host}", f"https://{host}/v1/", f"https://{host}/v2/", f"https://{host}/"]


def _entry(entry: Any) -> Credentials | None:
    if not isinstance(entry, dict):
        return None
    if entry.get("identitytoken"):
        return Credentials(token=str(entry["identitytoken"]))
    if entry.get("username") and entry.get("password"):
        return Credentials(user=str(entry["username"]), password=str(entry["password"]))
    try:
        user, _, password = base64.b64decode(str(entry.get("auth", ""))).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return Credentials(user=user, password=password.rstrip("\0")) if user else None
