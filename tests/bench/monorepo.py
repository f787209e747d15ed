"""A monorepo whose images all have the root for their context, and each an ignore file that leaves its own folder."""

import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml

IMAGES, FILES = 200, 50_600
IGNORE = "*\n!svc/s{image:03}\n**/*.md\n**/node_modules\n"


def monorepo(folder: Path, environment: Mapping[str, str]) -> Path:
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
        images.append({"name": f"127.0.0.1:9/s{image:03}", "context": ".", "dockerfile": f"svc/s{image:03}/Dockerfile"})
    (folder / "davy.yaml").write_text(yaml.safe_dump({"service": "bench", "images": images}))
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
        # Git would tidy up behind our back, and still be at it when the folder goes.
        command = ["git", "-c", "gc.auto=0", "-c", "maintenance.auto=false", *words]
        subprocess.run(command, cwd=folder, env=dict(environment), check=True)
    return folder


def in_turn(
    environment: Mapping[str, str],
    keys: Callable[[Path], object],
    timed: Callable[[Callable[[], object], Callable[[], object]], tuple[float, float]],
) -> tuple[float, float]:
    """The least times of all keys, and of `git status` beside them."""
    with tempfile.TemporaryDirectory(prefix="davy-bench-") as made:
        folder = monorepo(Path(made), environment)
        status = ["git", "status", "--porcelain"]
        return timed(
            lambda: keys(folder),
            lambda: subprocess.run(status, cwd=folder, env=dict(environment), capture_output=True, check=True),
        )
