"""Attribution: which of the test files a case belongs to, by what its report says of it."""

from collections.abc import Iterable, Sequence

from davy.pipeline.suites.reports.cases import Case, CaseResult


def filed(case: Case, items: Sequence[str]) -> str | None:
    """The one file it can be of; None where none or several fit.

    By the report's `file`, else by a class name that repeats the path: pytest writes `tests.test_cart.TestTotal`
    for `tests/test_cart.py`, Playwright and Mocha the path itself. A module that cannot be loaded is a case without a
    class that has its name; else the name of its suite may be the path.
    """
    if len(items) == 1:
        return items[0]
    said = (case.classname or case.name, *reversed(case.suites))
    fits = [item for item in items if _is_file(case.file, item)] if case.file else []
    for word in () if fits else said:
        fits = [item for item in items if _is_class(word, item)]
        if fits:
            break
    return fits[0] if len(fits) == 1 else None


def files_of(cases: Iterable[Case], items: Sequence[str]) -> frozenset[str | None]:
    """The files that the cases are of. Thousands of cases of one class are asked for once."""
    alike = {(case.file, case.classname or case.name, case.suites): case for case in cases}
    return frozenset(filed(case, items) for case in alike.values())


def seen(cases: Sequence[Case], items: Sequence[str]) -> frozenset[str]:
    """The files that have a case which ran, or broke."""
    ran = (case for case in cases if not case.own and case.result is not CaseResult.SKIPPED)
    return frozenset(item for item in files_of(ran, items) if item is not None)


def shared_out(seconds: float, cases: Sequence[Case], items: Sequence[str]) -> tuple[dict[str, float], float | None]:
    """How long each file took of a run, and what the rest was: beginning and ending it.

    By the cases' own times; where these do not tell, evenly, and the rest is not known.
    """
    spent = dict.fromkeys(items, 0.0)
    for case in cases:
        item = filed(case, items)
        if item is not None:
            spent[item] += case.seconds
    said = sum(spent.values())
    if not 0 < said <= seconds or any(filed(case, items) is None for case in cases):
        return dict.fromkeys(items, seconds / len(items)), None
    return spent, seconds - said


def _is_file(said: str, item: str) -> bool:
    path = said.replace("\\", "/").removeprefix("./")
    return path == item or path.endswith(f"/{item}") or item.endswith(f"/{path}")


def _is_class(said: str, item: str) -> bool:
    path = said.replace("\\", "/").removeprefix("./")
    if not path:
        return False
    if path == item or item.endswith(f"/{path}"):
        return True
    stem = item.rpartition(".")[0].replace("/", ".") or item
    return path == stem or path.startswith(f"{stem}.") or stem.endswith(f".{path}")
