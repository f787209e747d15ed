"""Whether a Dockerfile runs anything on the platform it builds for."""

import pytest

from davy.pipeline.builds.dockerfile.target_platform import runs_on_target


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("FROM scratch\nCOPY a /a\n", False),
        ("FROM base\nRUN true\n", True),
        ("from base\nrun true\n", True),
        ("FROM --platform=$BUILDPLATFORM go AS build\nRUN go build\nFROM scratch\nCOPY --from=build /x /x\n", False),
        ("FROM --platform=$BUILDPLATFORM go AS build\nRUN go build\nFROM base\nRUN true\n", True),
        ("FROM --platform=${BUILDPLATFORM} go AS a\nFROM A AS b\nRUN true\nFROM scratch\n", False),
        ("FROM \\\n  base\nRUN \\\n  true\n", True),
        ("# RUN true\nFROM base\nCMD run\n", False),
    ],
)
def test_a_step_runs_on_the_target_unless_its_stage_is_on_the_builders_platform(text: str, runs: bool) -> None:
    assert runs_on_target(text) is runs
