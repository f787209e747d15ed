"""Builds: the files that count, builders, registries, the scanner and the signer."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from davy.workflows.render import veil
from davy.workflows.wiring import secret_values

if TYPE_CHECKING:
    from davy.pipeline.builds.ports import Builder
    from davy.pipeline.builds.record import Records
    from davy.pipeline.config.document import DeliveryConfig
    from davy.pipeline.config.sections.build import SignConfig
    from davy.pipeline.core.ports import Clock
    from davy.pipeline.registry.distribution.store import RegistryImages
    from davy.pipeline.source.ports import WorkTree
    from davy.pipeline.supply_chain.ports import Scanner, Signer

BUILDERS = ("buildx", "engine", "buildah")
"""As `build.builder` names them, in the order in which `auto` looks."""


def work_tree() -> "WorkTree":
    """The files that images are built from, by their content."""
    from davy.pipeline.source.git.work_tree import GitWorkTree  # noqa: PLC0415

    return GitWorkTree(os.environ)


def builders(config: "DeliveryConfig", clock: "Clock") -> "dict[str, Builder]":
    """The builders that the configuration allows, by name, the preferred first. None is asked yet whether it is there.

    `pipeline.choosing.chosen` picks one for an order.
    """
    said = config.build.builder
    return {name: _builder(name, config, clock) for name in BUILDERS if said in ("auto", name)}


def _builder(name: str, config: "DeliveryConfig", clock: "Clock") -> "Builder":
    from davy.pipeline.clients.docker.registry_names import is_loopback  # noqa: PLC0415

    environment = secret_values.for_tools(config, os.environ)

    def plain(host: str) -> bool:
        return host in config.build.plain_http or is_loopback(host)

    if name == "buildx":
        from davy.pipeline.builds.builders.buildx import BuildxBuilder  # noqa: PLC0415

        return BuildxBuilder(environment, interrupted=clock.interrupted, plain=plain)
    if name == "buildah":
        from davy.pipeline.builds.builders.buildah import BuildahBuilder  # noqa: PLC0415

        return BuildahBuilder(environment, interrupted=clock.interrupted, plain=plain)
    from davy.pipeline.builds.builders.docker import DockerBuilder  # noqa: PLC0415

    return DockerBuilder(environment, interrupted=clock.interrupted)


def records(folder: Path) -> "Records":
    """What this machine knows of builds."""
    from davy.pipeline.builds.builders.record_files import BuildRecords  # noqa: PLC0415

    return BuildRecords(folder, masks=veil.masks())


def images(config: "DeliveryConfig | None" = None) -> "RegistryImages":
    """Registries, with the credentials that Docker has. One is enough for all threads; to be closed."""
    from davy.pipeline.clients.docker.credentials import DockerCredentials  # noqa: PLC0415
    from davy.pipeline.clients.docker.registry_names import is_loopback  # noqa: PLC0415
    from davy.pipeline.registry.distribution.store import RegistryImages  # noqa: PLC0415

    plain = config.build.plain_http if config else ()
    return RegistryImages(
        DockerCredentials(os.environ, veil.learn),
        plain=lambda host: host in plain or is_loopback(host),
        masks=veil.masks(),
    )


def scanner(config: "DeliveryConfig", clock: "Clock") -> "Scanner":
    """The user's own, as processes here; Ctrl-C stops them."""
    from davy.pipeline.supply_chain.tools.scanner import ProcessScanner  # noqa: PLC0415

    return ProcessScanner(secret_values.for_tools(config, os.environ), interrupted=clock.interrupted)


def signer(said: "SignConfig", folder: Path, config: "DeliveryConfig | None" = None) -> "Signer":
    """cosign, as configured. `folder`: what key files are relative to."""
    from davy.pipeline.supply_chain.tools.cosign import Cosign  # noqa: PLC0415

    environment = secret_values.for_signer(config, os.environ) if config else os.environ
    return Cosign(said, environment, folder)
