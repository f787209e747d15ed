"""Annotating: a pushed image's manifest, or index, put back with annotations, for builders that cannot write them."""

from collections.abc import Callable
from contextlib import closing

from davy.pipeline.builds.ports import BuildOrder
from davy.pipeline.clients.docker.credentials import DockerCredentials
from davy.pipeline.clients.docker.registry_names import is_loopback
from davy.pipeline.core.errors import Unreachable
from davy.pipeline.core.images import oci
from davy.pipeline.registry.distribution.manifests import Manifest, Registry


def put(
    credentials: DockerCredentials, order: BuildOrder, pushed: str, plain: Callable[[str], bool] = is_loopback
) -> str:
    """Put it back under the same tag; its digest then. `plain`: True for registries spoken to over http."""
    with closing(Registry(credentials, plain=plain)) as registry:
        try:
            body = oci.annotated(registry.manifest(order.name, pushed).body, order.annotations)
        except ValueError as error:
            raise Unreachable(f"The registry of {order.name} has no image manifest for {pushed}.") from error
        kind = oci.contents(body).media_type
        return registry.put(order.name, order.tag, Manifest(media_type=kind, body=body))
