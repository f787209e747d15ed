"""What only real builders can show: BuildKit through buildx, Buildah, and beside them the Docker Engine."""

import base64
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from context_rules import Asked
from contracts.builder_places import REAL, BuilderPlaces
from contracts.parts import demand
from davy.pipeline.builds.builder_choice import chosen
from davy.pipeline.builds.builders.buildah import BuildahBuilder
from davy.pipeline.builds.builders.buildx import BuildxBuilder
from davy.pipeline.builds.content import resolve
from davy.pipeline.builds.order import in_full
from davy.pipeline.builds.ports import BuildOrder
from davy.pipeline.clients.docker.credentials import DockerCredentials
from davy.pipeline.clients.docker.registry_names import is_loopback
from davy.pipeline.config.document import DeliveryConfig
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.images.build_steps import Steps
from davy.pipeline.config.sections.images.matrix import BuildSecret
from davy.pipeline.core.errors import Forbidden, Rejected, Unreachable, Unusable
from davy.pipeline.registry.distribution.manifests import Registry
from davy.pipeline.registry.distribution.store import RegistryImages
from davy.pipeline.source.git.work_tree import GitWorkTree
from davy.pipeline.supply_chain.evidence import Claim
from davy.workflows.images import builder_attestations
from lab.layout import layout_from

pytestmark = pytest.mark.lab("docker")
TOOLS = ("buildx", "buildah")
COMMANDS = ("buildx", "buildx-docker", "buildah")
EPOCH = 1_700_000_000


@pytest.fixture
def make(real_docker: Any, real_base: str, tmp_path: Path) -> Callable[..., BuildOrder]:
    """An order of one Dockerfile, `BASE` in it filled in, and the file `a`."""

    def made(dockerfile: str, registry: str = "", place: str = "app", **more: Any) -> BuildOrder:
        context = real_docker.context(tmp_path / place, dockerfile.replace("BASE", real_base), {"a": "glow\n"})
        return BuildOrder(name=f"{registry or real_docker.registry}/shop/app", context=context, tag="one", **more)

    return made


@pytest.fixture
def registry(real_docker: Any) -> Iterator[Registry]:
    made = Registry(DockerCredentials(real_docker.environment))
    yield made
    made.close()


@pytest.fixture
def other_buildkit(tmp_path: Path) -> Iterator[str]:
    """A BuildKit that has built nothing yet: another machine."""
    program = layout_from().binaries / "buildkitd"
    demand("buildkit", program.exists())
    home = tmp_path / "buildkit"
    home.mkdir()
    address = f"unix://{home}/socket"
    (home / "buildkitd.toml").write_text(
        f'root = "{home}/root"\n[grpc]\n  address = ["{address}"]\n[worker.containerd]\n  enabled = false\n'
    )
    with (home / "log").open("wb") as log:
        child = subprocess.Popen([program, "--config", home / "buildkitd.toml"], stdout=log, stderr=log)
    for _ in range(200):
        if (home / "socket").exists():
            break
        time.sleep(0.05)
    yield address
    child.terminate()
    child.wait()


def running(command: str) -> bool:
    """Whether a process with this in its command line is alive; looked for during five seconds until there is none."""
    for _ in range(50):
        if not any(command in _words(path) for path in Path("/proc").glob("[0-9]*/cmdline")):
            return False
        time.sleep(0.1)
    return True


def _words(path: Path) -> str:
    try:
        return path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def kept_by_buildah(places: BuilderPlaces) -> str:
    words = ("buildah", "containers", "--noheading")
    return subprocess.run(words, env=places.environment("buildah"), capture_output=True, text=True, check=True).stdout


# ---- builds that fail -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REAL)
def test_each_builder_names_the_failing_step_with_its_last_lines(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], name: str
) -> None:
    order = make("FROM BASE\nRUN echo on the way && exit 7\n")
    with pytest.raises(Rejected) as caught:
        builder_places.builder(name).build(order, lambda _: None)
    assert "RUN echo on the way" in caught.value.what
    assert "\n  on the way" in caught.value.what
    assert "7" in caught.value.what.splitlines()[0]


@pytest.mark.parametrize("name", REAL)
def test_each_builder_rejects_a_dockerfile_that_does_not_parse(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], name: str
) -> None:
    with pytest.raises(Rejected, match="WAT"):
        builder_places.builder(name).build(make("FROM BASE\nWAT\n"), lambda _: None)


