"""Reports copied out of a container; the engine is a double that answers as Docker's does."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.errors import NotFound

from davy.pipeline.core.artifacts import Image
from davy.pipeline.suites.ports import SuiteOrder
from davy.pipeline.suites.runners.docker import reports
from davy.pipeline.suites.runners.output import Gathered

JUNIT = "/tmp/davy/junit.xml"


class Engine:
    """A container of `/app`: files by path; None is a folder, a path that begins with `>` a link to another."""

    def __init__(self, files: dict[str, str | None], image: tuple[str, ...] = ()) -> None:
        self.files, self._image = files, image

    def inspect_container(self, _: str) -> dict[str, Any]:
        return {"Config": {"WorkingDir": "/app"}}

    def diff(self, _: str) -> list[dict[str, Any]] | None:
        gone = [{"Path": "/app/r/deleted.xml", "Kind": 2}]
        return [*({"Path": path, "Kind": 1} for path in self.files if path not in self._image), *gone]

    def get_archive(self, _: str, path: str) -> tuple[Iterator[bytes], dict[str, Any]]:
        inside = {name: text for name, text in self.files.items() if name == path or name.startswith(f"{path}/")}
        if not inside:
            raise NotFound("no such file")
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w") as archive:
            for name, text in inside.items():
                member = tarfile.TarInfo(name.removeprefix(path.rpartition("/")[0] + "/"))
                body = (text or "").encode()
                if text is None:
                    member.type = tarfile.DIRTYPE
                elif text.startswith(">"):
                    member.type, member.linkname, body = tarfile.SYMTYPE, text[1:], b""
                member.size = len(body)
                archive.addfile(member, io.BytesIO(body))
        return iter([made.getvalue()]), {"mode": 1 << 31 if self.files.get(path, "") is None else 0o644}


def gathered(out: Path, engine: Engine, *globs: str) -> Gathered:
    order = SuiteOrder(name="s", image=Image(name="a/b", digest="sha256:0"), run="x", out=out, reports=globs)
    return reports.gathered(engine, "c", order, JUNIT)  # type: ignore[arg-type]


def names(found: Gathered, out: Path) -> list[str]:
    return sorted(str(path.relative_to(out)) for path in found.reports)


def test_a_file_is_the_text_of_the_report(tmp_path: Path) -> None:
    assert gathered(tmp_path, Engine({JUNIT: "<t/>"})) == Gathered(junit="<t/>")
    assert gathered(tmp_path / "other", Engine({})) == Gathered()


def test_a_folder_is_read_file_by_file_and_what_an_earlier_run_left_here_is_not(tmp_path: Path) -> None:
    (tmp_path / "junit.xml").mkdir()
    (tmp_path / "junit.xml/old.xml").write_text("<old/>")
    found = gathered(tmp_path, Engine({JUNIT: None, f"{JUNIT}/a.xml": "<t/>", f"{JUNIT}/x.txt": "no"}))
    assert (names(found, tmp_path), found.notes) == (["junit.xml/a.xml"], ())


def test_a_folder_without_reports_is_told_and_an_empty_one_is_no_report(tmp_path: Path) -> None:
    found = gathered(tmp_path, Engine({JUNIT: None, f"{JUNIT}/a.tap": "1..0"}))
    assert found.because == "its report is a folder without .xml and .trx, but with a.tap, which is not read"
    assert gathered(tmp_path / "other", Engine({JUNIT: None})).because == ""


def test_a_link_is_no_report(tmp_path: Path) -> None:
    found = gathered(tmp_path, Engine({JUNIT: ">/etc/passwd"}))
    assert (found.junit, found.reports) == (None, ())
    assert found.notes == ("what it wrote as its report is no plain file; that is not read",)


def test_of_what_globs_mean_only_that_is_read_which_the_container_wrote(tmp_path: Path) -> None:
    files = {
        "/app/r": None, "/app/r/a.xml": "<t/>", "/app/r/baked.xml": "<t/>", "/app/r/link.xml": ">/app/r/baked.xml",
        "/app/m/target/b.xml": "<t/>", "/srv/c.xml": "<t/>", JUNIT: "<t/>",
    }  # fmt: skip
    engine = Engine(files, image=("/app/r/baked.xml",))
    found = gathered(tmp_path, engine, "r/*.xml", "**/target", "/srv", "not/there")
    assert names(found, tmp_path) == ["junit.xml", "reports/app/m/target/b.xml", "reports/app/r/a.xml",
                                      "reports/srv/c.xml"]  # fmt: skip
    assert found.notes == ("it wrote no report at not/there",)


def test_more_files_than_there_may_be_are_said_and_none_passes_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports.reportpaths, "MOST", 2)
    found = gathered(tmp_path, Engine({f"/app/r/{at}.xml": "<t/>" for at in range(3)}), "r")
    assert "more than 2" in found.because
