"""Suites as pieces: cells, shards, bundles, what each is told."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.config.document import DeliveryConfig
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.suites import SuiteConfig
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import Unusable
from davy.pipeline.suites.plan import environment, sharding
from davy.pipeline.suites.plan import order as ordering
from davy.pipeline.suites.plan import pieces as expansion
from davy.pipeline.suites.plan.pieces import Guesses, PlannedSuite
from davy.pipeline.suites.ports import SuiteOrder

FILES = tuple(f"tests/test_{letter}.py" for letter in "abcdefghij")


def suite(**more: object) -> SuiteConfig:
    return made(SuiteConfig, {"name": "e2e", "in": "process", "run": "x", **more})


def ask(files: tuple[str, ...] = (), shard: tuple[int, int] | None = None, **more: object) -> PlannedSuite:
    said = suite(**({"files": ["*"]} if files else {}), **more)
    return PlannedSuite(suite=said, cells=expansion.cells(said), files=files, shard=shard)


def guesses(asked: PlannedSuite) -> Guesses:
    return {
        cell.name: sharding.guess((), "e2e", cell.name, expansion.expected_items(asked, cell)) for cell in asked.cells
    }


def test_a_matrix_is_every_combination_of_its_values() -> None:
    cells = expansion.cells(suite(matrix={"browser": ["chrome", "firefox"], "platform": ["Windows 11", "macOS"]}))
    assert [cell.name for cell in cells] == [
        "chrome-Windows_11", "chrome-macOS", "firefox-Windows_11", "firefox-macOS",
    ]  # fmt: skip
    assert cells[0].values == {"browser": "chrome", "platform": "Windows 11"}


VALUES = st.lists(st.text("ab-+._ /A1", min_size=0, max_size=5), min_size=1, max_size=4, unique=True)


@given(st.dictionaries(st.sampled_from(["browser", "version", "flag"]), VALUES, min_size=1, max_size=3))
def test_no_two_cells_share_a_name_or_a_folder(matrix: dict[str, list[str]]) -> None:
    asked = ask(shards=2, matrix=matrix)
    names = [cell.name.casefold() for cell in asked.cells]
    assert len(set(names)) == len(names) == len({tuple(cell.values.values()) for cell in asked.cells})
    folders = [piece.folder.casefold() for piece in expansion.queued(asked, guesses(asked), 2)]
    assert len(set(folders)) == len(folders)
    assert all(part not in ("", ".", "..") for folder in folders for part in folder.split("/"))
    assert all(len(name) <= expansion.LONGEST_CELL + 4 for name in names)


def test_cells_whose_names_fall_together_are_told_apart_by_a_number() -> None:
    names = [cell.name for cell in expansion.cells(suite(matrix={"flag": ["+cache", "-cache", "cache-2", "x" * 300]}))]
    assert names == ["cache", "cache-3", "cache-2", "x" * 100]
    crossed = expansion.cells(suite(matrix={"browser": ["chrome", "chrome-beta"], "version": ["beta-1", "1"]}))
    assert [cell.name for cell in crossed] == ["chrome-beta-1", "chrome-1", "chrome-beta-beta-1", "chrome-beta-1-2"]


@given(st.lists(st.text(max_size=90), max_size=40), st.integers(0, 500))
def test_a_list_is_cut_where_one_variable_holds_no_more(items: list[str], most: int) -> None:
    told = environment.fitting(items, most)
    assert list(told) == items[: len(told)]
    assert len("\n".join(told).encode("utf-8", "surrogatepass")) <= most or not told
    assert len(told) == len(items) or len("\n".join(items[: len(told) + 1]).encode()) > most


def test_a_bundle_is_never_larger_than_a_variable_and_no_file_is_lost() -> None:
    files = tuple(f"tests/{number:05}/{'x' * 90}.py" for number in range(4000))
    asked = ask(files)
    pieces = expansion.queued(asked, guesses(asked), 1)
    assert sorted(item for piece in pieces for item in piece.items) == sorted(files)
    order = SuiteOrder(name="e2e", image=None, run="x")
    told = [expansion.ordered(order, piece).env["DAVY_TESTS"] for piece in pieces]
    assert max(map(len, told)) < 128 * 2**10
    assert len({piece.folder for piece in pieces}) == len(pieces)


def test_more_failures_than_a_variable_holds_are_counted() -> None:
    failed = tuple(f"case {number} {'x' * 90}" for number in range(2000))
    order = SuiteOrder(name="e2e", image=None, run="x", attempt=2, failed=failed)
    told = environment.variables(order)
    listed = told["DAVY_FAILED"].split("\n")
    assert len(told["DAVY_FAILED"]) < 128 * 2**10
    assert len(listed) + int(told["DAVY_FAILED_MORE"]) == len(failed)
    assert "DAVY_FAILED_MORE" not in environment.variables(replace(order, failed=failed[:3]))


def test_a_suite_with_nothing_to_split_is_one_nameless_piece() -> None:
    (piece,) = expansion.queued(ask(), guesses(ask()), 1)
    assert (piece.name, piece.folder, piece.shard, piece.items) == ("", "", (1, 1), ())


def test_without_files_the_shards_are_known_by_number() -> None:
    asked = ask(shards=3, matrix={"browser": ["chrome"]})
    pieces = expansion.queued(asked, guesses(asked), 3)
    assert [piece.name for piece in pieces] == ["chrome/1-of-3", "chrome/2-of-3", "chrome/3-of-3"]
    assert [piece.shard for piece in pieces] == [(1, 3), (2, 3), (3, 3)]


def test_fewer_slots_do_not_change_how_often_a_command_splits_itself() -> None:
    asked = ask(shards=4)
    assert {piece.shard[1] for piece in expansion.queued(asked, guesses(asked), 1)} == {4}


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 3))
def test_every_cell_runs_every_file_once(shards: int, slots: int, count: int) -> None:
    asked = ask(FILES, shards=shards, matrix={"browser": [f"b{number}" for number in range(count)]})
    for pieces in (
        expansion.queued(asked, guesses(asked), slots),
        expansion.static(asked, guesses(asked), slots),
    ):
        for cell in asked.cells:
            run = [item for piece in pieces if piece.cell == cell for item in piece.items]
            assert sorted(run) == sorted(FILES)
        assert len({piece.folder for piece in pieces}) == len(pieces)


@given(st.integers(1, 12), st.integers(1, 5))
def test_all_machines_together_run_every_file_once(of: int, shards: int) -> None:
    run = []
    for number in range(1, of + 1):
        asked = ask(FILES, (number, of), shards=shards)
        run += [item for piece in expansion.queued(asked, guesses(asked), 1) for item in piece.items]
    assert sorted(run) == sorted(FILES)


def test_a_suite_that_can_not_be_split_is_run_by_the_first_machine_alone() -> None:
    assert [len(expansion.queued(one, guesses(one), 1)) for one in (ask(shard=(1, 2)), ask(shard=(2, 2)))] == [1, 0]


def test_every_cell_of_a_machine_has_the_same_files() -> None:
    asked = ask(FILES, (1, 2), matrix={"browser": ["chrome", "firefox"]})
    one, other = expansion.queued(asked, guesses(asked), 2)
    assert one.items == other.items


def test_a_share_that_was_settled_before_is_taken_as_it_is() -> None:
    asked = PlannedSuite(suite=suite(files=["*"]), files=FILES, shard=(2, 8), share=FILES[:2])
    (piece,) = expansion.queued(asked, guesses(asked), 1)
    assert (piece.items, piece.shard) == (FILES[:2], (2, 8))


def test_a_place_that_takes_less_gets_fewer_static_shards() -> None:
    asked = ask(FILES, shards=8, matrix={"browser": ["chrome", "firefox"]})
    assert len(expansion.static(asked, guesses(asked), 4)) == 4


def test_a_piece_is_told_its_part_of_the_whole() -> None:
    asked = ask(FILES[:2], shards=1, matrix={"browser-version": ["latest 1"]})
    (piece,) = expansion.static(asked, guesses(asked), 1)
    image = Image(name="r/a", digest="sha256:0")
    order = SuiteOrder(name="e2e", image=image, run="x", env={"A": "b"}, failed=("a::b", "c"), attempt=2)
    env = expansion.ordered(order, piece).env
    assert env == {
        "A": "b",
        "DAVY_BROWSER_VERSION": "latest 1",
        "DAVY_SHARD": "1",
        "DAVY_SHARDS": "1",
        "DAVY_ATTEMPT": "2",
        "DAVY_TESTS": f"{FILES[0]} {FILES[1]}",
        "DAVY_FAILED": "a::b\nc",
        "DAVY_IMAGE": "r/a@sha256:0",
    }


# ---- orders ---------------------------------------------------------------------------------------------------------


CONFIG = made(DeliveryConfig, {
    "service": "s",
    "images": [{"name": "r/a"}, {"name": "r/b"}],
    "tests": [
        {"name": "unit", "in": "image", "run": "x"},
        {"name": "e2e", "in": "process", "run": "x", "url": "http://x", "env": {"DAVY_URL": "mine"}},
        {"name": "other", "in": "process", "run": "x", "image": "r/b"},
    ],
})  # fmt: skip


def test_globs_that_name_no_file_are_said_all_at_once() -> None:
    suites = [suite(files=["a/*"]), suite(name="two", files=["b/*"])]
    with pytest.raises(Unusable) as caught:
        ordering.asks(suites, lambda _: ())
    assert [problem.path for problem in caught.value.problems] == ["tests.e2e.files", "tests.two.files"]


def test_a_suite_whose_image_was_not_given_is_named() -> None:
    asked = ordering.asks(CONFIG.tests, lambda _: ())
    with pytest.raises(Unusable) as caught:
        ordering.wanted(asked, CONFIG, {}, Path("out"), folder=Path(), release="r1")
    assert [problem.path for problem in caught.value.problems] == ["tests.unit.image", "tests.other.image"]


def test_an_order_says_the_release_and_where_it_answers_and_the_file_has_the_last_word() -> None:
    images = {name: Image(name=name, digest="sha256:0") for name in ("r/a", "r/b")}
    asked = ordering.asks(CONFIG.tests, lambda _: ())
    unit, e2e, other = ordering.wanted(asked, CONFIG, images, Path("out"), folder=Path(), release="r1")
    assert unit.order.env == {"DAVY_RELEASE": "r1"}
    assert e2e.order.env == {"DAVY_RELEASE": "r1", "DAVY_URL": "mine"}
    assert other.order.image == images["r/b"]


def test_a_failed_test_whose_name_has_several_lines_is_told_on_one() -> None:
    order = SuiteOrder(name="e2e", image=None, run="x", failed=("a::one\ntwo\rthree", "b"))
    assert environment.variables(order)["DAVY_FAILED"] == "a::one\\ntwo\\rthree\nb"
