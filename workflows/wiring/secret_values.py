"""Secret values: secrets that the configuration names, read from the environment and from files."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from davy.pipeline.config.parsing.section import tree_of
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.secrets.credential_names import is_withheld, opens_registries
from davy.pipeline.core.secrets.masks import SURE
from davy.pipeline.files import plain_file

if TYPE_CHECKING:
    from davy.pipeline.config.document import DeliveryConfig
    from davy.pipeline.config.sections.servers import PrometheusConfig

SECRET = "env:"  # noqa: S105 - the mark of a value that is a secret's name
PATH = "checks.prometheus"
MOST_SECRET = 2**16
"""Bytes of a file that are kept out of what davy says; what is larger is no password."""
Tree = object
KEYS = ("SAUCE_ACCESS_KEY", "BROWSERSTACK_ACCESS_KEY", "LT_ACCESS_KEY")
"""Variables that hold keys of clouds, also where the configuration does not name them."""


def secret(value: str, path: str, environment: Mapping[str, str]) -> str:
    """The value, or for `env:NAME` what NAME holds. Raises Unusable where NAME is not set."""
    if not value.startswith(SECRET):
        return value
    name = value.removeprefix(SECRET)
    held = environment.get(name)
    if held is None:
        problem = Problem(path=path, what=f"is read from ${name}, which is not set")
        raise Unusable("A secret is missing.", problems=(problem,), remedy=f"Set {name} in the environment.")
    return held


def opened(servers: Sequence["PrometheusConfig"], environment: Mapping[str, str]) -> tuple["PrometheusConfig", ...]:
    """The servers with every `env:NAME` filled in. Raises Unusable with all that are not set."""
    from davy.pipeline.config.parsing.reader import made  # noqa: PLC0415 - only where servers are asked

    problems: list[Problem] = []
    found = []
    for index, server in enumerate(servers):
        path = PATH if len(servers) == 1 else f"{PATH}[{index}]"
        tree = _filled(tree_of(server), path, environment, problems)
        found.append(server if problems else made(type(server), tree))
    if problems:
        named = [problem.what.split("$")[1].split(",")[0] for problem in problems]
        remedy = f"Set {', '.join(dict.fromkeys(named))} in the environment."
        raise Unusable("A secret is missing.", problems=tuple(problems), remedy=remedy)
    return tuple(found)


def _filled(tree: Tree, path: str, environment: Mapping[str, str], problems: list[Problem]) -> Tree:
    if isinstance(tree, dict):
        return {key: _filled(value, f"{path}.{key}", environment, problems) for key, value in tree.items()}
    if not isinstance(tree, str):
        return tree
    try:
        return secret(tree, path, environment)
    except Unusable as error:
        problems.extend(error.problems)
        return tree


def secrets(server: "PrometheusConfig", environment: Mapping[str, str]) -> tuple[str, ...]:
    """Every secret of a server that is known now, for redaction; what cannot be read is left out."""
    parts = urlsplit(server.url)
    own = unquote(parts.password) if parts.password else ""
    return tuple(filter(None, (own, *_secrets(tree_of(server), "", environment))))


def secrets_of(config: "DeliveryConfig", environment: Mapping[str, str], folder: Path) -> tuple[str, ...]:
    """Every secret that a configuration names and that can be read now. `folder`: its own, for the files it names."""
    servers = config.checks.prometheus if config.checks else ()
    known = (
        *(environment.get(name, "") for name in (*named_in(tree_of(config)), *KEYS)),
        *(text_of(file) for file in files_in(config, folder)),
        *(secret for server in servers for secret in secrets(server, environment)),
    )
    return tuple(dict.fromkeys(filter(None, known)))


def without_secrets(tree: Tree, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for what is no part of davy: without what the configuration reads secrets from.

    Nor with credentials that machines are known to hand over, under whatever name they stand in it.
    """
    named = set(named_in(tree))
    values = {held for name in named if len(held := environment.get(name, "")) >= SURE}
    return {
        name: value
        for name, value in environment.items()
        if name not in named and not is_withheld(name) and value not in values
    }


def for_tools(config: "DeliveryConfig", environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for builders and scanners: of credentials those alone that open registries and caches.

    What a build's own secrets are read from is among them: builders read it themselves.
    """
    own = {said.env for image in config.images for said in image.secrets if said.env}
    named = set(named_in(tree_of(config))) - own
    return {
        name: value
        for name, value in environment.items()
        if name in own or (name not in named and (not is_withheld(name) or opens_registries(name)))
    }


def for_signer(config: "DeliveryConfig", environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for cosign, which may sign with anything this machine has, but for what is others' business."""
    sign = config.build.sign
    others = set(named_in(tree_of(config))) - set(named_in(tree_of(sign)) if sign else ())
    return {name: value for name, value in environment.items() if name not in others and name not in KEYS}


def named_in(tree: Tree) -> Iterator[str]:
    """The variables that a configuration reads secrets from: of every `env:NAME`, of keys, and of builds' secrets."""
    if isinstance(tree, dict):
        if "id" in tree and isinstance(tree.get("env"), str):
            yield tree["env"]
        tree = list(tree.values())
    if isinstance(tree, (list, tuple)):
        for value in tree:
            yield from named_in(value)
    elif isinstance(tree, str) and tree.startswith(SECRET):
        yield tree.removeprefix(SECRET).removeprefix("//")


def files_in(config: "DeliveryConfig", folder: Path) -> Iterator[Path]:
    """The files of this machine that hold secrets of builds and signatures. Those of servers `secrets` knows."""
    for image in config.images:
        yield from (folder / (said.file or said.id) for said in image.secrets if said.env is None)
    key = config.build.sign.key if config.build.sign else None
    if key and "://" not in key:
        yield folder / key


def _secrets(tree: Tree, key: str, environment: Mapping[str, str]) -> Iterator[str]:
    from davy.pipeline.config.sections.servers import FILE_KEYS, SECRET_KEYS  # noqa: PLC0415 - only where servers are asked

    if isinstance(tree, dict):
        for inner, value in tree.items():
            yield from _secrets(value, inner, environment)
    elif isinstance(tree, str) and tree.startswith(SECRET):
        yield environment.get(tree.removeprefix(SECRET), "")
    elif isinstance(tree, str) and key in SECRET_KEYS:
        yield tree
    elif isinstance(tree, str) and key in FILE_KEYS:
        yield text_of(Path(tree))


def text_of(file: Path) -> str:
    """What a file holds, as much of it as a secret may be; empty where it cannot be read."""
    try:
        return plain_file.content(file, MOST_SECRET).decode().strip()
    except (OSError, UnicodeDecodeError):
        return ""
