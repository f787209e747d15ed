"""Kubeconfig files, written as JSON (which every YAML reader takes)."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from .files import put_secret


def write_kubeconfig(path: Path, *, server: str, authority: bytes, user: str, token: str) -> None:
    """Write a file with one cluster, one user and one context."""
    cluster = {
        "server": server,
        "certificate-authority-data": base64.b64encode(authority).decode(),
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "davy-lab", "cluster": cluster}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "davy-lab", "context": {"cluster": "davy-lab", "user": user}}],
        "current-context": "davy-lab",
    }
    put_secret(path, json.dumps(document, indent=2) + "\n")
