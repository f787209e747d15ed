"""Environment: what a suite is told of its part of the whole, in variables."""

from collections.abc import Sequence

from davy.pipeline.config.sections.suite_variables import variable
from davy.pipeline.suites.ports import SuiteOrder

MOST_TOLD = 96 * 2**10
"""Bytes of one variable: Linux starts no program with one of 128 KiB."""


def variables(order: SuiteOrder) -> dict[str, str]:
    """What the suite is told: its part of the whole, over what the configuration says."""
    told = {variable(name): value for name, value in order.cell.items()}
    number, of = order.shard
    told |= {"DAVY_SHARD": str(number), "DAVY_SHARDS": str(of), "DAVY_ATTEMPT": str(order.attempt)}
    told |= {"DAVY_TESTS": " ".join(order.items)} if order.items else {}
    known = tuple(map(_on_one_line, order.failed))
    failed = fitting(known)
    told |= {"DAVY_FAILED": "\n".join(failed)} if failed else {}
    left = len(known) - len(failed)
    told |= {"DAVY_FAILED_MORE": str(left)} if left else {}
    told |= {"DAVY_IMAGE": order.image.reference} if order.image else {}
    return {**order.env, **told}


def fitting(items: Sequence[str], most: int = MOST_TOLD) -> tuple[str, ...]:
    """The first of them that one variable holds, with a letter between two."""
    size = 0
    for count, item in enumerate(items):
        size += len(item.encode()) + 1
        if size > most + 1:
            return tuple(items[:count])
    return tuple(items)


def _on_one_line(key: str) -> str:
    return key.replace("\r", "\\r").replace("\n", "\\n")
