"""A Dockerfile that BuildKit cannot build is refused, and none that it can: as its own packages answered."""

import json
from time import process_time

import pytest

from davy.pipeline.builds.dockerfile.parser import parsed
from dockerfile_questions import ANSWERS, QUESTIONS

KNOWN: dict[str, str] = json.loads(ANSWERS.read_text(encoding="utf-8"))
LATE = "ONBUILD "
"""An unknown instruction is refused at once, which BuildKit notices when something is built on the image."""


def said(text: str, **more: object) -> list[str]:
    read = parsed(text, platforms=("linux/amd64",), **more)  # type: ignore[arg-type]
    return [str(problem).removeprefix("Dockerfile:") for problem in read.problems]


def test_every_question_has_an_answer() -> None:
    assert list(KNOWN) == [one.name for one in QUESTIONS]


def test_nothing_that_buildkit_takes_is_refused() -> None:
    refused = [one.name for one in QUESTIONS if not KNOWN[one.name] and said(one.dockerfile, args=one.args)]
    assert refused == [name for name in refused if name.startswith(LATE)]


def test_what_buildkit_refuses_is_refused_unless_the_base_may_set_what_matters() -> None:
    """BuildKit reads the base's variables and its working directory; a plan asks nobody."""
    taken = [one.name for one in QUESTIONS if KNOWN[one.name] and not said(one.dockerfile, args=one.args)]
    assert [name for name in taken if "$" not in name and 'target "/"' not in KNOWN[name]] == []
    assert [name for name in taken if name.startswith("scratch")] == []
    assert len(taken) < 15


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("FROM alpine AS a\nCOPY --from=b /x /\nFROM busybox AS b\nFROM a", "2: stage b comes later"),
        ("FROM alpine AS a\nCOPY --from=a /x /", "2: stage a takes from itself"),
        ("FROM alpine\nENV A", "2: ENV A needs a value"),
        ("FROM alpine\nENV A=1 B", "2: ENV: B needs a ="),
        *((f"FROM alpine\n{one}", f"2: {one} needs an argument") for one in ("ENV", "ARG", "WORKDIR", "USER")),
        *((f"FROM alpine\n{one}", f"2: {one} needs an argument") for one in ("STOPSIGNAL", "LABEL", "VOLUME")),
        ("FROM alpine\nONBUILD", "2: ONBUILD needs an argument"),
        ("FROM alpine\nARG =x", "2: ARG: =x has no name"),
        ('FROM alpine\nARG A="x', '2: a " is not closed'),
        ('FROM alpine\nENV A="x', '2: a " is not closed'),
        ("FROM alpine\nCOPY ${A^^} /", "2: ${A^…} is no substitution"),
        ("FROM alpine\nSHELL bash -c", "2: SHELL is written as a list"),
        ('FROM alpine\nCOPY ["a"]', "2: COPY needs what to copy, and where to"),
        ("FROM alpine\nCOPY https://example.com/x /", "2: COPY fetches nothing: ADD https://example.com/x does"),
        ("FROM alpine\nCOPY --chmod=99 a /", "2: --chmod=99 is neither octal"),
        ("FROM alpine\nADD --checksum=md5:1 https://example.com/x /", "2: --checksum=md5:1 is no digest"),
        (
            "FROM alpine\nRUN --mount=type=bind,frm=busybox,target=/x ls",
            "2: --mount has no key 'frm' (did you mean from?)",
        ),
        ("FROM alpine\nRUN --mount=type=cach,target=/x ls", "2: --mount: type 'cach' is none of bind, cache"),
        ("FROM alpine\nRUN --network=nope x", "2: --network=nope is none of default, none, host"),
        ("FROM alpine\nCOPY --form=b x y", "2: COPY has no flag --form (did you mean from?)"),
        ("FROM alpine\nHEALTHCHECK --interval=5 CMD x", "2: --interval=5 is no duration, like 30s or 1m30s: it has no"),
        ("FROM alpine\nEXPOSE abc", "2: EXPOSE abc is no port"),
        (
            "FROM --platform=$BULIDPLATFORM golang",
            "1: --platform=$BULIDPLATFORM is empty (did you mean BUILDPLATFORM?)",
        ),
        ("FROM alpine\nRUN\u00a0x", "2: is no instruction"),
        ("FROM alpine\nRUN " + "x" * 70_000, "2: is longer than 65,535 bytes"),
    ],
)
def test_what_is_wrong_is_said_in_words_with_its_line(text: str, what: str) -> None:
    found = said(text)
    assert len(found) == 1, found
    assert found[0].startswith(what)


def test_what_no_needed_stage_does_is_not_looked_at_as_buildkit_does_not() -> None:
    text = "FROM alpine AS a\nEXPOSE abc\nCOPY --from=b / /\nFROM busybox AS b\n"
    assert said(text) == []
    assert len(said(text, target="a")) == 2


def test_a_circle_is_said_with_each_of_its_lines() -> None:
    assert said("FROM alpine AS a\nCOPY --from=b / /\nFROM alpine AS b\nCOPY --from=a / /\nFROM scratch\n") == [
        "2: stage b is itself made from this one: a circle",
        "4: stage a is itself made from this one: a circle",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "HEALTHCHECK --interval=" + "1" * 50_000 + " CMD x",
        "HEALTHCHECK --retries=" + "9" * 50_000 + " CMD x",
        "EXPOSE " + "9" * 50_000,
        "STOPSIGNAL " + "9" * 50_000,
        "COPY --chmod=" + "7" * 50_000 + " a /",
        "COPY --chmod=" + "u+" * 25_000 + "! a /",
        "RUN --mount=type=cache,target=/x,uid=" + "1" * 50_000 + " y",
        "RUN --mount=type=tmpfs,target=/x,size=" + "1" * 50_000 + "x y",
    ],
)
def test_an_endless_number_is_refused_like_any_other_and_takes_no_time(line: str) -> None:
    before = process_time()
    assert len(said(f"FROM alpine\n{line}\n")) == 1
    assert process_time() - before < 5
