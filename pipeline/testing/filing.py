"""Filing: which of the test files a case belongs to, by what its report says of it."""

from collections.abc import Mapping, Sequence

from davy.pipeline.cases import Case


def filed(case: Case, items: Sequence[str]) -> str | None:
    """The one file it can be of; None where none or several fit.

    By the report's `file`, else by a class name that repeats the path: pytest writes `tests.test_cart.TestTotal`
    for `tests/test_cart.py`, Playwright and Mocha the path itself.
    """
    if len(items) == 1:
        return items[0]
    fits = [item for item in items if _is_file(case.file, item)] if case.file else []
    fits = fits or [item for item in items if _is_class(case.classname, item)]
    return fits[0] if len(fits) == 1 else None


def shared_out(seconds: float, cases: Sequence[Case], items: Sequence[str]) -> dict[str, float]:
    """How long each file took of a run that had several: by its cases' own times, evenly where these do not tell."""
    spent = dict.fromkeys(items, 0.0)
    for case in cases:
        item = filed(case, items)
        if item is None:
            return dict.fromkeys(items, seconds / len(items))
        spent[item] += case.seconds
    return _scaled(spent, seconds)


def _scaled(spent: Mapping[str, float], seconds: float) -> dict[str, float]:
    whole = sum(spent.values())
    if not whole:
        return dict.fromkeys(spent, seconds / len(spent))
    return {item: own / whole * seconds for item, own in spent.items()}


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
