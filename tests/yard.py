"""A yard: a folder of images to build, a registry and a builder in memory, and the real driver between them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import yaml

from davy.pipeline.builds import driver, worker
from davy.pipeline.builds.content import base_images, resolve
from davy.pipeline.builds.content.keyed_images import Workshop
from davy.pipeline.builds.ports import BuildOrder, Built
from davy.pipeline.builds.worker import Approve, Chosen
from davy.pipeline.config.document import DeliveryConfig
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.images.matrix import expanded, meant
from davy.pipeline.core.artifacts import Image, Revision
from davy.pipeline.core.errors import DavyError
from davy.pipeline.core.events import BuildAction, Event, ImageBuilt
from davy.pipeline.source.git.work_tree import GitWorkTree
from twins.builds import MemoryBuilder, MemoryRecords
from twins.registry import MemoryImages

T = TypeVar("T")
REVISION = Revision(
    sha="1234567890abcdef" * 2 + "12345678",
    committed_at=datetime(2026, 3, 1, tzinfo=UTC),
    branch="main",
    version="v1",
    source="https://example.com/shop",
)
SHOP: Mapping[str, str] = {
    "base/Dockerfile": "FROM python:3.12\nCOPY lib.txt /\n",
    "base/lib.txt": "1",
    "web/Dockerfile": "FROM r.test/shop/base\nCOPY app.py /\n",
    "web/app.py": "1",
    "job/Dockerfile": "FROM r.test/shop/base:latest AS base\nFROM scratch\nCOPY --from=base /lib.txt /\n",
    "tool/Dockerfile": "FROM python:3.12\n",
}
IMAGES = tuple({"name": f"r.test/shop/{name}", "context": name} for name in ("web", "base", "job", "tool"))


class Ticking:
    """A clock on which each look takes a second."""

    def __init__(self, *, interrupted: Callable[[], bool] = lambda: False) -> None:
        self._now, self.interrupted = datetime(2026, 3, 1, tzinfo=UTC), interrupted

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


@dataclass
class Run:
    """What came of one build."""

    events: list[Event] = field(default_factory=list)
    built: tuple[Built, ...] = ()
    error: BaseException | None = None

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    def labels(self, action: BuildAction) -> set[str]:
        return {event.label for event in self.of(ImageBuilt) if event.action is action}

    @property
    def made(self) -> set[str]:
        return self.labels(BuildAction.BUILD)

    @property
    def reused(self) -> set[str]:
        return self.labels(BuildAction.REUSE)


@dataclass
class Yard:
    folder: Path
    said: tuple[Mapping[str, object], ...] = IMAGES
    store: MemoryImages = field(default_factory=MemoryImages)
    records: MemoryRecords = field(default_factory=MemoryRecords)
    builder: MemoryBuilder = field(default_factory=MemoryBuilder)
    clock: Ticking = field(default_factory=Ticking)
    revision: Revision = REVISION
    lock: Mapping[str, str] = field(default_factory=dict)
    chosen: Callable[[BuildOrder], Chosen] | None = None
    approve: Approve = driver.anything
    build_said: Mapping[str, object] = field(default_factory=dict)
    anew: bool = False

    def __post_init__(self) -> None:
        self.builder.push = self.store.put
        self.store.put("docker.io/library/python", "3.12", {"release": "1"})
        self.write(SHOP)

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def elsewhere(self) -> None:
        """As on a machine that knows of no build."""
        self.records = MemoryRecords()

    @property
    def config(self) -> DeliveryConfig:
        said = {"service": "shop", "images": [dict(one) for one in self.said], "build": dict(self.build_said)}
        return made(DeliveryConfig, yaml.safe_load(yaml.safe_dump(said)))

    def shop(self) -> Workshop:
        return resolve.workshop(
            self.config,
            GitWorkTree({"HOME": str(self.folder), "PATH": "/usr/bin:/bin"}),
            self.folder,
            lock=self.lock,
            resolve=lambda wanted: base_images.resolved(wanted, self.store),
            leave_out=(self.folder / "davy-out",),
        )

    def tools(self) -> worker.Tools:
        return worker.Tools(
            config=self.config,
            folder=self.folder,
            revision=self.revision,
            store=self.store,
            records=self.records,
            choose=self.chosen or (lambda _: ("memory", self.builder)),
            clock=self.clock,
            anew=self.anew,
            shown=lambda line: line.replace("::", "\\::"),
            runner="me",
            version="1",
        )

    def story(self, *only: str, force: bool = False) -> Generator[Event, None, tuple[Built, ...]]:
        ids = [recipe.id for word in only for recipe in meant(expanded(self.config.images), word)]
        wish = driver.BuildRequest(only=ids, force=force, parallel=2, out=self.folder / "davy-out")
        return driver.build(self.shop, wish, self.tools(), self.approve)

    def build(self, *only: str, force: bool = False) -> Run:
        run, story = Run(), self.story(*only, force=force)
        try:
            while True:
                run.events.append(next(story))
        except StopIteration as end:
            run.built = end.value
        except (DavyError, KeyboardInterrupt) as error:
            run.error = error
        return run

    def tag(self, name: str, tag: str) -> str:
        return self.store.tags.get(f"r.test/shop/{name}:{tag}", "")

    def order_of(self, image: Image) -> BuildOrder:
        return next(order for order in self.builder.registry.values() if order.name == image.name)


def another(revision: Revision) -> Revision:
    return replace(revision, sha="f" * 40)
