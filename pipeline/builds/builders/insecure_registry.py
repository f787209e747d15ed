"""Insecure registry: lets containers' tools speak plain http to registries of this machine, and to no others."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from davy.pipeline.builds.builders.context import dockerfile
from davy.pipeline.builds.ports import BuildOrder
from davy.pipeline.clients.docker.registry_names import host_and_repository, is_loopback

HOST = re.compile(r"(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?(?=/)")


def allowed(
    order: BuildOrder, folder: Path, environment: Mapping[str, str], plain: Callable[[str], bool] = is_loopback
) -> dict[str, str]:
    """The environment, naming a registries.conf in `folder`: the machine's own with the loopback hosts of the order.

    The format: containers-registries.conf(5). Docker, too, speaks plain http to loopback without being told.
    """
    host = host_and_repository(order.name)[0]
    hosts = {host} if plain(host) else set()
    texts = (dockerfile(order).decode(errors="replace"), *order.args.values())
    hosts |= {found for text in texts for found in HOST.findall(text)}
    said = _said(environment)
    fresh = sorted(each for each in hosts if f'"{each}"' not in said)
    if not fresh or "[registries." in said:
        return dict(environment)
    entries = "".join(f'\n[[registry]]\nlocation = "{each}"\ninsecure = true\n' for each in fresh)
    path = folder / "registries.conf"
    path.write_text(f"{said}\n{entries}")
    return {**environment, "CONTAINERS_REGISTRIES_CONF": str(path)}


def _said(environment: Mapping[str, str]) -> str:
    """The machine's own settings."""
    named = environment.get("CONTAINERS_REGISTRIES_CONF")
    home = Path(environment.get("XDG_CONFIG_HOME") or Path(environment.get("HOME") or "/", ".config"))
    places = [Path(named)] if named else [home / "containers/registries.conf", Path("/etc/containers/registries.conf")]
    return next((path.read_text(errors="replace") for path in places if path.is_file()), "")
