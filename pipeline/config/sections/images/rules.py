"""Rules: what no single key of an image can break alone."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from ipaddress import ip_address
from math import prod
from pathlib import PurePosixPath

from davy.pipeline.config.parsing.yaml_tree import Place
from davy.pipeline.config.sections.images.keys import ImageConfig
from davy.pipeline.config.sections.images.matrix import (
    IMAGE,
    OF_REVISION,
    PLACEHOLDER,
    TARGET,
    Recipe,
    cells_of,
    filled,
    labels,
    meant,
)
from davy.pipeline.core.images.names import REFERENCE, familiar
from davy.pipeline.core.images.oci import PREFIX

Finding = tuple[Place, str]
Placed = Sequence[tuple[Place, ImageConfig]]
"""The images that are right in themselves, each with its place in the file."""

# The grammar of the distribution project: host[:port]/path, lower case; https://github.com/distribution/reference
REPOSITORY = re.compile(
    r"(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9]+)?")
ARGUMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[\w.-]+@[\w.-]+:")
"""A URL, or git's short form of one."""
LABEL = re.compile(r"[A-Za-z0-9]+(?:[._/-]+[A-Za-z0-9]+)*")
OWN_LABELS = ("dev.davy.", f"{PREFIX}base.")
OF_COMMIT = ("created", "revision", "ref.name")
"""Of the OCI annotations those by which davy knows an image again."""
HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
ULIMITS = (
    *("core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio"),
    *("rttime", "sigpending", "stack"),
)
"""https://pkg.go.dev/github.com/docker/go-units#Ulimit"""
LIMIT = re.compile(r"(?:-1|\d{1,18})(?::(?:-1|\d{1,18}))?")
MOST_CELLS = 64
OURS = ("k-", "davy-")
"""What davy's own tags begin with."""


def broken(images: Placed) -> Iterator[Finding]:
    """Every rule that images break, each alone and all together."""
    usable: list[tuple[Place, ImageConfig]] = []
    for place, image in images:
        found = [*_matrix(place, image), *_placeholders(place, image)]
        yield from found
        if not found:
            usable.append((place, image))
            yield from _name(place, image)
            yield from _deploy(place, image)
        yield from _tags(place, image)
        yield from _platforms(place, image)
        yield from _secrets(place, image)
        yield from _context(place, image)
        yield from _labels(place, image)
        yield from _surroundings(place, image)
        yield from _dockerfile(place, image)
    yield from _same(usable)
    made = [recipe for _, image in usable for recipe in cells_of(image)]
    for place, image in usable:
        yield from _contexts(place, image, made)


def names(images: Placed) -> set[str]:
    """Every name that another part of the file may call an image by: as written, filled in, or by its id."""
    known = {image.name for _, image in images}
    for _, image in images:
        if prod(map(len, image.matrix.values())) <= MOST_CELLS:
            known |= {name for recipe in cells_of(image) for name in (recipe.id, recipe.name)}
    return known


def _matrix(place: Place, image: ImageConfig) -> Iterator[Finding]:
    for argument, values in image.matrix.items():
        at = (*place, "matrix", argument)
        if not ARGUMENT.fullmatch(argument):
            yield at, f"{argument!r} is no name of a build argument; letters, digits and _ make one"
        if argument in image.args:
            yield at, "is under `args`, too; an argument has one value or the matrix's"
        if not values:
            yield at, "needs at least one value"
        for value, count in Counter(values).items():
            if count > 1:
                yield at, f"has {value!r} {count} times; each value makes an image of its own"
    cells = prod(map(len, image.matrix.values()))
    if cells > MOST_CELLS:
        yield (*place, "matrix"), f"makes {cells:,} images; at most {MOST_CELLS}: leave values out, or split it"


def _placeholders(place: Place, image: ImageConfig) -> Iterator[Finding]:
    for name in PLACEHOLDER.findall(image.name):
        if name not in image.matrix:
            known = ", ".join(f"{{{argument}}}" for argument in image.matrix) or "none, for there is no `matrix`"
            yield (*place, "name"), f"{{{name}}} is no argument of its matrix; there is: {known}"


