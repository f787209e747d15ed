"""What a build would do, and why, before anything is built."""

from pathlib import Path

import pytest

from davy.pipeline.builds.lookup import Memory
from davy.pipeline.builds.plan import outlook
from davy.pipeline.core.errors import Unreachable
from davy.pipeline.core.events import BuildAction
from yard import Yard


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


def seen(yard: Yard, *, ask: bool, force: bool = False, only: tuple[str, ...] = ()) -> dict[str, tuple[str, str]]:
    memory = Memory(records=yard.records, store=yard.store if ask else None, branch="main")
    found = outlook(yard.shop(), memory, force=force, only=only)
    return {one.keyed.label: (one.action.value, one.because.removesuffix("; not locked: python:3.12")) for one in found}


def test_where_nobody_is_asked_nothing_is_known_but_what_this_machine_remembers(yard: Yard) -> None:
    assert {action for action, _ in seen(yard, ask=False).values()} == {"unknown"}
    yard.build()
    yard.write({"web/app.py": "2"})
    told = seen(yard, ask=False)
    assert told["web"] == ("unknown", "web/app.py changed; the registry was not asked")
    assert told["tool"] == ("unknown", "nothing changed since 1234567 was built here; the registry was not asked")


def test_where_the_registry_is_asked_it_is_said_what_is_built_and_what_reused(yard: Yard) -> None:
    yard.build()
    yard.elsewhere()
    yard.write({"base/lib.txt": "2"})
    assert seen(yard, ask=True) == {
        "base": ("build", "base/lib.txt changed"),
        "web": ("build", "its parent base changed"),
        "job": ("build", "its parent base changed"),
        "tool": ("reuse", "the registry has its key"),
    }


def test_what_is_foreseen_is_what_is_done(yard: Yard) -> None:
    yard.build()
    yard.write({"base/lib.txt": "2", "tool/more": ""})
    foreseen = seen(yard, ask=True)
    run = yard.build()
    assert run.made == {label for label, (action, _) in foreseen.items() if action == "build"}
    assert run.reused == {label for label, (action, _) in foreseen.items() if action == "reuse"}


def test_force_is_foreseen(yard: Yard) -> None:
    yard.build()
    assert {action for action, _ in seen(yard, ask=True, force=True).values()} == {"build"}
    assert {action for action, _ in seen(yard, ask=False, force=True).values()} == {"build"}


def test_of_one_image_only_it_and_what_it_needs_is_told(yard: Yard) -> None:
    assert set(seen(yard, ask=True, only=("r.test/shop/web",))) == {"base", "web"}
    yard.build()
    assert set(seen(yard, ask=True, only=("r.test/shop/web",))) == {"web"}


def test_a_registry_that_does_not_answer_is_an_error_and_not_a_guess(yard: Yard) -> None:
    yard.lock = {"python:3.12": "sha256:" + "0" * 64}
    yard.store.fault = Unreachable("away")
    with pytest.raises(Unreachable):
        seen(yard, ask=True)
    assert {action for action, _ in seen(yard, ask=False).values()} == {BuildAction.UNKNOWN.value}
