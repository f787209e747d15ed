"""A GitHub job that is cancelled while a real canary serves: by the signals of its runner, at their real times."""

import shlex
import subprocess
from itertools import chain

import pytest

from davy.pipeline.endings import Ending
from shop import ci_runners
from shop.runner import clean
from shop.stage import DAVY
from shop.visit import Visit

pytestmark = [pytest.mark.lab, pytest.mark.slow]

LINES = {"plain": "{davy}\necho never\n", "exec": "exec {davy}\n", "pipe in a script": "{davy} 2>&1 | tee log\n"}


@pytest.mark.parametrize("line", LINES)
def test_a_cancelled_job_leaves_no_canary_on_the_cluster(visit: Visit, line: str) -> None:
    good = visit.image("good")
    davy = shlex.join([str(DAVY), "canary", "start", "--image", good])
    script = visit.shop.folder / "step.sh"
    script.write_text(LINES[line].format(davy=davy))
    environment = clean(visit.shop.environment(**visit.settings)) | {"GITHUB_ACTIONS": "true", "CI": "true"}
    with (visit.shop.folder / "said").open("wb") as said:
        job = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)], cwd=visit.shop.folder, env=environment,
            stdout=said, stderr=said, start_new_session=True,
        )  # fmt: skip
        visit.until(lambda: good in visit.serving(), within=120)
        ci_runners.github(job, patience=7.5, grace=2.5)
        # The step after it: it waits for one that is still at it, or finds all done.
        abort = visit.davy("canary", "abort", "--why", "run cancelled")
        assert abort.ended() in (Ending.DONE, Ending.ROLLED_BACK, Ending.INTERRUPTED, Ending.UNUSABLE), (
            f"{abort.story}\n{(visit.shop.folder / 'said').read_text()}"
        )
        visit.until(lambda: set(visit.serving()) == {visit.stable()}, within=30)
    visit.is_back()


def test_acting_as_somebody_without_rights_is_refused_by_the_cluster_itself(visit: Visit) -> None:
    as_nobody = visit.davy("canary", "status", "--as", "nobody", "--as-group", "system:authenticated")
    assert as_nobody.ended() == Ending.UNUSABLE, as_nobody.story
    assert (
        "missing" in as_nobody.said
        or "may not" in as_nobody.said
        or any("may not" in line for line in chain(as_nobody.said.splitlines()))
    )
    assert visit.status()["phase"] in ("none", "finished")
