"""Contexts that are images: the name in the Dockerfile stands for the image, in the key and in what is built by."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from davy.pipeline.builds.dockerfile.parser import Dockerfile, parsed, pinned
from davy.pipeline.config.file import parsed as config_of
from davy.pipeline.core.errors import Unusable
from yard import Yard

ONE, OTHER = "sha256:" + "1" * 64, "sha256:" + "2" * 64
NODE = f"docker-image://r.test/node:22@{ONE}"


def app(contexts: Mapping[str, str], **more: object) -> dict[str, object]:
    return {"name": "r.test/shop/app", "context": "app", "contexts": dict(contexts), **more}


BASE = {"name": "r.test/shop/base", "context": "base"}


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    made = Yard(tmp_path, said=(app({"ctx": NODE}),))
    made.write({"app/Dockerfile": "FROM ctx\nCOPY --from=other /x /\n", "app/a": "1"})
    return made


def key(yard: Yard, contexts: Mapping[str, str], *more: Mapping[str, object]) -> str:
    yard.said = (app(contexts), *more)
    return next(one.key for one in yard.shop().images if one.id == "r.test/shop/app")


def text(yard: Yard) -> str:
    """What the image was built by."""
    run = yard.build()
    assert run.error is None
    built = next(one for one in run.built if one.image.name == "r.test/shop/app")
    return yard.order_of(built.image).dockerfile_text or ""


def test_what_is_built_by_names_the_images_in_place_of_the_contexts(yard: Yard) -> None:
    yard.said = (app({"ctx": NODE, "other": "docker-image://python:3.12"}),)
    python = yard.store.digest("docker.io/library/python", "3.12")
    assert text(yard) == f"FROM r.test/node:22@{ONE}\nCOPY --from=docker.io/library/python:3.12@{python} /x /\n"
    assert not yard.order_of(yard.build().built[0].image).contexts


def test_another_image_of_the_file_is_built_before_and_its_content_counts(yard: Yard) -> None:
    contexts = {"ctx": "target:base", "other": NODE}
    yard.said = (app(contexts), BASE)
    first = text(yard)
    digest = yard.tag("base", "davy-main")
    assert first.startswith(f"FROM r.test/shop/base@{digest}\n")
    (before,) = (one.key for one in yard.shop().images if one.label == "app")
    yard.write({"base/lib.txt": "2"})
    assert key(yard, contexts, BASE) != before
    assert yard.build().made == {"base", "app"}


def test_a_cell_of_a_matrix_is_named_by_its_label_and_by_what_the_own_cell_says(yard: Yard) -> None:
    base = {**BASE, "matrix": {"PY": ["3.11", "3.12"]}}
    yard.said = (
        app({"ctx": "target:base[PY={PY}]", "other": NODE}, name="r.test/shop/app-{PY}", matrix={"PY": ["3.12"]}),
        base,
    )
    (image,) = (one for one in yard.shop().images if one.label == "app-3.12")
    assert image.parents == ("r.test/shop/base[PY=3.12]",)


def test_the_digest_and_the_name_that_it_stands_for_count_in_the_key(yard: Yard) -> None:
    other = f"docker-image://r.test/go:1@{OTHER}"
    keys = {
        key(yard, {"ctx": NODE, "other": other}),
        key(yard, {"ctx": other, "other": NODE}),
        key(yard, {"ctx": NODE, "other": NODE}),
        key(yard, {"ctx": NODE.replace(ONE, OTHER), "other": other}),
    }
    assert len(keys) == 4
    assert key(yard, {"ctx": NODE, "other": other}) in keys
    assert key(yard, {"ctx": NODE, "other": other, "unused": NODE}) in keys


def test_why_it_is_built_names_the_context(yard: Yard) -> None:
    yard.said = (app({"ctx": NODE, "other": NODE}),)
    yard.build()
    yard.said = (app({"ctx": NODE, "other": f"docker-image://r.test/go:1@{OTHER}"}),)
    (started,) = (one for one in yard.build().events if type(one).__name__ == "BuildStarted")
    assert f"the context other: r.test/node:22@{ONE} → r.test/go:1@{OTHER}" in str(started)


def read(written: str, images: Mapping[str, str], **more: object) -> Dockerfile:
    return parsed(written, stand_ins=images, **more)  # type: ignore[arg-type] - as the caller says


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("FROM ctx AS a\nFROM a\n", "FROM r/b@D AS a\nFROM a\n"),
        ("FROM ctx:latest\n", "FROM r/b@D\n"),
        ("FROM docker.io/library/ctx\n", "FROM r/b@D\n"),
        ("ARG B=ctx\nFROM $B\n", "ARG B=ctx\nFROM r/b@D\n"),
        ("FROM x AS ctx\nFROM y\nCOPY --from=ctx /a /\n", "\nFROM y\nCOPY --from=r/b@D /a /\n"),
        (
            "FROM y\nRUN --mount=type=bind,from=ctx,target=/c x\n",
            "FROM y\nRUN --mount=type=bind,from=r/b@D,target=/c x\n",
        ),
        ("FROM y\nRUN --mount='from=ctx',\"target=/c\" ctx\n", "FROM y\nRUN --mount='from=r/b@D',\"target=/c\" ctx\n"),
        ("FROM y\nONBUILD COPY --from=ctx /a /\n", "FROM y\nONBUILD COPY --from=ctx /a /\n"),
        ("FROM ctx:2\n", "FROM ctx:2\n"),
    ],
)
def test_each_place_that_says_the_name_is_the_image_and_no_other(written: str, right: str) -> None:
    said = read(written, {"ctx": "r/b"})
    assert not said.problems
    assert pinned(said, {"r/b": "r/b@D"}) == right
    assert ("r/b" in said.bases) is ("r/b@D" in right)
    assert not said.contexts


def test_a_name_that_is_another_one_on_each_platform_cannot_be_put() -> None:
    said = read("FROM ctx-$TARGETARCH\n", {"ctx-amd64": "r/b"}, platforms=("linux/amd64", "linux/arm64"))
    (problem,) = said.problems
    assert (problem.line, "ctx-$TARGETARCH is another name on each platform" in problem.what) == (1, True)


def test_a_frontend_of_others_gets_no_image_as_a_context() -> None:
    (problem,) = read("# syntax=mine/front\nJOY\n", {"ctx": "r/b"}).problems
    assert "(ctx)" in problem.what


def said_of(contexts: Mapping[str, str]) -> str:
    said = {
        "service": "shop",
        "images": [app(contexts), BASE, {**BASE, "name": "r.test/shop/ci", "matrix": {"A": ["1", "2"]}}],
        "deploy": {"kubernetes": {"deployment": "shop"}},
        "checks": {
            "prometheus": "http://p:9090",
            "slos": [{"name": "a", "objective": 99, "errors": "e", "total": "t"}],
        },
    }
    return yaml.safe_dump(said)


@pytest.mark.parametrize(
    ("context", "what"),
    [
        ("docker-image://Node:22", "'Node:22' is no name of an image"),
        ("docker-image://", "'' is no name of an image"),
        ("docker-image://r.test/a@sha256:12", "is no name of an image"),
        ("oci-layout://./out", "push it to a registry, and name it as docker-image://NAME@sha256:…"),
        ("oci-layout:out", "takes no OCI layout"),
        ("https://github.com/x/y.git#main", "check it out, and name its folder"),
        ("git@github.com:x/y.git", "check it out, and name its folder"),
        ("target:", "no image of this file is called ''"),
        ("target:bas", "there is base, ci[A=1], ci[A=2] (a folder called so: ./target:bas)"),
        ("target:ci", "'ci' are 2 images; name one: ci[A=1], ci[A=2]"),
        ("target:app", "'app' is this image itself"),
        ("target:base[{A}]", "no image of this file is called 'base[{A}]'"),
    ],
)
def test_a_context_that_nobody_can_use_is_refused_with_its_line_and_the_way_out(context: str, what: str) -> None:
    with pytest.raises(Unusable) as caught:
        config_of(said_of({"ctx": context}), "davy.yaml", {})
    (problem,) = caught.value.problems
    assert what in problem.what
    assert (problem.path, bool(problem.line)) == ("images[0].contexts.ctx", True)


@pytest.mark.parametrize(
    "context", ["base", "./target:x", "target:base", "target:ci[A=2]", "docker-image://node", NODE]
)
def test_a_folder_an_image_and_a_target_are_taken(context: str) -> None:
    assert config_of(said_of({"ctx": context}), "davy.yaml", {})


def test_an_image_that_is_itself_the_name_of_a_folder_is_refused() -> None:
    said = said_of({"r.test/node": "base", "ctx": "docker-image://r.test/node:latest"})
    with pytest.raises(Unusable, match="problem") as caught:
        config_of(said, "davy.yaml", {})
    assert "name the image by its digest" in caught.value.problems[0].what


def test_a_further_folder_that_is_not_there_is_told_with_who_names_it(yard: Yard) -> None:
    yard.said = (app({"ctx": NODE, "other": "nowhere"}),)
    with pytest.raises(Unusable) as caught:
        yard.shop()
    (problem,) = caught.value.problems
    assert (problem.file, problem.what) == (
        "nowhere",
        "is not there; r.test/shop/app names it as its context other",
    )
