"""One key makes one image whoever builds it: a builder that does not know what a Dockerfile asks for says so before."""

import pytest

from davy.pipeline.builds.dockerfile.features import (
    ABILITIES,
    FRONTEND,
    GIT,
    HEREDOCS,
    PLATFORM_IN_FROM,
    SUBSTITUTION,
    buildah_lacks,
    declared,
    engine_lacks,
    features,
    platform_arguments,
)
from davy.pipeline.builds.dockerfile.parser import parsed, pinned
from feature_texts import SAMPLES

PLAIN = (
    "FROM base\nARG TARGETARCH\nLABEL arch=$TARGETARCH\nCOPY --chown=a a.txt /\n",
    "FROM base AS one\nFROM scratch\nCOPY --from=one /x /\n",
    "ARG TARGETARCH\nFROM base-$TARGETARCH\n",
    "FROM --platform=linux/amd64 base\n",
    "# syntax=docker/dockerfile:1\nFROM base\n",
    "FROM base\nENV A=${B:-x} C=${D:+y}\n",
    "FROM base\nRUN echo ${A%.*} <<'EOF'\n".replace(" <<'EOF'", ""),
    'FROM base\nRUN ["echo", "<<E"]\n',
    "FROM base\nADD https://example.com/x /\n",
    "FROM base\nHEALTHCHECK --interval=5s CMD x\n",
)


def test_every_feature_of_the_table_has_a_sample_in_which_it_alone_is_found() -> None:
    assert {name: list(features(text)) for name, text in SAMPLES.items()} == {name: [name] for name in ABILITIES}


@pytest.mark.parametrize("text", PLAIN)
def test_what_every_builder_knows_is_lacked_by_none(text: str) -> None:
    assert (engine_lacks(text), buildah_lacks(text, (1, 28))) == ((), ())


@pytest.mark.parametrize("feature", sorted(ABILITIES))
def test_the_engine_lacks_all_of_them_and_says_the_line(feature: str) -> None:
    (said,) = engine_lacks(SAMPLES[feature])
    assert said == f"{feature} (line {features(SAMPLES[feature])[feature]})"


def test_a_buildah_of_1_28_knows_mounts_and_modes_and_no_heredoc() -> None:
    known = {name for name, text in SAMPLES.items() if not buildah_lacks(text, (1, 28))}
    assert known == {"RUN --mount", "COPY --chmod", "ADD --chmod", PLATFORM_IN_FROM}
    assert not buildah_lacks(SAMPLES[HEREDOCS], (1, 33))
    assert {FRONTEND, GIT, SUBSTITUTION} & known == set()


def test_a_stage_that_is_not_needed_asks_for_nothing() -> None:
    text = "FROM base AS other\nRUN --mount=type=cache,target=/c x\nFROM base\nCOPY a.txt /\n"
    assert features(pinned(parsed(text), {})) == {}
    assert features(pinned(parsed(text, target="other"), {})) == {"RUN --mount": 2}


def test_the_platform_is_given_to_who_does_not_know_it_and_only_where_it_is_asked_for() -> None:
    assert platform_arguments("linux/arm64") == {
        "TARGETPLATFORM": "linux/arm64", "TARGETOS": "linux", "TARGETARCH": "arm64", "TARGETVARIANT": "",
        "BUILDPLATFORM": "linux/arm64", "BUILDOS": "linux", "BUILDARCH": "arm64", "BUILDVARIANT": "",
    }  # fmt: skip
    assert declared("ARG A\nFROM base\nARG TARGETARCH B=c\n") == {"A", "TARGETARCH", "B"}
