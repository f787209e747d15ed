"""What `build.scan` and `build.sign` cannot mean."""

import json
from typing import Any

import pytest

from davy.pipeline.config import file
from davy.pipeline.core.errors import Unusable

IMAGES = [{"name": "registry.test/shop/app"}]


def problems(tmp_path: Any, **build: Any) -> list[str]:
    (tmp_path / "davy.yaml").write_text(json.dumps({"service": "app", "images": IMAGES, "build": build}))
    try:
        file.delivery(tmp_path / "davy.yaml", {})
    except Unusable as error:
        return [f"{problem.path}: {problem.what}" for problem in error.problems]
    return []


@pytest.mark.parametrize(
    "build",
    [
        {"scan": {"run": "grype $IMAGE -o json > $REPORT"}},
        {"scan": {"run": "echo ${IMAGE}"}},
        {"scan": {"reports": ["{image}.sarif"]}},
        {"sign": {"key": "env://COSIGN_KEY", "public_key": "cosign.pub"}},
        {"sign": {"identity": "^https://github.com/shop/", "issuer": "https://token.actions.githubusercontent.com"}},
        {"plain_http": ["registry.local:5000"]},
        {"sbom": True, "sbom_scanner": "registry.local:5000/syft@sha256:aa"},
    ],
)
def test_what_can_be_meant_is_taken(build: dict[str, Any], tmp_path: Any) -> None:
    assert problems(tmp_path, **build) == []


@pytest.mark.parametrize(
    ("build", "says"),
    [
        ({"scan": {}}, "build.scan: needs `run` or `reports`"),
        ({"sign": {}}, "build.sign: without a `key` needs `identity` and `issuer`"),
        ({"sign": {"identity": "x"}}, "build.sign: without a `key`"),
        ({"sign": {"key": "k", "issuer": "x"}}, "build.sign: has a `key`, and"),
        ({"sign": {"public_key": "k", "identity": "x", "issuer": "y"}}, "build.sign.public_key: belongs to a `key`"),
        ({"sbom_scanner": "a"}, "build.sbom_scanner: makes an SBOM, and none is wanted"),
        ({"sbom": True, "sbom_scanner": "a,x=y"}, "build.sbom_scanner: 'a,x=y' names no image"),
        ({"plain_http": ["http://a"]}, "build.plain_http[0]: is a registry's host and port"),
    ],
)
def test_what_contradicts_itself_is_said_with_its_place(build: dict[str, Any], says: str, tmp_path: Any) -> None:
    assert any(one.startswith(says) for one in problems(tmp_path, **build))
