"""What a suite's run means, by the installed command: real pytest, and reports as other tools write them."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from davy.pipeline.core.endings import Ending

pytestmark = pytest.mark.slow

Davy = Callable[..., subprocess.CompletedProcess[str]]
PYTEST = f"{sys.executable} -m pytest -q -p no:cacheprovider -p no:hypothesispytest -p no:xdist"
BAD = '<testsuite name="s"><testcase classname="a" name="bad"><failure message="m"/></testcase></testsuite>'
GOOD = '<testsuite name="s"><testcase classname="a" name="good"/></testsuite>'
HELD = '- {test: "a::bad", owner: t, reason: "SHOP-1", expires: 2027-12-31}\n'


def project(folder: Path, suites: Mapping[str, Mapping[str, object]], files: Mapping[str, str], held: str = "") -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    own = [{"name": name, "in": "process", **said} for name, said in suites.items()]
    results = {"results": {"quarantine": "q.yaml"}} if held else {}
    (folder / "q.yaml").write_text(held)
    (folder / "davy.yaml").write_text(json.dumps({"service": "shop", "tests": own, **results}))


def verdicts(folder: Path) -> dict[str, list[str]]:
    """Of each suite of the merged report, the tests that count as failed."""
    root = ET.parse(folder / "davy-out/junit.xml").getroot()  # noqa: S314 - our own
    return {
        str(suite.get("name")): [
            str(case.get("name"))
            for case in suite.iter("testcase")
            if case.find("failure") is not None or case.find("error") is not None
        ]
        for suite in root
    }


FLAKY_A = 'import os\ndef test_flaky(): assert os.environ["DAVY_ATTEMPT"] != "1"\n'
BROKEN_B = "def test_broken(): assert False\n"


def test_a_retry_of_pytest_that_stopped_at_the_first_failure_runs_what_never_ran(davy: Davy, tmp_path: Path) -> None:
    run = f"{PYTEST} -x --junitxml=$JUNIT $DAVY_TESTS"
    suite = {"files": ["tests/test_*.py"], "retries": 1, "run": run}
    files = {"tests/test_a.py": FLAKY_A, "tests/test_b.py": BROKEN_B, "tests/test_c.py": "def test_c(): pass\n"}
    project(tmp_path, {"unit": suite}, files)
    done = davy("test", "--plain", "--shard", "1/1")
    assert done.returncode == Ending.REJECTED, done.stdout
    assert "unit failed: test_broken failed" in done.stdout
    (tmp_path / "tests/test_b.py").write_text("def test_broken(): pass\n")
    done = davy("test", "--plain", "--shard", "1/1")
    assert done.returncode == Ending.DONE, done.stdout
    assert "unit 3 passed, 1 flaky" in done.stderr


TEARDOWN = """\
import os, pytest
FIRST = os.environ["DAVY_ATTEMPT"] == "1"
@pytest.fixture
def browser():
    yield
    assert not FIRST, "quit failed"
