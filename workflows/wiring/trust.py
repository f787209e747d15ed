"""Trust: whether a davy.yaml may have secrets of this machine sent where it says.

A command that only looks may be run on a file that nobody has read yet: that of a pull request. So there the file's own
word is not enough; DAVY_SECRETS, which no file can set, says which variables and files may leave.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from davy.pipeline.config.parsing.section import tree_of
from davy.pipeline.config.sections.servers import FILE_KEYS
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.secrets.credential_names import speaks_of_a_secret
from davy.workflows.wiring.secret_values import PATH, SECRET

if TYPE_CHECKING:
    from davy.pipeline.config.document import DeliveryConfig
    from davy.pipeline.config.sections.checks import ChecksConfig
    from davy.pipeline.config.sections.servers import PrometheusConfig

ALLOWED = "DAVY_SECRETS"
ALL = "*"
AMAZON, SESSION = ".amazonaws.com", "AWS_SESSION_TOKEN"
SHORTEST = 8
"""A shorter value is taken for a word that happens to be the same."""
Leaf = tuple[str, str, str]
"""Path, the key that it stands under, and the text."""


def demand(checks: "ChecksConfig", environment: Mapping[str, str], folder: Path, *, acting: bool) -> None:
    """Raises Unusable, with everything that the servers would be sent and may not be.

    `acting`: the command changes the world on this file's word, so the file is trusted unless DAVY_SECRETS is said.
    `folder`: the configuration's; a file in it that leads out of it is never sent.
    """
    problems, named = [], []
    strict = not acting or ALLOWED in environment
    for index, server in enumerate(checks.prometheus):
        path = PATH if len(checks.prometheus) == 1 else f"{PATH}[{index}]"
        for leaf in _leaves(tree_of(server), path, ""):
            wrong = _led_out(leaf, folder)
            what = _asked(leaf, environment) if strict and not wrong else ""
            if wrong or (what and not _is_allowed(what, environment)):
                problems.append(
                    Problem(path=leaf[0], what=wrong or f"would send {_shown(what)} to {_host(server, leaf)}")
                )
                named += [what] if what else []
        if strict and _signs_elsewhere(server, environment) and not _is_allowed(SESSION, environment):
            problems.append(Problem(path=f"{path}.sigv4", what=f"would send ${SESSION} to {_host(server)}"))
            named.append(SESSION)
    if strict:
        carried = dict(_carried(tree_of(checks), environment))
        problems += [
            Problem(path=path, what=f"holds the value of ${name}, and would send it") for path, name in carried.items()
        ]
        named += carried.values()
    if problems:
        raise _refused(problems, named)


def demand_endpoint(config: "DeliveryConfig", environment: Mapping[str, str]) -> None:
    """Raises Unusable where an archive's own endpoint would be sent the session's token of AWS."""
    said = config.results.archive.s3
    elsewhere = said is not None and said.endpoint and not _is_amazon(said.endpoint)
    if said is None or not elsewhere or not environment.get(SESSION) or _is_allowed(SESSION, environment):
        return
    what = f"would send ${SESSION} to {urlsplit(said.endpoint or '').netloc}"
    raise _refused([Problem(path="results.archive.s3.endpoint", what=what)], [SESSION])


def _refused(problems: list[Problem], named: list[str]) -> Unusable:
    allow = f" {ALLOWED}={','.join(dict.fromkeys(named))} allows it" if named else ""
    remedy = f"If you have read the file and trust it,{allow}; docs/security.md says why." if named else ""
    return Unusable(
        "This file would have secrets of this machine sent to a server that it names.",
        problems=tuple(problems),
        remedy=remedy or "Name the file itself, outside of the work tree.",
    )


def _leaves(tree: object, path: str, key: str) -> Iterator[Leaf]:
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            yield from _leaves(value, f"{path}.{name}", str(name))
    elif isinstance(tree, list | tuple):
        for index, value in enumerate(tree):
            yield from _leaves(value, f"{path}[{index}]", key)
    elif isinstance(tree, str):
        yield path, key, tree


def _asked(leaf: Leaf, environment: Mapping[str, str]) -> str:
    """The variable or file whose content would be sent; empty where none is."""
    _, key, text = leaf
    if text.startswith(SECRET):
        name = text.removeprefix(SECRET)
        return name if name in environment else ""
    return text if key in FILE_KEYS else ""


def _led_out(leaf: Leaf, folder: Path) -> str:
    _, key, text = leaf
    if key not in FILE_KEYS or text.startswith(SECRET):
        return ""
    home, named = folder.resolve(), Path(os.path.abspath(text))  # noqa: PTH100 - `..` is gone, links stay
    inside = home in named.parents or folder.absolute() in named.parents
    return f"{text} leads out of the folder that it lies in" if inside and home not in named.resolve().parents else ""


def _is_allowed(what: str, environment: Mapping[str, str]) -> bool:
    allowed = [one.strip() for one in environment.get(ALLOWED, "").split(",") if one.strip()]
    if ALL in allowed or what in allowed:
        return True
    return "/" in what and Path(what).resolve() in {Path(one).resolve() for one in allowed if "/" in one}


def _carried(tree: object, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Where `${NAME}` put the value of a variable in that speaks of a secret: the path, and its name."""
    held = {
        name: value
        for name, value in environment.items()
        if len(value) >= SHORTEST
        and speaks_of_a_secret(name)
        and not _is_allowed(name, environment)
        and name != ALLOWED
    }
    for path, _, text in _leaves(tree, "checks", ""):
        yield from ((path, name) for name, value in held.items() if value in text)


def _signs_elsewhere(server: "PrometheusConfig", environment: Mapping[str, str]) -> bool:
    return server.sigv4 is not None and bool(environment.get(SESSION)) and not _is_amazon(server.url)


def _is_amazon(url: str) -> bool:
    return (urlsplit(url).hostname or "").endswith(AMAZON)


def _host(server: "PrometheusConfig", leaf: Leaf = ("", "", "")) -> str:
    url = server.oauth2.token_url if server.oauth2 and ".oauth2." in leaf[0] else server.url
    return urlsplit(url).netloc.rpartition("@")[2] or "the server"


def _shown(what: str) -> str:
    return f"the file {what}" if "/" in what else f"${what}"
