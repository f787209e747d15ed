"""`nox -s bench -- build`: nothing to do, one changed file, and the key's own time, beside Docker and git."""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import yaml

from bench import monorepo
from bench.measure import Budget
from bench.monorepo import Monorepo
from davy.pipeline.builds.content.collect import Gatherer, inputs
from davy.pipeline.builds.content.key import key
from davy.pipeline.config.file import delivery
from davy.pipeline.config.sections.images import matrix
from davy.pipeline.source.git.work_tree import GitWorkTree
from lab import facts
from shop.stage import DAVY

IMAGES, FILES, BYTES = 50, 5000, 8 * 1024
CHILDREN = 4
"""Images that are built from the first one."""
WHOLE = IMAGES - 1
"""The image that holds the whole repository, as where services share folders."""
DOCKER = "docker build of the whole one"
"""What davy must be quicker than; the others are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The repository, and the environment of everything that runs in it."""

    folder: Path
    registry: str
    environment: dict[str, str]

    def name(self, number: int) -> str:
        return f"{self.registry}/service-{number:02}"

    def file(self, image: int, number: int = 0) -> Path:
        return self.folder / f"service-{image:02}" / f"part-{number % 5}" / f"file-{number}.dat"

    def davy(self, *words: str) -> list[str]:
        return [str(DAVY), *words]

    def ran(self, words: Sequence[str]) -> str:
        """To its end; what it wrote. Raises RuntimeError."""
        done = subprocess.run(words, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout


def main(arguments: Sequence[str]) -> int:
    """0 where every limit holds."""
    parser = argparse.ArgumentParser(prog="bench build", description=__doc__)
    parser.add_argument("--runs", type=int, default=11, help="of each command; the least counts")
    parser.add_argument("--plan-only", action="store_true", help="without the lab: nothing is built")
    said = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="davy-bench-") as made:
        place = repository(Path(made), lab=not said.plan_only)
        load = f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
        print(f"bench build: {IMAGES} images, {FILES} files of {BYTES} bytes; the least of {said.runs}; load {load}\n")
        try:
            budgets = [key_beside_git(place, said.runs), *of_a_monorepo(place, said.runs, lab=not said.plan_only)]
            if said.plan_only:
                budgets += nothing_to_do("davy build --plan", place, place.davy("build", "--plan"), {}, said.runs)
            else:
                budgets += with_the_lab(place, said.runs)
        finally:
            if not said.plan_only:
                swept(place)
    for one in budgets:
        held = (
            f"at most {one.limit:g}  {'held' if one.kept else 'NOT HELD'}" if math.isfinite(one.limit) else "only told"
        )
        print(f"{one.name:<70}{one.ours:>9}{one.theirs:>9}{one.measured:>8.2f}  {held}")
    return 0 if all(one.kept for one in budgets) else 1


