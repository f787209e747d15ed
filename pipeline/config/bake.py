"""Bake: the targets that `docker buildx bake --print` tells, said as images of davy.yaml.

That output is bake's own reading of HCL, JSON and Compose files: variables, functions and inheritance are done.
https://docs.docker.com/build/bake/reference/
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from davy.pipeline.core.errors import Problem
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.images.names import taken_apart

PLACE = "registry.example.com/"
"""Where a target without a tag is put: somebody has to say it."""
SAME = {"target": "target", "platforms": "platforms", "network": "network", "entitlements": "entitlements"}
"""What has the same values here, by bake's name."""
MAPS = {"args": "args", "labels": "labels", "extra-hosts": "extra_hosts"}
ELSEWHERE = {
    "annotations": "`labels` are the manifest's annotations, too",
    "attest": "`build.provenance` and `build.sbom` of davy.yaml are for all images",
    "cache-from": "`build.cache_from` of davy.yaml is for all images, with a place of its own for each",
    "cache-to": "`build.cache_to` of davy.yaml is for all images, with a place of its own for each",
    "no-cache": "`davy build --no-cache` takes no step from a cache",
    "no-cache-filter": "`davy build --no-cache` takes no step from a cache",
    "pull": "bases go by their digest: `davy build lock --update` renews it",
}
KNOWN = {*SAME, *MAPS, *ELSEWHERE, *("context", "contexts", "description", "dockerfile", "dockerfile-inline", "call")}
KNOWN |= {"inherits", "output", "secret", "shm-size", "ssh", "tags", "ulimits"}
PUSHED = ("registry", "image", "docker", "cacheonly")
SIZE = re.compile(r"(\d+)\s*([kmg]?)(?:i?b)?", re.IGNORECASE)
POWERS = {"": 0, "k": 10, "m": 20, "g": 30}


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What of a file can be said here."""

    images: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By target, as davy.yaml says it."""
    left_out: tuple[Problem, ...] = ()
    """Targets that cannot be images here, and why."""
    notes: tuple[Problem, ...] = ()
    """What of the others is said elsewhere, or has to be looked at."""


def carried(document: object, file: str) -> Carried | None:
    """All targets of the output; None where it is none."""
    targets = document.get("target") if isinstance(document, Mapping) else None
    if not isinstance(targets, Mapping) or not all(isinstance(one, Mapping) for one in targets.values()):
        return None
    names = {name: _name(name, said) for name, said in targets.items()}
    images: dict[str, Mapping[str, Any]] = {}
    left_out: list[Problem] = []
    notes: list[Problem] = []
    for name, said in targets.items():
        why = _impossible(said) or _shared(name, names)
        if why:
            left_out.append(Problem(what=why, path=f"target.{name}", file=file))
            continue
        images[name] = _image(said, names[name], names)
        notes += (Problem(what=what, path=f"target.{name}", file=file) for what in _notes(said))
    return Carried(images=images, left_out=tuple(left_out), notes=tuple(notes))


def _name(target: str, said: Mapping[str, Any]) -> str:
    tags = _list(said.get("tags"))
    return taken_apart(tags[0])[0] if tags else f"{PLACE}{target}"


def _impossible(said: Mapping[str, Any]) -> str:
    if "dockerfile-inline" in said:
        return "has its Dockerfile inline; davy builds by files: write it into one"
    if said.get("call") not in (None, "build"):
        return "makes no image: it is a `call`"
    kinds = [one.get("type") if isinstance(one, Mapping) else str(one) for one in said.get("output") or ()]
    strange = [str(kind) for kind in kinds if str(kind).removeprefix("type=").partition(",")[0] not in PUSHED]
    return f"makes no image in a registry: its output is {strange[0]}" if strange else ""


def _shared(name: str, names: Mapping[str, str]) -> str:
    first = next(one for one in names if names[one] == names[name])
    if first == name:
        return ""
    return f"has the repository of target {first}; of several in one repository `matrix` makes one image each"


def _image(said: Mapping[str, Any], name: str, names: Mapping[str, str]) -> dict[str, Any]:
    tags = [taken_apart(one)[1] for one in _list(said.get("tags")) if taken_apart(one)[0] == name]
    found: dict[str, Any] = {"name": name, "context": str(said.get("context") or ".")}
    found["dockerfile"] = str(said.get("dockerfile") or "Dockerfile")
    found |= {here: said[there] for there, here in SAME.items() if said.get(there)}
    found |= {here: _map(said.get(there)) for there, here in MAPS.items()}
    found["contexts"] = {key: _context(value, names) for key, value in _map(said.get("contexts")).items()}
    found["ulimits"] = dict(one.partition("=")[::2] for one in _list(said.get("ulimits")))
    found["shm_size"] = _size(str(said.get("shm-size") or ""))
    found["secrets"] = [_secret(one) for one in said.get("secret") or ()]
    found["ssh"] = [_ssh(one) for one in said.get("ssh") or ()]
    found["tags"] = list(dict.fromkeys(tag for tag in tags if tag))
    usual = {"context": ".", "dockerfile": "Dockerfile", "network": "default"}
    return {key: value for key, value in found.items() if value and usual.get(key) != value}


def _notes(said: Mapping[str, Any]) -> Iterator[str]:
    tags = _list(said.get("tags"))
    if not tags:
        yield f"has no tag, so its registry is not known: {PLACE} stands in its place"
    strange = sorted({taken_apart(one)[0] for one in tags} - {taken_apart(one)[0] for one in tags[:1]})
    if strange:
        yield f"is pushed to one repository; `davy image copy` takes it to {', '.join(strange)}"
    for key, why in ELSEWHERE.items():
        if said.get(key):
            yield f"{key}: {why}"
    for key in sorted(said.keys() - KNOWN):
        yield f"{key}: nothing here does that"
    for key in MAPS:
        for name, value in (said.get(key) or {}).items():
            if value is None:
                yield f"{key}.{name}: has no value; one of the environment is written " + '"${' + name + '}"'


def _context(value: str, names: Mapping[str, str]) -> str:
    target = value.removeprefix("target:")
    return f"target:{names.get(target, target)}" if value.startswith("target:") else value


def _secret(said: Any) -> dict[str, str]:
    if isinstance(said, str):
        said = dict(one.partition("=")[::2] for one in said.split(","))
    id_ = str(said.get("id", ""))
    file = said.get("src") or said.get("source")
    # BuildKit looks for a variable of that name where nothing else is said.
    where = {"file": str(file)} if file else {"env": str(said.get("env") or id_)}
    return {"id": id_, **where}


def _ssh(said: Any) -> str:
    if isinstance(said, str):
        return said
    paths = ",".join(map(str, said.get("paths") or ()))
    return f"{said.get('id', 'default')}={paths}" if paths else str(said.get("id", "default"))


def _size(text: str) -> str | None:
    """As davy.yaml says it, rounded up to whole kibibytes."""
    found = SIZE.fullmatch(text.strip())
    if not found:
        return text or None
    kibibytes = -(-(int(found[1]) << POWERS[found[2].lower()]) // 1024)
    for unit, length in (("Gi", 2**20), ("Mi", 2**10)):
        if kibibytes % length == 0:
            return f"{kibibytes // length}{unit}"
    return f"{kibibytes}Ki"


def _map(said: Any) -> dict[str, str]:
    """Without what has no value."""
    return {str(key): str(value) for key, value in (said or {}).items() if value is not None}


def _list(said: Any) -> list[str]:
    return [str(one) for one in said or ()]