@pytest.mark.parametrize("name", REAL)
def test_a_base_that_is_not_there_is_rejected_with_its_name(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], name: str, real_docker: Any
) -> None:
    with pytest.raises(Rejected, match="shop/none") as caught:
        builder_places.builder(name).build(
            make(f"FROM {real_docker.registry}/shop/none:1\nCOPY a /a\n"), lambda _: None
        )
    assert "base image" in caught.value.remedy


@pytest.mark.parametrize("name", TOOLS)
def test_a_build_that_hangs_is_stopped_at_its_limit(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], name: str
) -> None:
    order = make("FROM BASE\nRUN echo begun && sleep 6021\n", limit=timedelta(seconds=4))
    with pytest.raises(Rejected, match="was stopped after 4s"):
        builder_places.builder(name).build(order, lambda _: None)
    assert not running("sleep 6021")


@pytest.mark.parametrize("name", REAL)
def test_an_interrupted_build_leaves_nothing(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], name: str
) -> None:
    asked = threading.Event()

    def say(line: str) -> None:
        if line.strip() == "begun":
            asked.set()

    with pytest.raises(KeyboardInterrupt):
        builder_places.builder(name, asked.is_set).build(make("FROM BASE\nRUN echo begun && sleep 6022\n"), say)
    assert asked.is_set()
    assert not running("sleep 6022")
    if name == "buildah":
        assert kept_by_buildah(builder_places) == ""


# ---- rights and registries ------------------------------------------------------------------------------------------


def logged_in(folder: Path, host: str, password: str) -> dict[str, str]:
    auth = base64.b64encode(f"davy:{password}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    return {"DOCKER_CONFIG": str(folder)}


@pytest.fixture
def locked(real_registry: Callable[..., str]) -> str:
    """A registry that wants a login."""
    return real_registry(locked=True)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("password", ["", "wrong-one"])
def test_a_registry_that_refuses_says_which_rights_are_missing(
    builder_places: BuilderPlaces,
    make: Callable[..., BuildOrder],
    locked: str,
    name: str,
    *,
    password: str,
    tmp_path: Path,
) -> None:
    more = logged_in(tmp_path, locked, password) if password else {}
    with pytest.raises(Forbidden) as caught:
        builder_places.builder(name, **more).build(make("FROM BASE\nCOPY a /a\n", locked), lambda _: None)
    assert "push to the repository shop/app (rights needed: pull,push)" in caught.value.what
    assert f"docker login {locked}" in caught.value.remedy
    assert "wrong-one" not in caught.value.what + caught.value.remedy


@pytest.mark.parametrize("name", COMMANDS)
def test_with_dockers_login_each_builder_may_push(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], locked: str, name: str, *, tmp_path: Path
) -> None:
    builder = builder_places.builder(name, **logged_in(tmp_path, locked, "lamp"))
    built = builder.build(make("FROM BASE\nCOPY a /a\n", locked), lambda _: None)
    assert built.image.digest.startswith("sha256:")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_builder_tells_a_registry_that_is_away_from_a_bad_build(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], name: str
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(Unreachable, match="refused"):
        builder_places.builder(name).build(make("FROM BASE\nCOPY a /a\n", host), lambda _: None)


# ---- what goes into an image ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REAL)
def test_only_the_ordered_files_reach_the_build_and_the_ordered_text_is_built_by(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], name: str, real_base: str
) -> None:
    order = make("FROM nowhere.invalid/none\n")
    (order.context / "sub").mkdir()
    (order.context / "sub" / "run.sh").write_text("#!/bin/sh\n")
    (order.context / "sub" / "run.sh").chmod(0o700)
    (order.context / "unlisted").write_text("x")
    (order.context / "link").symlink_to("a")
    text = (
        f'FROM {real_base}\nCOPY . /x\nRUN [ "$(echo $(ls /x))" = "a link sub" ]\n'
        "RUN ls -l /x/sub/run.sh | { read mode rest; echo $mode $rest; [ $mode = -rwxr-xr-x ]; }\n"
        "RUN [ -L /x/link ] && ls -l /x/a | { read mode n user group size month rest; [ $month = Nov ]; }\n"
    )
    files = {"a": ("100644", ""), "link": ("120000", ""), "sub/run.sh": ("100755", "")}
    order = replace(order, files=files, dockerfile_text=text, epoch=EPOCH)
    assert builder_places.builder(name).build(order, lambda _: None).image.digest


