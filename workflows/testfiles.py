"""Test files: what a suite's globs name in the configuration's folder."""

from pathlib import Path

from davy.pipeline.errors import Problem, Unusable
from davy.pipeline.suiteconfig import SuiteConfig


def listed(folder: Path, suite: SuiteConfig) -> tuple[str, ...]:
    """Relative to the folder, with slashes, each once, by name. Raises Unusable for names $DAVY_TESTS cannot hold."""
    found = {
        path.relative_to(folder).as_posix() for glob in suite.files for path in folder.glob(glob) if path.is_file()
    }
    strange = sorted(name for name in found if any(letter.isspace() for letter in name))
    if strange:
        what = f"{strange[0]!r} has a space in its name; $DAVY_TESTS separates files by spaces"
        raise Unusable(
            f"Suite {suite.name} cannot be spread.",
            problems=(Problem(path=f"tests.{suite.name}.files", what=what),),
            remedy="Rename the file.",
        )
    return tuple(sorted(found))
