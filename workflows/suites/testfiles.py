"""Test files: what a suite's globs name in the configuration's folder."""

from collections.abc import Iterator
from pathlib import Path

from davy.pipeline.config.sections.suites import SuiteConfig
from davy.pipeline.core.errors import Problem, Unusable

MOST_SAID = 20


def listed(folder: Path, suite: SuiteConfig) -> tuple[str, ...]:
    """Relative to the folder, with slashes, each once, by name. Raises Unusable for names $DAVY_TESTS cannot hold."""
    found = {name for glob in suite.files for name in _named(folder, glob)}
    strange = sorted(name for name in found if any(letter.isspace() for letter in name))
    if strange:
        what = "has a space in its name; $DAVY_TESTS separates files by spaces"
        path = f"tests.{suite.name}.files"
        more = len(strange) - MOST_SAID
        problems = [Problem(path=path, what=f"{name!r} {what}") for name in strange[:MOST_SAID]]
        problems += [Problem(path=path, what=f"and {more} more")] if more > 0 else []
        raise Unusable(f"Suite {suite.name} cannot be spread.", problems=tuple(problems), remedy="Rename the files.")
    return tuple(sorted(found))


def idle(folder: Path, suite: SuiteConfig) -> tuple[str, ...]:
    """Its globs that name no file, beside others that do: a misspelt one is a part of the suite that never runs."""
    return tuple(glob for glob in suite.files if next(_named(folder, glob), None) is None)


def _named(folder: Path, glob: str) -> Iterator[str]:
    return (path.relative_to(folder).as_posix() for path in folder.glob(glob) if path.is_file())