@pytest.mark.parametrize("name", REAL)
def test_where_git_keeps_no_modes_one_key_is_one_image(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], name: str
) -> None:
    """Two disks that say other modes of one commit: the index's are built."""
    text = "FROM BASE\nCOPY a run.sh /x/\n" + "".join(
        f"RUN ls -l /x/{file} | {{ read mode rest; echo $mode; [ $mode = {mode} ]; }}\n"
        for file, mode in (("a", "-rw-r--r--"), ("run.sh", "-rwxr-xr-x"))
    )
    digests, listed = set(), []
    for number, modes in enumerate(((0o755, 0o755), (0o644, 0o644))):
        order = make(text, place=f"modeless-{number}")
        tree = order.context
        (tree / "run.sh").write_text("#!/bin/sh\n")
        (tree / "run.sh").chmod(0o755)
        git = ("git", "-C", str(tree), "-c", "user.name=a", "-c", "user.email=a@example.com")
        for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "one"), ("config", "core.fileMode", "false")):
            subprocess.run([*git, *words], check=True)
        for file, mode in zip(("a", "run.sh"), modes, strict=True):
            (tree / file).chmod(mode)
        found = GitWorkTree(dict(os.environ)).entries(tree, Asked())
        listed.append(found)
        digests.add(builder_places.builder(name).build(replace(order, files=found, epoch=EPOCH), print).image.digest)
    assert listed[0] == listed[1]
    assert len(digests) == 1


@pytest.mark.parametrize("name", TOOLS)
def test_what_dockerignore_names_is_left_out_where_no_files_are_ordered(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], name: str
) -> None:
    order = make('FROM BASE\nCOPY . /x\nRUN [ "$(echo $(ls /x))" = "Dockerfile a" ]\n')
    (order.context / ".dockerignore").write_text("secret\n")
    (order.context / "secret").write_text("s")
    text = (order.context / "Dockerfile").read_text()
    assert builder_places.builder(name).build(replace(order, dockerfile_text=text), lambda _: None).image.digest


def test_the_same_order_gives_the_same_digest_on_another_buildkit_at_another_time(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], other_buildkit: str
) -> None:
    orders = two_places(make)
    first = builder_places.builder("buildx").build(orders[0], lambda _: None)
    second = BuildxBuilder(builder_places.buildkit("other", other_buildkit)).build(orders[1], lambda _: None)
    assert not second.cached
    assert second.image == first.image


def test_the_same_order_gives_the_same_digest_in_another_storage_of_buildahs(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder]
) -> None:
    orders = two_places(make)
    first = builder_places.builder("buildah").build(orders[0], lambda _: None)
    second = BuildahBuilder(builder_places.buildah("fresh")).build(orders[1], lambda _: None)
    assert not second.cached
    assert second.image == first.image


def two_places(make: Callable[..., BuildOrder]) -> list[BuildOrder]:
    """One commit in two clones: another path, umask and time, earlier and later than the commit."""
    orders = []
    for number, (seconds, mode) in enumerate(((EPOCH - 9_000, 0o600), (EPOCH + 9_000, 0o664))):
        order = make(
            "FROM BASE\nCOPY . /x/\nRUN mkdir /made && echo w > /made/when\n", place=f"{number}/clone-{number}"
        )
        (order.context / "sub").mkdir(mode=0o700 if number else 0o755)
        (order.context / "sub" / "b").write_text("b")
        for path in (order.context / "a", order.context / "sub" / "b", order.context / "Dockerfile"):
            path.chmod(mode)
            os.utime(path, (seconds, seconds))
        said = {"org.opencontainers.image.revision": "abc"}
        files = dict.fromkeys(("Dockerfile", "a", "sub/b"), ("100644", ""))
        orders.append(replace(order, files=files, epoch=EPOCH, annotations=said))
    return orders


@pytest.mark.parametrize("name", REAL)
def test_another_content_of_the_same_size_and_time_is_another_image(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], name: str
) -> None:
    order = make("FROM BASE\nCOPY a /a\n", files={"a": ("100644", "")}, epoch=EPOCH)
    builder, digests = builder_places.builder(name), []
    for word in ("glow\n", "grow\n"):
        (order.context / "a").write_text(word)
        os.utime(order.context / "a", (EPOCH, EPOCH))
        digests.append(builder.build(order, lambda _: None).image.digest)
    assert len(set(digests)) == 2


