"""A monorepo whose images all have the root for their context, and each an ignore file that leaves its own folder."""

import json
import math
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.measure import Budget, ran

IMAGES, FILES = 200, 50_600
IGNORE = "*\n!svc/s{image:03}\n**/*.md\n**/node_modules\n"
FEW = 3
"""Images that are built for real."""
NOWHERE = "127.0.0.1:9"
LIMIT_KEYS, LIMIT_SECONDS, LIMIT_CPU = 8.0, 2.0, 2.0
"""Measured with two dozen processes that wait for the same two processors: 4.5 and 5.3, and 1.3 to 1.6 s of CPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Monorepo:
    """A work tree, and what runs in it."""

    folder: Path
    environment: dict[str, str]
    davy: Sequence[str]
    buildx: str = ""
    """The program; empty where there is none."""
    builder: str = ""
    """Of buildx, one that can build; empty where there is none."""

    def said(self, *words: str) -> str:
        """By a program to its end. Raises CalledProcessError."""
        return subprocess.run(
            words, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=True
        ).stdout

    def timed(self, *words: str) -> float:
        """Seconds by the clock."""
        began = time.perf_counter()
        self.said(*words)
        return time.perf_counter() - began

    def events(self, *words: str) -> list[dict[str, Any]]:
        """What davy prints as JSON."""
        return [json.loads(line) for line in self.said(*self.davy, *words, "--output", "json").splitlines()]


def filled(folder: Path, environment: Mapping[str, str], registry: str = NOWHERE) -> Path:
    """Committed; as many files as there are, in four folders a service."""
    images = []
    for image in range(IMAGES):
        service = folder / f"svc/s{image:03}"
        for part in ("src/inner", "docs", "tests"):
            (service / part).mkdir(parents=True)
        for number in range(FILES // IMAGES - 2):
            part = ("src", "src/inner", "docs", "tests")[number % 4]
            (service / part / f"f{number}.{'md' if number % 7 == 0 else 'py'}").write_text(f"{image} {number}")
        (service / "Dockerfile").write_text(f"FROM scratch\nCOPY svc/s{image:03} /app\n")
        (service / "Dockerfile.dockerignore").write_text(IGNORE.format(image=image))
        images.append({"name": f"{registry}/s{image:03}", "context": ".", "dockerfile": f"svc/s{image:03}/Dockerfile"})
    (folder / "README.md").write_text("x")
    (folder / ".gitignore").write_text(".davy/\ndavy-out/\n")
    (folder / "davy.yaml").write_text(yaml.safe_dump({"service": "bench", "images": images}))
    # Git would tidy up behind our back, and still be at it when the folder goes.
    quiet = [["config", "gc.auto", "0"], ["config", "maintenance.auto", "false"]]
    for words in (["init", "-q"], *quiet, ["add", "-A"], ["commit", "-q", "-m", "x"]):
        subprocess.run(["git", *words], cwd=folder, env=dict(environment), check=True)
    return folder


def budgets(
    one: Callable[[Path], Monorepo],
    keys: Callable[[Path], object],
    in_turn: Callable[[Callable[[], object], Callable[[], object]], tuple[float, float]],
    *,
    registry: str = "",
    runs: int = 11,
) -> list[Budget]:
    """Of the keys in the process, of a plan, and with a registry of what a commit of README.md alone builds."""
    with tempfile.TemporaryDirectory(prefix="davy-bench-") as made:
        repo = one(Path(made))
        filled(repo.folder, repo.environment, registry or NOWHERE)
        ours, theirs = in_turn(lambda: keys(repo.folder), lambda: repo.said("git", "status", "--porcelain"))
        found = [
            Budget(
                name=f"{IMAGES} keys over {FILES:,} files, in the process / git status",
                ours=_ms(ours), theirs=_ms(theirs), measured=ours / theirs, limit=LIMIT_KEYS,
            ),
            *_plan(repo, runs),
        ]  # fmt: skip
        return [*found, *_readme(repo, built=bool(registry))]


def _plan(repo: Monorepo, runs: int) -> list[Budget]:
    """By the clock and by its CPU, git's with it; and by the clock what buildx needs to do nothing."""
    plan = [*repo.davy, "build", "--plan"]
    seconds = min(repo.timed(*plan) for _ in range(runs))
    cpu = min(ran(plan, repo.environment, repo.folder).cpu for _ in range(runs))
    name = f"davy build --plan of {IMAGES} images, {FILES:,} files"
    found = [
        Budget(name=f"{name}, seconds", ours=_ms(seconds), theirs="-", measured=seconds, limit=LIMIT_SECONDS),
        Budget(name=f"{name}, seconds of CPU", ours=_ms(cpu), theirs="-", measured=cpu, limit=LIMIT_CPU),
    ]
    rivals = {}
    if repo.buildx:
        bake = ["--file", str(_bake_file(repo)), "--allow", "fs.read=*"]
        rivals["buildx bake --print, which reads its own file alone"] = [repo.buildx, "bake", *bake, "--print"]
    if repo.builder:
        some = [f"s{image:03}" for image in range(FEW)]
        cached = ["--builder", repo.builder, "--set", "*.output=type=cacheonly"]
        rivals[f"buildx bake of {FEW} of them, cached"] = [repo.buildx, "bake", *bake, *cached, *some]
    for what, words in rivals.items():
        repo.said(*words)
        theirs = min(repo.timed(*words) for _ in range(runs))
        found.append(
            Budget(name=f"the same / {what}", ours=_ms(seconds), theirs=_ms(theirs), measured=seconds / theirs,
                   limit=math.inf)
        )  # fmt: skip
    return found


def _bake_file(repo: Monorepo) -> Path:
    """The same images, for bake; outside of the repository."""
    names = [f"s{image:03}" for image in range(IMAGES)]
    targets = {name: {"context": ".", "dockerfile": f"svc/{name}/Dockerfile"} for name in names}
    path = repo.folder.parent / "bake.json"
    path.write_text(json.dumps({"group": {"default": {"targets": names}}, "target": targets}))
    return path


def _readme(repo: Monorepo, *, built: bool) -> list[Budget]:
    """A commit of README.md alone: keys that moved, and with a registry what was built and given another digest."""
    some = [word for image in range(FEW) for word in ("--image", f"s{image:03}")]
    before, first = _keys(repo), _digests(repo, some) if built else ({}, 0)
    (repo.folder / "README.md").write_text("y")
    repo.said("git", "commit", "-q", "-a", "-m", "README.md alone")
    after, second = _keys(repo), _digests(repo, some) if built else ({}, 0)
    if len(before) != IMAGES or (built and first[1] != FEW):
        raise RuntimeError(f"{len(before)} keys, and {first[1]} built at first")
    counts = {"new keys": sum(before[name] != after[name] for name in before)}
    if built:
        counts["images built"] = second[1]
        counts["new digests"] = sum(first[0][name] != second[0][name] for name in first[0])
    return [
        Budget(name=f"after a commit of README.md alone: {what}", ours=str(count), theirs="0", measured=float(count),
               limit=0.0)
        for what, count in counts.items()
    ]  # fmt: skip


def _keys(repo: Monorepo) -> dict[str, str]:
    return {one["name"]: one["key"] for one in repo.events("build", "--plan")}


def _digests(repo: Monorepo, some: Sequence[str]) -> tuple[dict[str, str], int]:
    """By name, and how many were built."""
    images = [one for one in repo.events("build", *some) if one.get("event") == "ImageBuilt"]
    digests = {one["image"]["name"]: one["image"]["digest"] for one in images}
    return digests, sum(one.get("action") != "reuse" for one in images)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
