"""Wherever davy writes, it writes through no link: whatever a repository or a test put into its folders."""

import io
import os
import tarfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from davy.pipeline.builds.builders.record_files import BuildRecords
from davy.pipeline.builds.content.inputs import Inputs
from davy.pipeline.builds.record import Build, Remembered
from davy.pipeline.clients.files import folder_lock
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import DavyError
from davy.pipeline.files import own_files
from davy.pipeline.suites import cleanup
from davy.pipeline.suites.clouds.session_tags import Owner
from davy.pipeline.suites.history.archives.folder import FolderArchive
from davy.pipeline.suites.history.record import RunRecord
from davy.pipeline.suites.ports import SuiteOrder
from davy.pipeline.suites.runners import output
from davy.pipeline.suites.runners.process import ProcessSuites
from davy.pipeline.suites.runners.tarball import RefusedArchive, extracted
from davy.pipeline.suites.runners.webdriver.session_file import SessionLedger
from davy.pipeline.supply_chain.ports import ScanOrder
from davy.pipeline.supply_chain.tools.scanner import ProcessScanner
from davy.workflows.story.player import keeper
from twins.suites import MemorySuite, MemorySuites

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
RUN = RunRecord(id="shop-1", at=NOON, service="shop", revision="a" * 40)
BUILD = Build(id="r.test/a", key="f" * 64, digest="sha256:1", at=NOON, commit="c0ffee", branch="main", dirty=True)
BARE = {"PATH": "/usr/bin:/bin"}
RECORD = BuildRecords(Path())._path("r.test/a").name


def report(place: Path) -> None:
    keeper(place / "out")(())


def locked(place: Path) -> None:
    with folder_lock.held(place / "out", "me"):
        pass


def suite(place: Path) -> None:
    (place / "a.png").write_text("collected")
    order = SuiteOrder(
        name="unit",
        image=None,
        run='echo told; echo "<testsuites/>" >"$JUNIT"',
        folder=place,
        out=place / "out/unit",
        collect=("*.png",),
    )
    output.place(order.out)
    ProcessSuites(BARE).run(order, lambda _: None)


def played(place: Path) -> None:
    scene = MemorySuite(lines=("told",), files={"/shots/a.png": b"collected"})
    order = SuiteOrder(name="unit", image=None, run="", out=place / "out/unit", collect=("/shots",))
    MemorySuites(scenes={"unit": scene}).run(order, lambda _: None)


def collected(place: Path) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as written:
        for name in ("shots/a.png", "shots/deep/b.png"):
            entry = tarfile.TarInfo(name)
            entry.size = 4
            written.addfile(entry, io.BytesIO(b"evil"))
    extracted([archive.getvalue()], place / "out/unit/files")


def listed(place: Path) -> None:
    with cleanup.fresh(place / "out/unit", (place / "out/unit/log.txt",)):
        pass
    cleanup.rounds_cleared(place / "out", "junit.xml")


def build(place: Path) -> None:
    BuildRecords(place / ".davy").keep(Remembered(build=BUILD, inputs=Inputs(dockerfile="d", files={})))


def archive(place: Path) -> None:
    (place / "log.txt").write_text("told")
    FolderArchive(place / "kept", "shop").keep(RUN, [("unit/log.txt", place / "log.txt")])
    FolderArchive(place / "kept", "shop").prune(NOON, 0)


def ledger(place: Path) -> None:
    SessionLedger(place / "cache", Owner(service="shop", host="h", process=7)).began("s1", {"hub": "x"})


def scan(place: Path) -> None:
    order = ScanOrder(
        image=Image(name="r.test/a", digest="sha256:" + "0" * 64), run="true", report=place / "out/scan/a.json"
    )
    ProcessScanner(BARE, interrupted=lambda: False).scan(order, lambda _: None)


def single(place: Path) -> None:
    own_files.write(place / "one/two/file", "text")
    own_files.replace(place / "one/two/other", "text")
    own_files.remove(place / "one/two/gone")


