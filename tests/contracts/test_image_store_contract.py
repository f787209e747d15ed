"""What every ImageStore must do: the one in memory, and the one on real registries."""

import json
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from contracts.registries import Pusher, RealRegistry, credentials
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import Missing
from davy.pipeline.core.images import oci
from davy.pipeline.registry.distribution.manifests import Registry
from davy.pipeline.registry.distribution.store import RegistryImages
from davy.pipeline.registry.ports import Attachment, ImageStore
from twins.registry import MemoryImages

NAMELESS = "sha256:" + "0" * 64


@dataclass
class Case:
    store: ImageStore
    image: Image
    index: Image
    here: str
    """A registry and the beginning of a repository's name."""
    there: str
    """The same, in another registry."""
    manifest: Callable[[Image], bytes]


def evidence(kind: str = "application/vnd.in-toto+json", body: bytes = b'{"a":1}', created: str = "") -> Attachment:
    annotations = {"org.opencontainers.image.created": created} if created else {}
    return Attachment(kind=kind, body=body, media_type=kind, annotations=annotations)


@pytest.fixture(scope="module")
def registries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RealRegistry, RealRegistry]]:
    with (
        RealRegistry(tmp_path_factory.mktemp("one")) as one,
        RealRegistry(tmp_path_factory.mktemp("two"), locked=True) as two,
    ):
        yield one, two


def memory(tmp_path: Path) -> Case:
    store = MemoryImages()
    image = store.put("one.test/shop/app", "one", {"org.opencontainers.image.title": "app"})
    other = store.put("one.test/shop/app", annotations={"a": "other"})
    children = [{"mediaType": oci.OCI_MANIFEST, "digest": each.digest, "size": 1} for each in (image, other)]
    both = {"schemaVersion": 2, "mediaType": oci.OCI_INDEX, "manifests": children}
    index = store.take("one.test/shop/app", oci.packed(both), "both")
    return Case(store, image, index, "one.test/shop", "two.test/shop", store.manifest)


def real(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    one, two = request.getfixturevalue("registries")
    logins = credentials(tmp_path / "docker", {two.host: ("davy", "lamp")})
    registry = Registry(logins)
    store = RegistryImages(logins)
    request.addfinalizer(registry.close)
    request.addfinalizer(store.close)
    here = f"{one.host}/{uuid.uuid4().hex[:8]}"
    pusher = Pusher(registry)
    image, index = pusher.image(f"{here}/app", "one"), pusher.index(f"{here}/app", "both")
    return Case(store, image, index, here, f"{two.host}/shop", store.manifest)


@pytest.fixture(params=["memory", pytest.param("registry", marks=pytest.mark.lab("docker"))])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    return memory(tmp_path) if request.param == "memory" else real(request, tmp_path)


def test_a_tag_and_a_digest_lead_to_the_digest_and_what_is_not_there_to_nothing(case: Case) -> None:
    assert case.store.digest(case.image.name, "one") == case.image.digest
    assert case.store.digest(case.image.name, case.image.digest) == case.image.digest
    assert case.store.digest(case.image.name, "never") is None
    assert case.store.digest(case.image.name, NAMELESS) is None
    assert case.store.digest(f"{case.here}/never", "one") is None


def test_an_image_is_told_with_its_annotations(case: Case) -> None:
    found = case.store.stored(case.image.name, "one")
    assert found is not None
    assert found.image == case.image
    assert found.annotations["org.opencontainers.image.title"] == "app"
    assert case.store.stored(case.image.name, "never") is None


def test_an_image_without_onbuild_holds_nothing_back_and_what_is_not_there_is_missing(case: Case) -> None:
    for one in (case.image, case.index):
        configuration = case.store.configuration(one)
        assert (oci.held_back(configuration), oci.platform(configuration)) == ((), "linux/amd64")
    with pytest.raises(Missing):
        case.store.configuration(replace(case.image, digest=NAMELESS))


def test_moved_tags_lead_to_the_very_same_manifest(case: Case) -> None:
    case.store.tag(case.index, ["main", "1.2.3"])
    case.store.tag(case.image, ["main"])
    case.store.tag(case.image, ["main"])
    assert case.store.digest(case.image.name, "main") == case.image.digest
    assert case.store.digest(case.image.name, "1.2.3") == case.index.digest


def test_what_is_not_there_cannot_be_tagged_copied_or_given_evidence(case: Case) -> None:
    nobody = Image(name=case.image.name, digest=NAMELESS)
    with pytest.raises(Missing):
        case.store.tag(nobody, ["main"])
    with pytest.raises(Missing):
        case.store.copy(nobody, f"{case.here}/copy")
    with pytest.raises(Missing):
        case.store.attach(nobody, evidence())
    assert case.store.attached(nobody) == ()


@pytest.mark.parametrize("where", ["here", "there"])
def test_a_copy_is_the_same_bytes_with_every_platform_and_all_its_evidence(case: Case, where: str) -> None:
    attached = case.store.attach(case.index, evidence(body=b'{"tested":true}'))
    name = f"{getattr(case, where)}/copied"
    copied = case.store.copy(case.index, name)
    assert copied == Image(name=name, digest=case.index.digest)
    assert case.manifest(copied) == case.manifest(case.index)
    for child in oci.contents(case.manifest(copied)).children:
        assert case.store.digest(name, child.digest) == child.digest
    (found,) = case.store.attached(copied)
    assert (found.digest, json.loads(found.body)) == (attached, {"tested": True})
    assert case.store.copy(case.index, name) == copied


def test_evidence_comes_back_as_it_was_by_kind_and_oldest_first(case: Case) -> None:
    late = case.store.attach(case.image, evidence(body=b"late", created="2026-02-01T00:00:00Z"))
    early = case.store.attach(case.image, evidence(body=b"early", created="2026-01-01T00:00:00Z"))
    case.store.attach(case.image, evidence(kind="application/spdx+json", body=b"{}"))
    assert [one.body for one in case.store.attached(case.image, "application/vnd.in-toto+json")] == [b"early", b"late"]
    assert {one.kind for one in case.store.attached(case.image)} == {
        "application/vnd.in-toto+json",
        "application/spdx+json",
    }
    assert [one.digest for one in case.store.attached(case.image, "application/vnd.in-toto+json")] == [early, late]
    assert case.store.attached(case.index) == ()


def test_the_same_evidence_twice_is_there_once(case: Case) -> None:
    assert case.store.attach(case.image, evidence()) == case.store.attach(case.image, evidence())
    assert len(case.store.attached(case.image)) == 1


def test_many_threads_may_ask_and_write_at_once_and_no_evidence_is_lost(case: Case) -> None:
    def work(number: int) -> str:
        case.store.tag(case.image, [f"t{number}"])
        return case.store.attach(case.image, evidence(body=str(number).encode()))

    with ThreadPoolExecutor(12) as crew:
        made = list(crew.map(work, range(12)))
    assert {one.digest for one in case.store.attached(case.image)} == set(made)
    assert all(case.store.digest(case.image.name, f"t{number}") == case.image.digest for number in range(12))
