"""No report that still tells of a failure is green, whatever of it is missing, doubled, renamed or in another order.

The mutants are made of whole runs that must be red; what they still tell is read a second time, in another way.
"""

import copy
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from davy.pipeline.core.events import Result
from davy.pipeline.suites import attempts
from davy.pipeline.suites.attempts import RetryRules, Story
from davy.pipeline.suites.plan.pieces import Piece
from davy.pipeline.suites.ports import SuiteRun
from davy.pipeline.suites.reports.cases import Suite
from davy.pipeline.suites.reports.reader import reading
from report_mutants import BAD_CHILDREN, changed, mutants
from report_shapes import SHAPES, Shape

pytestmark = pytest.mark.slow

Run = tuple[int | None, str | None]
Key = tuple[str, ...]
BAD_WORDS = ("failed", "failure", "fail", "error")


def suite_of(*runs: Run, command: str = "", held: str = "", retries: int = 0) -> Suite:
    story, rules = Story(label="unit", piece=Piece(), command=command), RetryRules(retries=retries)
    for code, text in runs:
        run = SuiteRun(exit_code=code, junit=text, log=Path("log"), because="" if code is not None else "timed out")
        found = reading([text]) if text else None
        story = attempts.told(story, run, timedelta(0), (), lambda key: key == held, found=found)
    return attempts.ended(story, rules)


# ---- what a report tells, read again --------------------------------------------------------------------------------


def failures(root: ET.Element) -> Iterator[Key]:
    """A key for each failure: of a case its name, of a suite what it says."""
    for suite in root.iter():
        if suite.tag in ("testsuite", "testsuites"):
            if any(child.tag in ("failure", "error") for child in suite):
                yield ("suite", str(suite.get("name")))
            cases = list(suite.iter("testcase"))
            counts = sum(int(suite.get(word) or 0) for word in ("failures", "errors"))
            direct = any(child.tag in ("failure", "error") for one in suite.iter("testsuite") for child in one)
            is_told = any(is_bad(case) or any("flaky" in child.tag for child in case) for case in cases)
            if counts and not is_told and not direct:
                yield ("counts", str(suite.get("name")))
        elif suite.tag == "testcase" and is_bad(suite):
            yield ("case", *named(suite))


def is_bad(case: ET.Element) -> bool:
    if any(child.get("type") == "todo" for child in case):
        return False
    said = [str(case.get(word, "")).lower() for word in ("status", "result")]
    said += ["failed" for word in ("failure", "error") if case.get(word)]
    return any(child.tag in BAD_CHILDREN for child in case) or any(word in BAD_WORDS for word in said)


def named(case: ET.Element) -> Key:
    return (case.get("classname", ""), case.get("name", ""), case.get("file", ""))


def filed(root: ET.Element) -> ET.Element:
    """Every case with the file of its suite, where it has none of its own."""
    made = copy.deepcopy(root)
    for suite in (one for one in made.iter("testsuite") if one.get("file")):
        for case in suite.iter("testcase"):
            case.attrib.setdefault("file", str(suite.get("file")))
    return made


def key_of(case: ET.Element) -> str:
    return "::".join(filter(None, named(case)[:2])) or "(no name)"


def is_rerun(root: ET.Element, key: Key) -> bool:
    """Whether a later case of the same name passed: with exit code 0 that is a rerun in one report."""
    for suite in root.iter():
        own = [case for case in suite if case.tag == "testcase" and named(case) == key[1:]]
        if own and key[2] and not is_bad(own[-1]) and any(map(is_bad, own)) and own[-1].find("skipped") is None:
            return True
    return False


def text_of(root: ET.Element) -> str:
    return ET.tostring(root, encoding="unicode")


SHAPED = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.tool)


@SHAPED
def test_no_mutant_that_tells_of_a_failure_is_green(shape: Shape) -> None:
    root = ET.fromstring(shape.red)  # noqa: S314 - our own
    seen = Counter[bool]()
    for what, mutant in mutants(root):
        told = set(failures(mutant))
        for code in (0, shape.code, 139, 127, None):
            suite = suite_of((code, text_of(mutant)), command=shape.tool)
            tells = code != 0 or any(not is_rerun(mutant, key) for key in told)
            seen[tells] += 1
            assert (suite.result is Result.FAILED) or not tells, (what, code, told)
            assert (suite.result is Result.FAILED) == bool(suite.because), (what, code)
    assert seen[True] > 100