WRITTEN: dict[Callable[[Path], None], tuple[str, ...]] = {
    report: ("out", "out/report.md", "out/events.jsonl", "out/.gitignore"),
    locked: ("out", "out/.gitignore", "out/.lock"),
    suite: ("out", "out/unit", "out/unit/log.txt", "out/unit/junit.xml", "out/unit/files", "out/unit/files/a.png"),
    played: ("out", "out/unit", "out/unit/log.txt", "out/unit/files/shots", "out/unit/files/shots/a.png"),
    collected: ("out/unit", "out/unit/files", "out/unit/files/shots", "out/unit/files/shots/deep/b.png"),
    listed: ("out/unit", f"out/unit/{cleanup.INDEX}", "out/1", "out/1/unit"),
    build: (".davy", ".davy/builds", ".davy/.gitignore", f".davy/builds/{RECORD}"),
    archive: ("kept/shop", "kept/.gitignore", "kept/shop/20260501T120000Z-shop-1"),
    ledger: ("cache", "cache/shop@h@7.json", "cache/shop@h@7.part"),
    scan: ("out", "out/scan", "out/scan/a.json"),
    single: ("one", "one/two", "one/two/file", "one/two/other", "one/two/gone"),
}


def to_file(outside: Path, at: Path) -> None:
    at.symlink_to(outside / "file")


def to_file_from_here(outside: Path, at: Path) -> None:
    at.symlink_to(os.path.relpath(outside / "file", at.parent))


def to_folder(outside: Path, at: Path) -> None:
    at.symlink_to(outside)


def to_nothing(outside: Path, at: Path) -> None:
    at.symlink_to(outside / "new")


def in_a_chain(outside: Path, at: Path) -> None:
    (outside.parent / "between").symlink_to(outside)
    at.symlink_to(outside.parent / "between")


def to_itself(outside: Path, at: Path) -> None:
    at.symlink_to(at.name)


def as_a_second_name(outside: Path, at: Path) -> None:
    at.hardlink_to(outside / "file")


def as_a_pipe(outside: Path, at: Path) -> None:
    os.mkfifo(at)


KINDS = (
    to_file, to_file_from_here, to_folder, to_nothing, in_a_chain, to_itself, as_a_second_name, as_a_pipe,
)  # fmt: skip


def watched(outside: Path) -> dict[str, tuple[object, ...]]:
    seen: dict[str, tuple[object, ...]] = {}
    for path in sorted([outside, *outside.rglob("*")]):
        at = path.lstat()
        seen[str(path)] = (path.read_bytes() if path.is_file() else b"", at.st_mode, at.st_mtime_ns, at.st_ino)
    return seen


def precious(place: Path) -> Path:
    names = ("file", "log.txt", "junit.xml", "unit/log.txt", "report.md", cleanup.INDEX, f"unit/{cleanup.INDEX}")
    for name in names:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text('"file"\n"log.txt"\n')
    return place


@pytest.mark.parametrize(
    ("write", "name"),
    [(write, name) for write, names in WRITTEN.items() for name in names],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_nothing_outside_changes(tmp_path: Path, write: Callable[[Path], None], name: str) -> None:
    for kind in KINDS:
        place, outside = tmp_path / kind.__name__ / "repository", precious(tmp_path / kind.__name__ / "outside")
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        kind(outside, place / name)
        before = watched(outside)
        with suppress(DavyError, RefusedArchive):
            write(place)
        assert watched(outside) == before, kind.__name__


@pytest.mark.parametrize("write", WRITTEN, ids=lambda write: write.__name__)
def test_without_links_all_of_it_is_written_twice(tmp_path: Path, write: Callable[[Path], None]) -> None:
    for _ in range(2):
        write(tmp_path)
    assert any(path.is_file() for path in tmp_path.rglob("*")) or write is scan


def test_a_link_on_the_way_is_said_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    with pytest.raises(own_files.Unwritable, match=r"out/unit/log.txt cannot be written: out is a link") as caught:
        own_files.write(tmp_path / "out/unit/log.txt", "text")
    assert "--out" in caught.value.remedy
    assert isinstance(caught.value, OSError)
    assert not any((tmp_path / "real").iterdir())


def test_the_folder_that_a_user_names_may_be_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    own_files.write(own_files.followed(Path("out")) / "unit/log.txt", "text")
    assert (tmp_path / "real/unit/log.txt").read_text() == "text"
    assert own_files.followed(Path("plain")) == Path("plain")


def test_what_is_put_in_place_whole_keeps_what_was_there_when_it_cannot_be(tmp_path: Path) -> None:
    own_files.write(tmp_path / "file", "before")
    (tmp_path / "folder").mkdir()
    with pytest.raises(own_files.Unwritable):
        own_files.replace(tmp_path / "folder", "text")
    own_files.replace(tmp_path / "file", "after")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "after"
