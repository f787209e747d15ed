"""Order: what is to be built for a revision: names, tags, annotations. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from davy.pipeline.builds.ports import BuildOrder
from davy.pipeline.builds.record import KEY
from davy.pipeline.config.document import DeliveryConfig
from davy.pipeline.config.sections.images.matrix import Recipe, filled, tagged
from davy.pipeline.core.artifacts import Revision
from davy.pipeline.core.images.oci import PREFIX
from davy.pipeline.core.text import moments

Way = Literal["from", "to"]
TAG = "buildcache"
"""The tag of an image's cache, beside it in its own repository: two images with one cache overwrite each other."""


def in_full(said: Sequence[str], name: str, scope: str, way: Way) -> tuple[str, ...]:
    """Each short form written out for one image; what holds a `type=` stays as it is.

    `name`: registry and repository. `scope`: names the image among the others of the configuration.
    The attributes: https://docs.docker.com/build/cache/backends/
    """
    return tuple(one if "type=" in one else _full(one, name, scope, way) for one in said)


def _full(one: str, name: str, scope: str, way: Way) -> str:
    ref = f"{name}:{TAG}{_suffix(scope)}"
    match one, way:
        case "registry" | "inline", "from":
            return f"type=registry,ref={ref}"
        case "registry", "to":
            # A cache that cannot be stored must not fail an image that was built.
            return f"type=registry,ref={ref},mode=max,ignore-error=true"
        case "gha", "from":
            return f"type=gha,scope={_plain(scope)}"
        case "gha", "to":
            return f"type=gha,scope={_plain(scope)},mode=max,ignore-error=true"
        case "inline", "to":
            # The cache is in the image itself, so the image needs a tag to be found by: buildx knows no `ref` here,
            # davy's builder takes it out and pushes the image under it, too.
            return f"type=inline,ref={ref}"
        case folder, "from":
            return f"type=local,src={folder}/{_plain(scope)}"
        case folder, _:
            return f"type=local,dest={folder}/{_plain(scope)},mode=max"


def _suffix(scope: str) -> str:
    """Of a matrix each cell has a tag of its own."""
    cell = scope.partition("[")[2].rstrip("]")
    return f"-{_plain(cell)}" if cell else ""


def _plain(text: str) -> str:
    """As a file name and a tag may be written."""
    return "".join(letter if letter.isalnum() or letter in "_.-" else "-" for letter in text).strip("-.")[:80]


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
        cache_from=in_full(build.cache_from, recipe.name, recipe.id, "from"),
        cache_to=in_full(build.cache_to, recipe.name, recipe.id, "to"),
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
