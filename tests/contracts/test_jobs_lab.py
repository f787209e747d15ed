"""Suites as Jobs in a real cluster: why one did not end by itself, and what is left of it."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.kube_lab import NAMESPACE, KubeLab, kube_lab
from davy.pipeline.adapters.jobs import JobSuites
from davy.pipeline.model import Image
from davy.pipeline.ports import SuiteOrder, SuiteRun

pytestmark = pytest.mark.lab
JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"


@pytest.fixture(scope="module")
def lab() -> KubeLab:
    return kube_lab()


@pytest.fixture
def suites(lab: KubeLab, tmp_path: Path) -> JobSuites:
    return JobSuites(lab.api(), NAMESPACE, service="shop", release=tmp_path.name)


def image(lab: KubeLab) -> Image:
    name, _, digest = lab.image("v1").partition("@")
    return Image(name=name, digest=digest)


def ran(suites: JobSuites, folder: Path, of: Image, run: str, **more: object) -> tuple[SuiteRun, list[str]]:
    lines: list[str] = []
    order = SuiteOrder(name="unit", image=of, run=run, out=folder, **more)  # type: ignore[arg-type]
    return suites.run(order, lines.append), lines


def test_a_loud_suite_loses_no_line(lab: KubeLab, suites: JobSuites, tmp_path: Path) -> None:
    run, lines = ran(suites, tmp_path, image(lab), "for i in $(seq 20000); do echo line $i; done")
    assert (run.exit_code, lines) == (0, [f"line {number}" for number in range(1, 20001)])


def test_too_much_memory_is_told_from_a_failure(lab: KubeLab, suites: JobSuites, tmp_path: Path) -> None:
    greedy = 'python3 -c "x = bytearray(300 * 2**20)"'
    run, _ = ran(suites, tmp_path, image(lab), greedy, memory_bytes=64 * 2**20)
    assert run.because == "out of memory (limit 64 MiB)"


def test_an_image_that_is_not_there_is_told_at_once(lab: KubeLab, suites: JobSuites, tmp_path: Path) -> None:
    nowhere = Image(name=image(lab).name, digest="sha256:" + "0" * 64)
    run, _ = ran(suites, tmp_path, nowhere, "true")
    assert run.exit_code is None
    assert run.because.startswith("image pull error")
    assert "not found" in run.because


def test_a_suite_out_of_time_gives_the_report_it_has(lab: KubeLab, suites: JobSuites, tmp_path: Path) -> None:
    slow = "echo '<t/>' >$JUNIT; sleep 60"
    run, _ = ran(suites, tmp_path, image(lab), slow, timeout=timedelta(seconds=2))
    assert (run.exit_code, run.because, run.junit) == (None, "timed out after 2s", "<t/>\n")


def test_stopping_from_another_thread_leaves_no_job(lab: KubeLab, suites: JobSuites, tmp_path: Path) -> None:
    threading.Timer(2, suites.stop).start()
    run, _ = ran(suites, tmp_path, image(lab), "sleep 60")
    assert run.because == "stopped"
    mine = {"labelSelector": f"davy.dev/release={tmp_path.name}"}
    assert lab.api().get(JOBS, mine)["items"] == []


def test_what_a_killed_runner_left_is_gone_before_the_next_run(lab: KubeLab, suites: JobSuites, tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def die(_line: str) -> None:
        raise Killed

    left = SuiteOrder(name="unit", image=image(lab), run="echo begun; sleep 60", out=tmp_path)
    api = lab.api()
    api.delete = lambda *_: None  # type: ignore[method-assign] -- a killed runner deletes nothing
    with pytest.raises(Killed):
        JobSuites(api, NAMESPACE, service="shop", release=tmp_path.name).run(left, die)
    run, lines = ran(suites, tmp_path, image(lab), "echo mine")
    assert (run.exit_code, lines) == (0, ["mine"])
