"""Requests transport: the transport of `requests` sessions, with a limit on every whole answer, in time and in size."""

from typing import Any

import requests
from requests.adapters import HTTPAdapter

from davy.pipeline.clients.http.exchange import TIMES, Expired, limited, within

MOST_BYTES = 64 * 2**20
"""Of an answer that is kept whole."""
LONGEST = 60.0
"""Seconds for a byte, of one who names no time limit."""


class LimitedAdapter(HTTPAdapter):
    """The package's transport. It retries nothing itself."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """`most_bytes`: of an answer that is not streamed, once it is unpacked."""
        self._most_bytes = most_bytes
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """The package's hook."""
        super().init_poolmanager(*args, **kwargs)
        limited(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """The package's hook, for requests by way of a proxy."""
        return limited(super().proxy_manager_for(*args, **kwargs))

    def send(
        self, request: requests.PreparedRequest, stream: bool = False, timeout: Any = None, *args: Any, **more: Any
    ) -> requests.Response:
        """The package's hook. Raises ReadTimeout where the whole took too long."""
        try:
            with within(TIMES * _seconds(timeout)):
                response = super().send(request, True, timeout, *args, **more)
                if not stream:
                    self._whole(response)
                return response
        except Expired as error:
            raise requests.exceptions.ReadTimeout(str(error), request=request) from error

    def _whole(self, response: requests.Response) -> None:
        """Its body; a connection whose answer is not read to its end serves no other."""
        try:
            self._read(response)
        except BaseException:
            response.close()
            raise

    def _read(self, response: requests.Response) -> None:
        """Keep the body, as the package would. Raises ContentDecodingError where it is larger than davy takes."""
        kept = bytearray()
        for part in response.iter_content(2**16):
            kept += part
            if len(kept) > self._most_bytes:
                raise requests.exceptions.ContentDecodingError(
                    f"an answer of more than {self._most_bytes // 2**20} MiB"
                )
        response._content = bytes(kept)  # noqa: SLF001 - where the package itself keeps it


def _seconds(timeout: Any) -> float:
    longest = max((part for part in timeout if part), default=None) if isinstance(timeout, tuple) else timeout
    return float(longest or LONGEST)
