"""Masked journal: a rollout's journal, in which nobody's words hold a secret."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TypeVar

from davy.canary.ports.journal import Journal, Past
from davy.pipeline.core.events import Asked, Event
from davy.workflows.render import veil

WORDS = frozenset({"because", "sentence", "words", "why", "by", "how", "note"})
"""What people, pods and servers said. All else is davy's own: names and numbers that a runner goes on from."""
E = TypeVar("E", bound=Event)


class MaskedJournal:
    """`canary.ports.Journal`, before another."""

    def __init__(self, inner: Journal) -> None:
        self._inner = inner

    def write(self, events: Sequence[Event]) -> None:
        """See the port."""
        self._inner.write(tuple(map(_veiled, events)))

    def read(self) -> tuple[Event, ...]:
        """See the port."""
        return self._inner.read()

    def ask(self, asked: Asked) -> None:
        """See the port."""
        self._inner.ask(_veiled(asked))

    def asked(self) -> tuple[Asked, ...]:
        """See the port."""
        return self._inner.asked()

    def history(self) -> tuple[Past, ...]:
        """See the port."""
        return self._inner.history()


def _veiled(event: E) -> E:
    masks = veil.masks()
    said = {field.name: getattr(event, field.name) for field in fields(event) if field.name in WORDS}
    return replace(event, **{name: masks.value(value) for name, value in said.items()}) if said else event
