"""What structuring reads at once is what pydantic would have made of it; what it refuses, pydantic refuses as well."""

from __future__ import annotations

import copy
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from davy.pipeline.config.document import Config, DeliveryConfig
from davy.pipeline.config.parsing.reader import Misfits, made
from davy.pipeline.config.parsing.section import Section, tree_of
from davy.pipeline.config.sections.build import BuildConfig
from davy.pipeline.config.sections.canary import CanaryConfig, StepConfig
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.config.sections.images.keys import ImageConfig
from davy.pipeline.config.sections.suites import CloudConfig, SuiteConfig
from davy.pipeline.config.sections.thresholds import KayentaConfig, ThresholdConfig

WHOLE = """
service: checkout
images:
- {name: r.test/shop/checkout, args: {A: "1"}, platforms: [linux/amd64], matrix: {V: ["1", "2"]}}
- {name: r.test/shop/base, secrets: [{id: npm, env: TOKEN}], ssh: [default], deploy: false, contexts: {lib: ../lib}}
build: {builder: buildx, parallel: 8, timeout: 20m, cache_from: [registry], sbom: true, provenance: max,
  scan: {run: "scan $IMAGE", severity: low, timeout: 90s, fixable_only: true}, sign: {key: cosign.key, log: false}}
tests:
- {name: unit, in: image, run: "make test", env: {A: b}, cpus: 2, memory: 1Gi, shards: 3, files: ["*.py"]}
- name: e2e
  in: saucelabs
  run: npx wdio
  cloud: {user: "env:U", key: "env:K", concurrency: 3, tags: [a], capabilities: {x: 1, y: true, z: 1.5, w: word}}
  retries: 2
- {name: api, in: kubernetes, run: "make api", services: [{name: db, image: postgres, port: 5432}]}
results: {quarantine: q.yaml, archive: {s3: {bucket: b}, keep: 30d, keep_at_least: 5}}
deploy: {kubernetes: {namespace: shop, deployment: checkout}}
canary:
  steps: [5%, {weight: "20%", at_least: 1m, approve: true}, 50]
  warmup: 30s
  lease: 10s
  on_inconclusive: promote
  accept: [autoscaler]
checks:
  prometheus: [http://a, {url: http://b, timeout: 5s, headers: {X: y}, tls_config: {insecure_skip_verify: true}}]
  quorum: 1
  judge: mannwhitney
  slos:
  - {name: availability, objective: 99.9, errors: 'e{a="b"}', total: t, window: 7d}
  - {name: latency, objective: 95, histogram: h_bucket, under: 250ms, bounds: [100ms, 250ms], weight: 2}
  gate: {budget_left: 10%, burning: allow}
  thresholds: [{name: q, query: up, success: ">= 1", count: 3, failure_limit: -1, accept: [absent]}]
  kayenta: {config: c.json, pass: 90, marginal: 50.5, lifetime: 5m, interval: 1m, step: 30s,
    variables: {a: b}}
  dispersion: 2
  alpha: 0.02
"""
KINDS: tuple[type[Section], ...] = (
    Config, DeliveryConfig, ImageConfig, BuildConfig, SuiteConfig, CloudConfig, CanaryConfig, StepConfig, ChecksConfig,
    ThresholdConfig, KayentaConfig,
)  # fmt: skip
ADAPTERS: dict[type[Section], TypeAdapter[Any]] = {kind: TypeAdapter(kind) for kind in KINDS}
ODD = ("needs a unit", "must be a number, not", "Input should be a valid boolean", "must not be")
"""What pydantic would have turned into something else."""
SAME = {"unexpected_keyword_argument": "extra_forbidden"}


def by_pydantic(kind: type[Section], tree: object) -> tuple[object, set[tuple[str, tuple[object, ...]]]]:
    try:
        return ADAPTERS[kind].validate_python(copy.deepcopy(tree)), set()
    except ValidationError as error:
        found = {(SAME.get(one["type"], one["type"]), one["loc"]) for one in error.errors()}
        # It counts only items that are right: a list of one that is wrong is too short to it as well.
        wrong = {loc[:length] for _, loc in found for length in range(len(loc))}
        return None, {one for one in found if one[0] != "too_short" or one[1] not in wrong}


def by_us(kind: type[Section], tree: object) -> tuple[object, set[tuple[str, tuple[object, ...]]], bool]:
    """The part, or what is wrong with it; and whether pydantic might have taken some of that."""
    try:
        return made(kind, tree), set(), False
    except Misfits as misfits:
        odd = any(one["msg"].removeprefix("Value error, ").startswith(ODD) for one in misfits.errors)
        return None, {(one["type"], one["loc"]) for one in misfits.errors}, odd


