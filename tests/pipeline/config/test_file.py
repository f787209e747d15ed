"""What a davy.yaml may say, and what is said of one that may not."""

from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.pipeline.config.document import Config
from davy.pipeline.config.file import loaded, parsed
from davy.pipeline.config.messages import homes
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Problem, Unusable

GOOD = dedent("""\
    service: checkout
    images:
      - name: registry.example.com/shop/checkout
    tests:
      - {name: unit, in: image, run: pytest -q --junitxml=$JUNIT}
    deploy:
      kubernetes: {namespace: shop, deployment: checkout}
    canary:
      steps: [1%, 5%, {weight: 25, at_least: 30s}, 50%]
    checks:
      prometheus: http://prometheus.monitoring:9090
      slos:
        - name: availability
          objective: 99.9
          errors: 'http_requests_total{job="checkout",code=~"5.."}'
          total: 'http_requests_total{job="checkout"}'
        - {name: latency, objective: 99, histogram: 'seconds_bucket{job="checkout"}', under: 500ms}
    """)


def problems(text: str, **environment: str) -> tuple[Problem, ...]:
    with pytest.raises(Unusable) as caught:
        parsed(text, "davy.yaml", environment)
    assert caught.value.ending is Ending.UNUSABLE
    for problem in caught.value.problems:
        assert "Input should" not in problem.what
        assert "[type=" not in problem.what
    return caught.value.problems


def only(text: str, **environment: str) -> Problem:
    (problem,) = problems(text, **environment)
    return problem


def test_a_good_file_becomes_a_frozen_config() -> None:
    config = parsed(GOOD, "davy.yaml", {})
    assert [step.weight for step in config.canary.steps] == [1, 5, 25, 50]
    assert config.checks.prometheus[0].url == "http://prometheus.monitoring:9090"
    assert config.tests[0].in_ == "image"


def test_an_unknown_key_names_the_one_that_was_meant_with_path_and_line() -> None:
    problem = only(GOOD.replace("deployment: checkout", "deployment: checkout, namspace: shop"))
    assert str(problem) == "davy.yaml:7: deploy.kubernetes.namspace: unknown key; did you mean `namespace`?"


def test_a_key_in_the_wrong_place_says_where_it_belongs() -> None:
    problem = only(GOOD + "steps: [5%]\n")
    assert (problem.path, problem.line) == ("steps", 18)
    assert problem.what == "unknown key here; `steps` belongs under `canary`"


@pytest.mark.parametrize(
    ("right", "typed"), [("images:", "image:"), ("tests:", "test:"), ("checks:", "check:"), ("canary:", "kanary:")]
)
def test_a_key_that_is_nearly_one_that_stands_here_is_that_one(right: str, typed: str) -> None:
    misfits = [problem.what for problem in problems(GOOD.replace(right, typed, 1)) if "unknown" in problem.what]
    assert len(misfits) == 1
    assert misfits[0].startswith(f"unknown key; did you mean `{right[:-1]}`?")


def test_a_wrong_type_is_told_in_plain_words() -> None:
    problem = only(GOOD.replace("objective: 99.9", "objective: high"))
    assert str(problem) == "davy.yaml:14: checks.slos[0].objective: must be a number, not 'high'"


def test_two_problems_come_at_once_with_their_paths_and_lines() -> None:
    text = GOOD.replace("service: checkout", "servise: checkout").replace("at_least: 30s", "weigth: 3, at_least: soon")
    found = [(problem.line, problem.path) for problem in problems(text)]
    assert (1, "servise") in found
    assert (9, "canary.steps[2].weigth") in found
    assert (9, "canary.steps[2].at_least") in found
    assert any(path == "service" for _, path in found)


def test_a_rule_over_several_keys_is_told_beside_a_wrong_type_elsewhere() -> None:
    text = GOOD.replace("[1%, 5%, {weight: 25, at_least: 30s}, 50%]", "[5%, 5%, x]").replace(
        "under: 500ms", "under: 1x"
    )
    assert [problem.path for problem in problems(text)] == [
        "canary.steps[1]",
        "canary.steps[2].weight",
        "checks.slos[1].under",
    ]


