"""What every SuiteRunner must do, the one in memory, on this machine, on Docker and in a cluster."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.kube_lab import NAMESPACE, kube_lab
from davy.pipeline.builds.builders.docker import DockerBuilder
from davy.pipeline.builds.ports import BuildOrder
from davy.pipeline.core.artifacts import Image
from davy.pipeline.suites.ports import SuiteOrder, SuiteRun, SuiteRunner
from davy.pipeline.suites.runners.docker.runner import DockerSuites
from davy.pipeline.suites.runners.kubernetes.runner import JobSuites
from davy.pipeline.suites.runners.process import ProcessSuites
from twins.suites import MemorySuite, MemorySuites

XML = '<testsuite><testcase name="a"/></testsuite>'
SCENES = {
    "good": ("echo one; echo two", MemorySuite(lines=("one", "two"))),
    "bad": ("echo no >&2; exit 3", MemorySuite(exit_code=3, lines=("no",))),
    "report": (f"echo '{XML}' > $JUNIT; exit 1", MemorySuite(exit_code=1, junit=f"{XML}\n")),
    "files": (
        "mkdir -p /out/in && echo x > /out/in/a; echo y > /out/b; exit 1",
        MemorySuite(exit_code=1, files={"/out/in/a": b"x\n", "/out/b": b"y\n", "/other": b"z"}),
    ),
    "several": (
        f"mkdir -p /out/r/in && echo '{XML}' > /out/r/a.xml && echo '{XML}' > /out/r/in/b.xml && echo x > /out/r/c.txt",
        MemorySuite(
            files={"/out/r/a.xml": f"{XML}\n".encode(), "/out/r/in/b.xml": f"{XML}\n".encode(), "/out/r/c.txt": b"x"}
        ),
    ),
    "slow": ("echo begun; sleep 60", MemorySuite(exit_code=None, lines=("begun",), because="timed out after 1s")),
}

NOWHERE = Image(name="a/b", digest="sha256:0")


@dataclass
class Stage:
    runner: SuiteRunner
    image: Image
    out: Path
    folder: Path = Path("/")
    """What the suite's paths are relative to: a process has no root of its own."""

    def run(
        self, name: str, say: Callable[[str], None] = lambda _: None, collect: tuple[str, ...] = (), **more: object
    ) -> SuiteRun:
        run, *paths = map(self._here, self._of(name, collect))
        order = SuiteOrder(
            name=name,
            image=self.image,
            run=run,
            network="none",
            out=self.out,
            folder=self.folder,
            collect=tuple(paths),
            **more,  # type: ignore[arg-type]
        )
        return self.runner.run(order, say)

    def _here(self, text: str) -> str:
        return text.replace("/out", "out") if self.folder != Path("/") else text

    def reported(self, *globs: str) -> list[str]:
        """The report files that came, by their names."""
        run = self.run("several", reports=tuple(map(self._here, globs)))
        return sorted(path.name for path in run.reports)

    def _of(self, name: str, collect: tuple[str, ...]) -> tuple[str, ...]:
        return (SCENES[name][0], *collect)


@pytest.fixture(scope="module")
def image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Image:
    parts = request.getfixturevalue("real_docker")
    context = parts.context(tmp_path_factory.mktemp("suites"), "FROM BASE\nRUN mkdir -p /out/in && echo >/dev/null\n")
    order = BuildOrder(name=f"{parts.registry}/shop/suites", context=context, tag="one")
    built: Image = DockerBuilder(parts.environment).build(order, lambda _: None).image
    return built


def in_cluster(folder: Path) -> Stage:
    lab = kube_lab()
    name, _, digest = lab.image("v1").partition("@")
    suites = JobSuites(lab.api(), NAMESPACE, service="shop", release=f"contract-{folder.name}")
    return Stage(suites, Image(name=name, digest=digest), folder / "out")


@pytest.fixture(
    params=[
        "memory",
        "process",
        *(pytest.param(part, marks=pytest.mark.lab(part)) for part in ("docker", "kubernetes")),
    ]
)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    if request.param == "memory":
        scenes = {name: scene for name, (_, scene) in SCENES.items()}
        return Stage(MemorySuites(scenes=scenes), NOWHERE, tmp_path / "out")
    if request.param == "process":
        return Stage(ProcessSuites({"PATH": "/usr/bin:/bin"}), NOWHERE, tmp_path / "kept", tmp_path)
    if request.param == "kubernetes":
        return in_cluster(tmp_path)
    parts = request.getfixturevalue("real_docker")
    return Stage(DockerSuites(parts.environment), request.getfixturevalue("image"), tmp_path / "out")


def test_lines_are_told_and_kept(stage: Stage) -> None:
    lines: list[str] = []
    run = stage.run("good", lines.append)
    assert (run.exit_code, run.because) == (0, "")
    assert lines == ["one", "two"]
    assert run.log.read_text() == "one\ntwo\n"


def test_a_failing_suite_is_a_result(stage: Stage) -> None:
    run = stage.run("bad")
    assert (run.exit_code, run.junit) == (3, None)
    assert run.log.read_text() == "no\n"


def test_the_report_comes_out_of_a_suite_that_failed(stage: Stage) -> None:
    assert stage.run("report").junit == f"{XML}\n"


def test_what_is_asked_for_is_collected_even_from_a_suite_that_failed(stage: Stage) -> None:
    run = stage.run("files", collect=("/out", "/not/there"))
    found = {str(path.relative_to(stage.out / "files")): path.read_text() for path in run.files}
    assert found == {"out/in/a": "x\n", "out/b": "y\n"}


def test_report_files_that_globs_and_folders_mean_come_out(stage: Stage) -> None:
    assert stage.reported("/out/r/*.xml") == ["a.xml"]
    assert stage.reported("/out/r") == ["a.xml", "b.xml"]
    assert stage.reported("/out/**/in", "/out/r/c.txt", "/out/not/there") == ["b.xml", "c.txt"]


def test_a_suite_that_takes_too_long_is_stopped_and_says_so(stage: Stage) -> None:
    run = stage.run("slow", timeout=timedelta(seconds=1))
    assert (run.exit_code, run.because) == (None, "timed out after 1s")
    assert "begun" in run.log.read_text()
