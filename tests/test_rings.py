"""The rings leave no test out and run none twice; what `quick` asks."""

from pathlib import Path

import pytest
from _pytest.mark.expression import Expression

import quick
from rings import ROUNDS, Ring

HERE = Path(__file__).parent
FOLDERS = [path.name for path in HERE.iterdir() if any(path.glob("**/test_*.py"))] + ["test_rings.py"]
MARKS = [set(), {"lab"}, {"slow"}, {"lab", "slow"}, {"lab", "extra"}]


def takes(ring: Ring, folder: str, marks: set[str]) -> bool:
    chosen = folder in ring.folders if ring.folders else folder not in ring.out
    return chosen and (not ring.marked or Expression.compile(ring.marked).evaluate(lambda name, **_: name in marks))


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_test_is_in_one_ring(folder: str) -> None:
    for marks in MARKS:
        assert len([ring.name for each in ROUNDS for ring in each if takes(ring, folder, marks)]) == 1, marks


def test_every_folder_that_a_ring_names_is_there() -> None:
    named = {folder for each in ROUNDS for ring in each for folder in (*ring.folders, *ring.out)}
    assert named <= set(FOLDERS)


def test_a_room_is_asked_for_its_modules_and_for_its_tests() -> None:
    paths = ["README.md", "canary/engine/machine.py", "tests/checks/deep/test_x.py", "tests/contracts/test_y.py"]
    assert quick.rooms_of(paths) == ["checks", "canary"]
    assert quick.modules(["README.md", "canary/platforms/kubernetes/lease.py"]) == [
        "davy.canary.platforms.kubernetes.lease"
    ]


def test_what_quick_had_no_time_for_is_counted() -> None:
    said = f"SKIPPED [2] tests/b.py:1: no docker here\n{quick.NO_TIME}: 7\n12 passed in 3.1s\n"
    assert quick.left_out(["canary"], said)[0].startswith("7 tests of canary")
    assert not any("no time" in line for line in quick.left_out(["canary"], ""))
