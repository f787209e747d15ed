"""Orders: what is to be built for a revision: names, tags, annotations. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from davy.pipeline.core.text import moments
from davy.pipeline.builds import caches
from davy.pipeline.config.sections.images.matrix import Recipe, filled, tagged
from davy.pipeline.builds.record import KEY
from davy.pipeline.config.document import DeliveryConfig
from davy.pipeline.core.artifacts import Revision
from davy.pipeline.core.images.oci import PREFIX
from davy.pipeline.builds.ports import BuildOrder


def order(
    recipe: Recipe, config: DeliveryConfig, revision: Revision, folder: Path, *, key: str, tag: str
) -> BuildOrder:
    """What to build. Paths of the recipe are relative to `folder`, the configuration's own. `tag`: pushed with it."""
    build = config.build
    return BuildOrder(
        name=recipe.name,
        context=folder / recipe.context,
        dockerfile=recipe.dockerfile,
        args=recipe.args,
        target=recipe.target,
        annotations=annotations(recipe, config.service, revision, key),
        tag=tag,
        contexts={name: folder / path for name, path in recipe.contexts.items()},
        platforms=recipe.platforms,
        secrets=tuple(replace(secret, file=folder / secret.file if secret.file else None) for secret in recipe.secrets),
        ssh=recipe.ssh,
        steps=recipe.steps,
        cache_from=caches.in_full(build.cache_from, recipe.name, recipe.id, "from"),
        cache_to=caches.in_full(build.cache_to, recipe.name, recipe.id, "to"),
        sbom=build.sbom,
        sbom_scanner=build.sbom_scanner or "",
        provenance=build.provenance,
        # https://reproducible-builds.org/specs/source-date-epoch/
        epoch=int(revision.committed_at.timestamp()),
        limit=build.timeout,
    )


def tag(revision: Revision) -> str:
    """The tag of the commit that an image was built from, marked where the tree differs from it."""
    return revision.sha[:12] + ("-dirty" if revision.dirty else "")


def wished(recipe: Recipe, revision: Revision) -> tuple[str, ...]:
    """The tags that the configuration wants moved to the image; one whose placeholder git cannot fill is left out."""
    known = {"branch": revision.branch, "version": revision.version, "revision": revision.sha[:12]}
    usable = {name: value for name, value in known.items() if value}
    found = []
    for template in recipe.tags:
        tail = recipe.suffix if template.endswith(recipe.suffix) else ""
        text = filled(template.removesuffix(tail), usable)
        if "{" not in text:
            found.append(tagged(text, tail))
    return tuple(dict.fromkeys(found))


def annotations(recipe: Recipe, service: str, revision: Revision, key: str = "") -> dict[str, str]:
    """What the image says of where it comes from. By the commit's time, so that one commit gives one digest."""
    said = {
        "created": moments.rfc3339(revision.committed_at),
        "revision": revision.sha,
        "source": revision.source,
        "version": revision.version,
        "title": recipe.name.rsplit("/", 1)[-1],
        "ref.name": tag(revision) + recipe.suffix,
    }
    own: Mapping[str, str] = {
        "dev.davy.service": service,
        "dev.davy.dirty": "true" if revision.dirty else "",
        KEY: key,
    }
    ours = {f"{PREFIX}{name}": value for name, value in said.items() if value} | {k: v for k, v in own.items() if v}
    return ours | dict(recipe.labels)
