"""Load: a davy.yaml and the SLO files it names as one configuration, with every problem of all of them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from davy.pipeline.config import file as configfile
from davy.pipeline.config.document import Config
from davy.pipeline.config.parsing.yaml_tree import YamlReading
from davy.pipeline.config.sections.objectives import FiledSlo
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.text import nouns
from davy.workflows.render import veil
from davy.workflows.wiring import secret_values

if TYPE_CHECKING:
    from davy.checks.slo_formats import FileContents


def loaded(file: Path, environment: Mapping[str, str]) -> Config:
    """The whole configuration. Raises Unusable with every problem of every file."""
    return read(file, environment)[0]


def read(
    file: Path, environment: Mapping[str, str], written: YamlReading | None = None
) -> tuple[Config, tuple[Problem, ...]]:
    """The same, and what of the SLO files is not wholly carried over. `written`: the file, where it was read before."""
    written = written or configfile.reading(file, environment)
    try:
        config, wrong = configfile.config_of(written, environment), None
        veil.learn(secret_values.secrets_of(config, environment, file.parent))
    except Unusable as error:
        config, wrong = None, error
    if config is not None and not config.checks.slo_files:
        return config, ()
    # Of a broken davy.yaml the files are read all the same, so that their problems are told with its own.
    own = written if wrong is None or wrong.problems else None
    found, missing = _of_files(file.parent, own) if own is not None else (None, [])
    problems = [*missing, *_problems(found, own)] if own is not None else []
    if wrong is not None and not problems:
        raise wrong
    if config is None or found is None or problems:
        raise _unusable(file, (*(wrong.problems if wrong else ()), *problems))
    return _joined(config, found.objectives), tuple(found.notes)


def placed(problem: Problem, config: Config) -> Problem:
    """A problem of an objective at the place in the file that it came from; any other as it is."""
    for index, slo in enumerate(config.checks.slos):
        if isinstance(slo, FiledSlo) and problem.path.partition(".")[2].startswith(f"slos[{index}]"):
            return Problem(what=problem.what, path=slo.name, file=slo.file, line=slo.line)
    return problem


def _of_files(folder: Path, own: YamlReading) -> tuple["FileContents | None", list[Problem]]:
    from davy.checks import slo_formats  # noqa: PLC0415 - only where there are such files

    texts: list[tuple[str, str]] = []
    missing: list[Problem] = []
    for index, name in _named(own):
        path = folder / name
        try:
            texts.append((str(path), configfile.text(path, kind="an SLO file")))
        except Unusable as error:
            what = "; ".join(problem.what for problem in error.problems)
            missing.append(own.problem(("checks", "slo_files", index), f"{path} {what}"))
    return (slo_formats.read(texts) if texts else None), missing


def _named(own: YamlReading) -> Iterator[tuple[int, str]]:
    checks = own.value.get("checks") if isinstance(own.value, dict) else None
    files = checks.get("slo_files") if isinstance(checks, dict) else None
    for index, name in enumerate(files if isinstance(files, list) else ()):
        if isinstance(name, str) and name:
            yield index, name


def _problems(found: "FileContents | None", own: YamlReading) -> Iterator[Problem]:
    if found is None:
        return
    yield from found.problems
    yield from found.refused
    taken = dict(_taken(own))
    for slo in found.objectives:
        if slo.name in taken:
            what = f"a second check {slo.name!r}, the first is at {taken[slo.name]}; each needs its own name"
            yield Problem(what=what, path=slo.name, file=slo.file, line=slo.line)
        taken.setdefault(slo.name, f"{slo.file}:{slo.line}")


def _taken(own: YamlReading) -> Iterator[tuple[str, str]]:
    checks = own.value.get("checks") if isinstance(own.value, dict) else None
    for key in ("slos", "thresholds"):
        items = checks.get(key) if isinstance(checks, dict) else None
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if isinstance(item, dict) and isinstance(item.get("name"), str):
                yield str(item["name"]), f"{own.file}:{own.line(('checks', key, index))}"


def _joined(config: Config, objectives: Sequence[FiledSlo]) -> Config:
    checks = config.checks.copied(slos=(*config.checks.slos, *objectives))
    return config.copied(checks=checks)


def _unusable(file: Path, problems: tuple[Problem, ...]) -> Unusable:
    what = f"{file} and the SLO files it names have {nouns.problems(len(problems))}."
    return Unusable(what, problems=problems, remedy=configfile.REMEDY)
