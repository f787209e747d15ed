"""Quarantine: tests that run and are recorded but fail no release, each with an owner, a reason and a last day."""

import re
from collections.abc import Iterable, Sequence
from datetime import date

from davy.pipeline.config.parsing.yaml_tree import Place, Tree, YamlReading, read
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text import moments, nouns
from davy.pipeline.suites.history.record import CaseRecord, RunRecord

NEEDED = ("test", "owner", "reason", "expires")
KEYS = (*NEEDED, "suite")
EVERYTHING = re.compile(r"^[*?:]*$")
PASSES = 20
"""Runs in which a test must have passed at its first attempt before its release is suggested. With a failure rate of
14 % or more, 20 passes in a row come by chance in less than 1 of 20 cases: 0.86 ** 20 = 0.049."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineEntry:
    """One line of the quarantine: a test, or several by `*` and `?`."""

    test: str
    """`classname::name`. Brackets are themselves: names of parametrised tests are full of them."""
    owner: str
    reason: str
    expires: date
    """The last day on which it holds."""
    suite: str = ""
    """Empty: in every suite."""
    line: int = 0

    def fits(self, suite: str, case: str) -> bool:
        """Whether it means this test. A suite's cells (`e2e[chrome]`) belong to it."""
        if self.suite and self.suite not in (suite, suite.partition("[")[0]):
            return False
        return _pattern(self.test).fullmatch(case) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """The file."""

    entries: tuple[QuarantineEntry, ...] = ()
    file: str = ""

    def is_quarantined(self, suite: str, case: str, today: date) -> bool:
        """Whether a failure of the test fails nothing today. `case`: its key, `classname::name`."""
        return any(entry.expires >= today and entry.fits(suite, case) for entry in self.entries)

    def where(self, entry: QuarantineEntry) -> str:
        """`quarantine.yaml:4: cart::total`."""
        return f"{self.file}:{entry.line}: {entry.test}"


def parsed(text: str, file: str) -> Quarantine:
    """The file's entries. Raises Unusable with every problem and its line."""
    tree = read(text, file, {}, raw=lambda _: True)
    items = tree.value if isinstance(tree.value, list) else []
    if not isinstance(tree.value, list) and not tree.problems and tree.value is not None:
        tree.refuse((), "must be a list of entries, each with `test`, `owner`, `reason` and `expires`")
    entries = [entry for index, item in enumerate(items) if (entry := _entry(tree, item, (index,)))]
    _told_twice(tree, entries)
    if tree.problems:
        ordered = sorted(tree.problems, key=lambda problem: problem.line or 0)
        remedy = "`davy test flaky` prints entries that are fit to paste."
        raise Unusable(f"{file} has {nouns.problems(len(ordered))}.", problems=tuple(ordered), remedy=remedy)
    return Quarantine(entries=tuple(entries), file=file)


def _entry(tree: YamlReading, item: Tree, place: Place) -> QuarantineEntry | None:
    before = len(tree.problems)
    if not isinstance(item, dict):
        tree.refuse(place, "must be a mapping with `test`, `owner`, `reason` and `expires`")
        return None
    for key in item:
        if key not in KEYS:
            tree.refuse((*place, key), f"is no key of an entry; it has {', '.join(KEYS)}")
    said = {key: _text(tree, item.get(key), (*place, key), needed=key in NEEDED) for key in KEYS}
    if said["test"] and EVERYTHING.match(said["test"]):
        tree.refuse((*place, "test"), "would hold every test there is; name them")
    expires = _day(tree, said["expires"], (*place, "expires"))
    if len(tree.problems) > before or expires is None:
        return None
    line = tree.line(place) or 0
    return QuarantineEntry(
        test=said["test"], owner=said["owner"], reason=said["reason"], expires=expires, suite=said["suite"], line=line
    )


def _text(tree: YamlReading, value: Tree, place: Place, *, needed: bool) -> str:
    if value is None:
        if needed:
            tree.refuse(place, "is missing: every entry has a test, an owner, a reason and a last day")
        return ""
    if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
        return str(value)
    tree.refuse(place, "must be a text")
    return ""


def _day(tree: YamlReading, text: str, place: Place) -> date | None:
    if not text:
        return None
    try:
        return moments.day(text)
    except ValueError as error:
        tree.refuse(place, str(error))
        return None


def _told_twice(tree: YamlReading, entries: Sequence[QuarantineEntry]) -> None:
    first: dict[tuple[str, str], int] = {}
    for entry in entries:
        line = first.setdefault((entry.suite, entry.test), entry.line)
        if line != entry.line:
            what = f"{entry.test!r} is there twice; the first one is on line {line}"
            tree.problems.append(Problem(what=what, path="test", file=tree.file, line=entry.line))


def _pattern(test: str) -> re.Pattern[str]:
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", test))
    return re.compile("".join(parts), re.DOTALL)


# ---- What there is to say of it -------------------------------------------------------------------------------------


def notes(held: Quarantine, seen: Iterable[tuple[str, str]], today: date, *, whole: bool) -> tuple[str, ...]:
    """What a person should do about the file: entries past their day, and such that mean no test.

    `seen`: (suite, case) of this run; `whole`: every suite ran in full, so that a test not seen is not there.
    """
    ran = tuple(seen)
    found = []
    for entry in held.entries:
        days = (entry.expires - today).days
        if days < 0:
            found.append(f"{held.where(entry)} expired on {entry.expires} and counts again; ask {entry.owner}")
        elif not any(entry.fits(suite, case) for suite, case in ran):
            if whole:
                found.append(f"{held.where(entry)} means no test that ran; remove or mend it")
        elif days <= SOON:
            found.append(f"{held.where(entry)} expires on {entry.expires}; ask {entry.owner}")
        if days > LONG:
            found.append(f"{held.where(entry)} holds until {entry.expires}, more than a year; give it a nearer day")
    return tuple(found)


SOON = 3
"""Days."""
LONG = 365
"""Days: what is held longer has been forgotten."""


def releasable(
    held: Quarantine, records: Sequence[RunRecord], today: date, passes: int = PASSES
) -> tuple[QuarantineEntry, ...]:
    """Entries whose tests passed at once in each of their last `passes` runs. `records`: newest first."""
    return tuple(
        entry
        for entry in held.entries
        if entry.expires >= today and _steady([_clean(entry, record) for record in records], passes)
    )


def release_notes(held: Quarantine, records: Sequence[RunRecord], today: date, passes: int = PASSES) -> tuple[str, ...]:
    """The same as sentences."""
    return tuple(
        f"{held.where(entry)} passed in its last {passes} runs; release it"
        for entry in releasable(held, records, today, passes)
    )


def _clean(entry: QuarantineEntry, record: RunRecord) -> bool | None:
    """Whether all that it means passed at once in the run; None where nothing of it ran."""
    ran = [case for case in record.cases if case.result != "skipped" and _means(entry, case)]
    return all(map(_at_once, ran)) if ran else None


def _means(entry: QuarantineEntry, case: CaseRecord) -> bool:
    return any(entry.fits(case.suite, name) for name in case.names)


def _at_once(case: CaseRecord) -> bool:
    return case.result == "passed" and not case.flaky


def _steady(clean: Sequence[bool | None], passes: int) -> bool:
    ran = [one for one in clean if one is not None][:passes]
    return len(ran) == passes and all(ran)