def test_login(browser): assert not FIRST, "lost"
"""


def test_pytests_failure_in_call_and_teardown_is_one_flaky_test(davy: Davy, tmp_path: Path) -> None:
    project(
        tmp_path, {"ui": {"retries": 1, "run": f"{PYTEST} --junitxml=$JUNIT tests"}}, {"tests/test_ui.py": TEARDOWN}
    )
    done = davy("test", "--plain")
    assert done.returncode == Ending.DONE, done.stdout
    assert "ui 1 passed, 1 flaky" in done.stderr


JEST = (
    '<testsuites name="jest tests"><testsuite name="a" errors="0" failures="{bad}" tests="1">'
    '<testcase classname=" flaky" name=" flaky" file="a.test.js">{child}</testcase></testsuite></testsuites>'
)


def test_a_file_that_jest_could_not_load_is_in_no_retry_and_no_quarantine_forgotten(davy: Davy, tmp_path: Path) -> None:
    run = "cp $DAVY_ATTEMPT.xml $JUNIT; case $DAVY_ATTEMPT$DAVY_TESTS in 1*|*b*) exit 1;; esac"
    files = {
        "a.test.js": "", "b.test.js": "",
        "1.xml": JEST.format(bad=1, child="<failure/>"), "2.xml": JEST.format(bad=0, child=""),
    }  # fmt: skip
    suites = {"again": {"files": ["*.test.js"], "retries": 1, "run": run}, "held": {"files": ["*.test.js"], "run": run}}
    held = '- {suite: held, test: " flaky:: flaky", owner: t, reason: r, expires: 2027-12-31}\n'
    project(tmp_path, suites, files, held)
    for suite, says in (("again", "exit code 1"), ("held", "b.test.js has no test in its report")):
        done = davy("test", "--plain", "--suite", suite, "--shard", "1/1")
        assert done.returncode == Ending.REJECTED, done.stdout
        assert says in done.stdout


NEWMAN = f'<testsuites name="newman">{BAD}<testsuite name="no listener" tests="0" errors="1"/></testsuites>'
ONE = '<testcase classname="a" name="one"/>'
SELF = (
    '<testsuite><testcase classname="a" name="one"><properties><property name="davy.quarantined" value="failed"/>'
    '</properties><failure message="m"/></testcase></testsuite>'
)
RED = {
    "crash": ("cp bad.xml $JUNIT; exit 139", "ended by SIGSEGV"),
    "killed": ("cp bad.xml $JUNIT; kill -SEGV $$", "ended by SIGSEGV"),
    "notfound": ("cp bad.xml $JUNIT; no-such-command", "a command was not found"),
    "pytest2": ("cp bad.xml $JUNIT; exit 2", "exit code 2"),
    "newman": ("cp newman.xml $JUNIT; exit 1", "its report counts 1 failure and names none"),
    "label": ("[ $DAVY_ATTEMPT = 1 ] && cp label.xml $JUNIT && exit 1; cp good.xml $JUNIT", "label failed"),
    "skipped": ("[ $DAVY_ATTEMPT = 1 ] && cp one.xml $JUNIT && exit 1; cp skip.xml $JUNIT", "one failed"),
    "suite-error": ("cp suite.xml $JUNIT", "cart: fork crashed"),
    "counts": ("cp counts.xml $JUNIT", "its report counts 2 failures and names none"),
    "status": ("cp status.xml $JUNIT", "one failed"),
    "self": ("cp self.xml $JUNIT; exit 1", "one failed"),
    "folder": ("mkdir -p $JUNIT; cp one.xml $JUNIT/TEST-a.xml", "one failed"),
    "few": ("cp good.xml $JUNIT", "1 test ran, and at least 2 are needed"),
    "none": ("true", "0 tests ran, and at least 1 are needed"),
    "nameless": ("cp nameless.xml $JUNIT; exit 1", "a.AllTest failed"),
    "globs": ("mkdir -p r; cp good.xml r/a.xml; cp one.xml r/b.xml", "one failed"),
}
GREEN = {
    "held": ("cp bad.xml $JUNIT; exit 1", "1 quarantined"),
    "silent": ("true", "1 passed"),
    "empty": ("echo '<testsuites/>' >$JUNIT", "0 tests"),
    "rerun": ("cp rerun.xml $JUNIT", "1 passed, 1 flaky"),
    "linked": ("ln -s $PWD/one.xml $JUNIT", "1 passed"),
}
FILES = {
    "bad.xml": BAD, "good.xml": GOOD, "newman.xml": NEWMAN, "self.xml": SELF,
    "one.xml": BAD.replace('"bad"', '"one"'),
    "skip.xml": '<testsuite name="s"><testcase classname="a" name="one"><skipped/></testcase></testsuite>',
    "label.xml": f'<testsuite><testcase name="label"><failure/></testcase>{ONE}</testsuite>',
    "suite.xml": f'<testsuite name="cart" tests="1" errors="1">{ONE}<error message="fork crashed"/></testsuite>',
    "counts.xml": f'<testsuite tests="3" failures="2">{ONE}</testsuite>',
    "status.xml": '<testsuite><testcase classname="a" name="one" status="failed"/></testsuite>',
    "nameless.xml": '<testsuite><testcase name="" classname="a.AllTest"><error message="x"/></testcase></testsuite>',
    "rerun.xml": '<testsuite failures="1"><testcase classname="p" name="T"><failure/></testcase>'
                 '<testcase classname="p" name="T"/></testsuite>',
}  # fmt: skip
MORE: dict[str, dict[str, object]] = {
    "label": {"retries": 1}, "skipped": {"retries": 1}, "few": {"at_least": 2}, "none": {"at_least": 1},
    "globs": {"junit": ["r/*.xml"]},
}  # fmt: skip


def test_each_of_many_suites_is_judged_by_all_that_its_run_says(davy: Davy, tmp_path: Path) -> None:
    suites = {name: {"run": run, **MORE.get(name, {})} for name, (run, _) in {**RED, **GREEN}.items()}
    project(tmp_path, suites, FILES, HELD)
    done = davy("test", "--plain")
    assert done.returncode == Ending.REJECTED
    sentences = dict(part.partition(" ")[::2] for part in _sentences(tmp_path))
    assert {name for name, said in sentences.items() if said.startswith("failed: ")} == set(RED)
    for name, (_, says) in {**RED, **GREEN}.items():
        assert says in sentences[name], (name, sentences[name])
    failed = verdicts(tmp_path)
    assert {name for name, cases in failed.items() if cases} == set(RED)
    assert "wrote no report; it counts by its exit code" in done.stdout
    assert "suite empty: its report has 0 tests" in done.stderr
    assert "what it wrote as its report is a link; that is not read" in done.stdout


def _sentences(folder: Path) -> list[str]:
    events = [json.loads(line) for line in (folder / "davy-out/events.jsonl").read_text().splitlines()]
    note = next(event["note"] for event in reversed(events) if event.get("note") and " · " in event["note"])
    return str(note).split(" · ")


def test_a_suite_that_is_interrupted_is_not_passed_and_its_report_says_what_is_missing(tmp_path: Path) -> None:
    run = "cp good.xml $JUNIT; case $DAVY_TESTS in *b*) touch begun; sleep 60;; esac"
    files = {"t/a.py": "", "t/b.py": "", "good.xml": GOOD}
    project(tmp_path, {"slow": {"files": ["t/*.py"], "run": run}, "next": {"run": "true"}}, files)
    command = [str(Path(sys.executable).parent / "davy"), "test", "--plain"]
    child = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(600):
        if (tmp_path / "begun").exists():
            break
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    out, said = child.communicate(timeout=30)
    assert child.returncode == Ending.INTERRUPTED
    assert "suite slow passed" not in out + said
    found = verdicts(tmp_path)
    assert len(found["slow"]) >= 1
    assert found["next"] == ["next"]


@pytest.mark.parametrize("name", ["../r/*.xml", "/abs/*.xml"])
def test_reports_that_lead_out_of_the_folder_are_refused_before_anything_runs(
    davy: Davy, tmp_path: Path, name: str
) -> None:
    project(tmp_path, {"s": {"run": "touch ran", "junit": [name]}}, {})
    done = davy("test", "--plain")
    assert done.returncode == Ending.UNUSABLE
    assert "tests[0].junit[0]" in done.stderr
    assert not (tmp_path / "ran").exists()
