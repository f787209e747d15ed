"""Sessions: `nox` runs what CI runs; `nox -l` lists them all."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import nox

ROOT = Path(__file__).parent
LOCK, RUN = "locks/dev.txt", "locks/run.txt"
BUILD, AUDIT = "locks/build.txt", "locks/audit.txt"
QUICKLY = [
    *("-q", "-n", str((os.cpu_count() or 1) + 1), "--dist=worksteal", "-m", "not lab and not slow"),
    *("--hypothesis-profile=sample", "--ignore=tests/test_architecture.py"),
]
"""Without the lab, and without what `lint` and `tests` hold already; a worker more than cores, for many tests wait.

A sample: of each test function two cases, of each property few examples. What another Python or another library breaks
is not the third case of seven; all of them run in `tests`."""
ROOMS = ["pipeline", "checks", "canary", "workflows"]
OTHER_PYTHONS = ["3.12", "3.13", "3.14"]
NEWEST = ["others-3.13", "others-3.14"]
"""By default the oldest Python runs all, and of the others the newest run what needs no lab: what changes between two
versions has changed in the newest, too. `nox -s others` runs each that is here."""

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "types", "tests", *NEWEST, "lowest", "wheel", "bench"]


def locked(session: nox.Session) -> None:
    """Installs the locked tools, and davy itself as editable."""
    keeps_bytecode(session)
    session.install("-q", "-r", LOCK)
    session.install("-q", "--no-deps", "--build-constraints", BUILD, "-e", ".")


def keeps_bytecode(session: nox.Session) -> None:
    """Thousands of processes start here: without it each compiles davy and its packages again, or all tests."""
    session.env["PYTHONDONTWRITEBYTECODE"] = ""


def compiled(session: nox.Session) -> None:
    """As pip leaves an installed davy: no command pays for Python's compiler, whatever the environment says."""
    for folder in (*map(str, Path(session.virtualenv.location).glob("lib/python*/site-packages")), *ROOMS):
        session.run("python", "-m", "compileall", "-q", "-j", "0", "-x", "/kubernetes/", folder)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff and the architecture's contracts."""
    locked(session)
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy, strict."""
    locked(session)
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """All rings: pure core, contracts, doors, on a lab brought up for it. With arguments: pytest with them."""
    locked(session)
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    compiled(session)
    _lab_at_hand(session)
    if os.environ.get("CI"):
        _lab(session, "extras")
    session.run("python", "tests/rings.py")


@nox.session
def quick(session: nox.Session) -> None:
    """An answer within a minute for whoever edits a room: lint, types and its fast tests. `-- ROOM` names it."""
    locked(session)
    session.run("python", "tests/quick.py", *session.posargs)


@nox.session
def deep(session: nox.Session) -> None:
    """Property tests at random, round after round for an hour (`-- MINUTES`), until one fails; it is kept and retried.

    What the other sessions run tries the same inputs every time.
    """
    locked(session)
    minutes, *more = session.posargs or ["60"]
    until = time.monotonic() + 60 * float(minutes)
    while time.monotonic() < until:
        session.run(
            "pytest", "-q", "-n", str(os.cpu_count() or 1), "-m", "hypothesis and not lab",
            "--hypothesis-profile=deep", *more,
        )  # fmt: skip


@nox.session
def extras(session: nox.Session) -> None:
    """What needs cosign or k6 alone: they are built from source, once. `tests` runs it, too, where they are there."""
    locked(session)
    _lab(session, "up")
    _lab(session, "extras")
    session.run("pytest", "-m", "extra", *session.posargs)


@nox.session(python=OTHER_PYTHONS)
def others(session: nox.Session) -> None:
    """The tests that need no lab, on the other Pythons that are here."""
    locked(session)
    session.run("pytest", *QUICKLY, *session.posargs)


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """The tests that need no lab, with the lowest version of every dependency that users may have."""
    keeps_bytecode(session)
    # Not session.create_tmp(): it moves TMPDIR into this work tree, where no test can be outside of git.
    lock = Path(session.virtualenv.location, "lowest.txt")
    session.run(
        "uv", "pip", "compile", "-q", "--resolution", "lowest-direct", "--python-version", "3.11",
        "--no-header", "--no-annotate", "pyproject.toml", "-o", str(lock), external=True,
    )  # fmt: skip
    session.install("-q", "-r", str(lock))
    session.install("-q", "--group", "test")
    session.install("-q", "-r", str(lock), "--no-deps", "-e", ".")
    session.run("pytest", *QUICKLY, *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """Builds the wheel through the sdist, looks into it, and uses it with what a user installs by hash."""
    locked(session)
    dist = Path(session.create_tmp(), "dist")
    shutil.rmtree(dist, ignore_errors=True)
    session.run("python", "-m", "build", "-q", "--installer", "uv", "--outdir", str(dist), env={"UV_CONSTRAINT": BUILD})
    (built,) = dist.glob("*.whl")
    session.run("python", "tests/wheel_contents.py", str(built))
    fresh = Path(session.create_tmp(), "fresh")
    session.run("uv", "venv", "-q", "--clear", "-p", session.python or sys.executable, str(fresh), external=True)
    into = ("uv", "pip", "install", "-q", "-p", str(fresh / "bin" / "python"))
    session.run(*into, "--require-hashes", "-r", RUN, external=True)
    session.run(*into, "--no-deps", str(built), external=True)
    session.run("uv", "pip", "check", "-q", "-p", str(fresh / "bin" / "python"), external=True)
    davy = str((fresh / "bin" / "davy").absolute())
    with session.chdir(session.create_tmp()):
        session.run(davy, "version", external=True)
        session.run(davy, "validate", "-f", str(ROOT / "examples/checkout/davy.yaml"), external=True)
        session.run(davy, "rehearse", "-f", str(ROOT / "examples/checkout/davy.yaml"), "--plain", external=True)


@nox.session
def lab(session: nox.Session) -> None:
    """`nox -s lab -- up|down|status`: real Docker, registry, Kubernetes, Prometheus, Alertmanager."""
    locked(session)
    _lab(session, *(session.posargs or ["status"]))


@nox.session
def demo(session: nox.Session) -> None:
    """One good release and two bad ones, for real, with a table of what users felt."""
    locked(session)
    compiled(session)
    _lab(session, "up")
    session.run("python", "-m", "demo", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def bench(session: nox.Session) -> None:
    """Budgets as ratios, measured side by side in one run. `-- judge`, `-- test`: need no lab."""
    locked(session)
    compiled(session)
    if session.posargs[:1] not in (["judge"], ["test"]):
        _lab_at_hand(session)
    session.run("python", "-m", "bench", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def simulate(session: nox.Session) -> None:
    """Whole rollouts on a simulated cluster, faults drawn by seeds: `-- --seeds N`, `-- --start N --seeds 1 -v`."""
    locked(session)
    session.run("python", "-m", "simulation", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def documents(session: nox.Session) -> None:
    """Renews what in docs/ and examples/ is made from the code; the tests fail where that is forgotten."""
    locked(session)
    session.run("python", "-m", "made", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def lock(session: nox.Session) -> None:
    """Renews the locks. What users install has the versions that the tests run with."""
    project, within = ["pyproject.toml"], ["-c", LOCK]
    for path, asked in {
        LOCK: [*project, "--group", "dev", "--upgrade"],
        "locks/tools.txt": ["--group", "tools", "--upgrade"],
        RUN: [*project, *within],
        "locks/run-aws.txt": [*project, "--extra", "aws", *within],
        BUILD: ["--group", "backend", "--upgrade", *within],
        AUDIT: ["--group", "audit", "--upgrade", *within],
    }.items():
        session.run(
            "uv", "pip", "compile", "-q", "--universal", "--python-version", "3.11", "--generate-hashes",
            "--no-header", "--no-annotate", *asked, "-o", path, external=True,
        )  # fmt: skip


@nox.session
def audit(session: nox.Session) -> None:
    """Holds the locks against known advisories. It asks a service on the network, so no other session runs it.

    With arguments: `-- -s osv` asks another service, `-- --dry-run` none.
    """
    session.install("-q", "-r", AUDIT)
    locks = [word for path in sorted(Path("locks").glob("*.txt")) for word in ("-r", str(path))]
    session.run("pip-audit", "--require-hashes", "--disable-pip", *locks, *session.posargs)


def _lab_at_hand(session: nox.Session) -> None:
    """The lab; outside of CI without what is not built yet, so that a first answer comes before the builds do.

    The tests say what was left out, and how to have it.
    """
    _lab(session, "up", *([] if os.environ.get("CI") else ["--build-nothing"]))


def _lab(session: nox.Session, *words: str) -> None:
    session.run("python", "-m", "lab", *words, env={"PYTHONPATH": "tests"})
