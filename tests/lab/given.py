"""A cluster that is used as it is: only its kubeconfig is read."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from . import toolchain
from .cluster_choice import Cluster
from .commands import run
from .discovery import Access
from .kubeconfig import write_kubeconfig
from .layout import Layout
from .services import through_api_server
from .talk import LabError, Stopwatch

LIMITED = "davy-lab-limited"


def finish(layout: Layout, environment: Mapping[str, str], watch: Stopwatch) -> Cluster:
    """The cluster of DAVY_LAB_KUBECONFIG."""
    return described(layout, Path(environment["DAVY_LAB_KUBECONFIG"]).absolute(), "given", watch)


def described(layout: Layout, kubeconfig: Path, kind: str, watch: Stopwatch) -> Cluster:
    """What the lab needs to know of a cluster behind a kubeconfig.

    The user without rights is a service account that nobody granted anything; its token
    lives for a day.
    """
    kubectl = _kubectl(layout, watch)
    ask = (kubectl, "--kubeconfig", kubeconfig)
    document = json.loads(run(*ask, "config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
    cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
    authority = _kept(layout, "ca.crt", cluster.get("certificate-authority-data"))
    if not run(*ask, "-n", "default", "get", "serviceaccount", LIMITED, check=False):
        run(*ask, "-n", "default", "create", "serviceaccount", LIMITED)
    token = run(*ask, "-n", "default", "create", "token", LIMITED, "--duration=24h").strip()
    write_kubeconfig(
        layout.kubeconfig_limited,
        server=cluster["server"],
        authority=authority.read_bytes(),
        user="limited",
        token=token,
    )
    return Cluster(
        kind="kind" if kind == "kind" else "given",
        kubeconfig=kubeconfig,
        kubeconfig_limited=layout.kubeconfig_limited,
        api_server=cluster["server"],
        kubectl=kubectl,
        scraping=through_api_server(_access(layout, cluster["server"], authority, user)),
        await_ready=lambda: _await_nodes(kubectl, kubeconfig),
    )


def _await_nodes(kubectl: Path, kubeconfig: Path) -> None:
    wait = ("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=90s")
    run(kubectl, "--kubeconfig", kubeconfig, *wait)


def server_version(cluster: Cluster) -> str:
    text = run(cluster.kubectl, "--kubeconfig", cluster.kubeconfig, "version", "-o", "json")
    return str(json.loads(text)["serverVersion"]["gitVersion"])


def _access(layout: Layout, server: str, authority: Path, user: Mapping[str, str]) -> Access:
    """Prometheus' credentials, from whatever kind the kubeconfig holds."""
    if "token" in user:
        return Access(server=server, ca_file=str(authority), token=user["token"])
    if "client-certificate-data" not in user:
        raise LabError("the kubeconfig's user needs a token or a client certificate in it")
    return Access(
        server=server,
        ca_file=str(authority),
        cert_file=str(_kept(layout, "user.crt", user["client-certificate-data"])),
        key_file=str(_kept(layout, "user.key", user["client-key-data"])),
    )


def _kept(layout: Layout, name: str, encoded: str | None) -> Path:
    path = layout.run / "given" / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_bytes(base64.b64decode(encoded or ""))
    path.chmod(0o600)
    return path


def _kubectl(layout: Layout, watch: Stopwatch) -> Path:
    """The kubectl at hand; the lab's own is built only where there is none."""
    at_hand = shutil.which("kubectl")
    if at_hand:
        return Path(at_hand)
    return toolchain.kubectl(layout, watch)
