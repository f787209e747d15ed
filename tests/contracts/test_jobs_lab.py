"""Suites as Jobs in a real cluster: shards, services, why one did not end by itself, and what is left of it."""

import shlex
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.kube_lab import NAMESPACE, KubeLab, kube_lab
from davy.canary.platforms.kubernetes.permissions import demand_jobs
from davy.pipeline.config.sections.suites import ServiceConfig
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import Forbidden
from davy.pipeline.core.events import Result
from davy.pipeline.suites.ports import SuiteOrder, SuiteRun
from davy.pipeline.suites.reports import files, writer
from davy.pipeline.suites.runners.kubernetes.pod import JobName, job_of, label
from davy.pipeline.suites.runners.kubernetes.runner import JobPlace, JobSuites

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


def test_a_report_too_large_for_memory_comes_out_as_a_file(lab: KubeLab, suites: JobSuites, tmp_path: Path) -> None:
    script = (
        "import os; out = open(os.environ['JUNIT'], 'w'); out.write('<testsuite><testcase name=\"a\"><system-out>');"
        "[out.write('0123456789' * 10**6) for _ in range(4)]; out.write('</system-out></testcase></testsuite>')"
    )
    run, _ = ran(suites, tmp_path, image(lab), f"python3 -c {shlex.quote(script)}")
    assert (run.exit_code, run.junit, [path.stat().st_size > 40 * 10**6 for path in run.reports]) == (0, None, [True])
    found = files.read(run)
    assert found is not None
    assert ([case.name for case in found.cases], found.broken) == (["a"], "")


def test_a_report_that_cannot_come_out_of_the_pod_fails_a_suite_that_ended_with_0(
    lab: KubeLab, suites: JobSuites, tmp_path: Path
) -> None:
    run, _ = ran(suites, tmp_path, image(lab), "head -c 6000000 /dev/urandom >$JUNIT")
    assert run.because.startswith("its report did not come out of the pod: 5.7 MiB packed")
    assert writer.ended("unit", run, timedelta(0)).result is Result.FAILED


def test_how_long_a_suite_took_is_told_without_its_pod(lab: KubeLab, suites: JobSuites, tmp_path: Path) -> None:
    run, _ = ran(suites, tmp_path, image(lab), "sleep 1.5", timeout=timedelta(minutes=2))
    assert run.took is not None
    assert run.took >= timedelta(seconds=1.4)


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


def shards(lab: KubeLab, folder: Path, number: int, run: str, **more: object) -> list[SuiteOrder]:
    return [
        SuiteOrder(
            name="unit",
            image=image(lab),
            run=run,
            env={"DAVY_TESTS": f"test_{index} it's", "COLOUR": "red"},
            out=folder / str(index),
            shard=(index + 1, number),
            memory_bytes=32 * 2**20,
            **more,  # type: ignore[arg-type]
        )
        for index in range(number)
    ]


def test_every_shard_runs_its_own_tests_in_a_pod_of_one_job(lab: KubeLab, suites: JobSuites, tmp_path: Path) -> None:
    lines: list[tuple[int, str]] = []
    jobs: list[int] = []

    def say(number: int, line: str) -> None:
        lines.append((number, line))
        mine = {"labelSelector": f"davy.dev/release={tmp_path.name}"}
        jobs.append(len(lab.api().get(JOBS, mine)["items"]))

    run = (
        'echo "$COLOUR: $DAVY_TESTS $$" | sed s/[0-9]*$//; echo "<t n=\\"$JOB_COMPLETION_INDEX\\"/>" >$JUNIT; '
        "echo $JOB_COMPLETION_INDEX >/tmp/kept; exit $JOB_COMPLETION_INDEX"
    )
    runs = suites.run_all(shards(lab, tmp_path, 3, run, collect=("/tmp/kept",)), say)
    assert sorted(lines) == [(number, f"red: test_{number} it's ") for number in range(3)]
    assert [one.exit_code for one in runs] == [0, 1, 2]
    assert [one.junit for one in runs] == [f'<t n="{number}"/>\n' for number in range(3)]
    assert [one.files[0].read_text() for one in runs] == ["0\n", "1\n", "2\n"]
    assert not any(one.because or one.fault for one in runs)
    assert set(jobs) == {1}


def test_a_shard_out_of_time_leaves_the_others_alone(lab: KubeLab, suites: JobSuites, tmp_path: Path) -> None:
    run = "echo '<t/>' >$JUNIT; if [ $JOB_COMPLETION_INDEX = 1 ]; then sleep 60; fi; sleep 3; echo done"
    slow, *_ = runs = suites.run_all(
        list(reversed(shards(lab, tmp_path, 2, run.replace("= 1", "= 0"), timeout=timedelta(seconds=5)))),
        lambda *_: None,
    )
    assert (slow.because, slow.fault, slow.junit) == ("timed out after 5s", False, "<t/>\n")
    assert (runs[1].exit_code, runs[1].log.read_text()) == (0, "done\n")


def test_a_dollar_is_one_inside_a_pod_too(lab: KubeLab, suites: JobSuites, tmp_path: Path) -> None:
    run, lines = ran(suites, tmp_path, image(lab), "echo '$$(A) $(A)' $A", env={"A": "$(B)$$", "B": "no"})
    assert (run.exit_code, lines) == (0, ["$$(A) $(A) $(B)$$"])


