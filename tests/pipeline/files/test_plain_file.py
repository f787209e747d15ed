"""What a user names is read within bounds, and nothing but a plain file is opened for long."""

import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from davy.pipeline.builds.builders.context import packed, staged
from davy.pipeline.builds.ports import BuildOrder
from davy.pipeline.config import file as configfile
from davy.pipeline.config.sections.suites import SuiteConfig
from davy.pipeline.core.errors import DavyError, Unusable
from davy.pipeline.files import plain_file
from davy.pipeline.source.git.work_tree import GitWorkTree
from davy.pipeline.suites.reports import files as reportfiles
from davy.pipeline.suites.runners.saucelabs.project import files
from davy.workflows.images import scan
from davy.workflows.judge import trace_file
from davy.workflows.suites import sauce_config
from davy.workflows.wiring import cloud_accounts, rollouts
from git_alone import ALONE


def pipe(at: Path) -> None:
    os.mkfifo(at)


def link_to_a_pipe(at: Path) -> None:
    os.mkfifo(at.with_name("pipe"))
    at.symlink_to("pipe")


def endless(at: Path) -> None:
    at.symlink_to("/dev/zero")


def empty(at: Path) -> None:
    at.symlink_to("/dev/null")


def a_socket(at: Path) -> None:
    # Its name may be no longer than 100 bytes.
    with socket.socket(socket.AF_UNIX) as one, tempfile.TemporaryDirectory(prefix="d") as short:
        one.bind(f"{short}/s")
        Path(short, "s").rename(at)


def enormous(at: Path) -> None:
    with at.open("wb") as file:
        file.truncate(2**40)


KINDS = (pipe, link_to_a_pipe, endless, a_socket, enormous)


def trace(path: Path) -> None:
    with trace_file.opened(str(path)) as lines:
        lines.read(1)
        raise Unusable("Lines come as they are read, however many there are.")


def staged_by(path: Path) -> None:
    with staged(BuildOrder(name="r/a", context=path.parent, dockerfile=path.name)):
        pass


READERS: dict[str, Callable[[Path], object]] = {
    "davy.yaml": configfile.text,
    "Dockerfile": GitWorkTree(ALONE).text,
    "Dockerfile, staged": staged_by,
    "target": rollouts.target,
    "scan": scan.text,
    "trace": trace,
    "saucectl": lambda path: sauce_config._text(path.parent, SuiteConfig(name="a", in_="sauce", config=path.name)),
    "account": cloud_accounts._tree,
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_what_is_no_plain_file_of_some_size_is_refused(
    tmp_path: Path, read: Callable[[Path], object], kind: Callable[[Path], None]
) -> None:
    kind(tmp_path / "file")
    with pytest.raises(DavyError) as caught:
        read(tmp_path / "file")
    assert not isinstance(caught.value, OSError)


@pytest.mark.parametrize("kind", [*KINDS, empty], ids=lambda kind: kind.__name__)
def test_all_is_read_up_to_the_limit_and_nothing_above(tmp_path: Path, kind: Callable[[Path], None]) -> None:
    kind(tmp_path / "file")
    with pytest.raises(OSError, match=r"is no file but|is larger than 1 KiB"):
        plain_file.content(tmp_path / "file", 2**10)
    (tmp_path / "plain").write_bytes(b"x" * 2**10)
    assert plain_file.content(tmp_path / "plain", 2**10) == b"x" * 2**10
    with pytest.raises(OSError, match="is larger than 1023 bytes"):
        plain_file.content(tmp_path / "plain", 2**10 - 1)


def test_a_folder_and_what_is_not_there_are_said_as_the_system_says_them(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        plain_file.content(tmp_path, 10)
    with pytest.raises(FileNotFoundError):
        plain_file.content(tmp_path / "none", 10)


def test_a_report_and_an_ignore_file_that_are_none_are_no_trap(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "junit.xml")
    assert reportfiles._one(tmp_path / "junit.xml").cases == ()
    (tmp_path / "a.js").write_text("")
    os.mkfifo(tmp_path / ".sauceignore")
    assert files(tmp_path) == ("a.js",)


def test_a_file_that_turned_into_a_pipe_stops_a_build_and_hangs_none(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    os.mkfifo(tmp_path / "file")
    order = BuildOrder(name="r/a", context=tmp_path, files={"file": ("100644", "")})
    with pytest.raises(Unusable, match="is no file any more"), staged(order):
        pass
    with pytest.raises(Unusable, match="is no file any more"), tempfile.TemporaryFile() as archive:
        packed(order, archive)
