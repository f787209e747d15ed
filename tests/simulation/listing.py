"""Listing: what a list held at one resourceVersion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from simulation.objects import Item, text


class Listing:
    """Written once, and only where somebody reads it."""

    def __init__(self, version: str, items: Sequence[Item]) -> None:
        self.version, self.items = version, items

    @cached_property
    def body(self) -> bytes:
        """As it is sent."""
        return written({"resourceVersion": self.version}, self.items)

    @cached_property
    def held(self) -> Mapping[str, Item]:
        """By name."""
        return {item.document["metadata"]["name"]: item for item in self.items}


def written(meta: Mapping[str, object], items: Sequence[Item]) -> bytes:
    return b'{"metadata":%s,"items":[%s]}' % (text(meta).encode(), b",".join(item.text for item in items))