@pytest.mark.parametrize("name", TOOLS)
def test_secrets_reach_the_build_and_are_masked_in_what_it_prints(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], tmp_path: Path, name: str
) -> None:
    (tmp_path / "token").write_text("hush-file-word\n")
    secrets = (BuildSecret(id="one", env="HUSH"), BuildSecret(id="two", file=tmp_path / "token"))
    run = "RUN --mount=type=secret,id=one --mount=type=secret,id=two"
    text = f"FROM BASE\n{run} echo saw $(cat /run/secrets/one) $(cat /run/secrets/two) {time.time_ns()}\n"
    order = make(text, secrets=secrets)
    lines: list[str] = []
    builder_places.builder(name, HUSH="hush-env-word").build(order, lines.append)
    assert any(line.startswith("saw *** ***") for line in lines), lines
    failing = make(f"FROM BASE\n{run} cat /run/secrets/one /run/secrets/two; exit 3\n", secrets=secrets)
    with pytest.raises(Rejected) as caught:
        builder_places.builder(name, HUSH="hush-env-word").build(failing, lines.append)
    assert "hush" not in caught.value.what + "".join(lines)


@pytest.mark.parametrize("name", TOOLS)
def test_a_key_reaches_the_build_through_an_agent_and_not_as_a_file(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], tmp_path: Path, name: str
) -> None:
    if not shutil.which("ssh-keygen"):
        pytest.skip("no ssh-keygen here")
    keygen = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key"))
    subprocess.run(keygen, check=True, capture_output=True)
    text = 'FROM BASE\nRUN --mount=type=ssh [ -S "$SSH_AUTH_SOCK" ]\n'
    order = make(text, ssh=(f"default={tmp_path / 'key'}",))
    assert builder_places.builder(name).build(order, lambda _: None).image.digest


@pytest.mark.parametrize("name", TOOLS)
def test_every_secret_that_is_not_there_is_named_before_the_build(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], tmp_path: Path, name: str
) -> None:
    secrets = (BuildSecret(id="one", env="NOT_SET"), BuildSecret(id="two", file=tmp_path / "none"))
    lines: list[str] = []
    with pytest.raises(Unusable) as caught:
        builder_places.builder(name).build(make("FROM BASE\n", secrets=secrets), lines.append)
    assert [problem.path for problem in caught.value.problems] == ["images[].secrets[0]", "images[].secrets[1]"]
    assert lines == []


@pytest.mark.parametrize("name", TOOLS)
def test_further_contexts_are_there_by_their_names(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], tmp_path: Path, name: str
) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "word").write_text("from elsewhere\n")
    (tmp_path / "shared" / "unlisted").write_text("x")
    text = 'FROM BASE\nCOPY --from=more . /more\nRUN [ "$(ls /more) $(cat /more/word)" = "word from elsewhere" ]\n'
    order = make(
        text, contexts={"more": tmp_path / "shared"}, context_files={"more": {"word": ("100644", "")}}, epoch=EPOCH
    )
    assert builder_places.builder(name).build(order, lambda _: None).image.digest


@pytest.mark.parametrize("name", REAL)
def test_steps_know_the_hosts_that_were_ordered(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], name: str
) -> None:
    # The base has a shell and little else.
    told = 'while read -r at names; do [ "$at $names" = "10.0.0.7 db.test" ] && exit 0; done < /etc/hosts; exit 1'
    wanted = make(f"FROM BASE\nRUN {told}\n", steps=Steps(hosts={"db.test": "10.0.0.7"}))
    assert builder_places.builder(name).build(wanted, lambda _: None).image.digest


def test_steps_run_under_the_limits_that_were_ordered(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder]
) -> None:
    wanted = make('FROM BASE\nRUN test "$(ulimit -n)" = 333\n', steps=Steps(ulimits={"nofile": "333:444"}, shm=2**26))
    assert builder_places.builder("buildx").build(wanted, lambda _: None).image.digest


@pytest.mark.parametrize("name", REAL)
def test_no_step_comes_from_a_cache_where_that_is_ordered(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], name: str
) -> None:
    wanted, builder = make("FROM BASE\nCOPY a /a\nRUN echo once > /b\n"), builder_places.builder(name)
    builder.build(wanted, lambda _: None)
    assert builder.build(wanted, lambda _: None).cached
    assert not builder.build(replace(wanted, no_cache=True), lambda _: None).cached


def test_a_buildkit_too_old_for_further_contexts_says_so_before_it_starts(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], tmp_path: Path
) -> None:
    builder = builder_places.builder("buildx-docker")
    order = make("FROM BASE\nCOPY --from=more . /more\n", contexts={"more": tmp_path})
    if not builder.lacks(order):  # Docker 23 or newer.
        assert builder.build(order, lambda _: None).image.digest
    newer = make("# syntax=docker/dockerfile:1\nFROM BASE\nCOPY --from=more . /more\n", contexts={"more": tmp_path})
    assert builder.lacks(newer) == ()


