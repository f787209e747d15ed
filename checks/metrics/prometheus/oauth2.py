"""Tokens bought with client credentials, kept while they last, by requests-oauthlib."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import requests
from oauthlib.oauth2 import BackendApplicationClient
from oauthlib.oauth2.rfc6749.errors import InvalidClientError, OAuth2Error
from requests.auth import AuthBase
from requests_oauthlib import OAuth2Session

from davy.checks.metrics.prometheus.credentials import PATH, HeldSecret, certified
from davy.pipeline.clients.http.silence import silence
from davy.pipeline.config.sections.servers import OAuth2Config
from davy.pipeline.core.errors import Forbidden, Unreachable

EARLY_SECONDS = 10.0
"""A token is not used for its last seconds: the request takes time, and clocks differ."""


class Bought(AuthBase):
    """Adds the token to a request, and buys one where there is none that lasts. Safe for several threads."""

    def __init__(
        self, said: OAuth2Config, *, timeout: timedelta, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._said = said
        self._secret = HeldSecret(said.client_secret, said.client_secret_file, f"{PATH}.oauth2.client_secret_file")
        self._timeout = timeout.total_seconds()
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with its header. Raises Forbidden and Unreachable where no token can be had."""
        with self._lock:
            if not self._token or self._monotonic() >= self._until:
                self._buy()
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def forget(self) -> bool:
        """The server would not have the token: the next request buys another."""
        with self._lock:
            self._token = ""
        return True

    def _buy(self) -> None:
        asked = self._monotonic()
        token = self._answer()
        lasts = float(token.get("expires_in") or "inf")
        self._token, self._until = str(token["access_token"]), asked + lasts - EARLY_SECONDS

    def _answer(self) -> dict[str, Any]:
        where = self._said.token_url
        remedy = f"Correct {PATH}.oauth2."
        try:
            try:
                return self._fetched(in_body=False)
            except InvalidClientError:  # Some want the client in the form, not in the header; RFC 6749, 2.3.1.
                return self._fetched(in_body=True)
        except OAuth2Error as error:
            why = f"{error.error}: {error.description}" if error.description else error.error
            raise Forbidden(f"Asked {where} for a token; it refused ({why}).", remedy=remedy) from error
        except requests.TooManyRedirects as error:
            what = f"Asked {where} for a token; it leads elsewhere, and the client's secret is sent there alone."
            raise Unreachable(
                what, remedy=f"Write the address where tokens are into {PATH}.oauth2.token_url."
            ) from error
        except requests.RequestException as error:
            what = f"Asked {where} for a token; {silence(error, where).words}."
            raise Unreachable(what, remedy=f"See that it runs, and that {PATH}.oauth2.token_url is right.") from error
        except (LookupError, TypeError, ValueError) as error:
            what = f"Asked {where} for a token; it answered with something that is none."
            raise Unreachable(what, remedy=remedy) from error

    def _fetched(self, *, in_body: bool) -> dict[str, Any]:
        scopes = list(self._said.scopes) or None
        client = BackendApplicationClient(client_id=self._said.client_id, scope=scopes)
        with certified(OAuth2Session(client=client), self._said.tls_config, f"{PATH}.oauth2.tls_config") as session:
            session.max_redirects = 0
            try:
                token: dict[str, Any] = session.fetch_token(
                    self._said.token_url,
                    client_id=self._said.client_id,
                    client_secret=self._secret.read(),
                    include_client_id=in_body,
                    verify=session.verify,
                    cert=session.cert,
                    timeout=self._timeout,
                    **self._said.endpoint_params,
                )
            except Warning as warning:  # The package raises one where the server grants other scopes than asked for.
                token = dict(getattr(warning, "token", {}))
        return token
