"""The processes of a single-node Kubernetes and their settings."""

from __future__ import annotations

import json
import secrets
import ssl
import urllib.request
from pathlib import Path

from .certificates import ensure_certificates
from .commands import accepts, answers, run, wait_until
from .files import put, put_secret
from .kubeconfig import write_kubeconfig
from .layout import NODE, NODE_ADDRESS, SERVICE_SUBNET, Layout
from .node_settings import (
    CLUSTER_SUBNET,
    containerd_settings,
    containerd_socket,
    corefile,
    kubelet_settings,
    network_settings,
    outer_nameservers,
    proxy_settings,
)
from .processes import Daemon


def api_url(layout: Layout) -> str:
    return f"https://{NODE_ADDRESS}:{layout.ports.api_server}"


def write_credentials(layout: Layout) -> None:
    """Certificates, tokens and the two kubeconfigs: once per life of the cluster."""
    folder = layout.run / "pki"
    ensure_certificates(folder)
    tokens = folder / "tokens.csv"
    if not tokens.exists():
        admin, limited = secrets.token_hex(16), secrets.token_hex(16)
        put_secret(tokens, f'{admin},admin,admin,"system:masters"\n{limited},limited,limited\n')
    authority = (folder / "ca.crt").read_bytes()
    paths = {"admin": layout.kubeconfig, "limited": layout.kubeconfig_limited}
    for line in tokens.read_text().splitlines():
        token, user = line.split(",")[:2]
        write_kubeconfig(paths[user], server=api_url(layout), authority=authority, user=user, token=token)


def admin_token(layout: Layout) -> str:
    return (layout.run / "pki" / "tokens.csv").read_text().split(",")[0]


def etcd(layout: Layout) -> Daemon:
    client = f"http://127.0.0.1:{layout.ports.etcd}"
    peer = f"http://127.0.0.1:{layout.ports.etcd_peer}"
    return Daemon(
        name="etcd",
        command=(
            *("etcd", "--name", "lab", "--data-dir", str(layout.run / "etcd")),
            *("--listen-client-urls", client, "--advertise-client-urls", client),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
            *("--initial-cluster", f"lab={peer}"),
        ),
        is_ready=lambda: answers(f"{client}/health"),
    )


def api_server(layout: Layout) -> Daemon:
    pki = layout.run / "pki"
    return Daemon(
        name="kube-apiserver",
        command=(
            str(layout.binaries / "kube-apiserver"),
            f"--etcd-servers=http://127.0.0.1:{layout.ports.etcd}",
            f"--bind-address={NODE_ADDRESS}",
            f"--advertise-address={NODE_ADDRESS}",
            f"--secure-port={layout.ports.api_server}",
            f"--service-cluster-ip-range={SERVICE_SUBNET}",
            f"--client-ca-file={pki}/ca.crt",
            f"--tls-cert-file={pki}/api-server.crt",
            f"--tls-private-key-file={pki}/api-server.key",
            # The node's name is in no resolver.
            "--kubelet-preferred-address-types=InternalIP",
            f"--kubelet-client-certificate={pki}/api-client.crt",
            f"--kubelet-client-key={pki}/api-client.key",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={pki}/sa.pub",
            f"--service-account-signing-key-file={pki}/sa.key",
            f"--token-auth-file={pki}/tokens.csv",
            "--authorization-mode=RBAC",
            "--allow-privileged=true",
            "--profiling=false",
        ),
        is_ready=lambda: is_api_ready(layout),
    )


