"""What `davy image show` says of images and of what is none, on the store's twin."""

import json
from typing import Any

import pytest

from davy.pipeline.core.images import oci
from davy.workflows.images import show
from twins.registry import MemoryImages

CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER = "application/vnd.docker.container.image.v1+json"
HELM, EMPTY = "application/vnd.cncf.helm.config.v1+json", "application/vnd.oci.empty.v1+json"
DIGEST = f"sha256:{'c' * 64}"
ARM = b'{"os": "linux", "architecture": "arm64", "variant": "v8", "config": {}}'


def shown(capsys: pytest.CaptureFixture[str], config: bytes, kind: str, **more: Any) -> tuple[dict[str, Any], str, str]:
    """The document, the text, and what was said beside it."""
    store = MemoryImages()
    said = {"schemaVersion": 2, "mediaType": oci.OCI_MANIFEST, "layers": [], **more}
    image = store.take("one.test/a", oci.packed({**said, "config": {"mediaType": kind, "digest": DIGEST}}))
    store.configurations[image.reference] = config
    show.shown(store, image, "json")
    document = json.loads(capsys.readouterr().out)
    show.shown(store, image, "text")
    text = capsys.readouterr()
    return document, text.out, text.err


@pytest.mark.parametrize("kind", [CONFIG, DOCKER])
def test_an_image_of_one_platform_is_shown_with_it(capsys: pytest.CaptureFixture[str], kind: str) -> None:
    document, text, err = shown(capsys, ARM, kind)
    assert document["platforms"] == ["linux/arm64/v8"]
    assert (document["artifact_type"], document["config_type"]) == ("", "")
    assert "  platform   linux/arm64/v8\n" in text
    assert err == ""


@pytest.mark.parametrize(
    ("kind", "more", "lines"),
    [
        (HELM, {}, [f"config     {HELM}"]),
        (EMPTY, {"artifactType": "application/x.sbom"}, ["artifact   application/x.sbom", f"config     {EMPTY}"]),
        (CONFIG, {"artifactType": "application/x.module"}, ["artifact   application/x.module"]),
    ],
)
def test_of_what_is_no_image_it_is_said_what_it_is(
    capsys: pytest.CaptureFixture[str], kind: str, more: dict[str, str], lines: list[str]
) -> None:
    document, text, _ = shown(capsys, b"{}", kind, **more)
    assert document["artifact_type"] == more.get("artifactType", "")
    assert document["config_type"] == ("" if kind == CONFIG else kind)
    assert document["platforms"] == []
    assert all(f"  {line}\n" in text for line in lines)
    assert "platform" not in text


@pytest.mark.parametrize(
    ("config", "known"),
    [
        (b"no JSON", False),
        (b"[" * 100_000, False),
        (b"[]", False),
        (b"{}", True),
        (b'{"os": {"a": 1}, "architecture": 7}', True),
    ],
)
def test_a_configuration_that_says_nothing_leaves_the_rest_shown(
    capsys: pytest.CaptureFixture[str], config: bytes, known: bool
) -> None:
    document, text, err = shown(capsys, config, CONFIG)
    assert document["platforms"] == []
    assert text.startswith("one.test/a@")
    assert ("platform is not known" in err) is not known


def test_a_platform_is_no_page_and_sends_no_codes_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    _, text, _ = shown(capsys, b'{"os": "l\\u001b[31m", "architecture": "' + b"x" * 10_000 + b'"}', CONFIG)
    assert "\x1b" not in text
    assert len(text) < 500
