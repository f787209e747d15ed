"""Access: secrets that the configuration names, read from the environment and from files."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from davy.pipeline import plainfile
from davy.pipeline.errors import Problem, Unusable
from davy.pipeline.part import tree_of

if TYPE_CHECKING:
    from davy.pipeline.serverconfig import PrometheusConfig

SECRET = "env:"  # noqa: S105 - the mark of a value that is a secret's name
PATH = "checks.prometheus"
Tree = object


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
    from davy.pipeline.structuring import made  # noqa: PLC0415 - only where servers are asked

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


def without_secrets(tree: Tree, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for what is no part of davy: without the variables that the configuration reads secrets from."""
    named = set(_named(tree))
    return {name: value for name, value in environment.items() if name not in named}


def _named(tree: Tree) -> Iterator[str]:
    """Of every `env:NAME`, the name."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, (list, tuple)):
        for value in tree:
            yield from _named(value)
    elif isinstance(tree, str) and tree.startswith(SECRET):
        yield tree.removeprefix(SECRET)


def _secrets(tree: Tree, key: str, environment: Mapping[str, str]) -> Iterator[str]:
    from davy.pipeline.serverconfig import FILE_KEYS, SECRET_KEYS  # noqa: PLC0415 - only where servers are asked

    if isinstance(tree, dict):
        for inner, value in tree.items():
            yield from _secrets(value, inner, environment)
    elif isinstance(tree, str) and tree.startswith(SECRET):
        yield environment.get(tree.removeprefix(SECRET), "")
    elif isinstance(tree, str) and key in SECRET_KEYS:
        yield tree
    elif isinstance(tree, str) and key in FILE_KEYS:
        yield _text(Path(tree))


def _text(file: Path) -> str:
    try:
        return plainfile.text(file, 2**20).strip()
    except (OSError, UnicodeDecodeError):
        return ""