@pytest.mark.parametrize("name", REAL)
def test_what_counts_for_no_key_is_in_no_image(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], name: str
) -> None:
    text = 'FROM BASE\nCOPY . /x\nRUN [ "$(echo $(ls -A /x))" = "Dockerfile a" ]\n'
    folder = make(text).context
    subprocess.run(["git", "init", "-q", folder], check=True)
    for stray in ("davy-out/report.md", ".davy/builds/x.json"):
        (folder / stray).parent.mkdir(parents=True, exist_ok=True)
        (folder / stray).write_text("stray")
    config = made(DeliveryConfig, {"service": "s", "images": [{"name": "r.test/s/a", "context": "."}]})
    tree = GitWorkTree(builder_places.environment(name))
    out = (folder / "davy-out",)
    (keyed,) = resolve.workshop(
        config, tree, folder, lock={}, resolve=lambda asked: dict.fromkeys(asked, ""), leave_out=out
    ).images
    counted = {path: (entry.mode, entry.blob) for path, entry in keyed.files.items()}
    order = replace(make(text), context=folder, files=counted)
    assert builder_places.builder(name).build(order, lambda _: None).image.digest


@pytest.mark.parametrize("name", TOOLS)
def test_several_platforms_are_one_index(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], registry: Registry, name: str
) -> None:
    order = make("FROM scratch\nCOPY a /a\n", platforms=("linux/amd64", "linux/arm64"), annotations={"k": "v"})
    builder = builder_places.builder(name)
    assert builder.lacks(order) == ()
    image = builder.build(order, lambda _: None).image
    index = json.loads(registry.manifest(image.name, image.digest).body)
    assert [one["platform"]["architecture"] for one in index["manifests"]] == ["amd64", "arm64"]
    assert index["annotations"]["k"] == "v"
    assert registry.manifest(image.name, order.tag).digest == image.digest
    for one in index["manifests"]:
        assert json.loads(registry.manifest(image.name, one["digest"]).body)["annotations"]["k"] == "v"


@pytest.mark.parametrize("name", TOOLS)
def test_a_step_for_a_foreign_platform_is_refused_before_it_begins(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], name: str
) -> None:
    order = make("FROM BASE\nRUN true\n", platforms=("linux/amd64", "linux/s390x"))
    (said,) = builder_places.builder(name).lacks(order)
    assert "cannot run a step for linux/s390x" in said


# ---- caches and attestations of BuildKit ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["registry", "inline", "local"])
def test_another_buildkit_takes_the_layers_from_the_cache_that_was_left(
    builder_places: BuilderPlaces,
    make: Callable[..., BuildOrder],
    other_buildkit: str,
    tmp_path: Path,
    kind: str,
) -> None:
    order = make(f"FROM BASE\nCOPY a /a\nRUN echo {kind} > /b\n", files={"a": ("100644", "")}, epoch=EPOCH)
    order = replace(order, name=f"{order.name}-{kind}")
    short = (str(tmp_path / "cache") if kind == "local" else kind,)
    left = replace(order, cache_to=in_full(short, order.name, "shop/app", "to"))
    found = replace(order, cache_from=in_full(short, order.name, "shop/app", "from"))
    first = builder_places.builder("buildx").build(left, lambda _: None)
    other = BuildxBuilder(builder_places.buildkit(f"other-{kind}", other_buildkit))
    second = other.build(found, lambda _: None)
    assert second.cached
    assert kind == "inline" or second.image == first.image


def test_provenance_stands_in_the_index_beside_the_image(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], registry: Registry
) -> None:
    order = make("FROM BASE\nCOPY a /a\n", provenance="max", annotations={"k": "v"})
    image = builder_places.builder("buildx").build(order, lambda _: None).image
    index = json.loads(registry.manifest(image.name, image.digest).body)
    assert index["annotations"]["k"] == "v"
    beside = [one for one in index["manifests"] if one.get("annotations", {}).get("vnd.docker.reference.type")]
    manifest = json.loads(registry.manifest(image.name, beside[0]["digest"]).body)
    kinds = [layer["annotations"]["in-toto.io/predicate-type"] for layer in manifest["layers"]]
    assert kinds == ["https://slsa.dev/provenance/v1"]


