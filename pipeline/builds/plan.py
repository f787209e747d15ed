"""Plan: what a build would do with each image, and why; nothing is built."""

from collections.abc import Collection

from davy.pipeline.builds import lookup
from davy.pipeline.builds.content import graph
from davy.pipeline.builds.content.keyed_images import Keyed, Workshop
from davy.pipeline.builds.record import Build
from davy.pipeline.core.events import BuildAction
from davy.pipeline.core.fast_dataclass import dataclass

NOT_ASKED = "the registry was not asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """One image, before it is built."""

    keyed: Keyed
    action: BuildAction
    because: str
    digest: str = ""
    """Of what would be reused."""


def outlook(
    shop: Workshop, memory: lookup.Memory, *, only: Collection[str] = (), force: bool = False
) -> tuple[Outlook, ...]:
    """Of the images that are wished for, and of those that would have to be built first.

    With a memory of no registry nobody is asked: what this machine knows of the last build says why. Raises what the
    store raises.
    """
    wanted = [one.id for one in shop.images if not only or one.id in only]
    inside = graph.ancestors(wanted, shop.parents)
    asked = [one for one in shop.images if one.id in inside]
    if memory.store is None:
        return tuple(_forced(one) if force else _unasked(one, shop, memory) for one in asked)
    finds = {} if force else lookup.found(asked, memory.store)
    there = {one for one, find in finds.items() if find.stored}
    need = graph.needed(wanted, there, shop.parents)
    return tuple(
        _known(one, finds[one.id], shop, memory) if one.id in finds else _forced(one) for one in asked if one.id in need
    )


def _forced(keyed: Keyed) -> Outlook:
    return Outlook(keyed=keyed, action=BuildAction.BUILD, because="it was asked for on the command line")


def _unasked(keyed: Keyed, shop: Workshop, memory: lookup.Memory) -> Outlook:
    build = memory.records.last(keyed.id)
    if build is not None and build.key == keyed.key:
        known = f"nothing changed since {_commit(build)} was built here; {NOT_ASKED}"
    elif build is not None:
        known = f"{lookup.why(keyed, lookup.last(keyed, memory), shop.labels)}; {NOT_ASKED}"
    else:
        known = f"{NOT_ASKED}, and no build of it is known here"
    return Outlook(keyed=keyed, action=BuildAction.UNKNOWN, because=known + _unlocked(keyed))


def _known(keyed: Keyed, find: lookup.Find, shop: Workshop, memory: lookup.Memory) -> Outlook:
    if find.stored is not None:
        because, digest = f"the registry has its key{_unlocked(keyed)}", find.stored.image.digest
        return Outlook(keyed=keyed, action=BuildAction.REUSE, because=because, digest=digest)
    because = find.wrong or lookup.why(keyed, lookup.last(keyed, memory), shop.labels)
    return Outlook(keyed=keyed, action=BuildAction.BUILD, because=because + _unlocked(keyed))


def _commit(build: Build) -> str:
    return f"{build.commit[:7]}{'*' if build.dirty else ''}" if build.commit else "it"


def _unlocked(keyed: Keyed) -> str:
    """What a reader has to know of a key whose bases may move."""
    named = f"; not locked: {', '.join(keyed.unlocked)}" if keyed.unlocked else ""
    if not keyed.provisional:
        return named
    return f"{named or '; a base of its parent is not locked'}, so a build will get another key"
