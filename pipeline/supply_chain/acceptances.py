"""Acceptances: the list of findings that are lived with, each with a reason, an owner and an end."""

from collections.abc import Iterator
from datetime import date

from davy.pipeline.config.parsing import yaml_tree
from davy.pipeline.config.parsing.yaml_tree import Place, Tree, YamlReading
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text import moments
from davy.pipeline.supply_chain.scans import Finding

KEYS = ("id", "package", "reason", "owner", "expires")
NEEDED = ("id", "reason", "owner", "expires")
MOST_CHARACTERS = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """One entry: which finding, why, who answers for it, and until when."""

    id: str
    package: str = ""
    """Empty: in any package."""
    reason: str
    owner: str
    expires: date
    """The last day on which it counts."""
    line: int | None = None

    def covers(self, finding: Finding) -> bool:
        """Whether it means this finding, whatever the day."""
        names = {finding.id.lower(), *(alias.lower() for alias in finding.aliases)}
        return self.id.lower() in names and self.package in ("", finding.package)


def read(text: str, file: str) -> tuple[Acceptance, ...]:
    """The file's entries, a YAML list of mappings. Raises Unusable with every problem, each with its line."""
    if len(text) > MOST_CHARACTERS:
        raise _unusable(file, [Problem(what="is larger than 1 MiB", file=file)])
    reading = yaml_tree.read(text, file, {}, raw=lambda _: True)
    if reading.value is None and not reading.problems:
        return ()
    if not isinstance(reading.value, list):
        shape = "must be a list of entries: `- id: CVE-…` with reason, owner and expires"
        raise _unusable(file, reading.problems or [Problem(what=shape, file=file, line=1)])
    found = [one for index, item in enumerate(reading.value) if (one := _entry(reading, (index,), item)) is not None]
    for place, what in _twice(found):
        reading.refuse(place, what)
    if reading.problems:
        raise _unusable(file, reading.problems)
    return tuple(found)


def _entry(reading: YamlReading, place: Place, item: Tree) -> Acceptance | None:
    if not isinstance(item, dict):
        reading.refuse(place, "must be a mapping with id, reason, owner and expires")
        return None
    before = len(reading.problems)
    for key in item:
        if key not in KEYS:
            reading.refuse((*place, key), f"is no key of an entry; it has {', '.join(KEYS)}")
    for key in NEEDED:
        if not str(item.get(key) or "").strip():
            reading.refuse(place, f"has no {key}: somebody must answer for what is accepted, and it must end")
    ends = _day(reading, (*place, "expires"), item.get("expires"))
    if len(reading.problems) > before or ends is None:
        return None
    said = {key: str(item.get(key) or "").strip() for key in KEYS}
    return Acceptance(
        id=said["id"],
        package=said["package"],
        reason=said["reason"],
        owner=said["owner"],
        expires=ends,
        line=reading.line(place),
    )


def _day(reading: YamlReading, place: Place, said: Tree) -> date | None:
    if said is None:
        return None
    try:
        return moments.day(str(said).strip())
    except ValueError as error:
        reading.refuse(place, str(error))
        return None


def _twice(found: list[Acceptance]) -> Iterator[tuple[Place, str]]:
    first: dict[tuple[str, str], int | None] = {}
    for index, one in enumerate(found):
        key = (one.id.lower(), one.package)
        if key in first:
            yield (index,), f"accepts {one.id} a second time; the first one is on line {first[key]}"
        first.setdefault(key, one.line)


def _unusable(file: str, problems: list[Problem]) -> Unusable:
    ordered = tuple(sorted(problems, key=lambda problem: problem.line or 0))
    return Unusable(f"{file} cannot be used as a list of accepted findings.", problems=ordered)
