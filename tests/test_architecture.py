"""The house as checks: each contract of pyproject.toml is broken once on purpose, to see it caught."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from recipes.house import ROOMS, ROOT, copied

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract for contract in SETTINGS["contracts"]}
PURE: list[str] = CONTRACTS["pure"]["source_modules"]
ADAPTERS = tuple(CONTRACTS["adapters"]["protected_modules"])
MOST_SIBLINGS = 12
THE_LISTS = {ROOT / "workflows", ROOT / "workflows" / "cli" / "commands"}
"""What davy can do: a list by itself, however long."""
LONGEST_FILE, LONGEST_FUNCTION = 300, 50
"""In lines."""
ONE_PLATFORMS = ("kubernetes", "deployment", "kubectl", "surge", "minready", "min_ready", "replicaset", "replica_set")
"""What belongs to one platform."""
HEAVY = {"docker", "git", "requests", "kubernetes", "junitparser", "prometheus_api_client", "rich"}

SIN = {
    "rooms": [
        ("canary/engine/machine.py", "import davy.checks.statistics.mixtures"),
        ("pipeline/release/plan.py", "import davy.canary.engine.state"),
    ],
    "pipeline": [
        ("pipeline/suites/ports.py", "import davy.pipeline.builds.driver"),
        ("pipeline/core/verdict.py", "import davy.pipeline.source.ports"),
    ],
    "pipeline-builds": [("pipeline/builds/record.py", "import davy.pipeline.builds.driver")],
    "pipeline-builds-content": [
        ("pipeline/builds/content/key.py", "import davy.pipeline.builds.content.collect"),
        ("pipeline/builds/content/changes.py", "import davy.pipeline.builds.content.base_images"),
    ],
    "pipeline-builds-dockerfile": [
        ("pipeline/builds/dockerfile/syntax/mounts.py", "import davy.pipeline.builds.dockerfile.parser")
    ],
    "pipeline-suites": [
        ("pipeline/suites/plan/sharding.py", "import davy.pipeline.suites.recorder"),
        ("pipeline/suites/reports/reader.py", "import davy.pipeline.suites.attempts"),
    ],
    "pipeline-suites-reports": [
        ("pipeline/suites/reports/formats/xml.py", "import davy.pipeline.suites.reports.reader")
    ],
    "pipeline-config": [("pipeline/config/parsing/section.py", "import davy.pipeline.config.document")],
    "pipeline-core": [("pipeline/core/endings.py", "import davy.pipeline.core.errors")],
    "pipeline-supply_chain": [("pipeline/supply_chain/scans.py", "import davy.pipeline.supply_chain.policy")],
    "canary": [
        ("canary/ports/lock.py", "import davy.canary.engine.view"),
        ("canary/platforms/memory/platform.py", "import davy.canary.preflight"),
        ("canary/engine/view.py", "import davy.canary.platforms.held_update"),
        ("canary/engine/driver/loop.py", "import davy.canary.platforms.memory.platform"),
        ("canary/engine/steps.py", "import davy.canary.routers.replicas"),
        ("canary/ports/terms.py", "import davy.canary.platforms.held_update"),
        ("canary/ports/router.py", "import davy.canary.routers.replicas"),
        ("canary/routers/replicas.py", "import davy.canary.engine.steps"),
    ],
    "canary-engine": [("canary/engine/moves.py", "import davy.canary.engine.machine")],
    "canary-platforms-kubernetes": [
        ("canary/platforms/kubernetes/lease.py", "import davy.canary.platforms.kubernetes.deployment")
    ],
    "checks": [
        ("checks/statistics/mixtures.py", "import davy.checks.judges.sequential.judge"),
        ("checks/metrics/memory.py", "import davy.checks.preflight.problems"),
    ],
    "checks-judges": [("checks/judges/flagger/rules.py", "import davy.checks.judges.joint")],
    "workflows": [
        ("workflows/story/stages.py", "import davy.workflows.suites.stage"),
        ("workflows/render/text/lines.py", "import davy.workflows.cli.main"),
    ],
    "workflows-render": [("workflows/render/phrases.py", "import davy.workflows.render.live.live")],
    "adapters": [
        ("workflows/rollout/stage.py", "import davy.pipeline.source.git.repository"),
        ("canary/engine/driver/rollout.py", "import davy.canary.platforms.kubernetes.lease"),
        ("workflows/rollout/stage.py", "import davy.canary.routers.replicas"),
    ],
    "pure": [
        ("canary/engine/machine.py", "import time"),
        ("checks/statistics/mixtures.py", "from random import random"),
        ("pipeline/suites/reports/writer.py", "import os"),
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


def test_no_folder_holds_more_than_can_be_taken_in_at_once() -> None:
    folders = [path.parent for room in ROOMS for path in (ROOT / room).rglob("__init__.py")]
    kept = {"__init__.py", "__pycache__", "py.typed"}
    full = {str(one): n for one in folders if (n := len({kid.name for kid in one.iterdir()} - kept)) > MOST_SIBLINGS}
    assert {one for one in full if Path(one) not in THE_LISTS} == set()


def test_every_adapter_family_says_so_in_its_first_line() -> None:
    said = {name for name, tree in trees() if (ast.get_docstring(tree) or "").startswith("Adapter:")}
    assert {name for name in said if not any(name.startswith(f"{family}.") for family in ADAPTERS)} == set(ADAPTERS)


def test_the_engine_names_nothing_of_one_platform() -> None:
    """Neither in code nor in words: what it says of a target, the target's platform has told it."""
    said = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sorted((ROOT / "canary" / "engine").rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if any(name in line.lower() for name in ONE_PLATFORMS)
    ]
    assert said == []


def test_no_pure_module_asks_what_time_it_is() -> None:
    asked = [
        f"{name}:{node.lineno}"
        for name, tree in trees()
        if any(name == pure or name.startswith(f"{pure}.") for pure in PURE)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today", "monotonic"}
    ]
    assert asked == []


def test_heavy_packages_are_imported_late_or_by_what_is_itself_imported_late() -> None:
    late = (
        *ADAPTERS,
        "davy.workflows.render.plots.chart",
        "davy.workflows.render.live.live",
        "davy.workflows.render.live.picture",
    )
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
    assert [module for tree in wiring for module in at_once(tree) if module.startswith(ADAPTERS)] == []
