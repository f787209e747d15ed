"""Record files: what this machine knows of the last builds, a file each under `.davy/builds/`.

The first line is the build, the second what it was made from: a plan over many images reads only first lines.
"""

import hashlib
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from davy.pipeline.builds.content.inputs import Inputs
from davy.pipeline.builds.record import Build, Remembered, build_of, build_text, inputs_of, inputs_text
from davy.pipeline.core.secrets.masks import NONE, Masks
from davy.pipeline.files import own_files, plain_file

MOST_BYTES = 64 * 2**20


class BuildRecords:
    """In a folder; one that cannot be written is no failure: the registry remembers, too."""

    def __init__(self, folder: Path, *, masks: Masks = NONE) -> None:
        """`folder`: `.davy` beside the configuration; made where it is not there. `masks`: what no record may hold."""
        self._folder, self._masks = folder, masks

    def last(self, recipe: str) -> Build | None:
        """From the first line."""
        try:
            with plain_file.open_file(self._path(recipe)) as lines:
                build = build_of(lines.readline(2**16).decode())
        except (OSError, UnicodeDecodeError):
            return None
        return build if build is not None and build.id == recipe else None

    def inputs(self, recipe: str) -> Inputs | None:
        """From the second."""
        try:
            with plain_file.open_file(self._path(recipe)) as lines:
                lines.readline(2**16)
                return inputs_of(lines.readline(MOST_BYTES).decode())
        except (OSError, UnicodeDecodeError):
            return None

    def keep(self, record: Remembered) -> None:
        """Whole or not at all."""
        path = self._path(record.build.id)
        with suppress(OSError):
            ignore = self._folder / ".gitignore"
            if not ignore.is_file():
                own_files.write(ignore, "*\n")
            hidden = replace(record, inputs=self._masks.value(record.inputs))
            own_files.replace(path, f"{build_text(record.build)}\n{inputs_text(hidden)}\n")

    def _path(self, recipe: str) -> Path:
        plain = re.sub(r"[^A-Za-z0-9.-]+", "_", recipe.rsplit("/", 1)[-1])[:60]
        own = hashlib.sha256(recipe.encode()).hexdigest()[:12]
        return self._folder / "builds" / f"{plain}-{own}.json"
