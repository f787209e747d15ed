"""The recipes of docs/architecture/recipes.md: each is carried out in a copy of the house, with the files it names."""

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from recipes.house import ROOT, House

pytestmark = pytest.mark.slow
PAGE = (ROOT / "docs" / "architecture" / "recipes.md").read_text()
CHOSEN = "beacon"
"""What NAME stands for here."""


def a_key(house: House) -> None:
    field = '    beacon: int = setting(default=3, ge=1, description="How far it is seen.")\n'
    house.after("pipeline/config/sections/deploy.py", "    deployment: Name\n", field)


def a_command(house: House) -> None:
    house.new("workflows/config/beacon.py")
    house.new("workflows/cli/commands/beacon.py")
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
    house.new("checks/slo_formats/beacon.py")
    detect = "checks/slo_formats/detect.py"
    house.put(detect, "import argo, flagger,", "import argo, beacon, flagger,")
    house.put(detect, 'KNOWN = "OpenSLO v1,', 'KNOWN = "Beacon, OpenSLO v1,')
    house.after(detect, '    PYRRA = "Pyrra"\n', '    BEACON = "Beacon"\n')
    house.after(detect, "KINDS = {\n", '    ("beacon/v1", "Objective"): Format.BEACON,\n')
    house.after(
        detect, "            pyrra.read(document)\n", "        case Format.BEACON:\n            beacon.read(document)\n"
    )


def a_report_format(house: House) -> None:
    house.new("pipeline/suites/reports/formats/beacon.py")
    reader = "pipeline/suites/reports/reader.py"
    after = "        eyes = TrxEyes() if foreignreports.root(head) == trx.ROOT and not own else eyes\n"
    house.put(reader, "junit_suites, junit_times, trx\n", "beacon, junit_suites, junit_times, trx\n")
    house.put(reader, "    eyes: _Eyes | TrxEyes =", "    eyes: _Eyes | TrxEyes | beacon.BeaconEyes =")
    more = "        eyes = beacon.BeaconEyes() if foreignreports.root(head) == beacon.ROOT and not own else eyes\n"
    house.after(reader, after, more)
    row = """    "robot": Foreign(name="Robot Framework's output", way='`robot --xunit "$JUNIT"`'),\n"""
    house.put("pipeline/suites/reports/formats/foreign.py", row, "")


def a_judge(house: House) -> None:
    house.new("checks/judges/beacon/__init__.py")
    house.new("checks/judges/beacon/rules.py")
    house.new("checks/judges/beacon/judge.py")
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
    house.new("pipeline/suites/history/archives/beacon.py")
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
