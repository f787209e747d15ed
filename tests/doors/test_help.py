"""What the door says of itself, and how lightly."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import main
from davy.workflows.cli.definition import Definition
from davy.workflows.cli.lazy_group import Entry, LazyGroup
from davy.workflows.story.options import parameters_of

Davy = Callable[..., subprocess.CompletedProcess[str]]
HEAVY = {"docker", "git", "requests", "kubernetes", "rich", "junitparser", "pydantic", "yaml", "prometheus_api_client"}


def commands(group: LazyGroup, name: str = "davy") -> Iterator[tuple[str, Entry, click.Command]]:
    for part, entry in group.table.items():
        command = entry.command()
        yield f"{name} {part}", entry, command
        if isinstance(command, LazyGroup):
            yield from commands(command, f"{name} {part}")


EVERY = list(commands(main.davy))  # type: ignore[arg-type]


def test_help_lists_every_command_with_what_it_does(davy: Davy) -> None:
    shown = davy("--help").stdout
    for name, entry in main.TABLE.items():
        assert name in shown
        assert entry.summary in shown


@pytest.mark.parametrize(("name", "command"), [(name, command) for name, _, command in EVERY])
def test_every_command_has_help_and_every_option_an_environment_twin(name: str, command: click.Command) -> None:
    assert command.help
    for option in command.params:
        if isinstance(option, click.Option) and option.name != "help":
            assert option.help, f"{name} --{option.name}"
            assert option.show_envvar, f"{name} --{option.name}"


DEFINED = [(name, found) for name, entry, _ in EVERY if isinstance(found := entry.definition(), Definition)]


@pytest.mark.parametrize(("name", "definition"), DEFINED)
def test_the_options_of_a_command_have_its_parameters_by_name_and_nothing_else(
    name: str, definition: Definition
) -> None:
    parameters = [parameter.name for parameter in definition.command().params]
    assert sorted(parameters_of(definition.options())) == sorted(map(str, parameters)), name
    assert definition.act.__annotations__["options"] == definition.options().__name__


def test_whatever_has_more_than_one_parameter_has_options_that_are_checked() -> None:
    several = {name for name, _, command in EVERY if len(command.params) > 1}
    assert several <= {name for name, _ in DEFINED}


@pytest.mark.parametrize("arguments", [["--help"], ["version"], ["canary", "--help"], ["canary", "status", "--help"]])
def test_what_only_talks_imports_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    program = (
        f"import sys; from davy.workflows.cli.main import run; run({arguments!r}); print(*sys.modules, file=sys.stderr)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=60
    )
    assert not HEAVY & {name.partition(".")[0] for name in run.stderr.split()}


def words_of(example: str) -> list[str]:
    """What the shell would hand to davy; `$(…)` and what lies behind `>` or spaces is the shell's."""
    return shlex.split(example.partition("  ")[0].partition(" > ")[0].replace('"$(davy build)"', "shop@sha256:1f0c"))


