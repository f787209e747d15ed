"""What only a real Docker Engine and a real registry can show."""

import base64
import gc
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from davy.pipeline.builds.builders.docker import DockerBuilder
from davy.pipeline.builds.ports import BuildOrder
from davy.pipeline.clients.docker.credentials import DockerCredentials
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Forbidden, Missing, Rejected, Unreachable, Unusable
from davy.pipeline.registry.distribution.manifests import Registry
from davy.pipeline.suites.ports import SuiteOrder
from davy.pipeline.suites.reports import files
from davy.pipeline.suites.runners.docker.runner import OWNER, SUITE, UNTIL, DockerSuites, ImagePlace

pytestmark = pytest.mark.lab("docker")


def order(parts: Any, folder: Path, dockerfile: str, registry: str = "", **more: Any) -> BuildOrder:
    context = parts.context(folder / "app", dockerfile, {"a": str(folder), "secret": "x"})
    return BuildOrder(name=f"{registry or parts.registry}/shop/app", context=context, tag="one", **more)


def suite(parts: Any, folder: Path, run: str, **more: Any) -> SuiteOrder:
    built = DockerBuilder(parts.environment).build(order(parts, folder, "FROM BASE\n"), lambda _: None)
    return SuiteOrder(name="s", image=built.image, run=run, network="none", out=folder / "out", **more)


def left(parts: Any) -> list[Any]:
    """Of this session's images: others use the same engine at the same time."""
    found: list[Any] = parts.client.containers(all=True, filters={"label": SUITE})
    return [container for container in found if container["Image"].startswith(parts.registry)]


