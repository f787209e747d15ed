"""Dockerfiles as BuildKit reads them, as far as keys and pins need it.

Held once against BuildKit's own parser (v0.26.3) over 20,000 random texts: the same stages, bases and `from`s each
time, and what it refuses is refused here.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.builds.dockerfile.parser import Dockerfile, parsed, pinned
from davy.pipeline.core.images.names import asked_for, familiar, repository, taken_apart

DIGEST = "sha256:" + "a" * 64


def lines(*written: str) -> str:
    return "\n".join(written) + "\n"


def wrong(text: str, **said: object) -> list[str]:
    return [str(problem).removeprefix("Dockerfile:") for problem in parsed(text, **said).problems]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "bases"),
    [
        (lines("FROM a"), ("a",)),
        (lines("from a"), ("a",)),
        (lines("FROM --platform=linux/arm64 a:1 AS x"), ("a:1",)),
        (lines("FROM a AS one", "FROM one", "COPY --from=b:2 /x /y"), ("a", "b:2")),
        (lines("FROM a AS One", "FROM ONE"), ("a",)),
        (lines("FROM a", "FROM b", "COPY --from=0 /x /y"), ("a", "b")),
        (lines("FROM a", "FROM b"), ("b",)),
        (lines("FROM scratch", "COPY x /"), ()),
        (lines("FROM alpine AS alpine", "FROM alpine"), ("alpine",)),
        (lines("ARG V=3", "FROM a:$V"), ("a:3",)),
        (lines("ARG V", "FROM a:${V:-4}"), ("a:4",)),
        (lines("ARG V=", "FROM a:${V:-4}"), ("a:4",)),
        (lines("ARG V=", "FROM a${V-:4}"), ("a",)),
        (lines("ARG V=3", "FROM a:4${V:+-slim}"), ("a:4-slim",)),
        (lines("ARG V=3 W=${V}.1", "FROM a:$W"), ("a:3.1",)),
        (lines("ARG V=v1.2.3", "FROM a:${V#v}"), ("a:1.2.3",)),
        (lines("ARG V=1.2.3", "FROM a:${V%%.*}"), ("a:1",)),
        (lines("ARG V=1.2.3", "FROM a:${V//./-}"), ("a:1-2-3",)),
        (lines('ARG V="3"', "FROM 'a':$V"), ("a:3",)),
        (lines("# escape=`", "FROM a`", "b"), ("ab",)),
        (lines("FROM a \\", "  # in between", "", " AS x"), ("a",)),
        (lines("FROM a", "RUN --mount=type=bind,from=b,target=/b true"), ("a", "b")),
        (lines("FROM a", 'RUN --mount=type=bind,"from=b",target=/b true'), ("a", "b")),
        (lines("FROM a", "RUN cat <<EOF", "FROM b", "EOF"), ("a",)),
        (lines("FROM a", "RUN cat <<-'E' <<F", "FROM b", "\tE", "COPY --from=c x y", "F"), ("a",)),
        (lines("FROM a", 'RUN echo "<<EOF"', "COPY --from=b x y"), ("a", "b")),
        (lines("FROM a", 'RUN ["echo", "<<EOF"]', "COPY --from=b x y"), ("a", "b")),
        (lines("FROM a", "ONBUILD COPY --from=b x y"), ("a",)),
        (lines("FROM a AS one", "ONBUILD COPY --from=b x y", "FROM one"), ("a", "b")),
        (lines("FROM a AS one", "ONBUILD COPY --from=b x y", "FROM one AS two", "FROM two"), ("a", "b")),
        (lines("FROM a AS one", "ONBUILD COPY --from=b x y", "FROM c", "COPY --from=one x y"), ("a", "c")),
        ("\ufeffFROM a\r\nCOPY --from=b x y\r\n", ("a", "b")),
        (lines("FROM a", "COPY --from=later x y", "FROM b AS later", "FROM c"), ("c",)),
        (lines("FROM base-$TARGETARCH"), ()),
    ],
)
def test_the_images_that_the_last_stage_needs_are_its_bases(text: str, bases: tuple[str, ...]) -> None:
    if "TARGETARCH" in text:
        text = lines("FROM a AS base-amd64", "FROM b AS base-arm64") + text
        bases = ("a", "b")
    read = parsed(text)
    assert (read.bases, read.problems) == (bases, ())


def test_arguments_of_the_build_win_over_those_of_the_text_and_only_where_it_names_them() -> None:
    text = lines("ARG V=3", "FROM a:$V$W")
    assert parsed(text, args={"V": "4", "W": "5"}).bases == ("a:4",)


def test_a_target_leaves_out_what_it_does_not_need() -> None:
    text = lines("FROM a AS one", "FROM b AS two", "FROM c", "COPY --from=two x y")
    assert parsed(text, target="one").bases == ("a",)
    assert parsed(text, target="1").bases == ("b",)


def test_a_further_context_takes_the_place_of_an_image() -> None:
    text = lines("FROM a:latest", "COPY --from=shared x y", "RUN --mount=from=other true")
    read = parsed(text, contexts=("a", "shared", "unused"))
    assert read.bases == ("other",)
    assert read.contexts == {"a", "shared"}


def test_each_platform_may_have_a_base_of_its_own_where_platforms_are_said() -> None:
    text = lines("FROM a:$TARGETARCH")
    assert parsed(text, platforms=("linux/arm64", "linux/s390x")).bases == ("a:arm64", "a:s390x")
    assert "say `platforms`" in wrong(text)[0]


def test_what_a_build_fetches_is_told_unless_its_checksum_is_there() -> None:
    text = lines(
        "FROM a",
        "ADD https://x.example/one /",
        "ADD --checksum=sha256:ab https://x.example/two /",
        "ADD git@x.example:me/it.git /",
        f"ADD https://x.example/me/it.git#{'0' * 40} /",
        "ADD local /",
    )
    assert [(one.line, one.checked) for one in parsed(text).remotes] == [(2, False), (3, True), (4, False), (5, True)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["1: has no instruction"]),
        (lines("# only this"), ["1: has no instruction"]),
        (lines("RUN x"), ["1: RUN stands before the first FROM", "1: has no FROM"]),
        (lines("FRM a"), ["1: has no FROM", "1: unknown instruction FRM"]),
        (lines("FROM a", "", "RUNN x"), ["3: unknown instruction RUNN"]),
        (lines("FROM"), ["1: FROM is written"]),
        (lines("FROM a b"), ["1: FROM is written"]),
        (lines("FROM a AS 1x"), ["1: 1x is no name for a stage"]),
        (lines("FROM A/B"), ["1: 'A/B' is no name of an image"]),
        (lines("FROM $X"), ["1: FROM $X is empty"]),
        (lines("FROM a:${X"), ["1: a } is missing"]),
        (lines("FROM a:${X:?needed}"), ["1: X: needed"]),
        (lines("FROM a", "COPY --form=b x y"), ["2: COPY has no flag --form"]),
        (lines("FROM a", "COPY --from=b --from=c x y"), ["2: --from is there twice"]),
        (lines("FROM a", "COPY --chown x y"), ["2: --chown needs a value"]),
        (lines("FROM a", "COPY x"), ["2: COPY needs what to copy"]),
        (lines("FROM a", "COPY --from=7 x y"), ["2: there is no stage 7"]),
        (lines("FROM a", "COPY --from=$X x y"), ["2: $X: no variable is filled in here"]),
        (lines("FROM a", "RUN <<EOF", "echo"), ["2: the heredoc <<EOF has no end"]),
        (lines("FROM a", "ONBUILD FROM b"), ["2: ONBUILD cannot hold FROM back"]),
        (lines("# escape=x", "FROM a"), ["1: escape=x: only"]),
        (lines("# syntax=a/b", "# syntax=a/c", "FROM a"), []),
        (lines("# escape=`", "# escape=`", "FROM a"), ["2: the directive `escape` is there twice"]),
    ],
)
def test_every_problem_is_said_with_its_line(text: str, said: list[str]) -> None:
    found = wrong(text)
    assert len(found) == len(said)
    assert all(one.startswith(beginning) for one, beginning in zip(found, said, strict=True)), found


def test_a_target_that_is_not_there_is_said_with_those_that_are() -> None:
    assert wrong(lines("FROM a AS one", "FROM b AS two"), target="thre") == [
        " has no stage thre, which `target` says; it has one, two"
    ]


def test_the_language_of_another_frontend_is_not_ours_to_refuse() -> None:
    text = lines("# syntax=example.com/mine:1", "FROM a", "ENJOY the day")
    assert parsed(text).problems == ()
    assert parsed(text).frontend == "example.com/mine:1"
    assert wrong(text.replace("example.com/mine:1", "docker/dockerfile:1.7")) == ["3: unknown instruction ENJOY"]


def test_pins_change_the_names_of_images_and_leave_out_stages_that_are_not_needed() -> None:
    text = lines(
        "# syntax=docker/dockerfile:1",
        "ARG V=3",
        "FROM   --platform=$BUILDPLATFORM  a:$V   AS  build  ",
        "RUN --mount=type=cache,target=/c --mount=source=/x,from=b,target=/b echo from=b <<EOF",
        "FROM a:3",
        "EOF",
        "FROM build AS middle",
        "FROM \\",
        "  a\\",
        ":3 AS unused",
        'RUN --mount="type=bind,from=b" true',
        "FROM scratch",
        "COPY --link --from=c:1 /c /c",
        "COPY --from=build /c /c",
    )
    pins = {name: f"{repository(name)}@{DIGEST}" for name in ("a:3", "b", "c:1")}
    expected = (
        text.replace("  a:$V ", f"  a@{DIGEST} ")
        .replace("from=b,target", f"from=b@{DIGEST},target")
        .replace("c:1", f"c@{DIGEST}")
    )
    first, last = expected.index("FROM build AS middle"), expected.index("FROM scratch")
    expected = expected[:first] + "\n" * expected.count("\n", first, last) + expected[last:]
    assert pinned(parsed(text), pins) == expected


def test_a_stage_that_is_named_by_its_number_keeps_its_meaning_where_others_are_left_out() -> None:
    text = lines("FROM a", "FROM b", "FROM c", "COPY --from=1 /x /x")
    assert pinned(parsed(text), {}) == lines("", "FROM b", "FROM c", "COPY --from=0 /x /x")
    assert pinned(parsed(text, target="1"), {}) == text


def test_a_mount_with_quotes_in_the_midst_is_written_anew() -> None:
    text = lines("FROM a", """RUN --mount=type=bind,from="b:1",source="/x" true""")
    assert pinned(parsed(text), {"b:1": "b@x"}) == lines(
        "FROM a", """RUN --mount='type=bind,from=b@x,source=/x' true"""
    )


WORDS = st.sampled_from(
    [
        "FROM a",
        "FROM b AS x",
        "RUN <<E",
        "E",
        "COPY --from=x a b",
        "COPY --from=c a b",
        "ARG V=1",
        "FROM a:$V",
        "\\",
        "#",
        "",
    ]
)


@given(st.lists(WORDS | st.text(max_size=12), max_size=12).map("\n".join))
def test_any_text_is_read_without_an_accident_and_is_the_same_to_its_target_without_what_that_does_not_need(
    text: str,
) -> None:
    read = parsed(text)
    assert isinstance(read, Dockerfile)
    if not read.portion.unneeded:
        assert pinned(read, {}) == text
    elif not read.problems:
        again = parsed(pinned(read, {}))
        assert (again.bases, again.taken, again.problems) == (read.bases, read.taken, ())
        assert again.portion.args == read.portion.args
        assert not again.portion.unneeded
        assert text.count("\n") == pinned(read, {}).count("\n")


@given(st.lists(WORDS, max_size=12).map("\n".join))
def test_a_pinned_text_stands_on_the_pins(text: str) -> None:
    read = parsed(text)
    after = parsed(pinned(read, {name: f"{repository(name)}@{DIGEST}" for name in read.bases}))
    assert set(after.bases) <= {f"{repository(name)}@{DIGEST}" for name in read.bases}


def test_references_are_taken_apart() -> None:
    assert taken_apart(f"r.example:5000/a/b:1@{DIGEST}") == ("r.example:5000/a/b", "1", DIGEST)
    assert taken_apart("r.example:5000/a") == ("r.example:5000/a", "", "")
    assert asked_for("a/b") == ("a/b", "latest")
    assert asked_for(f"a:1@{DIGEST}") == ("a", DIGEST)
    assert familiar("docker.io/library/python:latest") == familiar("python") == "python"
    assert familiar("docker.io/a/b:1") == "a/b:1"


@pytest.mark.parametrize(
    ("text", "frontend"),
    [
        ("# syntax = dockerfile:experimental // opts\nFROM busybox\n", "dockerfile:experimental"),
        ("#!/usr/bin/env -S docker build -f\n# syntax = mine/front\nJOY\n", "mine/front"),
        ("#!/bin/sh\n\n# syntax = mine/front\nFROM a\n", ""),
        ("\ufeff# escape=`\r\n# syntax=mine/front\r\nJOY\r\n", "mine/front"),
        ("//syntax=foo\n//key=value", "foo"),
        ("#!/bin/sh\n// Syntax = x \nJOY", "x"),
        ("// key=value\n// syntax=foo\nFROM a", ""),
        ('{"syntax": "foo", "bar": ["abc"]}', "foo"),
        ('{"syntax": "foo"', ""),
        ('{"syntax": ["foo"]}', ""),
        ("[" * 5000, ""),
        ("{" * 5000, ""),
        ("FROM a\n# syntax=foo\n", ""),
    ],
)
def test_a_frontend_is_found_where_buildkit_finds_it_and_its_language_is_not_refused(text: str, frontend: str) -> None:
    read = parsed(text)
    assert read.frontend == frontend
    if frontend:
        assert read.problems == ()