def _name(place: Place, image: ImageConfig) -> Iterator[Finding]:
    at = (*place, "name")
    wrong = [recipe.name for recipe in cells_of(image) if not REPOSITORY.fullmatch(recipe.name)]
    if not wrong:
        return
    name, last = wrong[0], wrong[0].rsplit("/", 1)[-1]
    if "@" in name or ":" in last:
        yield at, f"{name!r} has a tag or digest; davy makes its own, write registry and repository only"
    elif "://" in name:
        yield at, f"{name!r} is a URL; leave `{name.split('://')[0]}://` out"
    else:
        like = "write it like registry.example.com/shop/checkout, in lower case"
        yield at, f"{name!r} is no repository's name; {like}"


def _tags(place: Place, image: ImageConfig) -> Iterator[Finding]:
    known = {*OF_REVISION, *image.matrix}
    for index, tag in enumerate(image.tags):
        at = (*place, "tags", index)
        strange = [name for name in PLACEHOLDER.findall(tag) if name not in known]
        if strange:
            may = ", ".join(f"{{{name}}}" for name in (*OF_REVISION, *image.matrix))
            yield at, f"{{{strange[0]}}} is unknown here; a tag may hold {may}"
        elif not TAG.fullmatch(filled(tag, dict.fromkeys(known, "x"))):
            yield at, f"{tag!r} is no tag; letters, digits, `_`, `.` and `-` make one, at most 128"
        elif tag.startswith(OURS):
            yield at, f"{tag!r} begins as davy's own tags do ({', '.join(OURS)}); choose another"


def _platforms(place: Place, image: ImageConfig) -> Iterator[Finding]:
    for index, platform in enumerate(image.platforms):
        if not PLATFORM.fullmatch(platform):
            yield (*place, "platforms", index), f"{platform!r} is no platform; write it like linux/arm64"
        elif platform in image.platforms[:index]:
            yield (*place, "platforms", index), f"says {platform} a second time"


def _secrets(place: Place, image: ImageConfig) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, secret in enumerate(image.secrets):
        at = (*place, "secrets", index)
        if (secret.env is None) == (secret.file is None):
            yield at, f"secret {secret.id!r} needs `env` or `file`, one of the two"
        if secret.id in seen:
            yield (*at, "id"), f"a second secret {secret.id!r}; each needs its own id"
        seen.add(secret.id)


def _labels(place: Place, image: ImageConfig) -> Iterator[Finding]:
    for name in image.labels:
        if not LABEL.fullmatch(name):
            what = f"{name!r} is no name of a label; write it like com.example.team, in letters, digits, `.`, `-`, `_`"
            yield (*place, "labels", name), what
        elif name.startswith(OWN_LABELS) or name.removeprefix(PREFIX) in OF_COMMIT:
            yield (*place, "labels", name), "is davy's own to say: it names the build, the commit or the base"


def _surroundings(place: Place, image: ImageConfig) -> Iterator[Finding]:
    for name, address in image.extra_hosts.items():
        at = (*place, "extra_hosts", name)
        if not HOST.fullmatch(name):
            yield at, f"{name!r} is no name of a host"
        elif address != "host-gateway" and not _is_address(address):
            yield at, f"{address!r} is no address, like 10.0.0.7 or fd00::7, nor host-gateway"
    for name, limit in image.ulimits.items():
        at = (*place, "ulimits", name)
        soft, _, hard = limit.partition(":")
        if name not in ULIMITS:
            yield at, f"{name!r} is no limit; there is {', '.join(ULIMITS)}"
        elif not LIMIT.fullmatch(limit):
            yield at, f'{limit!r} is no limit; write it like "1024", or "1024:4096" for soft and hard; -1 is none'
        elif hard and int(hard) >= 0 and not 0 <= int(soft) <= int(hard):
            yield at, f"{limit!r}: the soft limit is above the hard one"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _context(place: Place, image: ImageConfig) -> Iterator[Finding]:
    if REMOTE.match(image.context):
        what = f"{image.context!r} is no folder; davy builds no remote contexts: check it out, and name its folder"
        yield (*place, "context"), what
    elif image.context.startswith(TARGET):
        what = f"{image.context!r} is no folder; another image is named under `contexts`, or by FROM"
        yield (*place, "context"), f"{what} (a folder called so: ./{image.context})"


