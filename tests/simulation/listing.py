"""Listing: what a list held at one resourceVersion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simulation.objects import Item, text


class Listing:
    """Written once, and only where somebody reads it."""

    def __init__(self, version: str, items: Sequence[Item]) -> None:
        self.version, self.items = version, items
        self._body = b""
        self._held: Mapping[str, Item] | None = None

    @property
    def body(self) -> bytes:
        """As it is sent."""
        self._body = self._body or written({"resourceVersion": self.version}, self.items)
        return self._body

    @property
    def held(self) -> Mapping[str, Item]:
        """By name."""
        if self._held is None:
            self._held = {item.document["metadata"]["name"]: item for item in self.items}
        return self._held


def written(meta: Mapping[str, object], items: Sequence[Item]) -> bytes:
    return b'{"metadata":%s,"items":[%s]}' % (text(meta).encode(), b",".join(item.text for item in items))
