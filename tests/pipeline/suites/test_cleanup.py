"""What earlier runs left in a suite's folder goes before the next; what is not davy's stays."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.suites import SuiteConfig
from davy.pipeline.core.events import Warned
from davy.pipeline.suites import cleanup, driver
from davy.pipeline.suites.plan import pieces
from davy.pipeline.suites.plan.order import Wanted
from davy.pipeline.suites.plan.pieces import PlannedSuite
from davy.pipeline.suites.ports import SuiteOrder, SuiteRun
from simulated_crew import CrewClock, SimulatedCrew
from twins.suites import MemoryPlace


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")
                  if path.is_file() and path.name != cleanup.INDEX)  # fmt: skip


class Worker:
    """Writes a log and a collected file, as every place does."""

    def __init__(self, clock: CrewClock) -> None:
        self.clock = clock

    def run(self, order: SuiteOrder, say: object) -> SuiteRun:
        self.clock.sleep(1)
        write(order.out / "files" / "deep" / "shot.png")
        return SuiteRun(exit_code=0, junit=None, log=write(order.out / "log.txt"))

    def stop(self) -> None: ...


def run(out: Path, *names: str) -> list[Warned]:
    clock = CrewClock()
    said = made(SuiteConfig, {"name": "e2e", "in": "process", "run": "x", "files": ["*"], "shards": 2})
    one = Wanted(ask=PlannedSuite(suite=said, files=names, cells=pieces.cells(said)),
                 order=SuiteOrder(name="e2e", image=None, run="x", out=out / "e2e"))  # fmt: skip
    place = MemoryPlace(made=lambda: Worker(clock))
    story = driver.run([one], {"e2e": place}, clock, out, crew=lambda: SimulatedCrew(clock))
    return [event for event in story if isinstance(event, Warned)]


def test_a_run_leaves_the_files_of_its_own_parts_alone(tmp_path: Path) -> None:
    run(tmp_path, "a", "b", "c", "d")
    assert "e2e/004-d/files/deep/shot.png" in files(tmp_path)
    run(tmp_path, "e")
    assert files(tmp_path) == ["e2e/001-e/files/deep/shot.png", "e2e/001-e/log.txt", "junit.xml"]
    assert not (tmp_path / "e2e" / "004-d").exists()


def test_what_is_not_davys_stays_wherever_it_lies(tmp_path: Path) -> None:
    theirs = {"e2e/notes.txt", "e2e/001-a/mine.txt", "e2e/other/log.txt", "api/log.txt", "keep.me"}
    for name in theirs:
        write(tmp_path / name, "mine")
    run(tmp_path, "a", "b")
    write(tmp_path / "e2e/002-b/later.txt", "mine")
    run(tmp_path, "c")
    assert theirs | {"e2e/002-b/later.txt"} <= set(files(tmp_path))
    assert not (tmp_path / "e2e/002-b/log.txt").exists()


def test_a_runner_that_was_killed_has_said_before_what_it_would_write(tmp_path: Path) -> None:
    folder = tmp_path / "e2e"
    killed = cleanup.fresh(folder, [folder / "001-a/log.txt", folder / "001-a/junit.xml"])
    killed.__enter__()
    write(folder / "001-a/log.txt")
    said = (folder / cleanup.INDEX).read_text()  # Nothing of what follows on a kill is done.
    killed.__exit__(None, None, None)
    (folder / cleanup.INDEX).write_text(said)
    cleanup.cleared(folder)
    assert not folder.exists()


def test_no_link_is_followed_and_none_deleted(tmp_path: Path) -> None:
    mine, folder = tmp_path / "mine", tmp_path / "out" / "e2e"
    write(mine / "log.txt")
    folder.mkdir(parents=True)
    (folder / "001-a").symlink_to(mine)
    (folder / "log.txt").symlink_to(mine / "log.txt")
    lines = ("001-a/log.txt", "log.txt", "../../mine/log.txt", str(mine / "log.txt"), ".", "")
    (folder / cleanup.INDEX).write_text("".join(json.dumps(line) + "\n" for line in lines))
    cleanup.cleared(folder)
    assert (mine / "log.txt").read_text() == "x"
    assert (folder / "log.txt").is_symlink()
    assert (folder / "001-a").is_symlink()


def test_a_folder_that_is_a_link_is_left_as_it_is(tmp_path: Path) -> None:
    write(tmp_path / "mine" / "log.txt")
    write(tmp_path / "mine" / cleanup.INDEX, '"log.txt"\n')
    (tmp_path / "e2e").symlink_to(tmp_path / "mine")
    assert cleanup.cleared(tmp_path / "e2e") == ()
    assert (tmp_path / "mine" / "log.txt").exists()


def test_what_cannot_be_deleted_is_said_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path, "a")
    unlink = Path.unlink

    def refused(path: Path, missing_ok: bool = False) -> None:
        if path.name == "shot.png":
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", refused)
        warned = run(tmp_path, "b")
    assert [event.what.partition("e2e")[2] for event in warned] == [
        "/001-a/files/deep/shot.png could not be deleted"
    ]  # fmt: skip
    run(tmp_path, "b")
    assert files(tmp_path / "e2e") == ["001-b/files/deep/shot.png", "001-b/log.txt"]


@given(st.binary(max_size=80))
def test_a_list_of_any_bytes_is_no_error(tmp_path_factory: pytest.TempPathFactory, said: bytes) -> None:
    folder = tmp_path_factory.mktemp("e2e")
    (folder / cleanup.INDEX).write_bytes(said)
    cleanup.cleared(folder)


def test_an_earlier_rollouts_rounds_go(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        run(tmp_path / str(number), "a")
    write(tmp_path / "2" / "mine.txt")
    cleanup.rounds_cleared(tmp_path, driver.REPORT)
    assert files(tmp_path) == ["2/mine.txt"]
    assert not (tmp_path / "3").exists()
