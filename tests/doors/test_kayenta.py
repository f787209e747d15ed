"""Kayenta's canary config through the door: validated, planned, refused with what is wrong."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from davy.pipeline.core.endings import Ending

Davy = Callable[..., subprocess.CompletedProcess[str]]

FILE = """\
service: checkout
images: [{name: registry.example.com/shop/checkout}]
deploy: {kubernetes: {deployment: checkout}}
canary: {steps: [50%], deadline: 4h}
checks:
  prometheus: http://prometheus:9090
  judge: mannwhitney
  kayenta: {config: kayenta/canary.json}
"""


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    (tmp_path / "davy.yaml").write_text(FILE)
    (tmp_path / "kayenta").mkdir()
    return tmp_path / "kayenta" / "canary.json"


def text(template: str, kind: str = "prometheus") -> str:
    good = {"type": "prometheus", "customInlineTemplate": 'PromQL:sum(up{pod=~"${scope}"})'}
    said = {"type": kind, "customInlineTemplate": template}
    return json.dumps(
        {"metrics": [{"name": "up", "groups": ["g"], "query": good}, {"name": "other", "groups": ["g"], "query": said}]}
    )


def test_a_config_beside_davy_yaml_is_read_and_what_is_left_out_is_noted(davy: Davy, canary: Path) -> None:
    canary.write_text(text("", kind="datadog"))
    run = davy("validate")
    assert (run.returncode, run.stdout) == (0, "davy.yaml: good. Service checkout, 1 step, 1 check.\n")
    assert "other is left out: its query is of datadog, not of Prometheus" in run.stderr


@pytest.mark.parametrize("command", [("validate",), ("release",), ("plan", "--offline")])
def test_a_config_that_cannot_be_used_stops_everything(davy: Davy, canary: Path, command: tuple[str, ...]) -> None:
    canary.write_text(text("PromQL:sum(up)"))
    subprocess.run(["git", "init", "-q"], cwd=canary.parents[1], check=True)
    run = davy(*command)
    assert run.returncode == Ending.UNUSABLE, run.stderr
    assert "metrics[1].query.customInlineTemplate: asks the same of canary and baseline" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_config_that_is_not_there_is_named(davy: Davy, canary: Path) -> None:
    run = davy("validate")
    assert run.returncode == Ending.UNUSABLE
    assert "checks.kayenta.config: cannot be read: No such file or directory" in run.stderr


def test_it_cannot_be_rehearsed(davy: Davy, canary: Path) -> None:
    canary.write_text(text('PromQL:sum(up{pod=~"${scope}"})'))
    run = davy("rehearse", "--plain")
    assert run.returncode == Ending.UNUSABLE
    assert "that cannot be rehearsed" in run.stderr