def is_api_ready(layout: Layout) -> bool:
    """Whether the API server says so itself, its bootstrap roles included."""
    context = ssl.create_default_context(cafile=str(layout.run / "pki" / "ca.crt"))
    request = urllib.request.Request(
        f"{api_url(layout)}/readyz", headers={"Authorization": f"Bearer {admin_token(layout)}"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=2):
            return True
    except OSError:
        return False


def controllers(layout: Layout) -> Daemon:
    pki = layout.run / "pki"
    return Daemon(
        name="kube-controller-manager",
        command=(
            str(layout.binaries / "kube-controller-manager"),
            f"--kubeconfig={layout.kubeconfig}",
            "--bind-address=127.0.0.1",
            f"--secure-port={layout.ports.controllers}",
            f"--service-account-private-key-file={pki}/sa.key",
            f"--root-ca-file={pki}/ca.crt",
            "--use-service-account-credentials=true",
            "--allocate-node-cidrs=true",
            f"--cluster-cidr={CLUSTER_SUBNET}",
            "--leader-elect=false",
            "--node-monitor-period=1s",
            "--profiling=false",
        ),
        is_ready=lambda: True,
    )


def scheduler(layout: Layout) -> Daemon:
    return Daemon(
        name="kube-scheduler",
        command=(
            str(layout.binaries / "kube-scheduler"),
            f"--kubeconfig={layout.kubeconfig}",
            "--bind-address=127.0.0.1",
            f"--secure-port={layout.ports.scheduler}",
            "--leader-elect=false",
            "--profiling=false",
        ),
        is_ready=lambda: True,
    )


def containerd(layout: Layout) -> Daemon:
    folder = layout.run / "containerd"
    hosts = folder / "registries" / layout.registry / "hosts.toml"
    put(hosts, f'server = "http://{layout.registry}"\n')
    network = folder / "net.d" / "10-lab.conflist"
    put(network, json.dumps(network_settings(layout)))
    settings = containerd_settings(folder, containerd_socket(layout))
    put(folder / "config.toml", settings)
    return Daemon(
        name="containerd",
        command=("containerd", "--config", str(folder / "config.toml")),
        settings=settings,
        is_ready=lambda: accepts(containerd_socket(layout)),
    )


def kubelet(layout: Layout) -> Daemon:
    folder = layout.run / "kubelet"
    settings = json.dumps(kubelet_settings(layout), indent=2)
    put(folder / "config.json", settings)
    put(folder / "resolv.conf", "".join(f"{line}\n" for line in outer_nameservers()))
    return Daemon(
        name="kubelet",
        command=(
            str(layout.binaries / "kubelet"),
            f"--config={folder}/config.json",
            f"--kubeconfig={layout.kubeconfig}",
            f"--hostname-override={NODE}",
            f"--node-ip={NODE_ADDRESS}",
            f"--root-dir={folder}",
            f"--cert-dir={folder}/pki",
        ),
        settings=settings,
        is_ready=lambda: answers(f"http://127.0.0.1:{layout.ports.kubelet_health}/healthz"),
    )


def proxy(layout: Layout) -> Daemon:
    folder = layout.run / "kube-proxy"
    settings = json.dumps(proxy_settings(layout), indent=2)
    put(folder / "config.json", settings)
    health = f"http://127.0.0.1:{layout.ports.proxy_health}/healthz"
    return Daemon(
        name="kube-proxy",
        command=(str(layout.binaries / "kube-proxy"), f"--config={folder}/config.json"),
        settings=settings,
        is_ready=lambda: answers(health),
    )


def dns(layout: Layout, binary: Path) -> Daemon:
    settings = corefile(layout, forward=bool(outer_nameservers()))
    path = layout.run / "Corefile"
    put(path, settings)
    ready = f"http://127.0.0.1:{layout.ports.dns_ready}/ready"
    return Daemon(
        name="coredns",
        command=(str(binary), "-conf", str(path)),
        settings=settings,
        is_ready=lambda: answers(ready),
    )


def kubectl(layout: Layout, *words: str) -> str:
    return run(layout.binaries / "kubectl", "--kubeconfig", layout.kubeconfig, *words, check=False).strip()


def await_node(layout: Layout) -> None:
    """Wait until the node takes pods, and pods may have a service account."""
    query = (*("get", "node", NODE, "-o"), "jsonpath={.status.conditions[-1:].status}{.spec.taints}")
    wait_until(lambda: kubectl(layout, *query) == "True", "the node is Ready", seconds=90, every=0.3)
    account = ("get", "serviceaccount", "default", "-o", "name")
    wait_until(lambda: bool(kubectl(layout, *account)), "service accounts exist", seconds=30)