@pytest.mark.parametrize("words", [["--help"], *([*name.split()[1:], "--help"] for name, _, _ in EVERY)])
def test_every_help_ends_with_an_example_that_davy_takes_and_fits_a_terminal(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main.run(words) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80, shown
    heading, *examples = shown.rstrip().rpartition("Example")[2].splitlines()
    assert heading in (":", "s:")
    assert examples
    for example in examples:
        program, *rest = words_of(example.strip())
        assert program == "davy"
        command: click.Command = main.davy
        while isinstance(command, LazyGroup) and rest and rest[0] in command.table:
            found = command.get_command(click.Context(command), rest.pop(0))
            assert found is not None
            command = found
        command.make_context("davy", rest)


@pytest.mark.parametrize("words", [[], ["canary"], ["judge"], ["slo"], ["image"]])
def test_a_group_alone_is_answered_with_its_help(words: list[str], davy: Davy) -> None:
    alone, asked = davy(*words), davy(*words, "--help")
    assert (alone.returncode, alone.stdout, alone.stderr) == (0, asked.stdout, "")


@pytest.mark.parametrize("words", [["--version"], ["-V"]])
def test_the_version_is_had_by_the_usual_option(words: list[str], davy: Davy) -> None:
    assert davy(*words).stdout == davy("version").stdout


def test_the_help_of_a_command_is_had_by_its_name(davy: Davy) -> None:
    assert davy("help", "canary", "abort").stdout == davy("canary", "abort", "--help").stdout
    assert davy("help").stdout == davy("--help").stdout
    mistyped = davy("help", "canary", "abrt")
    assert (mistyped.returncode, mistyped.stdout) == (2, "")
    assert "Did you mean 'abort'?" in mistyped.stderr


def test_no_two_endings_share_an_exit_code() -> None:
    codes = [int(ending) for ending in Ending.__members__.values()]
    assert len(codes) == len(set(codes)) == len(Ending.__members__)


def test_the_help_names_every_exit_code(davy: Davy) -> None:
    shown = davy("--help").stdout
    assert all(f" {int(ending)} " in shown for ending in Ending)


def test_a_mistyped_command_is_a_usage_error_that_names_the_nearest(davy: Davy) -> None:
    run = davy("relase")
    assert (run.returncode, run.stdout) == (2, "")
    assert "Did you mean 'release'?" in run.stderr


def test_a_mistyped_option_is_a_usage_error(davy: Davy) -> None:
    run = davy("release", "--nope")
    assert run.returncode == 2
    assert "--nope" in run.stderr


def test_errors_are_json_on_stdout_where_json_was_asked_for(davy: Davy) -> None:
    run = davy("validate", "--output", "json")
    said = json.loads(run.stdout)
    assert run.returncode == 2
    assert (said["davy_error"], said["exit_code"], said["ending"]) == (1, 2, "unusable")
    assert said["problems"][0]["file"] == "davy.yaml"


def test_version_is_data(davy: Davy) -> None:
    assert davy("version").stdout.startswith("davy ")
    assert json.loads(davy("version", env={"DAVY_OUTPUT": "json"}).stdout)["davy_version"] == 1


def test_every_problem_of_a_file_is_said_on_a_line_of_its_own(davy: Davy, tmp_path: Path) -> None:
    (tmp_path / "davy.yaml").write_text("service: a\nimages: 3\nkanary: {}\n")
    run = davy("validate")
    assert run.returncode == 2
    assert len([line for line in run.stderr.splitlines() if line.startswith("davy.yaml:")]) >= 2
    assert "Traceback" not in run.stderr


SAUCE = """\
apiVersion: v1alpha
kind: apitest
sauce: {region: us-west-1}
suites: []
"""


def test_a_file_that_only_builds_and_tests_is_good_for_that(davy: Davy, tmp_path: Path) -> None:
    (tmp_path / "davy.yaml").write_text("service: shop\nimages: [{name: r.test/shop}]\n")
    run = davy("validate")
    assert run.returncode == 0, run.stderr
    assert "a release needs `deploy` and `checks`" in run.stdout


def test_the_files_that_suites_name_are_validated_too(davy: Davy, tmp_path: Path) -> None:
    (tmp_path / "davy.yaml").write_text(
        "service: shop\nimages: []\ntests: [{name: e2e, in: saucelabs, config: .sauce/config.yml}]\n"
    )
    (tmp_path / ".sauce").mkdir()
    (tmp_path / ".sauce" / "config.yml").write_text(SAUCE)
    run = davy("validate")
    assert run.returncode == 2
    assert ".sauce/config.yml:2" in run.stderr
    assert "apitest" in run.stderr


def test_a_reader_that_leaves_early_gets_no_traceback(tmp_path: Path) -> None:
    davy = Path(sys.executable).parent / "davy"
    shell = subprocess.run(["/bin/sh", "-c", f"{davy} schema | head -c 1"], capture_output=True, text=True, check=True)
    assert shell.stderr == ""


def test_the_schema_is_json(davy: Davy) -> None:
    assert json.loads(davy("schema").stdout)["$schema"].startswith("https://json-schema.org/")


@pytest.mark.parametrize("name", list(main.ELSEWHERE))
def test_a_name_that_other_tools_have_leads_to_commands_that_are_there(davy: Davy, name: str) -> None:
    known = {shown for shown, _, _ in EVERY}
    assert f"davy {name}" not in known
    named = re.findall(r"`(davy [a-z -]+)`", main.ELSEWHERE[name])
    assert set(named) <= known
    if name == "doctor":
        run = davy(name)
        assert (run.returncode, main.ELSEWHERE[name] in run.stderr) == (Ending.UNUSABLE, True)
