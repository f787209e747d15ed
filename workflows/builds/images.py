"""Images: the images' driver on real ports, as the configuration says: their keys, what would be built, building."""

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

from davy.pipeline.builds.content import base_images, lock_file
from davy.pipeline.builds.content import resolve as prepared
from davy.pipeline.builds.content.base_images import Naming
from davy.pipeline.builds.content.keyed_images import Workshop
from davy.pipeline.builds.lookup import Memory
from davy.pipeline.builds.ports import Built
from davy.pipeline.builds.record import Records
from davy.pipeline.config.document import DeliveryConfig
from davy.pipeline.config.sections.images import matrix
from davy.pipeline.core.artifacts import Revision
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.events import Event
from davy.pipeline.registry.ports import ImageStore
from davy.pipeline.source.ports import WorkTree
from davy.workflows import wiring
from davy.workflows.story.task import Task

OWN = prepared.OWN


def records(folder: Path) -> Records:
    """What this machine knows of the last builds."""
    return wiring.records(folder / OWN)


def asking(task: Task, store: ImageStore) -> Workshop:
    """Every image with its key; bases that the lock does not hold are asked for at their registries."""
    return _workshop(task, lambda wanted: base_images.resolved(wanted, store))


def knowing(task: Task, known: Records) -> Workshop:
    """The same with nobody asked: a base that the lock does not hold is taken as the last build here had it."""

    def recalled(wanted: Mapping[str, Naming]) -> dict[str, str]:
        found = {reference: known.inputs(naming.recipe) for reference, naming in wanted.items()}
        return {
            reference: inputs.bases[reference]
            for reference, inputs in found.items()
            if inputs is not None and inputs.bases.get(reference)
        }

    return _workshop(task, recalled)


def _workshop(task: Task, resolve: prepared.Resolve) -> Workshop:
    tree = wiring.work_tree()
    with wiring.breakable():
        lock = _locked(task, tree)
        return prepared.workshop(
            task.config,
            tree,
            task.folder,
            lock=lock_file.Spellings(lock.bases),
            holding=lock.holding,
            resolve=resolve,
            leave_out=(task.out,),
        )


def _locked(task: Task, tree: WorkTree) -> lock_file.LockFile:
    """What it says; nothing where there is no lock. Raises Unusable with every line that cannot be read."""
    name = task.config.build.lock
    read = lock_file.read(tree.own_text(task.folder / name, task.folder) or "", name)
    if read.problems:
        raise Unusable(f"{name} cannot be read.", problems=read.problems, remedy="`davy build lock` writes it anew.")
    return read


def built(
    task: Task, revision: Revision, *, only: Collection[str] = (), force: bool = False, anew: bool = False
) -> Generator[Event, None, tuple[Built, ...]]:
    """Build and push what has to be; every image that was asked for. Raises as the driver and the scan do."""
    from davy.pipeline.builds import driver, worker  # noqa: PLC0415
    from davy.pipeline.builds.builder_choice import chosen  # noqa: PLC0415
    from davy.workflows.builds import after_build  # noqa: PLC0415

    wish = driver.BuildRequest(only=only, force=force or anew, parallel=task.config.build.parallel, out=task.out)
    builders = cache(lambda: wiring.builders(task.config, task.clock))  # Who builds nothing needs none of them.
    with closing(wiring.images(task.config)) as store:
        tools = worker.Tools(
            config=task.config,
            folder=task.folder,
            revision=revision,
            anew=anew,
            store=store,
            records=records(task.folder),
            choose=lambda order: chosen(order, builders()),
            clock=task.clock,
            shown=wiring.washing(task.config),
            runner=task.runner,
            version=wiring.version(),
        )
        return (
            yield from driver.build(
                lambda: asking(task, store), wish, tools, lambda made: after_build.built(task, revision, made)
            )
        )


@contextmanager
def seen(task: Task, *, ask: bool) -> Iterator[tuple[Workshop, Memory]]:
    """The images with their keys, and where earlier builds are known: with the registry while this is open, or not."""
    known = records(task.folder)
    if not ask:
        yield knowing(task, known), Memory(records=known)
        return
    branch = wiring.revision(task.folder).branch
    with closing(wiring.images(task.config)) as store:
        yield asking(task, store), Memory(records=known, store=store, branch=branch)


def meant(config: DeliveryConfig, words: Sequence[str]) -> tuple[str, ...]:
    """Ids of the images that were named on the command line. Raises Unusable for one that nobody has."""
    made = matrix.expanded(config.images)
    found = {word: matrix.meant(made, word) for word in words}
    strange = [word for word, ours in found.items() if not ours]
    if strange:
        known = ", ".join(matrix.labels(made).values()) or "none"
        raise Unusable(
            "There is no such image.",
            problems=tuple(Problem(what=f"no image of the configuration is called {word!r}") for word in strange),
            remedy=f"It has {known}.",
        )
    return tuple(dict.fromkeys(recipe.id for ours in found.values() for recipe in ours))
