"""How property tests search: the same inputs in every run, others only where that is asked for."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

NOXFILE = Path(__file__).parent.parent / "noxfile.py"


def tried(profile: str) -> list[int]:
    """The numbers that one search tries."""
    numbers: list[int] = []

    @settings(settings.get_profile(profile), database=None, max_examples=30)
    @given(st.integers(0, 10**12))
    def search(number: int) -> None:
        numbers.append(number)

    search()
    return numbers


def test_the_default_run_tries_the_same_inputs_every_time():
    assert tried("fixed") == tried("fixed")


ASKED = """
from hypothesis import given, settings, strategies as st
tried = []

@settings(max_examples=300)
@given(st.integers())
def test_many(number):
    tried.append(number)

def test_how_many():
    print(f"tried {len(tried)}.")
"""


@pytest.mark.parametrize(("profile", "most"), [("fixed", 40), ("few", 8), ("sample", 8), ("deep", 300)])
def test_only_a_deep_run_tries_as_many_as_a_test_asks_for(profile: str, most: int, tmp_path: Path):
    shutil.copy(NOXFILE.parent / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_asked.py").write_text(ASKED)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", f"--hypothesis-profile={profile}", "."],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(NOXFILE.parent / "tests")},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert f"tried {most}." in run.stdout, run.stdout


def test_a_deep_run_tries_others_each_time_and_keeps_what_it_found_beside_the_sources():
    assert tried("deep") != tried("deep")
    assert str(NOXFILE.parent / ".hypothesis" / "examples") in repr(settings.get_profile("deep").database)


def test_the_deep_session_is_there_and_runs_only_where_it_is_named():
    tree = ast.parse(NOXFILE.read_text())
    by_default = next(
        [name.value for name in one.value.elts]
        for one in tree.body
        if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "nox.options.sessions"
    )
    assert "deep" in {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}
    assert "deep" not in by_default