def _contexts(place: Place, image: ImageConfig, made: Sequence[Recipe]) -> Iterator[Finding]:
    """`made`: all that the file makes."""
    folders = {familiar(name) for name, said in image.contexts.items() if not said.startswith((IMAGE, TARGET))}
    for name, said in image.contexts.items():
        wrong = [what for cell in cells_of(image) if (what := _strange(filled(said, cell.cell), cell, made, folders))]
        if wrong:
            yield (*place, "contexts", name), wrong[0]


def _strange(said: str, own: Recipe, made: Sequence[Recipe], folders: Collection[str]) -> str:
    """What is wrong with a further context; empty where it is usable."""
    if said.startswith(TARGET):
        return _no_target(said.removeprefix(TARGET), own, made)
    if said.startswith(IMAGE):
        name = said.removeprefix(IMAGE)
        if not REFERENCE.fullmatch(name):
            return f"{name!r} is no name of an image; write it like {IMAGE}registry.example.com/base:1@sha256:…"
        clash = familiar(name) in folders
        return f"{name} is itself the name of a context that is a folder; name the image by its digest" if clash else ""
    if said.startswith("oci-layout:"):
        return f"{said!r}: davy takes no OCI layout; push it to a registry, and name it as {IMAGE}NAME@sha256:…"
    if REMOTE.match(said):
        return f"{said!r} is no folder; davy fetches no remote contexts: check it out, and name its folder"
    return ""


def _no_target(word: str, own: Recipe, made: Sequence[Recipe]) -> str:
    found = meant(made, word)
    known = [label for id_, label in labels(made).items() if id_ != own.id]
    if not found:
        there = ", ".join(known) or "no other one"
        return f"no image of this file is called {word!r}; there is {there} (a folder called so: ./{TARGET}{word})"
    if len(found) > 1:
        return f"{word!r} are {len(found)} images; name one: {', '.join(labels(made)[one.id] for one in found[:4])}"
    return f"{word!r} is this image itself" if found[0].id == own.id else ""


def _dockerfile(place: Place, image: ImageConfig) -> Iterator[Finding]:
    if PurePosixPath(image.dockerfile).is_absolute():
        yield (*place, "dockerfile"), f"{image.dockerfile!r} must be relative to the context"


def _deploy(place: Place, image: ImageConfig) -> Iterator[Finding]:
    if image.deploy is False and image.container is not None:
        yield (*place, "container"), f"is named, and `deploy: false` says that no container runs {image.name}"
    shared = [recipe for recipe in cells_of(image) if recipe.suffix]
    if image.deploy and shared:
        what = f"cannot be true where {len(shared)} images share the repository {shared[0].name}: a container runs one"
        yield (*place, "deploy"), f"{what}; give each a name of its own, as {image.name}-{{{next(iter(image.matrix))}}}"


def _same(images: Placed) -> Iterator[Finding]:
    """Two entries whose matrices make the same repository; the same name written twice is told elsewhere."""
    seen: dict[str, ImageConfig] = {}
    for place, image in images:
        own: dict[str, Recipe] = {recipe.name: recipe for recipe in cells_of(image)}
        other = next((name for name in own if name in seen and seen[name].name != image.name), None)
        if other is not None:
            yield (
                (*place, "name"),
                f"makes {other} as {seen[other].name} does; each needs a repository of its own",
            )
        seen.update(dict.fromkeys(own, image))
