"""A release opens each thing once, however many of its stages need it."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from davy.canary.engine.driver.rollout import Outcome
from davy.canary.platforms.memory.platform import MemoryJournal, MemoryLock, MemoryPlatform, World
from davy.checks.metrics.prometheus import client
from davy.pipeline.config.parsing import yaml_tree
from davy.pipeline.core.artifacts import Image, Revision
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import Event
from davy.pipeline.files import plain_file
from davy.pipeline.simulated_clock import SimulatedClock
from davy.workflows import wiring
from davy.workflows.release import run, steps
from davy.workflows.rollout import stage
from davy.workflows.story.options import ClusterOptions, ViewOptions
from davy.workflows.wiring import placed_images, rollouts
from sample_events import START

NAME = "registry.example.com/shop/checkout"
DAVY = f"""\
service: opens-once
images: [{{name: {NAME}}}]
build: {{evidence: false}}
tests: [{{name: unit, in: process, run: "true"}}]
results: {{quarantine: quarantine.txt}}
deploy: {{kubernetes: {{namespace: shop, deployment: checkout}}}}
canary: {{steps: [50%], deadline: 4h}}
checks:
  prometheus: [http://one:9090, http://two:9090]
  slo_files: [slo.yaml]
  gate: {{budget_left: 10%}}
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
KAYENTA = {
    "metrics": [
        {
            "name": "up",
            "groups": ["g"],
            "query": {"type": "prometheus", "customInlineTemplate": 'PromQL:sum(up{pod=~"${scope}"})'},
        }
    ]
}

Counted = Counter[str]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counted:
    """How often each thing is opened; the parts of the world that no test has are played."""
    counted: Counted = Counter()

    def count(place: Any, name: str, what: Callable[..., str]) -> None:
        real = getattr(place, name)

        def counting(*given: Any, **named: Any) -> Any:
            counted[what(*given, **named)] += 1
            return real(*given, **named)

        monkeypatch.setattr(place, name, counting)

    for name, text in (("davy.yaml", DAVY), ("slo.yaml", SLOTH), ("quarantine.txt", "")):
        (tmp_path / name).write_text(text)
    (tmp_path / "canary.json").write_text(json.dumps(KAYENTA))
    world = World(SimulatedClock(), images={"app": f"{NAME}@sha256:{'0' * 64}"})
    monkeypatch.setattr(rollouts, "_api", lambda *_: Api())
    side = rollouts.side

    def in_memory(*given: Any, **named: Any) -> wiring.Side:
        counted["cluster"] += 1
        real = side(*given, **named)
        return wiring.Side(
            workload=world.workload,
            api=real.api,
            cluster=MemoryPlatform(world),
            lock=MemoryLock(world),
            journal=MemoryJournal(world),
            now=world.clock.now,
            cluster_again=lambda: MemoryPlatform(world),
        )

    monkeypatch.setattr(rollouts, "side", in_memory)
    monkeypatch.setattr(
        wiring, "revision", lambda _: Revision(sha="a" * 40, branch="main", dirty=False, committed_at=START)
    )
    monkeypatch.setattr(steps, "built", built)
    monkeypatch.setattr(stage, "rollout", rolled_out)
    monkeypatch.setattr(stage.questions, "problems", lambda *_: ())
    monkeypatch.setattr(stage.questions, "warnings", lambda *_: ())
    monkeypatch.setattr(stage.reader, "read", lambda _slos, metrics, _now: metrics() and ())
    count(yaml_tree, "read", lambda _text, file, *_, **__: Path(file).name)
    count(plain_file, "text", lambda path, *_: f"read {Path(path).name}")
    count(client.Prometheus, "__init__", lambda _self, server, **_: server.url)
    count(wiring, "quarantine", lambda *_: "quarantine")
    count(placed_images, "placed", lambda *_: "images placed")
    return counted


class Api:
    """A client that is never asked."""

    def server_now(self) -> None:
        """Nobody asks."""

    class access:  # noqa: N801 - as the client's
        context, expires, sign_in = "here", None, None


def built(_task: object, _revision: Revision) -> Iterator[Event]:
    yield from ()
    return (Image(name=NAME, digest=f"sha256:{'1' * 64}"),)


def rolled_out(_wish: object, _ports: object) -> Iterator[Event]:
    yield from ()
    return Outcome(ending=Ending.DONE, sentence="promoted")


def release(folder: Path) -> Ending:
    file = ClusterOptions(file=folder / "davy.yaml")
    with run.opened(file, out=folder / "davy-out", acting=True, holds=True) as task:
        return run.release(task, ViewOptions(plain=True))


def test_a_release_opens_each_thing_once(opened: Counted, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release(tmp_path) is Ending.DONE, capsys.readouterr().err
    assert opened == Counter(
        {
            "read davy.yaml": 1,
            "davy.yaml": 1,
            "read slo.yaml": 1,
            "cluster": 1,
            "quarantine": 1,
            "read quarantine.txt": 1,
            "images placed": 1,
            "http://one:9090": 1,
            "http://two:9090": 1,
        }
    )


def test_kayenta_s_file_is_read_once(opened: Counted, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = "  judge: mannwhitney\n  kayenta: {config: canary.json}\n"
    text = DAVY.replace("  slo_files: [slo.yaml]\n", "").replace("  gate: {budget_left: 10%}\n", own)
    (tmp_path / "davy.yaml").write_text(text)
    assert release(tmp_path) is Ending.DONE, capsys.readouterr().err
    assert opened["read canary.json"] == 1
    assert opened["davy.yaml"] == opened["cluster"] == opened["http://one:9090"] == 1
