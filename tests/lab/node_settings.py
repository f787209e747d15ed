"""The settings files of a single node's processes, as values."""

from __future__ import annotations

from pathlib import Path

from .layout import CGROUP, NETWORK, NODE, NODE_ADDRESS, POD_SUBNET, Layout

CLUSTER_SUBNET = "10.244.0.0/16"
PAUSE_IMAGE = "docker.io/lab/pause:1"
KUBELET_KIND = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"}
PROXY_KIND = {"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration"}


def containerd_socket(layout: Layout) -> Path:
    return layout.run / "containerd" / "containerd.sock"


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


def outer_nameservers() -> list[str]:
    path = Path("/etc/resolv.conf")
    lines = path.read_text().splitlines() if path.exists() else []
    return [line for line in lines if line.startswith("nameserver")]
