"""What every ring shares: how property tests search, the rule for tests that need the lab, what ran on real parts."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase

from davy.workflows.render import veil
from lab import facts
from lab.talk import LabError
from shop.runner import COUNTED

FOUND = Path(__file__).parent.parent / ".hypothesis" / "examples"
"""What a search at random has found; it is tried first the next time."""

# The same change is green or red everywhere: the default run tries the same inputs each time. New ones are sought by
# `nox -s deep`, with as many examples as each test asks for.
settings.register_profile("fixed", derandomize=True, database=None, deadline=None, max_examples=40)
settings.register_profile("few", settings.get_profile("fixed"), max_examples=8)
settings.register_profile("sample", settings.get_profile("few"))
settings.register_profile(
    "deep", derandomize=False, database=DirectoryBasedExampleDatabase(FOUND), deadline=None, print_blob=True
)
settings.load_profile("fixed")
UNBOUND, SAMPLE = "deep", "sample"
"""The profile in which a test's own number of examples counts (in the others it is at most the profile's), and the one
with few cases of every test function, too: what another Python or another library breaks, it breaks in each."""
CASES = 2


def _lab() -> facts.Facts | None:
    try:
        return facts.read()
    except LabError:
        return None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without a lab its tests are skipped; in CI that would hide them, so there they fail."""
    if settings.get_current_profile_name() == SAMPLE:
        _sample(config, items)
    lab, ci = _lab(), os.environ.get("CI")
    for item in items:
        _bound(item)
        if not ci and (marked := item.get_closest_marker("lab")):
            lacking = facts.NOT_UP if lab is None else _lacking(marked, lab)
            if lacking:
                item.add_marker(pytest.mark.skip(reason=lacking))


def _sample(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of every function the first cases that would run."""
    seen: Counter[str] = Counter()
    kept, rest = [], []
    for item in items:
        function = item.nodeid.partition("[")[0]
        seen[function] += 1
        (kept if seen[function] <= CASES else rest).append(item)
    config.hook.pytest_deselected(items=rest)
    items[:] = kept


def _lacking(marked: pytest.Mark, lab: facts.Facts) -> str:
    """What is said of a test that needs a part which this lab is without."""
    return next((facts.LEFT_OUT[part] for part in marked.args or ("kubernetes",) if part not in lab.parts), "")


def _bound(item: pytest.Item) -> None:
    """No property test tries more than the profile says: what it asks for itself is for the deep search."""
    test = getattr(item, "obj", None)
    # Hypothesis keeps a test's settings here, and has no other way to change them once a test is decorated.
    own = getattr(test, "_hypothesis_internal_use_settings", None)
    most = settings.get_current_profile_name() != UNBOUND and settings.default.max_examples
    if own and most and own.max_examples > most:
        vars(test)["_hypothesis_internal_use_settings"] = settings(own, max_examples=most)


@pytest.fixture(autouse=True)
def _unveiled() -> Iterator[None]:
    """A process has one veil; a test's secrets are no other's."""
    veil.begin({})
    yield
    veil.begin({})


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if os.environ.get("CI") and item.get_closest_marker("lab") and not _lab():
        pytest.fail("the lab is not up, and in CI its tests are not skipped: `nox -s lab -- up`", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A part that is missing skips its tests on somebody's machine; in CI it can be had, so there they fail."""
    report = yield
    if os.environ.get("CI") and report.skipped and item.get_closest_marker("lab"):
        report.outcome, report.longrepr = "failed", f"skipped, and in CI it must not be: {report.longrepr[-1]}"
    return report


def _reason(report: pytest.TestReport) -> str:
    """A skipped test's."""
    return report.longrepr[-1].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else ""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line of what ran on real parts."""
    ran = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        if report.when == "call" and "lab" in report.keywords
    ]
    lab = _lab()
    for why, number in Counter(_reason(report) for report in terminalreporter.stats.get("skipped", [])).items():
        if why in facts.LEFT_OUT.values():
            terminalreporter.write_line(f"left out: {number} tests that need {why}", yellow=True, bold=True)
    if ran and lab:
        has = lab.versions
        terminalreporter.write_line(
            f"real parts: Docker {has.get('docker', '?')} · BuildKit {has.get('buildkit', '-')} · "
            f"Buildah {has.get('buildah', '-')} · registry · Kubernetes {has.get('kubernetes', '-')} "
            f"({lab.cluster}) · Prometheus · {len(ran)} tests, {COUNTED['runners']} runs of davy, "
            f"{COUNTED['killed']} runners killed"
        )
    elif not lab:
        terminalreporter.write_line("real parts: none; the lab is not up (`nox -s lab -- up`)")