def repository(folder: Path, *, lab: bool) -> Place:
    """A monorepo: a service a folder, the first few built from one of them; committed, its bases locked."""
    known = facts.read() if lab else None
    registry = f"{known.registry if known else '127.0.0.1:9'}/bench-{os.getpid()}-{time.time_ns():x}"
    base = known.base_image if known else "127.0.0.1:9/base:1"
    place = Place(folder=folder, registry=registry, environment=_environment(folder, known))
    chance = random.Random(1)
    for image in range(IMAGES):
        for number in range(FILES // IMAGES - 1):
            path = place.file(image, number)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(chance.randbytes(BYTES))
        stands_on = place.name(0) if 1 <= image <= CHILDREN else base
        text = f"FROM {stands_on}\nCOPY {'.' if image == WHOLE else 'part-0'} /app\n"
        (folder / f"service-{image:02}" / "Dockerfile").write_text(text)
    config = {
        "service": "bench",
        "images": [
            {"name": place.name(image), "context": f"service-{image:02}"} for image in range(IMAGES) if image != WHOLE
        ]
        + [{"name": place.name(WHOLE), "context": ".", "dockerfile": f"service-{WHOLE:02}/Dockerfile"}],
    }
    (folder / "davy.yaml").write_text(yaml.safe_dump(config))
    (folder / "davy.lock").write_text(f"version: 1\nbases:\n  {base}: sha256:{'0' * 64}\n")
    (folder / ".gitignore").write_text("davy-out/\n.davy/\nhome/\n")
    (folder / ".dockerignore").write_text(".git\ndavy-out\n.davy\nhome\n")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
        place.ran(["git", *words])
    if lab:
        place.ran(place.davy("build", "lock", "--update"))
        place.ran(["git", "commit", "-q", "-a", "-m", "locked"])
    return place


def _environment(folder: Path, known: facts.Facts | None) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    who = {f"GIT_{who}_{what}": f"{what}@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    home = folder / "home"
    home.mkdir()
    return kept | who | {"HOME": str(home)} | ({"DOCKER_HOST": known.docker_host} if known else {})


def key_beside_git(place: Place, runs: int) -> Budget:
    """All keys, as `davy build --plan` makes them once Python runs, over `git status`, which only looks at times.

    Ours reads the configuration and 50 Dockerfiles, and takes 5,000 files twice: the images' own, and all of them.
    """
    ours, theirs = in_turn(lambda: keys(place), lambda: place.ran(["git", "status", "--porcelain"]), runs)
    return Budget(
        name="50 keys, in the process / git status",
        ours=_ms(ours),
        theirs=_ms(theirs),
        measured=ours / theirs,
        limit=8.0,
    )


def of_a_monorepo(place: Place, runs: int, *, lab: bool) -> list[Budget]:
    """Of images that share the root as their context, and each leave all but one folder of it."""
    known = facts.read() if lab else None
    builder = buildkit(place) if known else []

    def repo(made: Path) -> Monorepo:
        return Monorepo(
            folder=made / "repo",
            environment=place.environment,
            davy=place.davy(),
            buildx=known.buildx if known else shutil.which("buildx") or "",
            builder=builder[-1] if builder else "",
        )

    return monorepo.budgets(
        repo,
        lambda folder: keys(replace(place, folder=folder)),
        lambda mine, other: in_turn(mine, other, runs),
        registry=place.registry if lab else "",
        runs=runs,
    )


def keys(place: Place) -> dict[str, str]:
    """By recipe id; what they stand on is given, for it takes no time of its own."""
    config = delivery(place.folder / "davy.yaml", {})
    gatherer = Gatherer(GitWorkTree(place.environment), place.folder)
    found = ((recipe, gatherer.ingredients(recipe)) for recipe in matrix.expanded(config.images))
    return {recipe.id: key(inputs(recipe, one, dict.fromkeys(one.dockerfile.bases, ""), {})) for recipe, one in found}


def with_the_lab(place: Place, runs: int) -> list[Budget]:
    """Everything that builds: on the lab's Docker, into its registry."""
    print(f"built at first: {len(built(place))} of {IMAGES}", flush=True)
    one = ["-q", str(place.folder / "service-20")]
    whole = ["-q", "-f", str(place.folder / f"service-{WHOLE:02}" / "Dockerfile"), str(place.folder)]
    rivals = {DOCKER: ["docker", "build", *whole], "docker build of a small one": ["docker", "build", *one]}
    if builder := buildkit(place):
        rivals |= {"buildx build of the whole one": [*builder, *whole], "buildx build of a small one": [*builder, *one]}
    return [
        *nothing_to_do("davy build --plan", place, place.davy("build", "--plan"), rivals, runs),
        *nothing_to_do("davy build, all reused", place, place.davy("build", "--output", "json"), rivals, runs),
        *changed(place),
        *forgotten(place),
    ]


def buildkit(place: Place) -> list[str]:
    """How the lab's BuildKit is asked to build; empty where it has none."""
    known = facts.read()
    if not (known.buildx and known.buildkit):
        return []
    if not (Path(place.environment["HOME"]) / ".docker/buildx/instances/bench").exists():
        place.ran([known.buildx, "create", "--name", "bench", "--driver", "remote", known.buildkit])
    return [known.buildx, "build", "--builder", "bench"]


def swept(place: Place) -> None:
    """Take the images from the lab's Docker again; what the registry holds goes with the lab."""
    listing = ["docker", "images", "-q", "--filter", f"reference={place.registry}/*"]
    # An image goes only after those that are built from it: the second time finds what the first had to leave.
    for _ in range(2):
        made = sorted(set(place.ran(listing).split()))
        if made:
            subprocess.run(["docker", "rmi", "-f", *made], env=place.environment, capture_output=True, check=False)


def nothing_to_do(
    name: str, place: Place, ours: Sequence[str], rivals: Mapping[str, Sequence[str]], runs: int
) -> list[Budget]:
    """Wall time: the figure itself, and over a build of one of the images with a full cache."""
    beside = []
    least = math.inf
    for rival, theirs in rivals.items():
        mine, other = in_turn(partial(place.ran, ours), partial(place.ran, theirs), runs)
        least = min(least, mine)
        limit = 1.0 if rival == DOCKER else math.inf
        what = f"{name} / {rival}, cached"
        beside.append(Budget(name=what, ours=_ms(mine), theirs=_ms(other), measured=mine / other, limit=limit))
    if not rivals:
        least = min(_timed(partial(place.ran, ours)) for _ in range(runs))
    return [Budget(name=f"{name}, seconds", ours=_ms(least), theirs="-", measured=least, limit=0.5), *beside]


def changed(place: Place) -> list[Budget]:
    """One file: what is built must be the image, those that are built from it, and the one that holds all files."""
    counts = []
    for image, wanted in ((20, 2), (0, 2 + CHILDREN)):
        place.file(image).write_bytes(b"changed")
        names = built(place)
        above = range(1, CHILDREN + 1) if image == 0 else ()
        expected = {place.name(one) for one in (image, WHOLE, *above)}
        if set(names) != expected:
            raise RuntimeError(f"built {sorted(names)}, and it should have been {sorted(expected)}")
        what = "one that others are built from" if image == 0 else "one image"
        counts.append(
            Budget(name=f"built after a change in {what}", ours=str(len(names)), theirs=str(wanted),
                   measured=float(len(names)), limit=float(wanted))
        )  # fmt: skip
    return counts


def forgotten(place: Place) -> list[Budget]:
    """A fresh clone on a machine that knows nothing builds nothing."""
    clone = place.folder.with_name(f"{place.folder.name}-clone")
    place.ran(["git", "commit", "-q", "-a", "-m", "changed"])
    place.ran(["git", "clone", "-q", str(place.folder), str(clone)])
    try:
        other = Place(folder=clone, registry=place.registry, environment=place.environment | {"HOME": str(clone)})
        count = len(built(other))
    finally:
        shutil.rmtree(clone)
    return [Budget(name="built in a fresh clone", ours=str(count), theirs="0", measured=float(count), limit=0.0)]


def built(place: Place) -> list[str]:
    """Builds; the names of those that were not reused."""
    events = [json.loads(line) for line in place.ran(place.davy("build", "--output", "json")).splitlines()]
    images = [one for one in events if one.get("event") == "ImageBuilt"]
    if len(images) != IMAGES:
        raise RuntimeError(f"{len(images)} images were told of, of {IMAGES}")
    return [one["image"]["name"] for one in images if one.get("action") != "reuse"]


def in_turn(ours: Callable[[], object], theirs: Callable[[], object], runs: int) -> tuple[float, float]:
    """The least wall time of each, in pairs A B A B; the first pair is not counted."""
    pairs = [(_timed(ours), _timed(theirs)) for _ in range(runs + 1)][1:]
    return min(one for one, _ in pairs), min(other for _, other in pairs)


def _timed(deed: Callable[[], object]) -> float:
    began = time.perf_counter()
    deed()
    return time.perf_counter() - began


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
