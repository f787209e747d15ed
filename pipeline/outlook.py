"""Outlook: what a build would do with each image, and why; nothing is built."""

from collections.abc import Collection

from davy.pipeline import lookup, making
from davy.pipeline.builds import graph
from davy.pipeline.builds.remembered import Records
from davy.pipeline.builds.workshop import Keyed, Workshop
from davy.pipeline.events import BuildAction
from davy.pipeline.ports import ImageStore
from davy.pipeline.value import dataclass

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
    shop: Workshop,
    records: Records,
    store: ImageStore | None,
    branch: str = "",
    *,
    only: Collection[str] = (),
    force: bool = False,
) -> tuple[Outlook, ...]:
    """Of the images that are wished for, and of those that would have to be built first.

    Without `store` nobody is asked: what this machine knows of the last build says why. Raises what the store raises.
    """
    wanted = [one.id for one in shop.images if not only or one.id in only]
    asked = graph.ancestors(wanted, shop.parents)
    if store is None:
        return tuple(_unasked(one, shop, records, force=force) for one in shop.images if one.id in asked)
    finds = lookup.found([one for one in shop.images if one.id in asked], store)
    there = {one for one, find in finds.items() if find.stored and not force}
    need = graph.needed(wanted, there, shop.parents)
    return tuple(
        _known(one, finds[one.id], shop, records, store, branch, force=force) for one in shop.images if one.id in need
    )


def _unasked(keyed: Keyed, shop: Workshop, records: Records, *, force: bool) -> Outlook:
    if force:
        return Outlook(keyed=keyed, action=BuildAction.BUILD, because="it was asked for by --force")
    build = records.last(keyed.id)
    if build is not None and build.key == keyed.key:
        known = f"nothing changed since {told(build.commit, build.dirty)} was built here; {NOT_ASKED}"
    elif build is not None:
        past = lookup.last(keyed, records, None, "")
        known = f"{making.why(keyed, past, _called(shop))}; {NOT_ASKED}"
    else:
        known = f"{NOT_ASKED}, and no build of it is known here"
    return Outlook(keyed=keyed, action=BuildAction.UNKNOWN, because=known + _unlocked(keyed))


def _known(
    keyed: Keyed, find: lookup.Find, shop: Workshop, records: Records, store: ImageStore, branch: str, *, force: bool
) -> Outlook:
    if force:
        return Outlook(keyed=keyed, action=BuildAction.BUILD, because="it was asked for by --force")
    if find.stored is not None:
        because = "the registry has its key"
        digest = find.stored.image.digest
        return Outlook(keyed=keyed, action=BuildAction.REUSE, because=because + _unlocked(keyed), digest=digest)
    past = lookup.last(keyed, records, store, branch)
    because = find.wrong or making.why(keyed, past, _called(shop))
    return Outlook(keyed=keyed, action=BuildAction.BUILD, because=because + _unlocked(keyed))


def told(commit: str, dirty: bool) -> str:
    """A commit as people say it."""
    return f"{commit[:7]}{'*' if dirty else ''}" if commit else "it"


def _called(shop: Workshop) -> dict[str, str]:
    return {one.id: one.label for one in shop.images}


def _unlocked(keyed: Keyed) -> str:
    """What a reader has to know of a key whose bases may move."""
    if not keyed.unlocked:
        return ""
    unknown = [base for base in keyed.unlocked if not keyed.inputs.bases.get(base)]
    if unknown:
        return f"; not locked: {', '.join(unknown)}, so a build will get another key"
    return f"; not locked: {', '.join(keyed.unlocked)}"
