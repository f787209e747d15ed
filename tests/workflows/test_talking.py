"""What is said outside the story: failures, CI annotations, identity, screens that break."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import DavyError, Forbidden, Problem, Unusable
from davy.pipeline.core.events import Event, ReleaseFinished, Warned
from davy.workflows.ci import github, identity
from davy.workflows.cli import errors
from davy.workflows.images.given import image
from davy.workflows.story.screens import played
from davy.workflows.story.task import release_name
from davy.workflows.wiring.secret_values import secret

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def end(ending: Ending = Ending.ROLLED_BACK, sentence: str = "no") -> ReleaseFinished:
    return ReleaseFinished(at=NOW, ending=ending, sentence=sentence, took=timedelta(seconds=3), remedy="mend it")


class Broken:
    """A screen whose reader has gone."""

    def __init__(self) -> None:
        self.asked = 0

    def show(self, event: Event) -> None:
        self.asked += 1
        raise BrokenPipeError

    def close(self) -> None:
        raise BrokenPipeError


def test_a_reader_that_goes_never_stops_what_is_done() -> None:
    done: list[int] = []

    def events() -> Iterator[Event]:
        for number in range(3):
            done.append(number)
            yield Warned(at=NOW, what="x")
        yield end()

    screen = Broken()
    ending, seen = played(events(), screen)
    assert (done, ending, len(seen), screen.asked) == ([0, 1, 2], Ending.ROLLED_BACK, 4, 1)


def test_an_error_is_told_with_every_problem_on_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    problems = (Problem(what="bad", path="canary.steps[2].weight", file="davy.yaml", line=7), Problem(what="worse"))
    ending = errors.told(Unusable("Cannot use it.", problems=problems, remedy="Mend it."), [], {})
    said = capsys.readouterr()
    assert (ending, said.out) == (Ending.UNUSABLE, "")
    assert said.err.splitlines() == [
        "Error: Cannot use it.",
        "davy.yaml:7: canary.steps[2].weight: bad",
        "worse",
        "Next: Mend it.",
    ]


def test_an_error_is_json_on_stdout_where_json_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    errors.told(Forbidden("no"), ["plan", "--output=json"], {})
    said = json.loads(capsys.readouterr().out)
    assert (said["davy_error"], said["exit_code"], said["problems"]) == (1, 2, [])


def test_a_defect_shows_its_traceback_and_asks_for_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        raise ZeroDivisionError("boom")
    assert errors.told(caught.value, [], {}) is Ending.DEFECT
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "report it" in said


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (click.UsageError("x"), 2), (DavyError("x"), 1)]
)
def test_every_error_has_its_exit_code(error: BaseException, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert int(errors.told(error, [], {})) == code


def test_hostile_words_in_an_error_are_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    errors.told(DavyError("\x1b[2J\n::error::x"), [], {})
    assert "\x1b" not in (said := capsys.readouterr().err)
    assert not any(line.startswith("::") for line in said.splitlines())


def test_outside_github_nothing_is_annotated(tmp_path: Path) -> None:
    stream = io.StringIO()
    github.announce([end()], "report", {"GITHUB_STEP_SUMMARY": str(tmp_path / "s")}, stream)
    assert stream.getvalue() == ""
    assert not (tmp_path / "s").exists()


def test_on_github_the_end_is_an_annotation_and_the_report_the_summary(tmp_path: Path) -> None:
    stream, place = io.StringIO(), tmp_path / "summary"
    place.write_text("before\n")
    events = [Warned(at=NOW, what="50 % of\nit"), end(sentence="bad\n::set-output name=x::y")]
    github.announce(events, "# report", {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(place)}, stream)
    assert place.read_text() == "before\n# report\n"
    warning, error = stream.getvalue().splitlines()
    assert warning == "::warning title=davy::50 %25 of%0Ait"
    assert error == "::error title=davy%3A rolled back::bad%0A: :set-output name=x::y%0ANext: mend it"


def test_a_good_end_is_no_annotation() -> None:
    assert github.annotation(end(Ending.DONE)) == ""


def test_a_summary_that_cannot_be_written_is_said_and_stops_nothing(tmp_path: Path) -> None:
    stream = io.StringIO()
    github.announce([], "x", {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path)}, stream)
    assert stream.getvalue().startswith("::warning")


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, "ann@host:7"),
        ({"DAVY_RUNNER": "me", "CI_JOB_URL": "https://gitlab/1"}, "me"),
        ({"CI_JOB_URL": "https://gitlab/1"}, "https://gitlab/1"),
        (
            {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "o/r", "GITHUB_RUN_ID": "9"},
            "https://github.com/o/r/actions/runs/9",
        ),
    ],
)
def test_a_runner_is_named_so_that_people_find_it(environment: dict[str, str], name: str) -> None:
    assert identity.runner(environment, "ann", "host", 7) == name


def test_a_secret_is_read_from_the_environment_and_missing_it_is_said_by_name() -> None:
    assert secret("plain", "p", {}) == "plain"
    assert secret("env:TOKEN", "p", {"TOKEN": "t"}) == "t"
    with pytest.raises(Unusable) as caught:
        secret("env:TOKEN", "checks.prometheus.headers.X", {})
    assert str(caught.value.problems[0]) == "checks.prometheus.headers.X: is read from $TOKEN, which is not set"


@pytest.mark.parametrize("reference", ["a", "a:1", "a@sha256:12", "@sha256:" + "a" * 64, "a@md5:" + "a" * 64])
def test_an_image_without_a_digest_is_refused(reference: str) -> None:
    with pytest.raises(Unusable):
        image(reference)


def test_an_image_with_a_digest_keeps_its_registry_and_port() -> None:
    reference = "127.0.0.1:5000/shop/checkout@sha256:" + "a" * 64
    assert image(reference).reference == reference


def test_a_release_has_a_name_that_fits_a_label() -> None:
    name = release_name("C" * 60, NOW)
    assert len(name) <= 63
    assert name.endswith("-20260501-120000")
