"""What every command runs on: who runs it, the clock, the work tree, and the secrets that nobody may read."""

import os
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from davy.workflows import access, identity

if TYPE_CHECKING:
    from davy.pipeline.adapters.clock import SystemClock
    from davy.pipeline.config import DeliveryConfig
    from davy.pipeline.model import Revision
    from davy.pipeline.ports import History, Source

KEYS = ("SAUCE_ACCESS_KEY", "BROWSERSTACK_ACCESS_KEY", "LT_ACCESS_KEY")
"""Variables that hold keys of clouds, also where the configuration does not name them."""


def runner() -> str:
    """Who holds the lock."""
    return identity.runner(os.environ, _user(), socket.gethostname(), os.getpid())


def person() -> str:
    """Who says a word."""
    return identity.person(os.environ, _user(), socket.gethostname())


def _user() -> str:
    import getpass  # noqa: PLC0415 - only a runner has a name

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # A container's user without a name.
        return str(os.getuid())


def clock() -> "SystemClock":
    """The system's; as a context manager it takes Ctrl-C and SIGTERM over."""
    from davy.pipeline.adapters.clock import SystemClock  # noqa: PLC0415

    return SystemClock()


def held(folder: Path) -> AbstractContextManager[None]:
    """The folder of what davy writes, for this command alone. Raises LockedOut, Unusable."""
    from davy.pipeline.adapters import folderlock  # noqa: PLC0415 - only what writes needs it

    return folderlock.held(folder, runner())


def breakable() -> AbstractContextManager[None]:
    """While it is open Ctrl-C and SIGTERM end the command at once: for work that touches nothing."""
    from davy.pipeline.adapters.clock import breakable  # noqa: PLC0415

    return breakable()


def history(folder: Path) -> "History":
    """The commits of the work tree that holds the folder."""
    from davy.pipeline.adapters.history import GitHistory  # noqa: PLC0415

    return GitHistory(folder)


def secret(value: str, path: str) -> str:
    """The value, or for `env:NAME` what NAME holds. Raises Unusable where NAME is not set."""
    return access.secret(value, path, os.environ)


def secrets(config: "DeliveryConfig") -> tuple[str, ...]:
    """Every secret that the configuration names, for redaction: of the environment, of files, and written out."""
    mark = access.SECRET
    named = [value for suite in config.tests for value in suite.env.values() if value.startswith(mark)]
    held = [os.environ.get(value.removeprefix(mark), "") for value in named]
    accounts = [suite.cloud for suite in config.tests if suite.cloud]
    held += [os.environ.get(said.key.removeprefix(mark), "") for said in accounts if said.key and mark in said.key]
    held += [os.environ.get(name, "") for name in KEYS]
    servers = config.checks.prometheus if config.checks else ()
    known = (*held, *(secret for server in servers for secret in access.secrets(server, os.environ)))
    return tuple(filter(None, known))


def washing(config: "DeliveryConfig") -> Callable[[str], str]:
    """Makes a line that others printed harmless, and masks the configuration's secrets in it."""
    from davy.pipeline.redaction import washed  # noqa: PLC0415

    return partial(washed, secrets=secrets(config))


def source(folder: Path) -> "Source":
    """The work tree that holds the configuration."""
    from davy.pipeline.adapters.git import GitSource  # noqa: PLC0415

    return GitSource(folder)


def revision(folder: Path) -> "Revision":
    """The work tree's; on a detached head the branch is the CI job's."""
    with breakable():
        read = source(folder).revision()
    return read if read.branch else replace(read, branch=identity.branch(os.environ))


def version() -> str:
    """davy's own."""
    from davy.pipeline import __version__  # noqa: PLC0415

    return __version__
