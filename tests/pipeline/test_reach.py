"""What changes a build's key, and what does not, though it lies beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from davy.pipeline.builds.content.collect import Ingredients, ingredients, inputs
from davy.pipeline.builds.content.inputs import Inputs
from davy.pipeline.builds.content.key import key
from davy.pipeline.config.sections.images.matrix import BuildSecret, Recipe
from davy.pipeline.core.errors import Unusable
from davy.pipeline.source.git.work_tree import GitWorkTree
from git_alone import ALONE

RECIPE = Recipe(id="shop/app", name="shop/app", dockerfile="app/Dockerfile")
FILES = {
    "README.md": "hello",
    "davy.yaml": "service: shop",
    "davy.lock": "version: 1",
    "src/main.py": "main",
    "svc/a/main.py": "a",
    "svc/b/main.py": "b",
    ".netrc": "machine example.com",
    "app/.env": "x",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        put(tmp_path, name, content)
    return tmp_path


def put(folder: Path, name: str, content: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def written(folder: Path, *lines: str) -> None:
    put(folder, "app/Dockerfile", "\n".join(lines) + "\n")


def made(folder: Path, recipe: Recipe = RECIPE) -> Ingredients:
    return ingredients(recipe, GitWorkTree(ALONE), folder)


def looked(folder: Path, recipe: Recipe = RECIPE) -> Inputs:
    return inputs(recipe, made(folder, recipe), {}, {})


def key_of(folder: Path, recipe: Recipe = RECIPE, **more: Any) -> str:
    return key(looked(folder, replace(recipe, **more)))


def refused(folder: Path, recipe: Recipe = RECIPE) -> list[str]:
    with pytest.raises(Unusable) as caught:
        made(folder, recipe)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("source", "counts"),
    [
        ("COPY svc/a /a", {"svc/a/main.py"}),
        ("COPY src svc/b/*.py /", {"src/main.py", "svc/b/main.py"}),
        ("RUN --mount=source=src,target=/src true", {"src/main.py"}),
        ("COPY --from=other /README.md /", set()),
        ("COPY <<README.md /README.md\nREADME.md", set()),
        ("ADD https://example.com/README.md /", set()),
        ("COPY . /", {*FILES, "app/Dockerfile"}),
        ("COPY $X /", {*FILES, "app/Dockerfile"}),
    ],
)
def test_a_file_counts_where_a_source_names_it(folder: Path, source: str, counts: set[str]) -> None:
    written(folder, "FROM base", source)
    before = key_of(folder)
    assert set(looked(folder).files) == counts
    for name in FILES:
        content = (folder / name).read_text()
        put(folder, name, content + "changed")
        assert (key_of(folder) != before) is (name in counts), name
        put(folder, name, content)
    put(folder, "new", "")
    assert (key_of(folder) != before) is (len(counts) > len(FILES))


def test_where_the_frontend_is_of_others_everything_counts(folder: Path) -> None:
    written(folder, "# syntax=example.com/own", "INSTALL svc/a")
    assert set(looked(folder, replace(RECIPE, args={"A": "1"})).files) == {*FILES, "app/Dockerfile"}
    assert looked(folder, replace(RECIPE, args={"A": "1"})).args == {"A": "1"}
    written(folder, "FROM scratch", "COPY svc/a /")
    own = {"BUILDKIT_SYNTAX": "example.com/own"}
    assert set(looked(folder, replace(RECIPE, args=own)).files) == {*FILES, "app/Dockerfile"}


TWO = ("ARG V=1 W=1", "FROM base:$V AS a", "COPY svc/a /", "FROM base:2 AS b", "ARG W", "COPY svc/b /", "RUN $W")


@pytest.mark.parametrize(
    ("lines", "same_a", "same_b"),
    [
        (("# said", *TWO), True, True),
        (("", *TWO[:3], "  # said", *TWO[3:]), True, True),
        ((*TWO[:2], "COPY \\", "  # said", "svc/a /", *TWO[3:]), True, True),
        ((*TWO[:6], "RUN x$W"), True, False),
        ((*TWO[:2], "COPY svc/a /a", *TWO[3:]), False, True),
        (("ARG V=1", "ARG W=1", *TWO[1:]), False, False),
        (("ARG V=1 W=1", "ARG UNUSED=1", *TWO[1:]), True, True),
    ],
)
def test_of_a_dockerfile_the_stages_that_are_needed_count_without_comments(
    folder: Path, lines: Iterable[str], same_a: bool, same_b: bool
) -> None:
    def keys() -> tuple[str, str]:
        return key_of(folder, target="a"), key_of(folder, target="b")

    written(folder, *TWO)
    before = keys()
    written(folder, *lines)
    after = keys()
    assert (before[0] == after[0], before[1] == after[1]) == (same_a, same_b)


def test_a_comment_within_a_heredoc_counts(folder: Path) -> None:
    written(folder, "FROM base", "RUN <<EOF", "# one", "EOF")
    before = key_of(folder)
    written(folder, "FROM base", "RUN <<EOF", "# two", "EOF")
    assert key_of(folder) != before


@pytest.mark.parametrize(
    ("lines", "name", "counts"),
    [
        (("FROM base",), "UNUSED", False),
        (("FROM base", "ARG UNUSED"), "UNUSED", True),
        (("ARG UNUSED", "FROM base"), "UNUSED", False),
        (("ARG USED=1", "FROM base:$USED"), "USED", True),
        (("ARG DEEP=1", "ARG USED=$DEEP", "FROM base:$USED"), "DEEP", True),
        (("FROM base AS other", "ARG A", "FROM base"), "A", False),
        (("FROM base AS other", "ARG A", "FROM other"), "A", True),
        (("FROM base AS other", "ONBUILD ARG A", "FROM other"), "A", True),
        (("FROM base", "ONBUILD ARG A"), "A", False),
        (("FROM base-$TARGETARCH",), "TARGETARCH", True),
        (("FROM base",), "TARGETARCH", False),
        (("FROM base",), "BUILDKIT_INLINE_CACHE", True),
        (("FROM base",), "SOURCE_DATE_EPOCH", True),
        *(
            (("FROM base",), name, False)
            for name in ("HTTP_PROXY", "https_proxy", "No_Proxy", "ALL_PROXY", "FTP_PROXY")
        ),
        *((("FROM base", f"ARG {name}"), name, True) for name in ("HTTP_PROXY", "https_proxy", "NO_PROXY")),
    ],
)
def test_an_argument_counts_where_the_needed_stages_ask_for_it(
    folder: Path, lines: Iterable[str], name: str, counts: bool
) -> None:
    written(folder, *lines)
    one, other = (replace(RECIPE, args={name: value}, platforms=("linux/amd64",)) for value in ("1", "2"))
    assert (key_of(folder, one) != key_of(folder, other)) is counts


def test_an_argument_that_nothing_asks_for_is_warned_of_and_a_proxy_is_not(folder: Path) -> None:
    written(folder, "FROM base")
    said = made(folder, replace(RECIPE, args={"UNUSED": "1", "HTTP_PROXY": "p"})).warnings
    assert said == ("the build argument UNUSED is declared by no ARG that it needs: it changes nothing",)


def test_the_cells_of_a_matrix_have_keys_of_their_own(folder: Path) -> None:
    written(folder, "FROM base")
    cells = [replace(RECIPE, args={"P": value}, cell={"P": value}) for value in "12"]
    assert key_of(folder, cells[0]) != key_of(folder, cells[1])
    assert "its images differ in their names alone" in made(folder, cells[0]).warnings[0]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("COPY nothing /", "nothing: no file of the context fits it"),
        ("COPY empty /", "empty: no file of the context fits it; a folder without files is not there"),
        ("COPY .git/HEAD /", ".git/HEAD: no build is given `.git`"),
        ("RUN --mount=source=.git,target=/x true", ".git: no build is given `.git`"),
        ("COPY left.log /", "left.log: the ignore file leaves it out of the context"),
        ("COPY nothing/* /", "nothing/*: no file of the context fits it"),
        ("COPY --from=more nothing /", "nothing: no file of the context more fits it"),
        ("COPY .netrc /", ".netrc: is the file of the secret netrc, which no layer may hold"),
    ],
)
def test_a_source_that_surely_fails_is_refused_with_its_line(folder: Path, line: str, said: str) -> None:
    (folder / "empty").mkdir()
    put(folder, "left.log", "")
    put(folder, ".dockerignore", "*.log\n")
    written(folder, "FROM base", "COPY src /", line)
    more = replace(RECIPE, contexts={"more": "svc"}, secrets=(BuildSecret(id="netrc", file=Path(".netrc")),))
    (problem,) = refused(folder, more)
    assert problem.startswith(f"app/Dockerfile:3: {said}")


def test_a_glob_that_fits_nothing_is_warned_of(folder: Path) -> None:
    written(folder, "FROM base", "COPY *.nothing src /")
    assert made(folder).warnings == ("app/Dockerfile:2: *.nothing fits no file",)


def test_what_a_stage_that_is_not_needed_takes_may_be_missing(folder: Path) -> None:
    written(folder, "FROM base", "COPY nothing /", "FROM base", "COPY src /")
    assert set(looked(folder).files) == {"src/main.py"}


def test_a_secret_s_file_is_in_no_context_and_no_key(folder: Path) -> None:
    written(folder, "FROM base", "COPY . /", "COPY --from=more . /more/")
    secrets = tuple(BuildSecret(id=name, file=Path(name)) for name in (".netrc", "app/.env", "none", "svc/a/main.py"))
    recipe = replace(RECIPE, secrets=secrets, contexts={"more": "svc"})
    found = made(folder, recipe)
    assert not {".netrc", "app/.env", "svc/a/main.py"} & found.files.keys()
    assert set(found.further["more"]) == {"b/main.py"}
    assert [word.partition(" is the file")[0] for word in found.warnings] == [
        ".netrc",
        "app/.env",
        "svc/a/main.py",
        "a/main.py",
    ]
    before = key_of(folder, recipe)
    put(folder, ".netrc", "another")
    put(folder, "svc/a/main.py", "another")
    assert key_of(folder, recipe) == before


def test_of_a_further_context_only_what_is_taken_counts(folder: Path) -> None:
    recipe = replace(RECIPE, contexts={"svc": "svc", "unused": "src"})
    written(folder, "FROM base", "COPY --from=svc a /")
    assert {name: set(files) for name, files in looked(folder, recipe).contexts.items()} == {"svc": {"a/main.py"}}
    assert made(folder, recipe).warnings == ("nothing that it needs takes anything from the context unused",)
    written(folder, "FROM svc", "RUN true")
    assert set(looked(folder, recipe).contexts["svc"]) == {"a/main.py", "b/main.py"}
    written(folder, "FROM base", "RUN --mount=from=svc,source=b,target=/b true")
    assert set(looked(folder, recipe).contexts["svc"]) == {"b/main.py"}


def test_a_link_that_a_source_names_brings_what_it_leads_to_within_the_context(folder: Path) -> None:
    (folder / "link").symlink_to("svc/a")
    (folder / "out").symlink_to("/etc/hostname")
    written(folder, "FROM base", "COPY link /")
    assert set(looked(folder).files) == {"link", "svc/a/main.py"}
    written(folder, "FROM base", "COPY out /")
    assert refused(folder) == [
        "app/Dockerfile:2: out: no file of the context fits it; a folder without files is not there, for git has none"
    ]


REMOTES: Mapping[str, bool | None] = {
    "ADD https://example.com/x.tgz /": False,
    "ADD ${URL} /": False,
    "ADD ${URL}?x=$NONE /": False,
    "ADD --checksum=sha256:" + 64 * "1" + " ${URL} /": True,
    "ADD https://example.com/x.tgz?checksum=aaaa /": False,
    "ADD https://github.com/x/y.git /": False,
    "ADD https://github.com/x/y.git#main /": False,
    f"ADD https://github.com/x/y.git#{'a' * 40} /": True,
    f"ADD https://github.com/x/y.git#{'a' * 40}:sub /": True,
    f"ADD https://github.com/x/y.git?ref=main&checksum={'a' * 40} /": True,
    f"ADD https://github.com/x/y.git?checksum={'a' * 40}&ref=main /": True,
    f"ADD https://github.com/x/y.git?commit={'a' * 40} /": True,
    f"ADD https://github.com/x/y.git?ref={'a' * 40} /": True,
    "ADD https://github.com/x/y.git?ref=main /": False,
    "ADD git@github.com:x/y.git#main /": False,
    "ADD ssh://git@example.com/x/y.git /": False,
    "ADD src /": None,
}


@pytest.mark.parametrize(("line", "checked"), REMOTES.items())
def test_what_add_fetches_is_known_with_its_arguments_filled_in(folder: Path, line: str, checked: bool | None) -> None:
    written(folder, "FROM base", "ARG URL=https://example.com/x.tgz", line)
    found = made(folder).dockerfile.remotes
    assert [one.checked for one in found] == ([] if checked is None else [checked])


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("NPM_TOKEN", True),
        ("token", True),
        ("DB_PASSWORD", True),
        ("SECRET_ID", True),
        ("API_KEY", True),
        ("KEYBOARD", False),
        ("AUTHOR", False),
        ("PUBLIC_KEY", False),
        ("VERSION", False),
    ],
)
def test_an_argument_that_is_a_secret_by_its_name_is_warned_of_where_it_is_asked_for(
    folder: Path, name: str, is_secret: bool
) -> None:
    written(folder, "FROM base", f"ARG {name}")
    said = made(folder, replace(RECIPE, args={name: "1"})).warnings
    assert [word for word in said if "hand it in by `secrets`" in word] == list(said)
    assert bool(said) is is_secret


@pytest.mark.parametrize(
    ("context", "source", "ignore", "warned"),
    [
        (".", "COPY . /", "", True),
        (".", "RUN --mount=target=/x true", "", True),
        (".", "COPY src /", "", False),
        (".", "COPY . /", "*.md", False),
        ("app", "COPY . /", "", False),
    ],
)
def test_an_image_that_every_commit_builds_is_warned_of(
    folder: Path, context: str, source: str, ignore: str, warned: bool
) -> None:
    written(folder, "FROM base", source)
    if ignore:
        put(folder, ".dockerignore", ignore)
    recipe = replace(RECIPE, context=context, dockerfile="Dockerfile" if context == "app" else "app/Dockerfile")
    assert any("every commit builds it" in word for word in made(folder, recipe).warnings) is warned
