"""The house as checks: each contract of pyproject.toml is broken once on purpose, to see it caught."""

import ast
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("pipeline", "canary", "checks", "workflows")
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract for contract in SETTINGS["contracts"]}
PURE: list[str] = CONTRACTS["pure"]["source_modules"]
LONGEST_FILE, LONGEST_FUNCTION = 300, 50
"""In lines."""
HEAVY = {"docker", "git", "requests", "kubernetes", "junitparser", "prometheus_api_client", "rich"}

SIN = {
    "rooms": [("canary/machine.py", "import davy.checks.statistics"), ("pipeline/plan.py", "import davy.canary.state")],
    "pipeline": [
        ("pipeline/ports/suites.py", "import davy.pipeline.images"),
        ("pipeline/model.py", "import davy.pipeline.ports"),
    ],
    "supply": [("pipeline/supply/scans.py", "import davy.pipeline.supply.policy")],
    "builds": [
        ("pipeline/builds/key.py", "import davy.pipeline.builds.graph"),
        ("pipeline/builds/because.py", "import davy.pipeline.builds.graph"),
    ],
    "testing": [
        ("pipeline/testing/spread.py", "import davy.pipeline.testing.expansion"),
        ("pipeline/testing/tries.py", "import davy.pipeline.testing.recorded"),
    ],
    "canary": [("canary/rollout.py", "import davy.canary.memory"), ("canary/ports.py", "import davy.canary.sight")],
    "checks": [
        ("checks/sequential.py", "import davy.checks.judging"),
        ("checks/memory.py", "import davy.checks.preflight"),
    ],
    "workflows": [
        ("workflows/release.py", "import davy.workflows.parts"),
        ("workflows/render/text.py", "import davy.workflows.cli"),
    ],
    "adapters": [
        ("workflows/parts.py", "import davy.pipeline.adapters.git"),
        ("canary/rollout.py", "import davy.canary.adapters.lease"),
    ],
    "pure": [
        ("canary/machine.py", "import time"),
        ("checks/statistics.py", "from random import random"),
        ("pipeline/junit.py", "import os"),
    ],
}
"""By contract: a module, and an import that it may not have."""


def lint_imports(folder: Path, *contracts: str) -> str:
    """What the linter says of the packages in `folder`, on one line; starts with its exit code.

    Of these contracts alone, where some are named: that takes half the time. What it read of modules that are the same
    in every copy is kept beside the copies.
    """
    program = Path(sys.executable).with_name("lint-imports")
    only = [word for contract in contracts for word in ("--contract", contract)]
    run = subprocess.run(
        [program, "--cache-dir", str(folder.parent / "imports"), "--config", str(ROOT / "pyproject.toml"), *only],
        cwd=folder, env={"PYTHONPATH": str(folder), "COLUMNS": "400", "PATH": ""},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return " ".join(f"{run.returncode} {run.stdout} {run.stderr}".split())


def copied(folder: Path) -> Path:
    """The rooms under their import name, in a folder of their own."""
    (folder / "davy").mkdir()
    (folder / "davy" / "__init__.py").touch()  # A package proper hides the installed namespace of the same name.
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / "davy" / room, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_the_tree_keeps_every_contract(tmp_path: Path) -> None:
    said = lint_imports(copied(tmp_path))
    assert said.startswith("0 "), said
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in said


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_contract_that_is_broken_on_purpose_is_caught(contract: str, tmp_path: Path) -> None:
    tree = copied(tmp_path)
    for path, sin in SIN[contract]:
        clean = (tree / "davy" / path).read_text()
        (tree / "davy" / path).write_text(f"{clean}\n{sin}\n")
        said = lint_imports(tree, contract)
        assert said.startswith("1 "), said
        assert f"{CONTRACTS[contract]['name']} BROKEN" in said, f"{path}: {sin}\n{said}"
        (tree / "davy" / path).write_text(clean)


@pytest.mark.parametrize("room", ROOMS)
def test_a_module_without_a_layer_is_caught(room: str, tmp_path: Path) -> None:
    tree = copied(tmp_path)
    (tree / "davy" / room / "stray.py").write_text('"""A module that nobody placed."""\n')
    assert "stray" in lint_imports(tree, room)


def trees() -> Iterator[tuple[str, ast.Module]]:
    """Every module of the rooms, by its import name."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            name = ".".join(("davy", *path.relative_to(ROOT).with_suffix("").parts))
            yield name.removesuffix(".__init__"), ast.parse(path.read_text())


def at_once(tree: ast.Module) -> Iterator[str]:
    """What a module imports as soon as it is imported itself."""
    for node in tree.body:
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module)):
                yield module


def test_no_file_and_no_function_is_too_long_to_be_read_at_once() -> None:
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    assert [str(path) for path in files if len(path.read_text().splitlines()) > LONGEST_FILE] == []
    functions = [
        f"{name}.{node.name}"
        for name, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]
    assert functions == []


def test_no_pure_module_asks_what_time_it_is() -> None:
    asked = [
        f"{name}:{node.lineno}"
        for name, tree in trees()
        if name in PURE
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today", "monotonic"}
    ]
    assert asked == []


def test_heavy_packages_are_imported_late_or_by_what_is_itself_imported_late() -> None:
    late = (".adapters.", "davy.workflows.render.chart", "davy.workflows.render.live", "davy.workflows.render.picture")
    found = {
        name: sorted(heavy)
        for name, tree in trees()
        if not any(part in name for part in late)
        and (heavy := {module.partition(".")[0] for module in at_once(tree)} & HEAVY)
    }
    assert found == {}


def test_the_wiring_imports_every_adapter_inside_the_function_that_needs_it() -> None:
    wiring = [tree for name, tree in trees() if name.startswith("davy.workflows.wiring")]
    assert len(wiring) > 1
    assert [module for tree in wiring for module in at_once(tree) if ".adapters" in module] == []
