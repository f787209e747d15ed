"""The installed command, as a subprocess."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from lab import facts
from shop.crew import Crew
from shop.visit import Visit

DAVY = Path(sys.executable).parent / "davy"

Davy = Callable[..., subprocess.CompletedProcess[str]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """So that the rings can tell the doors that need the lab from the rest."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.door)


@pytest.fixture
def davy(tmp_path: Path) -> Davy:
    """Runs `davy …` in an empty folder, with a clean environment."""

    def run(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DAVY_", "GITHUB_", "CI"))}
        clean.pop("KUBECONFIG", None)
        clean |= {"HOME": str(tmp_path), "COLUMNS": "88"} | (env or {})
        return subprocess.run(
            [DAVY, *arguments], cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=60, check=False
        )

    return run


# ---- against the lab: scenarios that are played abreast, each in a shop of its own ----------------------------------

CREW = pytest.StashKey[Crew]()
PLAYED = pytest.StashKey[dict[str, Future[None]]]()


@pytest.fixture
def visit() -> None:
    """A shop of its own for the scenario; the crew hands it over."""


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A test that takes a `visit` runs beside its like: the first one that is due starts them all."""
    if "visit" not in pyfuncitem.fixturenames:
        return None
    stash = pyfuncitem.session.stash
    if PLAYED not in stash:
        stash[CREW] = Crew(facts.read())
        stash[PLAYED] = {item.nodeid: stash[CREW].play(_scenario(item)) for item in _abreast(pyfuncitem.session)}
    stash[PLAYED][pyfuncitem.nodeid].result()
    return True


def _abreast(session: pytest.Session) -> Iterator[pytest.Function]:
    for item in session.items:
        if isinstance(item, pytest.Function) and "visit" in item.fixturenames:
            yield item


def _scenario(item: pytest.Function) -> Callable[[Visit], None]:
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return lambda visit: item.obj(visit=visit, **params)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if CREW in session.stash:
        session.stash[CREW].close()
