"""Part file: what one CI job ran of the suites, and how it ended, so that another can add the jobs up."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from davy.pipeline.core.events import Result
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.json import codec
from davy.pipeline.suites.plan.pieces import PlannedSuite
from davy.pipeline.suites.recorder import EndedSuite

NAME = "part.json"
"""In the folder of `--out`. It is written at the end: without it the job did not come to one."""
MARK, VERSION = "davy_test_part", 1
MOST_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class CellEnd:
    """How a suite, or a cell of its matrix, ended on this machine."""

    name: str
    """`e2e`, or with its cell `e2e[chrome]`, as in `junit.xml`."""
    result: Result
    took: timedelta
    exit_code: int | None = 0
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuitePart:
    """What was asked of this machine, and what it did."""

    suite: str
    shard: tuple[int, ...] = ()
    """Number from 1, and of how many; empty where it ran the whole suite."""
    files: tuple[str, ...] = ()
    """All test files of the suite, where it is spread by them."""
    share: tuple[str, ...] = ()
    """Those that ran here."""
    ends: tuple[CellEnd, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFile:
    """One run of `davy test`."""

    service: str
    revision: str
    """Empty where git was not asked."""
    release: str
    at: datetime
    suites: tuple[SuitePart, ...] = ()


def ran(asked: Sequence[PlannedSuite], ended: Iterable[EndedSuite]) -> tuple[SuitePart, ...]:
    """By suite, in the order in which they were asked for."""
    every = tuple(ended)
    return tuple(_one(ask, [one for one in every if _is_of(ask, one)]) for ask in asked)


def _is_of(ask: PlannedSuite, one: EndedSuite) -> bool:
    name = ask.suite.name
    return one.suite.name == name or one.suite.name.startswith(f"{name}[")


def _one(ask: PlannedSuite, ended: Sequence[EndedSuite]) -> SuitePart:
    share = {item for one in ended for story in one.stories for item in story.piece.items}
    return SuitePart(
        suite=ask.suite.name,
        shard=ask.shard or (),
        files=ask.files,
        share=tuple(sorted(share)),
        ends=tuple(
            CellEnd(
                name=one.suite.name,
                result=one.suite.result,
                took=one.suite.took,
                exit_code=one.suite.exit_code,
                because=one.suite.because,
            )
            for one in ended
        ),
    )


def text(part: PartFile) -> str:
    """As JSON."""
    return json.dumps({MARK: VERSION, **codec.plain(part)}, ensure_ascii=True) + "\n"


def parsed(written: str | bytes) -> PartFile:
    """What was written. Raises ValueError for anything else, and for what a later davy wrote in another way."""
    return codec.document(PartFile, written, noun="part", mark=MARK, version=VERSION)