@pytest.mark.parametrize(
    ("old", "new", "path", "says"),
    [
        ("50%]", "60%]", "canary.steps[3]", "at most 50: by replicas"),
        ("50%]", "20%]", "canary.steps[3]", "above 25, the step before"),
        ("at_least: 30s", "at_least: 30s, at_most: 10s", "canary.steps[2].at_least", "longer than `at_most`"),
        ("at_least: 30s", "at_most: 2h", "canary.steps[2].at_most", "longer than `canary.deadline`"),
        ("at_least: 30s", "at_least: 2h", "canary.deadline", "can never be met"),
        ("at_least: 30s", "at_least: 30", "canary.steps[2].at_least", "needs a unit"),
        ("at_least: 30s", "approve: 1", "canary.steps[2].approve", "must be true or false"),
        ("[1%,", "[true,", "canary.steps[0]", "must not be true"),
        ("weight: 25", "weight: yes", "canary.steps[2].weight", "must be a number, not true"),
        ("weight: 25", "weight: .inf", "canary.steps[2].weight", "finite"),
        ("weight: 25", "weight: 1x%", "canary.steps[2].weight", "no share"),
        ("histogram:", "errors: a, histogram:", "checks.slos[1]", "one of the two pairs"),
        (", under: 500ms", "", "checks.slos[1]", "needs `errors` and `total`, or"),
        ("name: latency", "name: availability", "checks.slos[1].name", "a second check 'availability'"),
        ("'http_requests_total{job=\"checkout\"}'", "rate(x[5m])", "checks.slos[0].total", "no rate()"),
        ("in: image", "in: image, image: other", "tests[0].image", "there is no image 'other'"),
        ("in: image", "in: nowhere", "tests[0].in", "must be `image`, `process`"),
        ("in: image", "in: image, memory: lots", "tests[0].memory", "a size, like 512Mi"),
        ("in: image", "in: image, timeout: 0s", "tests[0].timeout", "above 0s"),
        ("in: image", "in: image, collect: [out]", "tests[0].collect[0]", "no absolute path"),
        ("in: image", "in: image, env: {PORT: 80}", "tests[0].env.PORT", "put it in quotes"),
        ("shop/checkout\n", "shop/checkout:v1\n", "images[0].name", "has a tag or digest"),
        ("shop/checkout\n", "Shop/checkout\n", "images[0].name", "in lower case"),
        ("http://prometheus.monitoring:9090", "prometheus", "checks.prometheus", "must be a URL"),
        ("  slos:", "  judge: threshold\n  slos:", "checks.thresholds", "at least one threshold"),
        ("  slos:", "  thresholds: [{name: q, query: up}]\n  slos:", "checks.thresholds[0]", "needs `success` or"),
        (
            "  slos:",
            "  thresholds: [{name: q, query: up, success: good}]\n  slos:",
            "checks.thresholds[0].success",
            "no condition",
        ),
        ("  slos:", "  interval: 100ms\n  slos:", "canary.deadline", "36,000 looks"),
        ("  slos:", "  interval: 0s\n  slos:", "checks.interval", "above 0s"),
        ("  slos:", "  tolerate: 3\n  slos:", "checks.worse", "must be above `tolerate` (3)"),
        ("  slos:", "  alpha: 0.7\n  slos:", "checks.alpha", "must be below 0.5"),
        ("service: checkout", "service: -x", "service", "begin and end with a letter"),
        ("service: checkout", "service: checkout\nservice: b", "service", "there twice; the first one is on line 1"),
        ("service: checkout", "service: !!python/name:os.system checkout", "service", "has a tag that means nothing"),
        ("service: checkout", "service: ${", "service", "names no variable"),
    ],
)
def test_a_broken_rule_is_told_at_its_path(old: str, new: str, path: str, says: str) -> None:
    assert old in GOOD
    problem = only(GOOD.replace(old, new, 1))
    assert problem.path == path
    assert says in problem.what
    assert problem.line is not None


def test_a_sequential_judge_without_an_slo_is_refused() -> None:
    text = GOOD[: GOOD.index("  slos:")]
    assert only(text).what.startswith("the sequential judge needs at least one SLO")


def test_two_suites_of_one_name_are_refused() -> None:
    text = GOOD.replace("deploy:", "  - {name: unit, in: kubernetes, run: 'true'}\ndeploy:")
    assert only(text).path == "tests[1].name"


