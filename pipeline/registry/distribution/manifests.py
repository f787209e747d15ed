"""Manifests: manifests over the distribution API, with the credentials that Docker has."""

import hashlib
import time
from collections.abc import Callable

from davy.pipeline.clients.docker.credentials import DockerCredentials
from davy.pipeline.clients.docker.registry_names import PUSH, forbidden, host_and_repository, is_loopback
from davy.pipeline.core.errors import Missing, Unreachable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.images import oci
from davy.pipeline.registry.distribution.http import RegistryClient
from davy.pipeline.registry.distribution.messages import RegistryAnswer, RegistryRequest

__all__ = ["Manifest", "Registry", "forbidden", "host_and_repository", "is_loopback", "refused"]

ACCEPTED = {"Accept": ", ".join((oci.OCI_MANIFEST, oci.DOCKER_MANIFEST, oci.OCI_INDEX, oci.DOCKER_LIST))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest as the registry holds it."""

    media_type: str
    body: bytes

    @property
    def digest(self) -> str:
        """By its bytes: what a registry names it by."""
        return f"sha256:{hashlib.sha256(self.body).hexdigest()}"


class Registry:
    """Reads and writes manifests, for any number of threads. Raises Forbidden with what to do, Missing, Unreachable."""

    def __init__(
        self,
        credentials: DockerCredentials,
        *,
        plain: Callable[[str], bool] = is_loopback,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """`plain`: True for registries that are spoken to over http."""
        self.wire = RegistryClient(credentials, plain=plain, pause=pause)

    def close(self) -> None:
        """Close its connections."""
        self.wire.close()

    def digest(self, name: str, reference: str) -> str | None:
        """The digest behind a tag or digest; None where there is none."""
        answer = self.wire.ask(
            RegistryRequest(method="HEAD", name=name, path=f"manifests/{reference}", headers=ACCEPTED)
        )
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise refused(answer, name, f"was asked for {reference}")
        # Some registries leave the header out; then the content tells.
        return answer.headers.get("Docker-Content-Digest") or self.manifest(name, reference).digest

    def manifest(self, name: str, reference: str) -> Manifest:
        """The manifest behind a tag or digest; its bytes are held against the digest."""
        answer = self.wire.ask(
            RegistryRequest(method="GET", name=name, path=f"manifests/{reference}", headers=ACCEPTED)
        )
        if answer.status == 404:
            raise Missing(f"{name} has no {reference} in its registry.", remedy="`davy build` puts images there.")
        if answer.status != 200:
            raise refused(answer, name, f"was asked for {reference}")
        found = Manifest(media_type=answer.headers.get("Content-Type", "").partition(";")[0], body=answer.body)
        said = reference if ":" in reference else answer.headers.get("Docker-Content-Digest", found.digest)
        if said.startswith("sha256:") and said != found.digest:
            raise _lied(name, said, found.digest)
        return found

    def put(self, name: str, reference: str, manifest: Manifest) -> str:
        """Store the manifest under a tag or digest; its digest."""
        self.stored(name, reference, manifest)
        return manifest.digest

    def stored(self, name: str, reference: str, manifest: Manifest) -> RegistryAnswer:
        """The same, and what the registry answered to it."""
        kind = {"Content-Type": manifest.media_type}
        ask = RegistryRequest(
            method="PUT", name=name, path=f"manifests/{reference}", rights=PUSH, body=manifest.body, headers=kind
        )
        answer = self.wire.ask(ask)
        if answer.status not in (200, 201):
            raise refused(answer, name, f"did not take the manifest {reference}")
        kept = answer.headers.get("Docker-Content-Digest", manifest.digest)
        if kept != manifest.digest:
            raise _lied(name, manifest.digest, kept)
        return answer

    def referrers(self, name: str, digest: str) -> tuple[oci.Descriptor, ...] | None:
        """What the registry lists as attached; None where it does not have that part of the API."""
        found: list[oci.Descriptor] = []
        path, url = f"referrers/{digest}", ""
        for _ in range(100):
            answer = self.wire.ask(RegistryRequest(method="GET", name=name, path=path, url=url))
            kind = answer.headers.get("Content-Type", "").partition(";")[0]
            if answer.status != 200 or kind != oci.OCI_INDEX:
                return tuple(found) if found else None
            found += read(name, answer.body).children
            onward = answer.headers.get("Link", "")
            if 'rel="next"' not in onward or "<" not in onward:
                break
            url = onward.partition("<")[2].partition(">")[0]
        return tuple(found)


def read(name: str, body: bytes) -> oci.Contents:
    """What a manifest says. Raises Unreachable where a registry keeps something else under that name."""
    try:
        return oci.contents(body)
    except (ValueError, TypeError) as error:
        raise Unreachable(f"The registry of {name} answered with a manifest that cannot be read: {error}.") from error


def refused(answer: RegistryAnswer, name: str, what: str) -> Unreachable | Missing:
    """A registry's no that is none of rights: in its own words, with what to do."""
    host, repository = host_and_repository(name)
    said = f"{answer.status} {answer.said}".rstrip()
    if answer.status == 404:
        return Missing(
            f"The registry {host} has no repository {repository}, or not all that it needs: {said}.",
            remedy="Some registries want a repository to be made before the first push; check its name.",
        )
    remedy = "Raise the limit of the registry, or of the proxy before it." if answer.status == 413 else ""
    return Unreachable(f"The registry {host} {what} of {name}: {said}.", remedy=remedy)


def _lied(name: str, wanted: str, found: str) -> Unreachable:
    return Unreachable(
        f"The registry of {name} gave other content than it was asked for: {found} for {wanted}.",
        remedy="A mirror, a proxy or the registry's storage is broken; nothing of it was used.",
    )
