"""Recipes: a configuration's images, one for each cell of a matrix."""

from typing import Any

import pytest

from davy.pipeline.config.file import parsed
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.images.keys import ImageConfig
from davy.pipeline.config.sections.images.matrix import expanded, labels, meant, tagged
from davy.pipeline.core.errors import Unusable


def images(*said: dict[str, Any]) -> tuple[ImageConfig, ...]:
    return tuple(made(ImageConfig, one) for one in said)


def test_without_a_matrix_an_entry_is_one_image_that_is_called_by_its_repository() -> None:
    (made,) = expanded(images({"name": "r.test/shop/web", "args": {"A": "1"}}))
    assert (made.id, made.name, made.args, made.suffix) == ("r.test/shop/web", "r.test/shop/web", {"A": "1"}, "")


def test_a_matrix_makes_an_image_for_each_combination_with_its_arguments() -> None:
    said = {
        "name": "r.test/py{PYTHON}-{OS}",
        "args": {"A": "1"},
        "matrix": {"PYTHON": ["3.11", "3.12"], "OS": ["deb", "alp"]},
    }
    made = expanded(images(said))
    assert [one.name for one in made] == [
        "r.test/py3.11-deb",
        "r.test/py3.11-alp",
        "r.test/py3.12-deb",
        "r.test/py3.12-alp",
    ]
    assert made[1].args == {"A": "1", "PYTHON": "3.11", "OS": "alp"}
    assert [one.id for one in made] == [one.name for one in made]


def test_where_cells_share_a_repository_neither_ids_nor_tags_are_shared() -> None:
    said = {"name": "r.test/base", "matrix": {"PYTHON": ["3.11", "3.12"]}, "tags": ["{branch}", "py{PYTHON}-{version}"]}
    one, two = expanded(images(said))
    assert (one.id, two.id) == ("r.test/base[PYTHON=3.11]", "r.test/base[PYTHON=3.12]")
    assert one.tags == ("{branch}-3.11", "py3.11-{version}")
    assert not set(one.tags) & set(two.tags)
    assert (one.suffix, two.suffix) == ("-3.11", "-3.12")


def test_people_call_an_image_by_its_last_part_unless_two_have_the_same() -> None:
    made = expanded(images({"name": "r.test/a/web"}, {"name": "r.test/b/web"}, {"name": "r.test/b/job"}))
    assert list(labels(made).values()) == ["r.test/a/web", "r.test/b/web", "job"]


@pytest.mark.parametrize(
    ("word", "count"),
    [("r.test/base", 2), ("base", 2), ("base[P=1]", 1), ("r.test/base[P=1]", 1), ("web", 1), ("other", 0)],
)
def test_an_image_is_meant_by_id_repository_or_the_last_part_of_it(word: str, count: int) -> None:
    made = expanded(images({"name": "r.test/base", "matrix": {"P": ["1", "2"]}}, {"name": "r.test/web"}))
    assert len(meant(made, word)) == count


def test_a_tag_made_of_a_branch_is_a_tag_that_registries_take() -> None:
    assert tagged("feature/größer", "-3.12") == "feature-gr--er-3.12"
    assert tagged("x" * 200, "-3.12") == "x" * 123 + "-3.12"
    assert tagged("-x") == "_-x"


HEAD = "service: shop\nimages:\n"


@pytest.mark.parametrize(
    ("image", "path", "words"),
    [
        ("{name: 'r.test/{PYTHON}'}", "images[0].name", "no argument of its matrix"),
        ("{name: r.test/Shop}", "images[0].name", "in lower case"),
        ("{name: 'r.test/{A}', matrix: {A: [UP]}}", "images[0].name", "in lower case"),
        ("{name: r.test/a, matrix: {A: []}}", "images[0].matrix.A", "at least one value"),
        ("{name: r.test/a, matrix: {A: ['1', '1']}}", "images[0].matrix.A", "'1' 2 times"),
        ("{name: r.test/a, args: {A: '1'}, matrix: {A: ['1', '2']}}", "images[0].matrix.A", "under `args`, too"),
        (
            "{name: r.test/a, matrix: {A: [a,b,c,d,e,f,g,h,i], B: [a,b,c,d,e,f,g,h]}}",
            "images[0].matrix",
            "makes 72 images",
        ),
        ("{name: r.test/a, tags: ['{brunch}']}", "images[0].tags[0]", "{brunch} is unknown"),
        ("{name: r.test/a, tags: ['a b']}", "images[0].tags[0]", "is no tag"),
        ("{name: r.test/a, tags: [davy-main]}", "images[0].tags[0]", "davy's own"),
        ("{name: r.test/a, platforms: [linux]}", "images[0].platforms[0]", "linux/arm64"),
        ("{name: r.test/a, secrets: [{id: x}]}", "images[0].secrets[0]", "`env` or `file`"),
        ("{name: r.test/a, secrets: [{id: x, env: A}, {id: x, env: B}]}", "images[0].secrets[1].id", "a second secret"),
        ("{name: r.test/a, deploy: false, container: app}", "images[0].container", "no container runs"),
        ("{name: r.test/a, deploy: true, matrix: {A: ['1', '2']}}", "images[0].deploy", "share the repository"),
        ("{name: 'r.test/{A}', matrix: {A: [x]}}\n- {name: r.test/x}", "images[1].name", "makes r.test/x as"),
    ],
)
def test_what_images_break_is_told_with_its_path(image: str, path: str, words: str) -> None:
    with pytest.raises(Unusable) as caught:
        parsed(f"{HEAD}- {image}\n", "davy.yaml", {})
    problems = {problem.path: problem.what for problem in caught.value.problems}
    assert words in problems.get(path, ""), problems
