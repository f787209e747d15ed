"""Memory: builders and their records, for tests and rehearsals."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from davy.pipeline.builds.content.inputs import Inputs
from davy.pipeline.builds.ports import BuildOrder, Built
from davy.pipeline.builds.record import Build, Remembered
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.ports import Say


@dataclass(slots=True, kw_only=True)
class MemoryRecords:
    """The builds that a machine knows of."""

    kept: dict[str, Remembered] = field(default_factory=dict)

    def last(self, recipe: str) -> Build | None:
        """The newest of the image."""
        return self.kept[recipe].build if recipe in self.kept else None

    def inputs(self, recipe: str) -> Inputs | None:
        """What it was made from."""
        return self.kept[recipe].inputs if recipe in self.kept else None

    def keep(self, record: Remembered) -> None:
        """In place of the one before."""
        self.kept[record.build.id] = record


@dataclass(slots=True, kw_only=True)
class MemoryBuilder:
    """Names images by what was ordered: the same order, the same digest, and from the second time on cached."""

    faults: dict[str, Exception] = field(default_factory=dict)
    """By image name, what building it raises."""
    registry: dict[str, BuildOrder] = field(default_factory=dict)
    """By `name@digest`, what was pushed."""
    tags: dict[str, str] = field(default_factory=dict)
    """By `name:tag`, the digest behind it."""
    push: Callable[[str, str, Mapping[str, str]], Image] | None = None
    """Where it pushes to instead: takes name, tag and annotations; the image there."""
    _layers: set[str] = field(default_factory=set)

    def lacks(self, order: BuildOrder) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def build(self, order: BuildOrder, say: Say) -> Built:
        """Push the order itself."""
        say(f"Step 1/1 : {order.dockerfile}")
        if order.name in self.faults:
            raise self.faults[order.name]
        layers = _digest(
            [order.name, str(order.context), order.dockerfile, order.dockerfile_text, order.args, order.target]
        )
        image = Image(name=order.name, digest=_digest([layers, order.annotations]))
        if self.push:
            image = self.push(order.name, order.tag, order.annotations)
        cached = layers in self._layers
        self._layers.add(layers)
        self.registry[image.reference] = order
        self.tags[f"{order.name}:{order.tag}"] = image.digest
        return Built(image=image, cached=cached)


def _digest(of: list[object]) -> str:
    text = json.dumps(
        of, sort_keys=True, default=lambda value: dict(value) if isinstance(value, Mapping) else str(value)
    )
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
