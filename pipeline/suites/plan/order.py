"""Order: suites of the configuration as orders: which image, which files, which of the machines that share them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from davy.pipeline.config.document import DeliveryConfig
from davy.pipeline.config.sections.suites import IN_IMAGES, SuiteConfig
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.suites.plan import pieces
from davy.pipeline.suites.plan.pieces import Cell, PlannedSuite
from davy.pipeline.suites.ports import SuiteOrder

UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}

Listed = Callable[[SuiteConfig], tuple[str, ...]]
"""What the suite's globs name, relative to the configuration's folder."""
Cells = Callable[[SuiteConfig], tuple[Cell, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A suite as it is to run, and what each of its pieces has of the order."""

    ask: PlannedSuite
    order: SuiteOrder


def needs_image(suite: SuiteConfig) -> bool:
    """Whether it can not run without an image; the others get one where there is one."""
    return suite.in_ in IN_IMAGES or suite.image is not None


def asks(
    suites: Sequence[SuiteConfig],
    listed: Listed,
    *,
    shard: tuple[int, int] | None = None,
    cells: Cells = pieces.cells,
) -> tuple[PlannedSuite, ...]:
    """What is to run of each. `shard`: this machine's part. Raises Unusable with every suite that has no file."""
    made = tuple(PlannedSuite(suite=suite, cells=cells(suite), files=listed(suite), shard=shard) for suite in suites)
    problems = tuple(
        Problem(path=f"tests.{ask.suite.name}.files", what=f"name no file: {', '.join(ask.suite.files)}")
        for ask in made
        if ask.suite.files and not ask.files
    )
    if problems:
        raise Unusable("A suite has no test files.", problems=problems, remedy="Globs are relative to the file.")
    return made


def wanted(
    asked: Sequence[PlannedSuite],
    config: DeliveryConfig,
    images: Mapping[str, Image],
    out: Path,
    *,
    folder: Path,
    release: str,
) -> tuple[Wanted, ...]:
    """The orders. `images`: by name; each suite's files belong in a folder of its own under `out`.

    Raises Unusable with every suite whose image is not among them.
    """
    problems = tuple(
        Problem(path=f"tests.{ask.suite.name}.image", what=f"{_image(ask.suite, config)} was not given")
        for ask in asked
        if needs_image(ask.suite) and _image(ask.suite, config) not in images
    )
    if problems:
        raise Unusable("A suite has no image.", problems=problems, remedy="Give it with --image, or give none.")
    return tuple(
        Wanted(
            ask=ask,
            order=_order(ask.suite, images.get(_image(ask.suite, config)), out, folder=folder, release=release),
        )
        for ask in asked
    )


def _image(suite: SuiteConfig, config: DeliveryConfig) -> str:
    return suite.image or (config.images[0].name if config.images else "")


def _order(suite: SuiteConfig, image: Image | None, out: Path, *, folder: Path, release: str) -> SuiteOrder:
    told = {"DAVY_RELEASE": release} | ({"DAVY_URL": suite.url} if suite.url else {})
    own = {"k6": suite.k6, "config": suite.config, "services": suite.services, "cloud": suite.cloud}
    return SuiteOrder(
        name=suite.name,
        image=image,
        run=suite.run,
        env={**told, **suite.env},
        network=suite.network,
        memory_bytes=int(suite.memory[:-2]) * UNITS[suite.memory[-2:]],
        cpus=suite.cpus,
        timeout=timedelta(seconds=suite.timeout.total_seconds()),
        collect=suite.collect,
        reports=suite.junit,
        out=out / suite.name,
        folder=folder,
        settings={key: value for key, value in own.items() if value},
    )