def agree(kind: type[Section], tree: object) -> None:
    theirs, their_errors = by_pydantic(kind, tree)
    ours, our_errors, odd = by_us(kind, tree)
    if odd:
        return
    assert our_errors == their_errors
    assert ours == theirs
    # 1 == 1.0 == True: what looks the same must be the same.
    assert repr(ours) == repr(theirs)


WORDS = st.sampled_from(
    ["", "x", "auto", "1", "-3", "0.5", "1e3", " 7 ", "007", "1_0", "5%", "x%", "15s", "1m30s", "2h", "-1s", "512Mi",
     "512Mi\n", "true", "no", "buildx", "image", "env:K", "A" * 64, "naïve", "\udcff", "http://a"]
)  # fmt: skip
NUMBERS = st.one_of(st.integers(-3, 400), st.just(2**70), st.floats(allow_nan=False), st.just(float("inf")))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, WORDS)
NAMES = st.sampled_from(["name", "in", "weight", "url", "id", "key", "config", "pass", "zzz"])
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(NAMES, inner, max_size=3),
    ),
    max_leaves=6,
)  # fmt: skip


def places(tree: object, place: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = list(tree.items()) if isinstance(tree, dict) else list(enumerate(tree)) if isinstance(tree, list) else []
    return [place] + [deeper for key, value in inner for deeper in places(value, (*place, key))]


DOCUMENT = yaml.safe_load(WHOLE)
PLACES = [place for place in places(DOCUMENT) if place]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), TREES, st.sampled_from(["set", "drop", "add"])), max_size=3))
def test_a_davy_yaml_with_something_changed_is_read_as_pydantic_reads_it(changes: list[Any]) -> None:
    tree = copy.deepcopy(DOCUMENT)
    for place, value, how in changes:
        parent: Any = tree
        try:
            for step in place[:-1]:
                parent = parent[step]
            if how == "drop":
                del parent[place[-1]]
            elif how == "add" and isinstance(parent, dict):
                parent["zzz"] = value
            else:
                parent[place[-1]] = value
        except (LookupError, TypeError):
            continue  # An earlier change took the place away.
    agree(Config, tree)
    agree(DeliveryConfig, tree)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(KINDS), TREES)
def test_any_tree_is_read_as_pydantic_reads_it(kind: type[Section], tree: object) -> None:
    agree(kind, tree)


@pytest.mark.parametrize(
    ("kind", "tree", "says"),
    [
        (SuiteConfig, {"name": "a", "in": "image", "timeout": 5}, "needs a unit"),
        (SuiteConfig, {"name": "a", "in": "image", "shards": True}, "must be a number, not true"),
        (StepConfig, {"weight": 5, "approve": 1}, "a valid boolean"),
        (CanaryConfig, {"steps": [True]}, "must not be true"),
    ],
)
def test_what_pydantic_would_turn_into_something_else_is_refused(kind: type[Section], tree: object, says: str) -> None:
    ADAPTERS[kind].validate_python(tree) if says != "must not be true" else None
    with pytest.raises(Misfits, match=says):
        made(kind, tree)


def test_a_part_knows_what_was_said_of_it() -> None:
    said = made(SuiteConfig, {"name": "a", "in": "image", "retries": 0})
    assert said.said == {"name", "in_", "retries"}
    assert said.copied(shards=2).said == {"name", "in_", "retries", "shards"}
    assert said.copied(shards=2).shards == 2
    assert said.shards == 1
    # Without a file, what is not as by default.
    assert StepConfig(weight=5.0, at_least=timedelta(0)).said == {"weight"}
    assert tree_of(made(CanaryConfig, {"steps": ["5%"]}))["steps"][0]["weight"] == 5.0


def test_a_file_that_is_right_needs_no_pydantic(tmp_path: Path) -> None:
    file = tmp_path / "davy.yaml"
    file.write_text(WHOLE)
    lines = (
        "import sys",
        "from pathlib import Path",
        "from davy.pipeline.config import file as configfile",
        "configfile.loaded(Path(sys.argv[1]), {})",
        "sys.exit('pydantic' in sys.modules)",
    )
    run = subprocess.run([sys.executable, "-c", "\n".join(lines), file], check=False)
    assert run.returncode == 0