@SHAPED
def test_no_mutant_is_green_because_of_one_test_in_quarantine(shape: Shape) -> None:
    root = ET.fromstring(shape.red)  # noqa: S314 - our own
    for held in list(dict.fromkeys(key_of(case) for case in root.iter("testcase") if is_bad(case)))[:2]:
        for what, mutant in mutants(root):
            others = [key for key in failures(mutant) if key[0] != "case" or "::".join(filter(None, key[1:3])) != held]
            bad = sum(map(is_bad, mutant.iter("testcase")))
            for code in (0, shape.code, 2, 8, 139):
                suite = suite_of((code, text_of(mutant)), command=shape.tool, held=held)
                tells = any(code != 0 or not is_rerun(mutant, key) for key in others)
                tells = tells or not (code == 0 or (bad and says_failed(shape.tool, code, bad)))
                assert (suite.result is Result.FAILED) or not tells, (held, what, code, others)


def says_failed(tool: str, code: int | None, bad: int) -> bool:
    own = {"ctest": 8, "k6": 99, "bazel": 3, "phpunit": 2}
    if (tool.startswith("pytest") and code in (2, 3, 4, 5)) or (tool == "bazel" and code in (1, 2, 8)):
        return False
    return code is not None and code < 126 and code in (1, bad, own.get(tool, 1))


@SHAPED
def test_no_mutant_of_a_retry_forgives_a_test_that_it_does_not_tell_to_have_passed(shape: Shape) -> None:
    """The second try is the first with all failures gone, and then mutated: it ends with 0."""
    root = ET.fromstring(shape.red)  # noqa: S314 - our own
    failed = [key for key in failures(filed(root)) if key[0] == "case" and key[2]]
    good = changed(root, lambda all_: [whole(one) for one in all_])
    for what, mutant in mutants(good):
        cases = list(filed(mutant).iter("testcase"))
        passed = {("case", *named(case)) for case in cases if case.find("skipped") is None}
        containers = {case.get("classname", "") for case in cases}
        missing = [
            key for key in failed if key not in passed and not any(key[2] in name for name in containers if name)
        ]
        suite = suite_of((shape.code, shape.red), (0, text_of(mutant)), retries=1)
        assert suite.result is Result.FAILED or not missing, (what, missing)
    for nothing in (None, "<testsuites/>"):
        assert suite_of((shape.code, shape.red), (0, nothing), retries=1).result is Result.FAILED


def whole(one: ET.Element) -> None:
    for child in [child for child in one if child.tag in BAD_CHILDREN]:
        one.remove(child)
    for word in ("failures", "errors"):
        if one.get(word):
            one.set(word, "0")
    one.attrib.pop("failure", None)
    if str(one.get("status")).lower() in BAD_WORDS:
        one.set("status", "passed")


@SHAPED
def test_a_retry_in_which_all_passed_is_green_and_flaky(shape: Shape) -> None:
    root = ET.fromstring(shape.red)  # noqa: S314 - our own
    good = text_of(changed(root, lambda all_: [whole(one) for one in all_]))
    suite = suite_of((shape.code, shape.red), (0, good), retries=1)
    gone = [key for key in failures(root) if key[0] == "counts"]
    # A suite that told no test at either try is not known to be well.
    assert (suite.result is Result.PASSED) == (not gone), suite.because
    assert any(case.flaky for case in suite.cases)


@SHAPED
def test_healthy_reports_are_green(shape: Shape) -> None:
    for text in shape.green:
        suite = suite_of((0, text), command=shape.tool)
        assert (suite.result, suite.because) == (Result.PASSED, "")
        assert not any(case.result.bad or case.own for case in suite.cases)
    flaky = [any(case.flaky for case in suite_of((0, text)).cases) for text in shape.green]
    assert all(flaky) == (shape.tool in ("gotestsum", "surefire"))