def logged_in(environment: dict[str, str], folder: Path, registry: str, password: str) -> dict[str, str]:
    auth = base64.b64encode(f"davy:{password}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {registry: {"auth": auth}}}))
    return {**environment, "DOCKER_CONFIG": str(folder)}


# ---- builds ---------------------------------------------------------------------------------------------------------


def test_a_failing_step_is_named_with_the_last_lines(real_docker: Any, tmp_path: Path) -> None:
    wanted = order(real_docker, tmp_path, "FROM BASE\nRUN echo on the way && exit 7\n")
    with pytest.raises(Rejected) as caught:
        DockerBuilder(real_docker.environment).build(wanted, lambda _: None)
    assert "Step 2/2 : RUN echo on the way" in caught.value.what
    assert "on the way\n" in caught.value.what
    assert "non-zero code: 7" in caught.value.what


def test_a_dockerfile_that_does_not_parse_is_rejected(real_docker: Any, tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="WAT"):
        DockerBuilder(real_docker.environment).build(order(real_docker, tmp_path, "FROM BASE\nWAT\n"), lambda _: None)


def test_what_dockerignore_names_is_not_sent(real_docker: Any, tmp_path: Path) -> None:
    wanted = order(real_docker, tmp_path, "FROM BASE\nCOPY . /x\nRUN ls /x\n")
    (wanted.context / ".dockerignore").write_text("secret\n")
    lines: list[str] = []
    DockerBuilder(real_docker.environment).build(wanted, lines.append)
    assert "a" in lines
    assert "secret" not in lines


def test_build_arguments_and_the_target_stage_reach_the_build(real_docker: Any, tmp_path: Path) -> None:
    dockerfile = "FROM BASE AS one\nARG WORD\nRUN echo said $WORD\nFROM BASE AS two\nRUN exit 1\n"
    lines: list[str] = []
    wanted = order(real_docker, tmp_path, dockerfile, args={"WORD": "glow"}, target="one")
    DockerBuilder(real_docker.environment).build(wanted, lines.append)
    assert "said glow" in lines


@pytest.mark.parametrize("gone", ["context", "Dockerfile"])
def test_a_missing_context_or_dockerfile_is_unusable(real_docker: Any, tmp_path: Path, gone: str) -> None:
    wanted = order(real_docker, tmp_path, "FROM BASE\n")
    (wanted.context / "Dockerfile").unlink()
    if gone == "context":
        for path in wanted.context.iterdir():
            path.unlink()
        wanted.context.rmdir()
    with pytest.raises(Unusable, match=gone):
        DockerBuilder(real_docker.environment).build(wanted, lambda _: None)


def test_a_hung_build_is_stopped(real_docker: Any, tmp_path: Path) -> None:
    text = "FROM BASE\nRUN echo begun && sleep 600\n"
    wanted = order(real_docker, tmp_path, text, limit=timedelta(seconds=2))
    began = time.monotonic()
    with pytest.raises(Rejected, match="was stopped after 2s"):
        DockerBuilder(real_docker.environment).build(wanted, lambda _: None)
    assert time.monotonic() - began < 10
    assert not any("sleep 600" in container["Command"] for container in gone_soon(real_docker, "sleep 600"))


def gone_soon(parts: Any, command: str) -> list[Any]:
    """Running containers, after the engine had five seconds to end those with the command."""
    found: list[Any] = []
    for _ in range(50):
        found = parts.client.containers()
        if not any(command in container["Command"] for container in found):
            break
        time.sleep(0.1)
    return found


def test_an_interrupted_build_ends_at_once(real_docker: Any, tmp_path: Path) -> None:
    wanted = order(real_docker, tmp_path, "FROM BASE\nRUN echo begun && sleep 601\n")
    asked = threading.Event()
    threading.Timer(1, asked.set).start()
    with pytest.raises(KeyboardInterrupt):
        DockerBuilder(real_docker.environment, interrupted=asked.is_set).build(wanted, lambda _: None)


# The SDK leaves its own socket open when nobody listens; it is collected here, not in whatever test comes next.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_no_docker_is_unreachable_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    environment = {"DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    with pytest.raises(Unreachable) as caught:
        DockerBuilder(environment).build(BuildOrder(name="a/b", context=tmp_path), lambda _: None)
    assert "DOCKER_HOST" in caught.value.remedy
    del caught
    gc.collect()


# ---- rights ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("password", ["", "wrong"])
def test_no_registry_rights_says_which_rights_and_how_to_log_in(
    real_docker: Any, real_registry: Callable[..., str], tmp_path: Path, password: str
) -> None:
    registry = real_registry(locked=True)
    environment = dict(real_docker.environment)
    if password:
        environment = logged_in(environment, tmp_path, registry, password)
    wanted = order(real_docker, tmp_path, "FROM BASE\nCOPY a /a\n", registry)
    with pytest.raises(Forbidden) as caught:
        DockerBuilder(environment).build(wanted, lambda _: None)
    assert caught.value.ending is Ending.UNUSABLE
    assert "push to the repository shop/app (rights needed: pull,push)" in caught.value.what
    assert ("nobody is logged in" in caught.value.what) is not bool(password)
    assert f"docker login {registry}" in caught.value.remedy
    assert "wrong" not in caught.value.what + caught.value.remedy


def test_with_a_login_the_image_is_pushed_and_tested(
    real_docker: Any, real_registry: Callable[..., str], tmp_path: Path
) -> None:
    registry = real_registry(locked=True)
    environment = logged_in(dict(real_docker.environment), tmp_path, registry, "lamp")
    wanted = order(real_docker, tmp_path, "FROM BASE\nCOPY a /a\n", registry, annotations={"k": "v"})
    built = DockerBuilder(environment).build(wanted, lambda _: None)
    one = SuiteOrder(name="s", image=built.image, run="cat /a", network="none", out=tmp_path / "out")
    assert DockerSuites(environment).run(one, lambda _: None).log.read_text().strip() == str(tmp_path)


def test_a_registry_that_is_away_is_unreachable(real_docker: Any, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        registry = f"127.0.0.1:{probe.getsockname()[1]}"
    wanted = order(real_docker, tmp_path, "FROM BASE\n", registry)
    with pytest.raises(Unreachable, match="could not be pushed"):
        DockerBuilder(real_docker.environment).build(wanted, lambda _: None)


def test_a_manifest_that_is_not_there_is_missing(real_docker: Any) -> None:
    registry = Registry(DockerCredentials(real_docker.environment))
    assert registry.digest(f"{real_docker.registry}/shop/none", "x") is None
    with pytest.raises(Missing):
        registry.manifest(f"{real_docker.registry}/shop/none", "x")


# ---- suites ---------------------------------------------------------------------------------------------------------


def test_the_environment_and_the_report_path_reach_the_suite(real_docker: Any, tmp_path: Path) -> None:
    wanted = suite(real_docker, tmp_path, "echo $WORD $JUNIT", env={"WORD": "glow"})
    assert (
        DockerSuites(real_docker.environment).run(wanted, lambda _: None).log.read_text()
        == "glow /tmp/davy/junit.xml\n"
    )


def test_a_report_too_large_for_memory_comes_out_as_a_file_and_is_read(real_docker: Any, tmp_path: Path) -> None:
    script = (
        "x=0123456789; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do x=$x$x; done; "
        """{ printf '<testsuite><testcase name="a"><failure message="no"/><system-out>'; printf %s "$x$x$x$x"; """
        """printf '</system-out></testcase></testsuite>'; } >$JUNIT; exit 1"""
    )
    wanted = suite(real_docker, tmp_path, script)
    run = DockerSuites(real_docker.environment).run(wanted, lambda _: None)
    assert (run.junit, [path.stat().st_size > 40 * 10**6 for path in run.reports]) == (None, [True])
    found = files.read(run)
    assert found is not None
    assert [(case.name, case.result.value) for case in found.cases] == [("a", "failed")]


def test_out_of_memory_is_told_apart(real_docker: Any, tmp_path: Path) -> None:
    # Docker says so where it hears the kernel's word before it hears of the container's end; a busy one needs a moment.
    wanted = suite(real_docker, tmp_path, "tail /dev/zero; code=$?; sleep 2; exit $code", memory_bytes=16 * 2**20)
    run = DockerSuites(real_docker.environment).run(wanted, lambda _: None)
    assert run.exit_code == 137
    assert run.because == "out of memory (limit 16 MiB)"


def test_no_container_is_left_behind(real_docker: Any, tmp_path: Path) -> None:
    DockerSuites(real_docker.environment).run(suite(real_docker, tmp_path, "exit 1"), lambda _: None)
    assert left(real_docker) == []


def test_a_stopped_suite_ends_at_once_and_leaves_nothing(real_docker: Any, tmp_path: Path) -> None:
    runner = DockerSuites(real_docker.environment)
    wanted = suite(real_docker, tmp_path, "echo begun; sleep 60")
    began = time.monotonic()
    run = runner.run(wanted, lambda _: runner.stop())
    assert (run.exit_code, run.because) == (None, "stopped")
    assert time.monotonic() - began < 15
    assert left(real_docker) == []


def test_what_a_killed_run_left_is_removed_at_the_next(real_docker: Any, tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    wanted = suite(real_docker, tmp_path, "true")
    for owner, until in ((f"{socket.gethostname()}/{dead.pid}", "9999999999"), ("elsewhere/1", "1")):
        labels = {SUITE: "old", OWNER: owner, UNTIL: until}
        real_docker.client.create_container(wanted.image.reference, command=["/bin/sh"], labels=labels)
    living = {SUITE: "other", OWNER: f"{socket.gethostname()}/{os.getpid()}", UNTIL: "9999999999"}
    kept = real_docker.client.create_container(wanted.image.reference, command=["/bin/sh"], labels=living)["Id"]
    told = ImagePlace(environment=real_docker.environment, interrupted=lambda: False).swept()
    assert [container["Id"] for container in left(real_docker)] == [kept]
    assert len(told) == 2
    assert all("of suite old, whose davy is gone" in sentence for sentence in told)
    real_docker.client.remove_container(kept)


def test_an_image_without_a_shell_says_so_in_its_log(real_docker: Any, tmp_path: Path) -> None:
    wanted = order(real_docker, tmp_path, "FROM scratch\nCOPY a /a\n")
    image = DockerBuilder(real_docker.environment).build(wanted, lambda _: None).image
    one = SuiteOrder(name="s", image=image, run="true", network="none", out=tmp_path / "out")
    run = DockerSuites(real_docker.environment).run(one, lambda _: None)
    assert run.exit_code == 127
    assert "/bin/sh" in run.log.read_text()
    assert left(real_docker) == []


def test_an_image_that_is_not_there_is_a_result(real_docker: Any, tmp_path: Path) -> None:
    image = Image(name=f"{real_docker.registry}/shop/none", digest=f"sha256:{'0' * 64}")
    one = SuiteOrder(name="s", image=image, run="true", network="none", out=tmp_path / "out")
    run = DockerSuites(real_docker.environment).run(one, lambda _: None)
    assert run.exit_code is None
    assert run.because.startswith("image pull error: ")


def test_a_limit_that_docker_cannot_take_is_unusable(real_docker: Any, tmp_path: Path) -> None:
    wanted = suite(real_docker, tmp_path, "true", memory_bytes=2**20)
    with pytest.raises(Unusable, match=r"Docker refused: .*memory"):
        DockerSuites(real_docker.environment).run(wanted, lambda _: None)
    assert left(real_docker) == []


def test_a_network_that_is_not_there_is_a_result(real_docker: Any, tmp_path: Path) -> None:
    wanted = replace(suite(real_docker, tmp_path, "true"), network="davy-no-such-network")
    run = DockerSuites(real_docker.environment).run(wanted, lambda _: None)
    assert run.exit_code is None
    assert "davy-no-such-network" in run.because


def test_a_hostile_archive_path_stays_in_the_suites_folder(real_docker: Any, tmp_path: Path) -> None:
    wanted = suite(real_docker, tmp_path, "mkdir -p /out; ln -s /bin/sh /out/link; echo x > /out/a", collect=("/out",))
    run = DockerSuites(real_docker.environment).run(wanted, lambda _: None)
    assert [path.relative_to(tmp_path).as_posix() for path in run.files] == ["out/files/out/a"]
