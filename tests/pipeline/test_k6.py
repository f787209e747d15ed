"""k6 as a suite: thresholds are cases, and its exit codes are told apart. With a real k6 where one is."""

import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from davy.pipeline.adapters.localsuites import ProcessSuites
from davy.pipeline.cases import CaseResult
from davy.pipeline.junit import read
from davy.pipeline.ports import SuiteOrder, SuiteRun
from davy.pipeline.testing import k6

EXPORTED = """{
 "root_group": {"name": "", "checks": {}, "groups": {"cart": {"name": "cart", "groups": {},
   "checks": {"is 200": {"name": "is 200", "passes": 3, "fails": 2}}}}},
 "metrics": {"http_req_duration": {"p(95)": 12.5, "thresholds": {"p(95)<10": true, "max<1000": false}},
             "http_reqs": {"count": 5, "rate": 2.5}}}"""
OWN_FORM = """{"metrics": {"http_req_failed": {"values": {"rate": 0.5}, "thresholds": {"rate<0.1": {"ok": false}}}}}"""

SCRIPT = """
import http from 'k6/http'; import { check } from 'k6';
export const options = { iterations: 4, thresholds: { http_req_failed: ['rate<0.01'], checks: ['rate>0.99'] } };
export default function () {
  check(http.get(__ENV.DAVY_URL + '/' + (__ENV.PATH_OF || '')), { ok: (r) => r.status === 200 });
}
"""


def order(**more: object) -> SuiteOrder:
    return SuiteOrder(name="load", image=None, run="", settings={"k6": "it's/load.js"}, **more)  # type: ignore[arg-type]


def ended(code: int | None, junit: str | None = None, because: str = "") -> SuiteRun:
    return k6.told(order(), SuiteRun(exit_code=code, junit=junit, log=Path("log"), because=because))


def test_each_threshold_is_a_case_and_a_crossed_one_fails_with_its_values() -> None:
    run = ended(99, EXPORTED)
    cases = {case.name: case for case in read(run.junit or "")}
    assert cases["http_req_duration: p(95)<10"].result is CaseResult.FAILED
    assert "p(95) 12.5" in cases["http_req_duration: p(95)<10"].message
    assert cases["http_req_duration: max<1000"].result is CaseResult.PASSED
    course = cases["requests and checks"].output
    assert "http_reqs: count 5, rate 2.5" in course
    assert "FAIL cart / is 200 (3 of 5)" in course
    assert (run.because, run.fault) == ("", False)


def test_handle_summarys_own_form_is_read_too() -> None:
    (bad, _) = read(k6.junit("load", OWN_FORM) or "")
    assert (bad.result, bad.name) == (CaseResult.FAILED, "http_req_failed: rate<0.1")


@pytest.mark.parametrize("code", sorted(k6.WORDS))
def test_every_other_exit_code_says_what_it_means_and_whose_fault_it_was(code: int) -> None:
    run = ended(code)
    assert run.because == k6.WORDS[code]
    assert run.fault is (code in {97, 98, 105, 106, 109})


def test_why_it_was_stopped_is_not_overwritten() -> None:
    assert ended(None, because="timed out after 5m").because == "timed out after 5m"


@pytest.mark.parametrize("text", ["", "<testsuite/>", "[]", "null", '{"metrics": 3}', '{"metrics": {"a": 1}}'])
def test_what_is_no_summary_is_no_report(text: str) -> None:
    assert k6.junit("load", text) is None


def test_a_suite_without_a_script_is_left_as_it_is() -> None:
    plain = SuiteOrder(name="unit", image=None, run="true")
    run = SuiteRun(exit_code=99, junit="<x/>", log=Path("log"))
    assert k6.ordered(plain) is plain
    assert k6.told(plain, run) is run


def test_the_scripts_name_is_one_word() -> None:
    assert k6.ordered(order()).run.endswith("""'it'"'"'s/load.js'""")


class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/" else 500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def shop() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def real(folder: Path, script: str, **env: str) -> SuiteRun:
    path = os.pathsep.join([os.environ["PATH"], str(Path.home() / ".cache" / "davy-lab" / "bin")])
    if not shutil.which("k6", path=path):
        pytest.skip("no k6 here")
    (folder / "load.js").write_text(script)
    wanted = SuiteOrder(
        name="load", image=None, run="", env=env, settings={"k6": "load.js"}, folder=folder, out=folder / "out"
    )
    return ProcessSuites({"PATH": path, "HOME": str(folder)}).run(wanted, lambda _: None)


@pytest.mark.lab
def test_a_real_k6_passes_fails_and_breaks_as_the_script_does(shop: str, tmp_path: Path) -> None:
    good = real(tmp_path, SCRIPT, DAVY_URL=shop)
    assert (good.exit_code, good.because) == (0, "")
    assert {case.result for case in read(good.junit or "")} == {CaseResult.PASSED}
    bad = real(tmp_path, SCRIPT, DAVY_URL=shop, PATH_OF="cart")
    failed = [case.name for case in read(bad.junit or "") if case.result is CaseResult.FAILED]
    assert (bad.exit_code, failed) == (99, ["checks: rate>0.99", "http_req_failed: rate<0.01"])
    broken = real(tmp_path, "export default function () { nonsense( }", DAVY_URL=shop)
    assert (broken.because, broken.fault) == ("the script raised an exception", False)
    wrong = real(
        tmp_path,
        "export const options = {scenarios: {a: {executor: 'nope'}}}; export default function () {}",
        DAVY_URL=shop,
    )
    assert wrong.because == "the script's options, or k6's, are not valid"