def test_a_pod_that_was_evicted_begins_anew_and_is_no_failure(lab: KubeLab, suites: JobSuites, tmp_path: Path) -> None:
    """By the eviction API, as `kubectl drain` does it."""
    evicted: list[str] = []

    def say(line: str) -> None:
        if line == "begun" and not evicted:
            mine = {"labelSelector": f"davy.dev/release={tmp_path.name}"}
            api, path = lab.api(), f"/api/v1/namespaces/{NAMESPACE}/pods"
            evicted.append(api.get(path, mine)["items"][0]["metadata"]["name"])
            meta = {"name": evicted[0], "namespace": NAMESPACE}
            body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta}
            api.request("POST", f"{path}/{evicted[0]}/eviction", body=body)
        told.append(line)

    told: list[str] = []
    order = SuiteOrder(name="unit", image=image(lab), run="echo begun; sleep 4; echo done", out=tmp_path)
    run = suites.run(order, say)
    assert (run.exit_code, run.because, run.fault) == (0, "", False)
    assert told[0] == "begun"
    assert told[-2:] == ["begun", "done"]
    assert any("Kubernetes makes another" in line for line in told)


def test_a_pod_that_somebody_deleted_is_a_fault_and_no_failure(lab: KubeLab, suites: JobSuites, tmp_path: Path) -> None:
    def say(_line: str) -> None:
        mine = {"labelSelector": f"davy.dev/release={tmp_path.name}"}
        api, path = lab.api(), f"/api/v1/namespaces/{NAMESPACE}/pods"
        for pod in api.get(path, mine)["items"]:
            api.delete(f"{path}/{pod['metadata']['name']}")

    order = SuiteOrder(
        name="unit", image=image(lab), run="trap '' TERM; echo begun; sleep 60 & wait; wait", out=tmp_path
    )
    run = suites.run(order, say)
    assert (run.fault, run.exit_code) == (True, None)


SERVE = "import http.server, time; time.sleep(2); http.server.test(http.server.SimpleHTTPRequestHandler, port=8111)"


def beside(lab: KubeLab, *args: str, **more: object) -> ServiceConfig:
    reference = lab.image("v1")
    return ServiceConfig(name="shelf", image=reference, args=args, memory="64Mi", **more)  # type: ignore[arg-type]


def test_a_service_is_there_when_the_suite_begins_by_its_name(lab: KubeLab, suites: JobSuites, tmp_path: Path) -> None:
    service = beside(lab, "python3", "-c", SERVE, port=8111)
    ask = (
        "import urllib.request as u; print(*(u.urlopen('http://%s:8111/' % n).status for n in ('shelf', 'localhost')))"
    )
    run, lines = ran(suites, tmp_path, image(lab), f'python3 -c "{ask}"', settings={"services": (service,)})
    assert (run.exit_code, lines) == (0, ["200 200"])


def test_a_service_that_does_not_stay_up_says_so_and_its_log_is_kept(
    lab: KubeLab, suites: JobSuites, tmp_path: Path
) -> None:
    service = beside(lab, "python3", "-c", "import sys; print('no disk', flush=True); sys.exit(4)", port=8111)
    run, _ = ran(suites, tmp_path, image(lab), "true", settings={"services": (service,)})
    assert (run.exit_code, run.because) == (None, "service shelf does not stay up: exit code 4")
    assert [file.read_text() for file in run.files] == ["no disk\n"]


def test_the_next_run_ends_the_jobs_of_a_runner_that_fell_silent_and_no_others(lab: KubeLab, tmp_path: Path) -> None:
    api, service = lab.api(), f"sweep-{tmp_path.name}"[:40].rstrip("-")
    now = api.server_now()
    for release, ago in (("dead", timedelta(minutes=3)), ("living", timedelta(seconds=30))):
        named = JobName(
            name=f"{service.replace('_', '-')}-{release}", mark="m", service=service, release=release, at=now - ago
        )
        order = SuiteOrder(name="unit", image=image(lab), run="sleep 60", out=tmp_path)
        api.create(JOBS, job_of([order], named, timedelta(minutes=1)))
    place = JobPlace(
        api=api, namespace=NAMESPACE, service=service, release="next", interrupted=lambda: False, allowed=lambda: None
    )
    (told,) = place.swept()
    assert "of release dead, whose runner has been silent for 3m" in told
    left = api.get(JOBS, {"labelSelector": f"davy.dev/service={label(service)}"})["items"]
    assert [job["metadata"]["labels"]["davy.dev/release"] for job in left] == ["living"]
    for job in left:
        api.delete(f"{JOBS}/{job['metadata']['name']}")


def test_every_missing_right_on_jobs_is_named_before_one_is_made(lab: KubeLab, tmp_path: Path) -> None:
    api = lab.api(limited=True)
    place = JobPlace(
        api=api,
        namespace=NAMESPACE,
        service="shop",
        release="r",
        interrupted=lambda: False,
        allowed=lambda: demand_jobs(api, NAMESPACE),
    )
    with pytest.raises(Forbidden) as caught:
        place.swept()
    for verb in ("create", "get", "list", "patch", "delete"):
        assert f"{verb} jobs.batch" in caught.value.what
