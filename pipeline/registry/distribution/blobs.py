"""Blobs: layers and configurations between registries: mounted where they can be, else streamed, resumed when cut."""

import hashlib
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urljoin

import urllib3

from davy.pipeline.clients.docker.registry_names import PUSH, host_and_repository
from davy.pipeline.clients.http.exchange import Expired
from davy.pipeline.core.errors import Missing, Unreachable
from davy.pipeline.core.images.oci import Descriptor
from davy.pipeline.registry.distribution.http import RegistryClient
from davy.pipeline.registry.distribution.manifests import refused
from davy.pipeline.registry.distribution.messages import RegistryAnswer, RegistryRequest

CHUNK = 8 * 2**20
"""Bytes sent at once: what a cut upload loses at most, and what one copy holds in memory."""
TRIES = 5
OCTETS = {"Content-Type": "application/octet-stream"}


class _Cut(Exception):
    """The upload broke off, and the registry does not know how far it came."""


@dataclass(slots=True, kw_only=True)
class _Upload:
    """One upload on its way."""

    name: str
    location: str
    sent: int = 0


class Blobs:
    """Reads and writes blobs. Raises Missing, Forbidden, Unreachable."""

    def __init__(self, wire: RegistryClient, *, chunk: int = CHUNK) -> None:
        self._wire, self._chunk = wire, chunk

    def has(self, name: str, digest: str) -> bool:
        """Whether the repository has it."""
        return self._wire.ask(RegistryRequest(method="HEAD", name=name, path=f"blobs/{digest}")).status == 200

    def read(self, name: str, digest: str, most: int) -> bytes:
        """The whole content, held against its digest. Raises Unreachable where it is larger than `most`."""
        answer = self._wire.ask(RegistryRequest(method="GET", name=name, path=f"blobs/{digest}", most=most))
        if answer.status == 404:
            raise Missing(f"{name} has no {digest} in its registry.")
        if answer.status != 200:
            raise refused(answer, name, f"was asked for {digest}")
        _held_against(name, digest, hashlib.sha256(answer.body).hexdigest())
        return answer.body

    def put(self, name: str, body: bytes) -> str:
        """Store what is in memory; its digest. Nothing is sent where it is there already."""
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        if not self.has(name, digest):
            self._retried(name, lambda: self._whole(name, digest, body))
        return digest

    def copy(self, source: str, target: str, blob: Descriptor) -> None:
        """From one repository to another. Nothing is read where the target has it or its registry can mount it."""
        if self.has(target, blob.digest) or self._mounted(source, target, blob.digest):
            return
        if blob.size <= self._chunk:
            body = self.read(source, blob.digest, self._chunk)
            self._retried(target, lambda: self._whole(target, blob.digest, body))
        else:
            self._retried(target, lambda: self._in_chunks(target, blob, source))

    def _mounted(self, source: str, target: str, digest: str) -> bool:
        (host, repository), (other, _) = host_and_repository(source), host_and_repository(target)
        if host != other:
            return False
        path = f"blobs/uploads/?mount={digest}&from={repository}"
        answer = self._wire.ask(
            RegistryRequest(
                method="POST",
                name=target,
                path=path,
                rights=PUSH,
                also_pull=repository,
                headers={"Content-Length": "0"},
            )
        )
        if answer.status == 202:
            self._left(_Upload(name=target, location=_location(answer)))
        return answer.status == 201

    def _retried(self, name: str, upload: Callable[[], None]) -> None:
        """Begun anew where it was cut and cannot be gone on with."""
        for attempt in range(1, TRIES + 1):
            try:
                upload()
            except _Cut as error:
                if attempt == TRIES:
                    raise Unreachable(
                        f"An upload to {name} broke off {TRIES} times.",
                        remedy="Check the network and the proxies between here and the registry, then try again.",
                    ) from error
                self._wire.pause(0.5 * 2 ** (attempt - 1))
            else:
                return

    def _whole(self, name: str, digest: str, body: bytes) -> None:
        self._finished(self._begun(name), digest, body)

    def _in_chunks(self, name: str, blob: Descriptor, source: str) -> None:
        upload, found = self._begun(name), hashlib.sha256()
        try:
            # Closed here: an upload that fails holds what it reads from, by its own traceback.
            with closing(self._chunks(source, blob)) as chunks:
                for chunk in chunks:
                    found.update(chunk)
                    self._sent(upload, chunk)
            _held_against(name, blob.digest, found.hexdigest())
        except (Unreachable, Missing):
            self._left(upload)
            raise
        self._finished(upload, blob.digest)

    def _begun(self, name: str) -> _Upload:
        answer = self._wire.ask(
            RegistryRequest(
                method="POST", name=name, path="blobs/uploads/", rights=PUSH, headers={"Content-Length": "0"}
            )
        )
        if answer.status != 202:
            raise refused(answer, name, "began no upload")
        return _Upload(name=name, location=_location(answer))

    def _sent(self, upload: _Upload, chunk: bytes) -> None:
        """One chunk; after a cut what the registry did not get of it, as it says itself."""
        rest, cuts = chunk, 0
        while rest:
            try:
                answer = self._patched(upload, rest)
            except Unreachable as error:
                if not _is_cut(error):
                    raise
                # What was sent may be all there: only the registry knows.
                taken, cuts = self._taken(upload), cuts + 1
                if cuts == TRIES or not upload.sent <= taken <= upload.sent + len(rest):
                    raise _Cut from error
                rest = rest[taken - upload.sent :]
                upload.sent = taken
                continue
            if answer.status in (404, 416, 429, 500, 502, 503, 504):
                raise _Cut
            if answer.status not in (202, 204):
                raise refused(answer, upload.name, "did not take a blob")
            upload.location = _location(answer) or upload.location
            upload.sent += len(rest)
            rest = b""

    def _patched(self, upload: _Upload, body: bytes) -> RegistryAnswer:
        reach = {"Content-Range": f"{upload.sent}-{upload.sent + len(body) - 1}", **OCTETS}
        return self._wire.ask(
            RegistryRequest(
                method="PATCH", name=upload.name, url=upload.location, rights=PUSH, body=body, headers=reach, once=True
            )
        )

    def _taken(self, upload: _Upload) -> int:
        """How many bytes the registry has of it; -1 where it does not know it any more."""
        answer = self._wire.ask(RegistryRequest(method="GET", name=upload.name, url=upload.location, rights=PUSH))
        end = answer.headers.get("Range", "").rpartition("-")[2]
        if answer.status != 204 or not end.isdigit():
            return -1
        upload.location = _location(answer) or upload.location
        # `0-0` is one byte, and to some registries none: a single byte is then sent once more and refused.
        return int(end) + 1 if int(end) else 0

    def _finished(self, upload: _Upload, digest: str, body: bytes = b"") -> None:
        url = f"{upload.location}{'&' if '?' in upload.location else '?'}digest={digest}"
        put = RegistryRequest(
            method="PUT", name=upload.name, url=url, rights=PUSH, body=body, headers=OCTETS, once=True
        )
        try:
            answer = self._wire.ask(put)
        except Unreachable as error:
            if _is_cut(error):
                raise _Cut from error
            raise
        if answer.status == 429 or answer.status >= 500:
            raise _Cut
        if answer.status not in (201, 204):
            raise refused(answer, upload.name, "did not take a blob")

    def _left(self, upload: _Upload) -> None:
        """Tell the registry that nothing more will come; what it says to that does not matter."""
        try:
            self._wire.ask(
                RegistryRequest(method="DELETE", name=upload.name, url=upload.location, rights=PUSH, once=True)
            )
        except Unreachable:
            return

    def _chunks(self, name: str, blob: Descriptor) -> Generator[bytes, None, None]:
        """The content, from where it was cut on where that happens."""
        at, cuts = 0, 0
        while at < blob.size:
            try:
                with closing(self._read_on(name, blob, at)) as chunks:
                    for chunk in chunks:
                        at += len(chunk)
                        yield chunk
                return
            except Expired as error:
                # Begun anew it would be as slow, and cost its time again.
                raise Unreachable(
                    f"Reading {blob.digest} of {name} is too slow: {error}.",
                    remedy="Check the network and the proxies between here and the registry, then try again.",
                ) from error
            except _BROKEN as error:
                cuts += 1
                if cuts == TRIES:
                    raise Unreachable(f"Reading {blob.digest} of {name} broke off {TRIES} times.") from error
                self._wire.pause(0.5 * 2 ** (cuts - 1))

    def _read_on(self, name: str, blob: Descriptor, at: int) -> Generator[bytes, None, None]:
        headers = {"Range": f"bytes={at}-"} if at else {}
        with self._wire.stream(
            RegistryRequest(method="GET", name=name, path=f"blobs/{blob.digest}", headers=headers)
        ) as response:
            if response.status not in (200, 206):
                raise Missing(f"{name} has no {blob.digest} in its registry: {response.status}.")
            # A registry that does not know ranges begins from the start.
            skip = at if response.status == 200 else 0
            while skip and (passed := response.read(min(skip, self._chunk))):
                skip -= len(passed)
            while chunk := response.read(self._chunk):
                yield chunk


_BROKEN = (urllib3.exceptions.HTTPError, OSError)


def _is_cut(error: Unreachable) -> bool:
    """Whether it may be gone on with; who was too slow for a limit would be so again."""
    return isinstance(error.__cause__, _BROKEN) and not isinstance(error.__cause__, Expired)


def _location(answer: RegistryAnswer) -> str:
    said = answer.headers.get("Location", "")
    return urljoin(answer.url, said) if said else ""


def _held_against(name: str, digest: str, found: str) -> None:
    kind, _, wanted = digest.partition(":")
    if kind == "sha256" and wanted != found:
        raise Unreachable(
            f"The registry of {name} gave other content than it was asked for: sha256:{found} for {digest}.",
            remedy="A mirror, a proxy or the registry's storage is broken; nothing of it was used.",
        )
