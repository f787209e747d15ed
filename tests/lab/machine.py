"""The marks that a single node leaves on the machine, and how each is wiped off again."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from .commands import run
from .layout import BRIDGE, BRIDGE_SUBNET, CGROUP, NETWORK, NODE_ADDRESS, Layout
from .processes import born_of, end_pid

CGROUPS = Path("/sys/fs/cgroup")
SYSTEM = Path("/proc/sys")
SYSCTLS = {
    # Set before dockerd starts: it makes FORWARD drop by default only if it had to
    # switch forwarding on itself.
    "net/ipv4/ip_forward": "1",
    # NodePorts on 127.0.0.1 are rewritten to pod addresses.
    "net/ipv4/conf/all/route_localnet": "1",
}
POD_LOG_LINKS = Path("/var/log/containers")
CNI_RESULTS = Path("/var/lib/cni/results")
DEVICE_PLUGINS = Path("/var/lib/kubelet/device-plugins")
# Folders that containerd, dockerd and kubelet make whatever they are told.
SHELLS = (
    POD_LOG_LINKS,
    CNI_RESULTS,
    CNI_RESULTS.parent,
    *map(Path, ("/opt/containerd/bin", "/opt/containerd/lib", "/opt/containerd")),
    *map(Path, ("/run/containerd/s", "/run/containerd/runc/k8s.io", "/run/containerd/runc")),
    *map(Path, ("/run/containerd", "/run/docker/plugins", "/run/docker")),
)


def this_boot() -> str:
    """The identity of the machine's current run."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def set_sysctls(layout: Layout) -> None:
    """Set what routing to pods wants, once remembering what was there before."""
    memory = layout.run / "sysctls.json"
    if not memory.exists():
        before = {name: (SYSTEM / name).read_text().strip() for name in SYSCTLS}
        memory.write_text(json.dumps(before))
    for name, value in SYSCTLS.items():
        if (SYSTEM / name).read_text().strip() != value:
            (SYSTEM / name).write_text(value)


def restore_sysctls(layout: Layout) -> None:
    """Put the remembered settings back."""
    memory = layout.run / "sysctls.json"
    if memory.exists():
        for name, value in json.loads(memory.read_text()).items():
            (SYSTEM / name).write_text(value)
        memory.unlink()


def add_node_address() -> None:
    """Give the node its address on `lo`; no network device is made for it."""
    run("ip", "address", "replace", f"{NODE_ADDRESS}/32", "dev", "lo")


def remove_node_address() -> None:
    run("ip", "address", "del", f"{NODE_ADDRESS}/32", "dev", "lo", check=False)


def add_bridge() -> None:
    """The Docker engine's own bridge, so that a developer's docker0 is left alone."""
    if not Path("/sys/class/net", BRIDGE).exists():
        run("ip", "link", "add", "name", BRIDGE, "type", "bridge")
    run("ip", "address", "replace", BRIDGE_SUBNET, "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")


def remove_bridge() -> None:
    if Path("/sys/class/net", BRIDGE).exists():
        run("ip", "link", "del", BRIDGE, check=False)


def hierarchies() -> list[Path]:
    """Every cgroup hierarchy that is mounted: many on v1, one on v2."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    return sorted(path for path in CGROUPS.iterdir() if path.is_dir() and not path.is_symlink())


def add_cgroups() -> None:
    """Make the kubelet's root cgroup; it starts only if that exists everywhere."""
    for hierarchy in hierarchies():
        ours = hierarchy / CGROUP
        ours.mkdir(exist_ok=True)
        if (hierarchy / "cgroup.controllers").exists() and hierarchy == CGROUPS:
            _delegate(hierarchy)
            _delegate(ours)
        if hierarchy.name == "cpuset":
            _inherit_cpuset(ours)


def _delegate(folder: Path) -> None:
    """On cgroup v2 a child has only the controllers that its parent hands down."""
    for controller in (folder / "cgroup.controllers").read_text().split():
        with contextlib.suppress(OSError):
            (folder / "cgroup.subtree_control").write_text(f"+{controller}")


def _inherit_cpuset(folder: Path) -> None:
    """On cgroup v1 a new cpuset is empty, and nothing could run in it."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if not (folder / name).read_text().strip():
            (folder / name).write_text((folder.parent / name).read_text())


def remove_cgroups(name: str) -> None:
    """Kill whatever still runs in this cgroup of the lab, and remove it from below."""
    for hierarchy in hierarchies():
        ours = hierarchy / name
        if not ours.exists():
            continue
        for attempt in range(50):
            if not _kill_members(ours):
                break
            time.sleep(0.1 if attempt else 0.02)
        for folder, _, _ in os.walk(ours, topdown=False):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()


def _kill_members(folder: Path) -> bool:
    found = False
    for members in folder.rglob("cgroup.procs"):
        with contextlib.suppress(OSError):
            for pid in members.read_text().split():
                found = True
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
    return found


def shims_of(socket: Path) -> Iterator[int]:
    """The shims that were started for the containerd behind this socket."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if "shim" in words[0] and str(socket) in words:
                yield int(folder.name)


def end_shims(socket: Path, cgroup: str) -> None:
    """Kill the containers in a cgroup, and the shims that held them."""
    shims = [(pid, born_of(pid)) for pid in shims_of(socket)]
    remove_cgroups(cgroup)
    for pid, born in shims:
        end_pid(pid, born, patience=1)


def unmount_below(folder: Path) -> None:
    """Unmount everything under a folder, the innermost first."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for escaped in reversed(points):
        point = escaped.replace("\\040", " ")
        if Path(point).is_relative_to(folder):
            run("umount", "--lazy", point, check=False)


def remove_links(layout: Layout) -> None:
    """Remove what kubelet and libcni put at fixed paths for us."""
    if POD_LOG_LINKS.is_dir():
        for link in POD_LOG_LINKS.iterdir():
            if link.is_symlink() and link.readlink().is_relative_to(layout.cache):
                link.unlink()
    for result in CNI_RESULTS.glob(f"{NETWORK}-*"):
        sandbox = result.name.removeprefix(f"{NETWORK}-").rpartition("-")[0]
        for every in CNI_RESULTS.glob(f"*-{sandbox}-*"):
            every.unlink(missing_ok=True)
    if DEVICE_PLUGINS.is_dir() and [*DEVICE_PLUGINS.parent.iterdir()] == [DEVICE_PLUGINS]:
        remove_tree(DEVICE_PLUGINS.parent)  # another kubelet would have more in there


def remove_shells() -> None:
    """Remove the folders at fixed paths that are empty now."""
    for folder in SHELLS:
        with contextlib.suppress(OSError):
            folder.rmdir()


def remove_tree(folder: Path) -> None:
    """Remove a folder that may hold what only root may touch."""
    shutil.rmtree(folder, ignore_errors=True)
