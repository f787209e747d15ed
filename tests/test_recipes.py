"""The recipes of docs/architecture/recipes.md: each is carried out in a copy of the house, with the files it names."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
ROOMS = ("pipeline", "canary", "checks", "workflows")
PAGE = (ROOT / "docs" / "architecture" / "recipes.md").read_text()
CHOSEN = "beacon"
"""What NAME stands for here."""


class House:
    """A copy of the rooms, in which files are made and lines put in; it knows which files were touched."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.touched: set[str] = set()
        (folder / "davy").mkdir()
        (folder / "davy" / "__init__.py").touch()  # A package proper hides the installed namespace of the same name.
        for room in ROOMS:
            shutil.copytree(ROOT / room, folder / "davy" / room, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", folder)

    def new(self, path: str, text: str) -> None:
        place = self._place(path)
        assert not place.exists(), f"{path} is there already"
        place.parent.mkdir(exist_ok=True)
        place.write_text(text)

    def put(self, path: str, old: str, new: str) -> None:
        """`new` in the one place where `old` is."""
        place = self._place(path)
        text = place.read_text()
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {path}"
        place.write_text(text.replace(old, new))

    def after(self, path: str, line: str, more: str) -> None:
        self.put(path, line, line + more)

    def python(self, code: str) -> str:
        return self._run(sys.executable, "-c", code)

    def lint_imports(self) -> str:
        return " ".join(self._run(str(Path(sys.executable).with_name("lint-imports")), "--no-cache").split())

    def _run(self, *command: str) -> str:
        here = {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "400", "PATH": ""}
        run = subprocess.run(
            command, cwd=self.folder, env=here, capture_output=True, text=True, check=False, timeout=60
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def _place(self, path: str) -> Path:
        self.touched.add(path)
        return self.folder / path if path == "pyproject.toml" else self.folder / "davy" / path


def a_key(house: House) -> None:
    field = '    beacon: int = setting(default=3, ge=1, description="How far it is seen.")\n'
    house.after("pipeline/config/sections/deploy.py", "    deployment: Name\n", field)


def a_command(house: House) -> None:
    house.new(
        "workflows/config/beacon.py",
        '''"""Beacon: how often it shines."""

import click

from davy.pipeline.core.fast_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BeaconOptions:
    """Of `davy beacon`."""

    times: int
    output: str


def shine(options: BeaconOptions) -> None:
    """Print it."""
    click.echo(f"shines {options.times} times as {options.output}")
''',
    )
    house.new(
        "workflows/cli/commands/beacon.py",
        '''"""`davy beacon`."""

from typing import TYPE_CHECKING

from davy.workflows.cli import parameters
from davy.workflows.cli.definition import command

if TYPE_CHECKING:
    from davy.workflows.config.beacon import BeaconOptions


@command(
    "config.beacon:BeaconOptions",
    parameters.option("--times", type=int, default=1, help="How often."),
    parameters.output,
)
def beacon(options: "BeaconOptions") -> None:
    """Shine. Changes nothing."""
    from davy.workflows.config import beacon  # noqa: PLC0415 - only when it is run

    beacon.shine(options)
''',
    )
    row = '    "beacon": Entry(LOOK, "Shine.", f"{HOME}.beacon", "davy beacon --times 2"),\n'
    house.put("workflows/cli/main.py", '    "validate": Entry(\n', row + '    "validate": Entry(\n')


def an_event(house: House) -> None:
    kind = '''@dataclass(frozen=True, slots=True, kw_only=True)
class BeaconLit(Event):
    """A beacon was lit."""

    hill: str


'''
    last = "@dataclass(frozen=True, slots=True, kw_only=True)\nclass ReleaseFinished(Event):\n"
    house.put("pipeline/core/events/release.py", last, kind + last)
    imported = "from davy.pipeline.core.events.release import BeaconLit\n"
    house.put("pipeline/core/events/__init__.py", "\n__all__ = [\n", f"{imported}\n__all__ = [\n")
    house.after("pipeline/core/events/__init__.py", '    "Asked",\n', '    "BeaconLit",\n')
    house.after(
        "workflows/render/phrases.py",
        '    raise TypeError(f"no phrase for {type(event).__name__}")\n',
        '\n\n@phrase.register\ndef _(event: events.BeaconLit) -> str:\n    return f"lit on {event.hill}"\n',
    )


def an_slo_format(house: House) -> None:
    house.new(
        "checks/slo_formats/beacon.py",
        '''"""Beacon: objectives as Beacon's files hold them."""

from davy.checks.slo_formats import objective
from davy.checks.slo_formats.promql_counters import selected
from davy.checks.slo_formats.yaml_node import YamlNode


def read(document: YamlNode) -> None:
    """One objective."""
    document.left(("apiVersion", "kind", "target", "days", "bad", "all"))
    bad, every = (objective.asked(document.at(key), selected) for key in ("bad", "all"))
    counters = objective.joined(document, errors=bad, total=every)
    percent = (document.at("target"), document.at("target").number())
    objective.put(document, document.at("name").text(), percent, document.at("window").span(), counters)
''',
    )
    detect = "checks/slo_formats/detect.py"
    house.put(detect, "import argo, flagger,", "import argo, beacon, flagger,")
    house.put(detect, 'KNOWN = "OpenSLO v1,', 'KNOWN = "Beacon, OpenSLO v1,')
    house.after(detect, '    PYRRA = "Pyrra"\n', '    BEACON = "Beacon"\n')
    house.after(detect, "KINDS = {\n", '    ("beacon/v1", "Objective"): Format.BEACON,\n')
    house.after(
        detect, "            pyrra.read(document)\n", "        case Format.BEACON:\n            beacon.read(document)\n"
    )


def a_report_format(house: House) -> None:
    house.new(
        "pipeline/suites/reports/formats/beacon.py",
        '''"""Beacon: reports of a tool whose root is `robot`, as cases."""

from davy.pipeline.suites.reports.cases import Case, CaseResult
from davy.pipeline.suites.reports.formats import junit_cases
from davy.pipeline.suites.reports.formats.junit_cases import LONGEST_TEXT, CaseOutcome, Draft, Words
from davy.pipeline.suites.reports.formats.xml import LONGEST_NAME, ReportXml, counted_in

ROOT = "robot"


class BeaconEyes:
    """Takes the parser's events in; holds the finished cases."""

    def __init__(self) -> None:
        self.cases: list[Case] = []
        self.tools: set[str] = set()
        self.foreign = ""
        self._xml = ReportXml(self)

    def feed(self, piece: str, *, last: bool = False) -> None:
        """Raises Broken."""
        self._xml.feed(piece, last=last)

    def notes(self) -> tuple[str, ...]:
        """Nothing is cut."""
        return ()

    def declares(self, name: str) -> None:
        """See the parser's reader."""

    def says(self, text: str) -> None:
        """See the parser's reader."""

    def ends(self, word: str) -> None:
        """See the parser's reader."""

    def begins(self, word: str, told: dict[str, str]) -> None:
        """See the parser's reader."""
        if word != "test":
            return
        counted_in(len(self.cases))
        draft = Draft(
            name=told.get("name", "")[:LONGEST_NAME],
            classname="",
            seconds=0.0,
            file="",
            line="",
            output=Words(LONGEST_TEXT),
            errors=Words(LONGEST_TEXT),
        )
        if told.get("status") != "PASS":
            draft.outcomes.append(CaseOutcome(CaseResult.FAILED, "", Words(LONGEST_TEXT)))
        self.cases.append(junit_cases.case(draft))
''',
    )
    reader = "pipeline/suites/reports/reader.py"
    after = "        eyes = TrxEyes() if foreignreports.root(head) == trx.ROOT and not own else eyes\n"
    house.put(reader, "junit_suites, junit_times, trx\n", "beacon, junit_suites, junit_times, trx\n")
    house.put(reader, "    eyes: _Eyes | TrxEyes =", "    eyes: _Eyes | TrxEyes | beacon.BeaconEyes =")
    more = "        eyes = beacon.BeaconEyes() if foreignreports.root(head) == beacon.ROOT and not own else eyes\n"
    house.after(reader, after, more)
    row = """    "robot": Foreign(name="Robot Framework's output", way='`robot --xunit "$JUNIT"`'),\n"""
    house.put("pipeline/suites/reports/formats/foreign.py", row, "")


def a_judge(house: House) -> None:
    house.new("checks/judges/beacon/__init__.py", '"""Beacon\'s rule: so many looks."""\n')
    house.new(
        "checks/judges/beacon/rules.py",
        '''"""Rules: after so many looks it is good. Pure."""

from davy.pipeline.core.verdict import Decision

LOOKS = 3


def decision(looks: int) -> Decision:
    """Good once there were enough."""
    return Decision.PROMOTE if looks >= LOOKS else Decision.GO_ON
''',
    )
    house.new(
        "checks/judges/beacon/judge.py",
        '''"""Judge: counts its looks."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from davy.checks.judges.beacon import rules
from davy.checks.ports import Metrics
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.core.verdict import Verdict, Window
from davy.pipeline.core.workload import Sides


class BeaconJudge:
    """Promotes after so many looks."""

    def __init__(self, metrics: Metrics, config: ChecksConfig, warmup: timedelta) -> None:
        self._metrics, self._config, self._warmup = metrics, config, warmup
        self._looks = 0

    @property
    def interval(self) -> timedelta:
        """As configured."""
        return self._config.interval

    def recall(self, windows: Iterable[Window]) -> None:
        """A window a look."""
        self._looks = len(tuple(windows))

    def look(self, sides: Sides, now: datetime, worse: float) -> Verdict:
        """One more."""
        del sides, worse
        self._looks += 1
        window = Window(start=now - self.interval, end=now, counts={})
        said = f"{self._looks} looks."
        return Verdict(
            at=now, decision=rules.decision(self._looks), sentence=said, judge="beacon", evidence=(), windows=(window,)
        )
''',
    )
    house.put(
        "pipeline/config/sections/checks.py",
        'judge: Literal["sequential", "threshold", "mannwhitney"]',
        'judge: Literal["sequential", "threshold", "mannwhitney", "beacon"]',
    )
    joint = "checks/judges/joint.py"
    imported = "from davy.checks.judges.flagger.judge import FlaggerJudge\n"
    house.put(joint, imported, "from davy.checks.judges.beacon.judge import BeaconJudge\n" + imported)
    case = '        case "beacon":\n            judges.append(BeaconJudge(metrics, config, warmup))\n'
    house.put(joint, "        case _:\n            assert_never(config.judge)\n",
              case + "        case _:\n            assert_never(config.judge)\n")  # fmt: skip
    house.put("pyproject.toml", '    "flagger | kayenta",\n', '    "beacon | flagger | kayenta",\n')
    rules = '    "davy.checks.judges.flagger.rules",\n'
    house.put("pyproject.toml", rules, '    "davy.checks.judges.beacon.rules",\n' + rules)


def an_archive(house: House) -> None:
    house.new(
        "pipeline/suites/history/archives/beacon.py",
        '''"""Beacon: keeps nothing."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from davy.pipeline.config.sections.suites import BeaconConfig
from davy.pipeline.core.ports import Say, unheard
from davy.pipeline.suites.history import run_file
from davy.pipeline.suites.history.record import RunRecord


class BeaconArchive:
    """Says where it would be."""

    def __init__(self, config: BeaconConfig) -> None:
        self._hill = config.hill

    def keep(self, record: RunRecord, files: Sequence[tuple[str, Path]]) -> str:  # noqa: ARG002 - the port's shape
        """See the port."""
        return f"{self._hill}:{run_file.name(record)}"

    def recent(self, most: int, note: Say = unheard) -> tuple[RunRecord, ...]:  # noqa: ARG002 - the port's shape
        """None."""
        return ()

    def prune(self, before: datetime, keep_at_least: int) -> int:  # noqa: ARG002 - the port's shape
        """None."""
        return 0
''',
    )
    section = '''@part
class BeaconConfig(Section):
    """A hill."""

    hill: str = setting(description="Its name.", min_length=1)


'''
    path = "pipeline/config/sections/suites.py"
    house.put(path, "@part\nclass ArchiveConfig(Section):\n", section + "@part\nclass ArchiveConfig(Section):\n")
    house.after(
        path,
        '    s3: S3Config | None = setting(default=None, description="A bucket in place of the folder.")\n',
        '    beacon: BeaconConfig | None = setting(default=None, description="A hill in place of the folder.")\n',
    )
    house.after(
        "workflows/wiring/suites.py",
        "    said = config.results.archive\n",
        "    if said.beacon is not None:\n"
        "        from davy.pipeline.suites.history.archives.beacon import BeaconArchive  # noqa: PLC0415\n\n"
        "        return BeaconArchive(said.beacon)\n",
    )


DOERS: Mapping[str, Callable[[House], None]] = {
    "A key of davy.yaml": a_key,
    "A command": a_command,
    "An event": an_event,
    "An SLO format": an_slo_format,
    "A report format": a_report_format,
    "A judge": a_judge,
    "An archive": an_archive,
}
"""By the recipe's heading, what it says to do."""

FILE = """
service: checkout
images: [{name: registry.example.com/shop/checkout}]
results: {archive: {beacon: {hill: Calvary}}}
deploy: {kubernetes: {namespace: shop, deployment: checkout}}
checks:
  prometheus: http://prometheus.monitoring:9090
  judge: beacon
  slos: [{name: availability, objective: 99.9, errors: "errors_total", total: "requests_total"}]
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """All recipes carried out, one after the other."""
    made = House(tmp_path_factory.mktemp("house"))
    for do in DOERS.values():
        do(made)
    return made


def steps(recipe: str) -> str:
    """The numbered lines of a recipe."""
    (section,) = re.findall(rf"^## {recipe}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return "\n".join(re.findall(r"^\d+\. .*$", section, re.MULTILINE))


@pytest.mark.parametrize("recipe", DOERS)
def test_a_recipe_names_every_file_that_it_takes(recipe: str, tmp_path: Path) -> None:
    copy = House(tmp_path)
    DOERS[recipe](copy)
    named = {path.replace("NAME", CHOSEN) for path in re.findall(r"`([\w./-]+\.(?:py|toml))`", steps(recipe))}
    to_make = {path.replace("NAME", CHOSEN) for path in re.findall(r"`([\w./-]*NAME[\w./-]*\.py)`", steps(recipe))}
    assert copy.touched <= named
    assert to_make <= copy.touched


def test_the_recipes_marked_as_held_are_those_carried_out_here() -> None:
    marked = re.findall(r"\[([^\]]+)\]\(#[\w-]+\) \| ✓", PAGE)
    assert sorted(marked) == sorted(recipe[0].lower() + recipe[1:] for recipe in DOERS)


def test_after_all_of_them_the_house_keeps_every_contract(house: House) -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert f"Contracts: {len(contracts)} kept, 0 broken." in house.lint_imports()


def test_a_new_key_is_in_the_schema_and_is_read_and_refused_as_its_limits_say(house: House) -> None:
    house.python(f"""
from davy.pipeline.config.file import parsed
from davy.pipeline.config.json_schema import schema
from davy.pipeline.core.errors import Unusable

assert schema()["$defs"]["KubernetesConfig"]["properties"]["beacon"]["minimum"] == 1
text = {FILE!r}
assert parsed(text, "davy.yaml", {{}}).deploy.kubernetes.beacon == 3
try:
    parsed(text.replace("deployment: checkout", "deployment: checkout, beacon: 0"), "davy.yaml", {{}})
except Unusable as error:
    (problem,) = error.problems
    assert (problem.path, problem.line) == ("deploy.kubernetes.beacon", 5), problem
else:
    raise AssertionError("0 was taken")
""")


def test_a_new_command_is_in_the_help_and_runs(house: House) -> None:
    run = "from davy.workflows.cli.main import run; import sys; sys.exit(run(sys.argv[1:]))"
    assert re.search(r"beacon +Shine\.", house.python(f"import sys; sys.argv[1:] = ['--help']; {run}"))
    assert "--times" in house.python(f"import sys; sys.argv[1:] = ['beacon', '--help']; {run}")
    assert house.python(f"import sys; sys.argv[1:] = ['beacon', '--times', '2']; {run}") == "shines 2 times as text\n"


def test_a_new_event_is_read_as_it_was_written_and_has_words(house: House) -> None:
    house.python("""
import json
from datetime import UTC, datetime
from davy.pipeline.core import events
from davy.pipeline.core.json import codec
from davy.workflows.render.phrases import phrase

lit = events.BeaconLit(at=datetime(2026, 5, 1, tzinfo=UTC), hill="Amon Din")
assert codec.decode(json.loads(json.dumps(codec.encode(lit)))) == lit
assert phrase(lit) == "lit on Amon Din"
""")


def test_a_new_slo_format_gives_objectives(house: House) -> None:
    house.python("""
from davy.checks.slo_formats import detect

text = '''
apiVersion: beacon/v1
kind: Objective
name: availability
target: 99.9
window: 30d
bad: http_requests_total{code="500"}
all: http_requests_total
'''
found = detect.read([("slo.yaml", text)])
assert not found.problems and not found.refused, found
assert [(one.name, one.objective) for one in found.objectives] == [("availability", 99.9)]
""")


def test_a_new_report_format_gives_cases(house: House) -> None:
    house.python("""
from davy.pipeline.suites.reports.reader import reading

text = '<robot><test name="a" status="PASS"/><test name="b" status="FAIL"/></robot>'
found = reading([text])
assert not found.broken, found
assert [(case.name, case.result.bad) for case in found.cases] == [("a", False), ("b", True)]
""")


def test_a_new_judge_is_the_one_that_the_file_asks_for(house: House) -> None:
    house.python(f"""
from datetime import UTC, datetime, timedelta
from davy.checks.judges.joint import judge_of
from davy.pipeline.config.file import parsed
from davy.pipeline.core.verdict import Decision
from davy.pipeline.core.workload import Sides

now = datetime(2026, 5, 1, tzinfo=UTC)
config = parsed({FILE!r}, "davy.yaml", {{}})
sides = Sides(canary=(), stable=(), started_at=now)
first, second = (judge_of(config.checks, None, timedelta(0)) for _ in range(2))
looks = [first.look(sides, now, 2.0) for _ in range(2)]
second.recall(window for look in looks for window in look.windows)
assert second.look(sides, now, 2.0) == first.look(sides, now, 2.0)
assert first.look(sides, now, 2.0).decision is Decision.PROMOTE
""")


def test_a_new_archive_is_the_one_that_the_file_asks_for(house: House) -> None:
    house.python(f"""
from pathlib import Path
from davy.pipeline.config.file import parsed
from davy.workflows import wiring

assert type(wiring.archive(parsed({FILE!r}, "davy.yaml", {{}}), Path(), acting=True)).__name__ == "BeaconArchive"
""")
