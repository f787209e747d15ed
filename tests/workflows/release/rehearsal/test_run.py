"""Rehearsals, end to end in memory."""

import json
import sys
from pathlib import Path

import pytest

from davy.pipeline.config import file as configfile
from davy.pipeline.config.document import Config
from davy.pipeline.config.sections.thresholds import KayentaConfig
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Unusable
from davy.pipeline.core.events import Event, ReleaseFinished, ReleaseStarted, StepEntered
from davy.workflows.release.rehearsal import show
from davy.workflows.release.rehearsal.run import Fault, Rehearsal, Wish
from davy.workflows.render.phrases import REHEARSAL

FILE = """
service: checkout
images: [{name: registry.example.com/shop/checkout}]
deploy: {kubernetes: {namespace: shop, deployment: checkout}}
canary: {steps: [10%, 25%, 50%], bake: 1m, deadline: 8m}
checks:
  prometheus: http://prometheus:9090
  slos:
    - {name: availability, objective: 99.5, errors: 'http_errors_total', total: 'http_requests_total'}
    - {name: latency, objective: 99, histogram: 'http_duration_seconds_bucket', under: 500ms}
"""


@pytest.fixture
def config() -> Config:
    return configfile.parsed(FILE, "davy.yaml", {})


def played(config: Config, wish: Wish) -> tuple[list[Event], ReleaseFinished]:
    events = list(Rehearsal(config, wish).events())
    end = events[-1]
    assert isinstance(end, ReleaseFinished)
    return events, end


def test_a_version_as_good_as_stable_is_promoted(config: Config) -> None:
    assert played(config, Wish())[1].ending is Ending.DONE


def test_a_version_that_fails_ten_times_as_often_is_rolled_back(config: Config) -> None:
    _, end = played(config, Wish(times=10))
    assert end.ending is Ending.ROLLED_BACK
    assert "availability" in end.sentence


def test_a_version_that_is_slow_ten_times_as_often_is_rolled_back(config: Config) -> None:
    _, end = played(config, Wish(latency_times=10))
    assert end.ending is Ending.ROLLED_BACK
    assert "latency" in end.sentence


@pytest.mark.parametrize("fault", [Fault.NEVER_READY, Fault.CRASH_LOOP, Fault.OOM, Fault.IMAGE_PULL])
def test_pods_that_cannot_work_are_rolled_back(config: Config, fault: Fault) -> None:
    assert played(config, Wish(fault=fault))[1].ending is Ending.ROLLED_BACK


def test_a_prometheus_that_is_down_never_lets_the_canary_grow(config: Config) -> None:
    events, end = played(config, Wish(fault=Fault.PROMETHEUS_DOWN))
    assert end.ending in {Ending.UNREACHABLE, Ending.UNDECIDED}
    assert [event.step for event in events if isinstance(event, StepEntered)] in ([], [0])


def test_the_same_seed_plays_the_same(config: Config) -> None:
    assert played(config, Wish(times=3, seed=7))[0] == played(config, Wish(times=3, seed=7))[0]


def test_every_rehearsal_begins_by_saying_that_it_is_one(config: Config) -> None:
    first = next(iter(Rehearsal(config, Wish()).events()))
    assert isinstance(first, ReleaseStarted)
    assert first.rehearsal


def test_many_rehearsals_add_up_to_a_table(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    plays = show.many(config, Wish(times=10), 3, sys.stderr)
    shown = show.text(plays)
    assert REHEARSAL in shown
    assert "rolled back" in shown
    document = show.document(plays)
    assert (document["rehearsal"], document["plays"]) == (True, 3)
    json.dumps(document)


def test_a_plan_without_slos_cannot_be_rehearsed(config: Config) -> None:
    bare = config.copied(checks=config.checks.copied(slos=()))
    with pytest.raises(Unusable) as caught:
        Rehearsal(bare, Wish())
    assert caught.value.problems


def test_kayentas_judge_cannot_be_rehearsed_and_that_is_said(config: Config) -> None:
    kayenta = KayentaConfig(config="canary.json")
    other = config.copied(checks=config.checks.copied(judge="mannwhitney", kayenta=kayenta))
    with pytest.raises(Unusable) as caught:
        Rehearsal(other, Wish())
    assert "cannot be rehearsed" in caught.value.problems[0].what


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "davy.yaml").write_text(FILE)
    return tmp_path / "davy.yaml"