def test_variables_come_from_the_environment_and_defaults_stand_in() -> None:
    text = GOOD.replace("namespace: shop", "namespace: '${NS}', context: '${CTX:-test}'")
    kubernetes = parsed(text, "davy.yaml", {"NS": "prod"}).deploy.kubernetes
    assert (kubernetes.namespace, kubernetes.context) == ("prod", "test")


def test_a_variable_that_is_not_set_is_a_problem_with_its_line() -> None:
    problem = only(GOOD.replace("namespace: shop", "namespace: '${NS}'"))
    assert (problem.path, problem.line) == ("deploy.kubernetes.namespace", 7)
    assert "the environment has no NS" in problem.what


def test_a_suites_command_is_the_shells_own() -> None:
    text = GOOD.replace("run: pytest -q --junitxml=$JUNIT", "run: 'echo ${HOME} $JUNIT'")
    assert parsed(text, "davy.yaml", {}).tests[0].run == "echo ${HOME} $JUNIT"


def test_a_doubled_dollar_is_a_plain_one() -> None:
    text = GOOD.replace("in: image", "in: image, env: {A: '$${HOME}'}")
    assert parsed(text, "davy.yaml", {}).tests[0].env == {"A": "${HOME}"}


def test_what_the_environment_holds_is_not_printed() -> None:
    text = GOOD.replace("at_least: 30s", "at_least: '${SECRET}'").replace("service: checkout", "service: '${OTHER}'")
    found = problems(text, SECRET="hunter2", OTHER="-s3cr3t-")
    assert len(found) == 2
    assert not any("hunter2" in str(problem) or "s3cr3t" in str(problem) for problem in found)


def test_merge_keys_and_aliases_work() -> None:
    text = GOOD.replace("{name: unit, in: image, run: pytest -q --junitxml=$JUNIT}", "&u {name: a, in: image, run: b}")
    text = text.replace("deploy:", "  - {<<: *u, name: c}\ndeploy:", 1)
    assert [suite.name for suite in parsed(text, "davy.yaml", {}).tests] == ["a", "c"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("service: [", "is no YAML"),
        ("a:\n\tb: 1", "tabs"),
        ("a: b: c", "quotes"),
        ("a: 1\n---\nb: 1", "two documents"),
        ("service: s\nbuild: {parallel: ${N}}", "put `${…}` in quotes"),
        ("", "is empty"),
        ("- a", "must be a mapping"),
        ("text", "must be a mapping"),
        ("a: \x00", "no text may hold"),
        ("a: &a [*a]", "nests too deep"),
        ("a: *b", "undefined alias"),
        ("[" * 5000, "nests too deep"),
    ],
)
def test_what_is_no_usable_yaml_is_one_problem(text: str, says: str) -> None:
    assert says in only(text).what


def test_an_alias_bomb_is_refused_quickly() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "unfold" in only("\n".join(lines)).what


def test_a_syntax_error_has_its_line() -> None:
    assert only(GOOD + "  bad: [\n").line is not None


@pytest.mark.parametrize("kind", ["missing", "folder", "latin", "huge"])
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "davy.yaml"
    if kind == "folder":
        path.mkdir()
    if kind == "latin":
        path.write_bytes(b"service: caf\xe9")
    if kind == "huge":
        path.write_text("#" * (2**20 + 1))
    says = {"missing": "not there", "folder": "folder", "latin": "not UTF-8", "huge": "larger than 1 MiB"}[kind]
    with pytest.raises(Unusable) as caught:
        loaded(path, {})
    assert says in caught.value.problems[0].what
    assert str(path) in str(caught.value)


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "davy.yaml"
    path.write_text(GOOD, encoding="utf-8-sig")
    assert loaded(path, {}).service == "checkout"


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(homes(Config))), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_whatever_the_file_holds_the_answer_is_problems_for_people(value: object) -> None:
    assert problems(yaml.safe_dump(value, allow_unicode=True))


def test_what_the_environment_gave_is_hidden_as_a_word_and_not_inside_of_others() -> None:
    text = GOOD.replace("canary:", "canary:\n  deadline: ${LIMIT:-30m}").replace("at_least: 30s", "at_least: 5m")
    assert "the deadline is 2m00s" in only(text, LIMIT="2m").what
