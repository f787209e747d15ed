"""A davy.yaml with SLO files is one configuration, and all problems of all its files are told together."""

from pathlib import Path

import pytest

from davy.pipeline.config.sections.objectives import FiledSlo
from davy.pipeline.core.errors import Problem, Unusable
from davy.workflows.config import load

DAVY = """\
service: checkout
images: [{name: registry.example.com/shop/checkout}]
deploy: {kubernetes: {namespace: shop, deployment: checkout}}
checks:
  prometheus: http://prometheus:9090
  slo_files: [slo/sloth.yaml, slo/pyrra.yaml]
"""
SLOTH = """\
version: prometheus/v1
service: checkout
slos:
  - name: availability
    objective: 99.9
    sli:
      events:
        error_query: sum(rate(http_total{code=~"5.."}[{{.window}}]))
        total_query: sum(rate(http_total[{{.window}}]))
"""
PYRRA = """\
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: latency}
spec:
  target: '99'
  window: 4w
  indicator:
    latency:
      success: {metric: 'http_seconds_bucket{le="0.5"}'}
      total: {metric: http_seconds_count}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "slo").mkdir()
    (tmp_path / "slo" / "sloth.yaml").write_text(SLOTH)
    (tmp_path / "slo" / "pyrra.yaml").write_text(PYRRA)
    (tmp_path / "davy.yaml").write_text(DAVY)
    return tmp_path / "davy.yaml"


def problems(file: Path) -> list[str]:
    with pytest.raises(Unusable) as caught:
        load.loaded(file, {})
    return [str(problem).replace(f"{file.parent}/", "") for problem in caught.value.problems]


def test_the_objectives_of_the_files_join_those_of_davy_yaml(file: Path) -> None:
    file.write_text(f"{DAVY}  slos: [{{name: own, objective: 99, errors: e_total, total: t_total}}]\n")
    own, errors, latency = load.loaded(file, {}).checks.slos
    assert (own.name, errors.name, latency.name) == ("own", "availability", "latency")
    assert isinstance(errors, FiledSlo)
    assert (Path(errors.file).name, errors.line) == ("sloth.yaml", 4)


def test_a_file_that_is_not_there_and_one_that_is_broken_are_told_with_davy_yamls_own_problems(file: Path) -> None:
    (file.parent / "slo" / "sloth.yaml").unlink()
    (file.parent / "slo" / "pyrra.yaml").write_text(PYRRA.replace("99", "lots"))
    file.write_text(f"{DAVY}  interval: 5\n")
    assert problems(file) == [
        "davy.yaml:7: checks.interval: needs a unit: write it like 500ms, 15s, 1m30s or 2h",
        "davy.yaml:6: checks.slo_files[0]: slo/sloth.yaml is not there",
        "slo/pyrra.yaml:5: spec.target: 'lots' is no number",
    ]


def test_two_objectives_of_one_name_are_told_with_both_places(file: Path) -> None:
    (file.parent / "slo" / "pyrra.yaml").write_text(PYRRA.replace("name: latency", "name: availability"))
    file.write_text(f"{DAVY}  thresholds: [{{name: availability, query: up, success: '> 0'}}]\n")
    first, second = problems(file)
    assert first.startswith("slo/pyrra.yaml:4: spec: a second check 'availability', the first is at slo/sloth.yaml:4")
    assert "slo/sloth.yaml:4: availability: a second check 'availability', the first is at davy.yaml:7" in second


def test_without_any_objective_or_file_the_sequential_judge_asks_for_one(file: Path) -> None:
    file.write_text(DAVY.replace("  slo_files: [slo/sloth.yaml, slo/pyrra.yaml]\n", "  gate: {budget_left: 10%}\n"))
    said = problems(file)
    assert any("checks.slos" in one for one in said)
    assert any("checks.gate: asks error budgets" in one for one in said)


def test_what_is_not_carried_over_is_noted(file: Path) -> None:
    (file.parent / "slo" / "sloth.yaml").write_text(f"{SLOTH}    alerting: {{name: A}}\n")
    _, notes = load.read(file, {})
    assert [note.path for note in notes] == ["slos[0].alerting"]


def test_a_later_problem_of_a_filed_objective_is_told_at_its_file(file: Path) -> None:
    config = load.loaded(file, {})
    placed = load.placed(Problem(path="checks.slos[1].histogram", what="has no series"), config)
    assert str(placed).endswith("slo/pyrra.yaml:4: latency: has no series")
    other = Problem(path="canary.steps", what="x")
    assert load.placed(other, config) is other


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("{budget_left: 120%}", "checks.gate.budget_left: must be at most 100"),
        ("{budget_left: some}", "checks.gate.budget_left:"),
        ("{burning: maybe}", "checks.gate.burning: must be `refuse` or `allow`"),
        ("{budget: 10%}", "checks.gate.budget: unknown key"),
    ],
)
def test_a_gate_that_cannot_be_meant_is_refused(file: Path, said: str, says: str) -> None:
    file.write_text(f"{DAVY}  gate: {said}\n")
    assert any(says in one for one in problems(file))
