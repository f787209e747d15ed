"""What the process knows of secrets lies over streams, tracebacks, the journal and evidence."""

import io
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.events import Asked, PodTrouble, RollbackStarted
from davy.pipeline.core.secrets.masks import Masks
from davy.pipeline.registry.masked_attachment import masked_evidence
from davy.pipeline.registry.ports import Attachment
from davy.workflows.cli import errors, main
from davy.workflows.render import veil
from davy.workflows.render.json_text import json_text
from davy.workflows.wiring.masked_journal import MaskedJournal

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Kept:
    """A journal that keeps what it is given."""

    def __init__(self) -> None:
        self.events: list[object] = []
        self.words: list[Asked] = []

    def write(self, events):
        self.events += events

    def read(self):
        return tuple(self.events)

    def ask(self, asked):
        self.words.append(asked)

    def asked(self):
        return tuple(self.words)

    def history(self):
        return ()


def test_a_traceback_tells_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    veil.begin({"GITHUB_TOKEN": "ghs_secret-value", "HOME": "/home/ann"})
    with veil.over("stderr"):
        errors.told(RuntimeError("no such ghs_secret-value"), [], {})
    assert "RuntimeError: no such ***" in stderr.getvalue()
    assert "ghs_secret-value" not in stderr.getvalue()
    assert sys.stderr is stderr


def test_a_command_line_that_cannot_be_used_tells_no_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIGN_PASSWORD", "opens-the-key")
    for words in (
        ["opens-the-key"],
        ["validate", "--opens-the-key"],
        ["validate", "-f", "opens-the-key", "-o", "json"],
    ):
        assert main.run(words) == 2
    shown = "".join(capsys.readouterr())
    assert "opens-the-key" not in shown
    assert "***" in shown


def test_json_stays_json_whatever_a_secret_is() -> None:
    veil.learn(["true", "null", '{"a"', "hunter2"])
    document = {"a": [True, None, "hunter2 is true"], "hunter2": 1}
    assert json.loads(json_text(document)) == {"a": [True, None, "*** is ***"], "***": 1}


def test_a_secret_learnt_later_is_hidden_from_then_on() -> None:
    stream = io.StringIO()
    veiled = veil.Veiled(stream)
    assert veiled.write("hunter2 ") == 8
    veil.learn(["hunter2"])
    assert veiled.write("hunter2") == 7
    assert stream.getvalue() == "hunter2 ***"


def test_the_journal_holds_no_secret_in_anybodys_words_and_all_else_as_it_is() -> None:
    veil.learn(["hunter2", "abort"])
    inner = Kept()
    journal = MaskedJournal(inner)
    asked = Asked(at=NOW, what="abort", by="ann hunter2", why="the key is hunter2")
    trouble = PodTrouble(at=NOW, pod="shop-1", kind="crash_loop", words="panic: hunter2\nat 1")
    began = RollbackStarted(at=NOW, because="hunter2 was told", how="whole")
    journal.ask(asked)
    journal.write([trouble, began])
    assert journal.asked() == (replace(asked, by="ann ***", why="the key is ***"),)
    assert journal.read() == (replace(trouble, words="panic: ***\nat 1"), replace(began, because="*** was told"))


def test_evidence_holds_no_secret_and_is_left_alone_where_it_has_none() -> None:
    image = Image(name="registry.example.com/shop", digest="sha256:" + "cafe" * 16)
    body = json.dumps({"true": True, "digest": image.digest, "words": "it's hunter2"}).encode()
    said = Attachment(kind="k", body=body, annotations={"a": "hunter2"})
    made = masked_evidence(said, Masks(["hunter2", "cafe", "true"]))
    assert json.loads(made.body) == {"***": True, "digest": image.digest, "words": "it's ***"}
    assert made.annotations == {"a": "***"}
    assert masked_evidence(said, Masks(["nothing"])) is said
    assert masked_evidence(replace(said, body=b"\xff hunter2"), Masks(["hunter2"])).body == b"\xff hunter2"
