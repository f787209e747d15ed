"""The locks hold what pyproject.toml asks for, by hash, and agree with each other."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = {path.stem: path.read_text() for path in sorted((ROOT / "locks").glob("*.txt"))}
LINE = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)
AWS = PROJECT["project"]["optional-dependencies"]["aws"]
ASKED = {
    "run": PROJECT["project"]["dependencies"],
    "run-aws": [*PROJECT["project"]["dependencies"], *AWS],
    "dev": [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["test"]],
    "build": PROJECT["build-system"]["requires"],
    "audit": PROJECT["dependency-groups"]["audit"],
    "tools": PROJECT["dependency-groups"]["tools"],
}


def pins(lock: str) -> dict[str, set[str]]:
    """A package may have several versions, for several systems."""
    found: dict[str, set[str]] = {}
    for name, version in LINE.findall(LOCKS[lock]):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


@pytest.mark.parametrize("lock", sorted(ASKED))
def test_a_lock_has_all_that_is_asked_for_in_a_version_that_is_allowed(lock: str) -> None:
    held = pins(lock)
    for asked in map(Requirement, ASKED[lock]):
        versions = held.get(canonicalize_name(asked.name), set())
        assert versions, asked
        assert all(asked.specifier.contains(version) for version in versions), (asked, versions)


@pytest.mark.parametrize("lock", sorted(LOCKS))
def test_every_line_of_a_lock_has_its_hashes(lock: str) -> None:
    assert lock in ASKED
    for block in re.split(r"\n(?=\w)", LOCKS[lock].strip()):
        assert LINE.match(block), block[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block[:80]


@pytest.mark.parametrize("lock", ["run", "run-aws"])
def test_users_install_the_versions_that_the_tests_run_with(lock: str) -> None:
    tested = pins("dev")
    assert {name: tested.get(name) for name in pins(lock)} == pins(lock)


def test_what_builds_davy_is_locked_as_it_is_asked_for() -> None:
    assert PROJECT["dependency-groups"]["backend"] == PROJECT["build-system"]["requires"]


def test_a_lock_that_a_document_names_is_there() -> None:
    for document in ("README.md", "CONTRIBUTING.md", "locks/README.md", "docs/security.md"):
        text = (ROOT / document).read_text()
        named = re.findall(r"locks/([\w-]+)[.]txt", text)
        assert set(named) <= set(LOCKS), document
