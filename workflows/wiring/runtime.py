"""Runtime: who runs it, the clock, the work tree, and the secrets that nobody may read."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from davy.workflows.ci import identity
from davy.workflows.render import veil
from davy.workflows.wiring import secret_values

if TYPE_CHECKING:
    from davy.pipeline.clients.system_clock import SystemClock
    from davy.pipeline.config.document import DeliveryConfig
    from davy.pipeline.core.artifacts import Revision
    from davy.pipeline.core.secrets.masks import Masks
    from davy.pipeline.source.ports import History, Source


def runner() -> str:
    """Who holds the lock."""
    return identity.runner(os.environ, _user(), os.uname().nodename, os.getpid())


def person() -> str:
    """Who says a word."""
    return identity.person(os.environ, _user(), os.uname().nodename)


def _user() -> str:
    import getpass  # noqa: PLC0415 - only a runner has a name

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # A container's user without a name.
        return str(os.getuid())


def clock() -> "SystemClock":
    """The system's; as a context manager it takes Ctrl-C and SIGTERM over."""
    from davy.pipeline.clients.system_clock import SystemClock  # noqa: PLC0415

    return SystemClock()


def held(folder: Path) -> AbstractContextManager[None]:
    """The folder of what davy writes, for this command alone. Raises LockedOut, Unusable."""
    from davy.pipeline.clients.files import folder_lock  # noqa: PLC0415 - only what writes needs it

    return folder_lock.held(folder, runner())


def breakable() -> AbstractContextManager[None]:
    """While it is open Ctrl-C and SIGTERM end the command at once: for work that touches nothing."""
    from davy.pipeline.clients.system_clock import breakable  # noqa: PLC0415

    return breakable()


def history(folder: Path) -> "History":
    """The commits of the work tree that holds the folder."""
    from davy.pipeline.source.git.history import GitHistory  # noqa: PLC0415

    return GitHistory(folder)


def secret(value: str, path: str) -> str:
    """The value, or for `env:NAME` what NAME holds. Raises Unusable where NAME is not set."""
    return secret_values.secret(value, path, os.environ)


def secrets(config: "DeliveryConfig", folder: Path = Path()) -> tuple[str, ...]:
    """Every secret that the configuration names, for redaction: of the environment, of files, and written out.

    `folder`: the configuration's, which its files are relative to.
    """
    return secret_values.secrets_of(config, os.environ, folder)


def masks(config: "DeliveryConfig", folder: Path = Path()) -> "Masks":
    """What davy must not say from now on: the configuration's secrets, and what this machine is known to hold."""
    return veil.learn(secrets(config, folder))


def washing(config: "DeliveryConfig") -> Callable[[str], str]:
    """Makes a line that others printed harmless, and masks every known secret in it."""
    from davy.pipeline.core.text.sanitize import washed  # noqa: PLC0415

    return partial(washed, secrets=masks(config))


def source(folder: Path) -> "Source":
    """The work tree that holds the configuration."""
    from davy.pipeline.source.git.repository import GitSource  # noqa: PLC0415

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
