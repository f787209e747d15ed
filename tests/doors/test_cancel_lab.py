"""A CI job that is cancelled while a real canary serves: by the signals of each runner, in their order and times."""

import json
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import pytest

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import Event, ReleaseFinished, RolledBack, StepReached
from davy.pipeline.core.json import codec
from lab.load import Load
from shop import ci_job
from shop.runner import clean
from shop.stage import DAVY
from shop.visit import Visit

pytestmark = [pytest.mark.lab, pytest.mark.slow]

LINES = {
    "plain": "{davy}\necho never\n",
    "exec": "exec {davy}\n",
    "pipe in a script": "{davy} 2>&1 | tee log\n",
    "under timeout": "timeout 10m {davy}\n",
    "timeout alone": "exec timeout --preserve-status 10m {davy}\n",
}
CI = {
    "github": {"GITHUB_ACTIONS": "true", "CI": "true"},
    "gitlab": {"GITLAB_CI": "true", "CI": "true"},
    "jenkins": {"BUILD_URL": "http://jenkins/job/1"},
    "nobody": {"CI": "true"},
    "timeout": {"CI": "true"},
}
PAUSES = {"github": {"patience": 7.5}}
"""As they are. The last one, before SIGKILL, is longer than the real one of 5 to 10 s: on a busy machine Kubernetes
alone may take that long to let a canary go."""
LAST_PAUSE = 120.0
AFTER = 100
"""Requests whose answers are looked at once the canary is gone."""


@pytest.mark.parametrize(
    ("runner", "line"),
    [
        ("github", "plain"),
        ("github", "exec"),
        ("github", "pipe in a script"),
        ("gitlab", "plain"),
        ("gitlab", "under timeout"),
        ("jenkins", "plain"),
        ("nobody", "plain"),
        ("timeout", "timeout alone"),
    ],
)
def test_a_cancelled_job_leaves_stable_alone_for_the_customers(visit: Visit, runner: str, line: str) -> None:
    visit.configured(steps=[{"weight": "50%", "at_least": "10m"}], deadline="20m")
    with visit.customers() as load:
        with job(visit, runner, line) as cancelled:
            visit.until(lambda: any(isinstance(event, StepReached) for event in told(visit)), within=120)
            visit.until(lambda: answers(visit, load)[visit.image("good")] > 0, within=30)
            code = cancelled()
        assert code == Ending.INTERRUPTED, said(visit)
        assert any(isinstance(event, RolledBack) for event in told(visit)), said(visit)
        finished = next(event for event in told(visit) if isinstance(event, ReleaseFinished))
        assert finished.ending is Ending.INTERRUPTED
        stable_answers_alone(visit, load)
    visit.is_back()
    # The step that a workflow runs after a cancelled one.
    abort = visit.davy("canary", "abort", "--why", "run cancelled")
    assert abort.ended() == Ending.UNUSABLE, abort.story
    assert "there is no canary to abort" in abort.said


@contextmanager
def job(visit: Visit, runner: str, line: str) -> Iterator[Callable[[], int]]:
    """A job that starts a canary; what it gives cancels it and says davy's exit code."""
    davy = shlex.join([str(DAVY), "canary", "start", "--image", visit.image("good"), "--output", "json"])
    script = visit.shop.folder / "step.sh"
    script.write_text(LINES[line].format(davy=davy))
    pauses = json.dumps({**PAUSES.get(runner, {}), "grace": LAST_PAUSE})
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
    with heard(visit).open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, ci_job.__file__, runner, pauses, *shell], cwd=visit.shop.folder,
            env=clean(visit.shop.environment(**visit.settings)) | CI[runner],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out,
        )  # fmt: skip

        def cancelled() -> int:
            ended, _ = process.communicate(b"cancel\n", timeout=2 * LAST_PAUSE)
            code: int = json.loads(ended)["davy"]
            return code

        try:
            yield cancelled
        except AssertionError as error:
            error.add_note(said(visit))
            raise
        finally:
            if process.poll() is None:
                cancelled()


def heard(visit: Visit) -> Path:
    return visit.shop.folder / "said"


def said(visit: Visit) -> str:
    return heard(visit).read_text()


def told(visit: Visit) -> list[Event]:
    """What davy said so far; the last line may be on its way."""
    whole = [line for line in said(visit).splitlines(keepends=True) if line.endswith("\n")]
    return [codec.decode(json.loads(line)) for line in whole if '"davy_event"' in line]


def answers(visit: Visit, load: Load) -> Counter[str]:
    """Of each image, as the customers counted them."""
    return Counter(
        {image: load.snapshot()["versions"].get(visit.name_of(image), {}).get("requests", 0)
         for image in (visit.stable(), visit.image("good"))}
    )  # fmt: skip


def stable_answers_alone(visit: Visit, load: Load) -> None:
    """From when the canary's pods have gone."""
    visit.until(lambda: {pod["spec"]["containers"][0]["image"] for pod in visit.listed("/api/v1", "pods")}
                == {visit.stable()}, within=60)  # fmt: skip
    before = answers(visit, load)
    visit.until(lambda: answers(visit, load).total() >= before.total() + AFTER, within=60)
    after = answers(visit, load)
    assert after[visit.image("good")] == before[visit.image("good")]


def test_acting_as_somebody_without_rights_is_refused_by_the_cluster_itself(visit: Visit) -> None:
    as_nobody = visit.davy("canary", "status", "--as", "nobody", "--as-group", "system:authenticated")
    assert as_nobody.ended() == Ending.UNUSABLE, as_nobody.story
    assert (
        "missing" in as_nobody.said
        or "may not" in as_nobody.said
        or any("may not" in line for line in chain(as_nobody.said.splitlines()))
    )
    assert visit.status()["phase"] in ("none", "finished")
