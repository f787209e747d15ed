"""The processes of a single-node Kubernetes and their settings."""

from __future__ import annotations

import json
import secrets
import ssl
import urllib.request
from pathlib import Path

from .certificates import ensure_certificates
from .commands import answers, run, wait_until
from .files import put, put_secret
from .kubeconfig import write_kubeconfig
from .layout import (
    CGROUP,
    NETWORK,
    NODE,
    NODE_ADDRESS,
    POD_SUBNET,
    SERVICE_SUBNET,
    Layout,
)
from .processes import Daemon

CLUSTER_SUBNET = "10.244.0.0/16"
PAUSE_IMAGE = "docker.io/lab/pause:1"
KUBELET_KIND = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"}
PROXY_KIND = {"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration"}


def api_url(layout: Layout) -> str:
    return f"https://{NODE_ADDRESS}:{layout.ports.api_server}"


def containerd_socket(layout: Layout) -> Path:
    return layout.run / "containerd" / "containerd.sock"


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
        is_ready=containerd_socket(layout).exists,
    )


def containerd_settings(folder: Path, socket: Path) -> str:
    """All folders are the lab's own; network namespaces too, so that none outlives it."""
    return f"""version = 2
root = "{folder}/root"
state = "{folder}/state"

[grpc]
  address = "{socket}"

[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  # Without CAP_SYS_RESOURCE no pod could be started: runc may not lower the score.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{folder}/net.d"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{folder}/registries"
"""


def network_settings(layout: Layout) -> dict[str, object]:
    """Point-to-point links: with no bridge, pods reach each other's Services by routing,
    so nothing depends on br_netfilter and no interface outlives its pod."""
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": POD_SUBNET}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": str(layout.run / "cni"),
    }
    return {
        "cniVersion": "0.4.0",
        "name": NETWORK,
        "plugins": [
            {"type": "ptp", "ipMasq": True, "ipam": addresses},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def kubelet(layout: Layout) -> Daemon:
    folder = layout.run / "kubelet"
    settings = json.dumps(kubelet_settings(layout), indent=2)
    put(folder / "config.json", settings)
    put(folder / "resolv.conf", "".join(f"{line}\n" for line in _outer_nameservers()))
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


def kubelet_settings(layout: Layout) -> dict[str, object]:
    return KUBELET_KIND | {
        "address": NODE_ADDRESS,
        "port": layout.ports.kubelet,
        "readOnlyPort": 0,
        "healthzBindAddress": "127.0.0.1",
        "healthzPort": layout.ports.kubelet_health,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": False},
            "x509": {"clientCAFile": str(layout.run / "pki" / "ca.crt")},
        },
        "authorization": {"mode": "AlwaysAllow"},
        "containerRuntimeEndpoint": f"unix://{containerd_socket(layout)}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{CGROUP}",
        "failSwapOn": False,
        "failCgroupV1": False,
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
        },
        "imageGCHighThresholdPercent": 100,
        "clusterDNS": [NODE_ADDRESS],
        "clusterDomain": "cluster.local",
        "resolvConf": str(layout.run / "kubelet" / "resolv.conf"),
        "podLogsDir": str(layout.run / "kubelet" / "logs"),
        "volumePluginDir": str(layout.run / "kubelet" / "volume-plugins"),
        "maxPods": 200,
        "serializeImagePulls": False,
        "registryPullQPS": 0,
        "eventRecordQPS": 0,
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
        # Secrets and ConfigMaps reach pods quickly, and the node becomes Ready quickly.
        "syncFrequency": "10s",
        "nodeStatusUpdateFrequency": "4s",
        "nodeStatusReportFrequency": "20s",
    }


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


def proxy_settings(layout: Layout) -> dict[str, object]:
    return PROXY_KIND | {
        "clientConnection": {"kubeconfig": str(layout.kubeconfig)},
        "hostnameOverride": NODE,
        "mode": "iptables",
        "clusterCIDR": CLUSTER_SUBNET,
        "iptables": {"localhostNodePorts": True},
        # NodePorts answer on loopback only, never on the machine's own network.
        "nodePortAddresses": ["127.0.0.0/8", f"{NODE_ADDRESS}/32"],
        # The machine's conntrack limits stay as they are.
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
        "healthzBindAddress": f"127.0.0.1:{layout.ports.proxy_health}",
        "metricsBindAddress": f"127.0.0.1:{layout.ports.proxy_metrics}",
    }


def dns(layout: Layout, binary: Path) -> Daemon:
    settings = corefile(layout, forward=bool(_outer_nameservers()))
    path = layout.run / "Corefile"
    put(path, settings)
    ready = f"http://127.0.0.1:{layout.ports.dns_ready}/ready"
    return Daemon(
        name="coredns",
        command=(str(binary), "-conf", str(path)),
        settings=settings,
        is_ready=lambda: answers(ready),
    )


def corefile(layout: Layout, *, forward: bool) -> str:
    """The cluster's zone from the API server, all else from the machine's own resolver."""
    inner = f"""cluster.local in-addr.arpa ip6.arpa {{
    bind {NODE_ADDRESS}
    errors
    ready 127.0.0.1:{layout.ports.dns_ready}
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        kubeconfig {layout.kubeconfig}
        ttl 1
    }}
    loadbalance
}}
"""
    outer = f""".:53 {{
    bind {NODE_ADDRESS}
    errors
    cache 30
    forward . /etc/resolv.conf
}}
"""
    return inner + (outer if forward else "")


def _outer_nameservers() -> list[str]:
    path = Path("/etc/resolv.conf")
    lines = path.read_text().splitlines() if path.exists() else []
    return [line for line in lines if line.startswith("nameserver")]


def kubectl(layout: Layout, *words: str) -> str:
    return run(layout.binaries / "kubectl", "--kubeconfig", layout.kubeconfig, *words, check=False).strip()


def await_node(layout: Layout) -> None:
    """Wait until the node takes pods, and pods may have a service account."""
    query = (*("get", "node", NODE, "-o"), "jsonpath={.status.conditions[-1:].status}{.spec.taints}")
    wait_until(lambda: kubectl(layout, *query) == "True", "the node is Ready", seconds=90, every=0.3)
    account = ("get", "serviceaccount", "default", "-o", "name")
    wait_until(lambda: bool(kubectl(layout, *account)), "service accounts exist", seconds=30)
