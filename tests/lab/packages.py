"""Debian packages: what is missing is named before it is installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .commands import run_logged
from .layout import SEARCH, Layout
from .talk import LabError, Stopwatch, say

SERVICES = {"docker-registry": "docker-registry", "prometheus": "prometheus"} | {
    "prometheus-alertmanager": "prometheus-alertmanager"
}
NODE = {
    "etcd": "etcd-server",
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "openssl": "openssl",
    "/usr/lib/cni/ptp": "containernetworking-plugins",
}
ENGINE = {"dockerd": "docker.io", "docker": "docker.io", "iptables": "iptables", "ip": "iproute2"}
IMAGES = {"debootstrap": "debootstrap"}
BROWSERS = {"chromium": "chromium", "chromedriver": "chromium-driver"}
"""A real WebDriver endpoint, for suites on clouds and Grids."""
SERVICE_POLICY = Path("/usr/sbin/policy-rc.d")


def missing(*wanted: dict[str, str]) -> list[str]:
    """The packages whose commands are not there."""
    every = {command: package for some in wanted for command, package in some.items()}
    return sorted({every[command] for command in every if not shutil.which(command, path=SEARCH)})


def missing_for_go() -> list[str]:
    """Debian keeps what a virtual environment needs in a package of its own."""
    return [] if importlib.util.find_spec("ensurepip") else ["python3-venv"]


def install(layout: Layout, packages: list[str], watch: Stopwatch) -> None:
    """Install packages, telling which, and without starting their services."""
    if not packages:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise LabError(f"install these, or be root on Debian: {', '.join(packages)}")
    say(f"  installing Debian packages: {' '.join(packages)}")
    log = layout.logs / "apt.log"
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    get = ("apt-get", "-y", "-q", "--no-install-recommends")
    with watch.part("Debian packages", log=log), services_left_alone():
        run_logged(["apt-get", "-q", "update"], log, environment=quiet)
        run_logged([*get, "install", *packages], log, environment=quiet)


@contextmanager
def services_left_alone(policy: Path = SERVICE_POLICY) -> Iterator[None]:
    """Forbid packages to start their services; a policy that is there already stays.

    https://www.debian.org/doc/debian-policy/ch-opersys.html: invoke-rc.d asks it.
    """
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink(missing_ok=True)
