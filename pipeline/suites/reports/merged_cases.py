"""Merged cases: the cases of several tries at one piece, folded into each test once, with what counts of it."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from davy.pipeline.suites.reports.cases import Attempt, Case, CaseResult
from davy.pipeline.suites.reports.writer import attempts

Identity = tuple[object, ...]
Told = tuple[Sequence[Case], bool]
"""The cases of a try, and whether it passed."""


def folded(tries: Sequence[Told], threshold: int) -> tuple[Case, ...]:
    """Every case once, in the order they were first told. A case that failed stays so until it passes."""
    unclear = _unclear(cases for cases, _ in tries)
    found: dict[Identity, list[list[Case]]] = {}
    for cases, passed in tries:
        groups: dict[Identity, list[Case]] = {}
        for case in cases:
            groups.setdefault(_identity(case, unclear), []).append(case)
        _settled(found, groups, cases, passed=passed)
        for identity, told in groups.items():
            found[identity] = _added(found.get(identity, []), told)
    return tuple(_counted(each, threshold) for slots in found.values() for each in slots)


def _base(case: Case) -> Identity:
    return (case.own, case.classname, case.name, case.file)


def _identity(case: Case, unclear: frozenset[Identity]) -> Identity:
    """Of one test in every try. The suites it stands in count only where the rest does not tell tests apart."""
    base = _base(case)
    return (*base, case.suites if case.own or base in unclear else None)


def _unclear(tries: Iterable[Sequence[Case]]) -> frozenset[Identity]:
    """Names that one try tells in several suites: they are several tests."""
    found = set()
    for cases in tries:
        suites: dict[Identity, tuple[str, ...]] = {}
        found |= {base for case in cases if suites.setdefault(base := _base(case), case.suites) != case.suites}
    return frozenset(found)


def _added(slots: list[list[Case]], told: Sequence[Case]) -> list[list[Case]]:
    """A name that one try told several times stays several, each by its place among them.

    One that a later try told once and passed settles all of them: pytest tells a test twice that fails in its call
    and in its teardown.
    """
    if len(slots) > 1 and len(told) == 1 and told[0].result is CaseResult.PASSED:
        return [[*(case for slot in slots for case in slot), told[0]]]
    more = max(0, len(told) - len(slots))
    longer = [*slots, *([] for _ in range(more))]
    return [[*slot, *told[place : place + 1]] for place, slot in enumerate(longer)]


def _settled(
    found: Mapping[Identity, list[list[Case]]], told: Collection[Identity], cases: Sequence[Case], *, passed: bool
) -> None:
    """What stood for more than one test, failed, and is not told any more passes with what it stood for."""
    for identity, slots in found.items():
        for slot in slots if identity not in told else ():
            bad = next((case for case in slot if case.result.bad), None)
            if bad is not None and _is_made_good(bad, cases, passed=passed):
                slot.append(replace(bad, result=CaseResult.PASSED, seconds=0.0, message="", text="", kind=""))


def _is_made_good(bad: Case, cases: Sequence[Case], *, passed: bool) -> bool:
    """Whether a try that does not tell it shows that it is over.

    davy's own case of the whole run is, for a run that failed so again would tell it. A suite's, and that of a class
    or module that could not be loaded, is where the try passed and tells a test in it that did.
    """
    if bad.own and not bad.suites:
        return True
    if not passed or not (bad.own or _container(bad)):
        return False
    ran = (case for case in cases if not case.own and case.result is CaseResult.PASSED)
    return any(_stands_for(bad, case) for case in ran)


def _stands_for(bad: Case, case: Case) -> bool:
    if bad.own:
        return case.suites[: len(bad.suites)] == bad.suites
    name = _container(bad)
    return case.classname == name or case.classname.startswith(f"{name}.")


def _container(bad: Case) -> str:
    """The class or module that it stands for: such a case has either a class or a name; empty where it is a test."""
    alone = bad.result is CaseResult.ERROR and not (bad.classname and bad.name)
    return bad.classname or bad.name if alone else ""


def _counted(tries: Sequence[Case], threshold: int) -> Case:
    """The case that counts: the last that ran; with a threshold a passed one where enough passed, else a bad one.

    A skipped one says nothing of a failure before it.
    """
    passed = [case for case in tries if case.result is CaseResult.PASSED]
    bad = [case for case in tries if case.result.bad]
    last = next((case for case in reversed(tries) if case.result is not CaseResult.SKIPPED), tries[-1])
    if threshold > 1 and bad:
        last = passed[-1] if len(passed) >= threshold else bad[-1]
    if len(tries) == 1:
        return last
    return replace(last, attempts=tuple(_every(tries)))


def _every(tries: Sequence[Case]) -> Iterator[Attempt]:
    for case in tries:
        yield from attempts(case)