SCANNER = """\
#!/bin/sh
# BuildKit's protocol for those who make SBOMs: github.com/moby/buildkit, docs/attestations/sbom-protocol.md
printf '{"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://spdx.dev/Document", "predicate": \
{"spdxVersion": "SPDX-2.3", "name": "%s"}}' "$(cat "$BUILDKIT_SCAN_SOURCE/a")" \
> "$BUILDKIT_SCAN_DESTINATION/a.spdx.json"
"""


def test_an_sbom_stands_in_the_index_and_counts_as_evidence(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], registry: Registry
) -> None:
    """BuildKit's own scanner is an image on docker.io; what is told here is that another one is asked in its place."""
    builder = builder_places.builder("buildx")
    by = make('FROM BASE\nCOPY scan /scan\nENTRYPOINT ["/bin/sh", "/scan"]\n', place="scanner")
    (by.context / "scan").write_text(SCANNER)
    scanner = builder.build(replace(by, name=f"{by.name}-scanner"), lambda _: None).image
    order = make("FROM BASE\nCOPY a /a\n", sbom=True, sbom_scanner=scanner.reference)
    image = builder.build(order, lambda _: None).image
    index = json.loads(registry.manifest(image.name, image.digest).body)
    beside = next(one for one in index["manifests"] if one.get("annotations", {}).get("vnd.docker.reference.type"))
    (layer,) = json.loads(registry.manifest(image.name, beside["digest"]).body)["layers"]
    assert layer["annotations"]["in-toto.io/predicate-type"] == "https://spdx.dev/Document"
    with closing(RegistryImages(DockerCredentials(builder_places.environment("buildx")), plain=is_loopback)) as store:
        assert [said.claim for said in builder_attestations.claims(store, image)] == [Claim.SBOM]


def test_buildah_leaves_layers_in_a_registry_for_another_storage(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder]
) -> None:
    order = make("FROM BASE\nCOPY a /a\nRUN echo kept > /b\n", files={"a": ("100644", "")}, epoch=EPOCH)
    ref = f"type=registry,ref={order.name}-layers:any"
    first = builder_places.builder("buildah").build(replace(order, cache_to=(ref,)), lambda _: None)
    other = BuildahBuilder(builder_places.buildah("taker"))
    second = other.build(replace(order, cache_from=(ref,)), lambda _: None)
    assert second.cached
    assert second.image == first.image


# ---- what each cannot do, before it starts --------------------------------------------------------------------------


def test_every_builder_says_what_it_lacks_and_all_of_it_is_told_at_once(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], tmp_path: Path
) -> None:
    names = ("buildx-docker", "engine", "buildah")
    candidates = {name: builder_places.builder(name) for name in names}
    order = make("FROM BASE\n", sbom=True, cache_to=("type=gha",), platforms=("linux/amd64", "linux/arm64"))
    with pytest.raises(Unusable) as caught:
        chosen(order, candidates)
    said = [problem.what for problem in caught.value.problems]
    for name, lack in (
        ("buildx-docker", "cannot build for several platforms"),
        ("buildx-docker", "cannot make an SBOM"),
        ("buildx-docker", "ACTIONS_RUNTIME_TOKEN and ACTIONS_RESULTS_URL not set"),
        ("engine", "cannot import or export a build cache"),
        ("buildah", "cannot use a build cache that is not in a registry"),
    ):
        assert any(one.startswith(f"{name}: ") and lack in one for one in said), (name, lack, said)


def test_the_first_builder_that_can_do_it_is_chosen(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder]
) -> None:
    candidates = {name: builder_places.builder(name) for name in ("engine", "buildah", "buildx")}
    assert chosen(make("FROM BASE\n"), candidates)[0] == "engine"
    assert chosen(make("FROM BASE\n", secrets=(BuildSecret(id="x", env="PATH"),)), candidates)[0] == "buildah"
    assert chosen(make("FROM BASE\n", provenance="min"), candidates)[0] == "buildx"


def test_a_builder_that_is_not_there_is_passed_over(
    builder_places: BuilderPlaces, make: Callable[..., BuildOrder], tmp_path: Path
) -> None:
    gone = {"BUILDX_BUILDER": "nobody", "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    candidates = {name: builder_places.builder(name, **gone) for name in ("buildx", "buildah")}
    assert chosen(make("FROM BASE\n"), candidates)[0] == "buildah"
    with pytest.raises(Unusable, match="cannot be built by buildx") as caught:
        chosen(make("FROM BASE\n"), {"buildx": candidates["buildx"]})
    assert "does not answer" in caught.value.problems[0].what
