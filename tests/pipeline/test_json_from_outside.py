"""JSON from outside: however it is written, each door says so or passes it over, and none falls over."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from davy.canary.platforms import held_update
from davy.canary.platforms.kubernetes import annotation_values, annotations
from davy.canary.platforms.kubernetes.journal import text as ledger
from davy.canary.platforms.kubernetes.journal.text import Ledger
from davy.pipeline.builds.builders.buildah_store import listed, storage_of
from davy.pipeline.builds.builders.buildx import named_digest
from davy.pipeline.builds.record import build_of, inputs_of, record_of
from davy.pipeline.core.errors import Missing, Unreachable
from davy.pipeline.core.json import tree
from davy.pipeline.suites import cleanup
from davy.pipeline.suites.clouds.session_tags import Owner
from davy.pipeline.suites.runners.webdriver.session_file import SessionLedger

ODD: dict[str, Callable[[str], str]] = {
    "deep": lambda _: "[" * 100_000,
    "deep within": lambda good: good[:-1] + ', "x": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "an endless number": lambda good: good[:-1] + ', "x": ' + "9" * 5_000 + "}",
    "a number beyond floats": lambda good: good[:-1] + ', "x": 1e999}',
    "NaN": lambda good: good[:-1] + ', "x": NaN}',
    "-Infinity": lambda good: good[:-1] + ', "x": -Infinity}',
    "a name twice": lambda good: good[:-1] + ", " + good[1:],
    "a name twice within": lambda good: good[:-1] + ', "x": {"a": 1, "a": 2}}',
    "too long": lambda good: good[:-1] + ', "x": "' + "x" * (17 * 2**20) + '"}',
    "no JSON": lambda good: good[:-1],
}
"""Each makes of a document that is taken one that is not."""
GOOD = {
    "buildx": '{"containerimage.digest": "sha256:' + "a" * 64 + '"}',
    "buildah info": '{"store": {"GraphRoot": "/var/lib/x", "GraphDriverName": "vfs"}}',
    "a build": '{"davy_build": 2, "id": "web", "key": "k", "digest": "sha256:d", "at": "2026-01-02T03:04:05Z"}',
    "a journal": '{"n": 1, "davy_event": 1, "event": "Warned", "at": "2026-01-02T03:04:05Z", "what": "w"}',
    "a mark": '{"images": {"app": "r/app@sha256:d"}, "strategy": "{}"}',
    "sessions": '{"s1": {"cloud": "grid"}}',
}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("good", GOOD.values(), ids=GOOD)
def test_the_exact_reader_refuses_it_with_a_sentence(good: str, kind: str) -> None:
    assert tree.exact(good, 2**24) == json.loads(good)
    with pytest.raises(json.JSONDecodeError) as caught:
        tree.exact(ODD[kind](good), 2**24)
    assert len(str(caught.value)) < 200


def by_buildx(text: str, folder: Path) -> object:
    (folder / "metadata.json").write_text(text)
    try:
        return named_digest(folder / "metadata.json", "r/app")
    except Unreachable as error:
        return None if "buildx named no digest for r/app: what it wrote down " in error.what else error


def by_buildah(text: str, _: Path) -> object:
    try:
        return storage_of(text, "")
    except Missing as error:
        return None if "what `buildah info` said cannot be read: " in error.what else error


def by_records(text: str, _: Path) -> object:
    assert record_of(text) is None
    assert inputs_of(text) is None
    return build_of(text)


def by_journal(text: str, _: Path) -> object:
    told = ledger.events_of(Ledger(events=(text,)))
    return None if "cannot be read" in getattr(told[0], "what", "") else told


def by_mark(text: str, _: Path) -> object:
    found = annotation_values.read({annotations.RESTORE: text, held_update.ROLLBACK: text}, (), ("app",))
    return found.held


def by_sessions(text: str, folder: Path) -> object:
    owner = Owner(service="shop", host="here", process=1)
    (folder / "shop@here@2.json").write_text(text)
    return SessionLedger(folder, owner).left(lambda _: False) or None


DOORS: dict[str, Callable[[str, Path], object]] = {
    "buildx": by_buildx,
    "buildah info": by_buildah,
    "a build": by_records,
    "a journal": by_journal,
    "a mark": by_mark,
    "sessions": by_sessions,
}


@pytest.mark.parametrize("door", DOORS)
def test_no_door_falls_over_it_or_takes_it(tmp_path: Path, door: str) -> None:
    assert DOORS[door](GOOD[door], tmp_path) is not None
    for kind, spoiled in ODD.items():
        if (door, kind) != ("a build", "too long"):  # Of its records davy takes 64 MiB.
            assert DOORS[door](spoiled(GOOD[door]), tmp_path) is None, kind


def test_of_a_list_of_leftovers_the_lines_that_say_nothing_are_passed_over(tmp_path: Path) -> None:
    odd = [spoiled('{"a": 1}') for spoiled in ODD.values()]
    lines = [*odd, "[" * 100_000, "9" * 5_000, "NaN", '"a"', '"' + "a" * 2**16 + '"', '"b"']
    (tmp_path / cleanup.INDEX).write_text("".join(f"{line}\n" for line in lines))
    for name in "abc":
        (tmp_path / name).write_text("x")
    assert cleanup.cleared(tmp_path) == ()
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


@pytest.mark.parametrize("kind", ODD)
def test_containers_that_buildah_tells_of_otherwise_are_none(kind: str) -> None:
    assert listed('[{"id": "a"}]') == [{"id": "a"}]
    assert listed(ODD[kind]('{"id": "a"}')) == []
