"""The cluster's own certificate authority and what it signs, through the openssl command."""

from __future__ import annotations

from pathlib import Path

from .commands import run
from .layout import API_SERVICE, NODE_ADDRESS

DAYS = "365"
API_NAMES = (
    "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,"
    "DNS:kubernetes.default.svc.cluster.local,"
    f"IP:127.0.0.1,IP:{NODE_ADDRESS},IP:{API_SERVICE}"
)


def ensure_certificates(folder: Path) -> None:
    """Make the authority, the API server's certificate, its client's and the signing key."""
    if (folder / "complete").exists():
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _authority(folder)
    _signed(folder, "api-server", "/CN=kube-apiserver", API_NAMES)
    _signed(folder, "api-client", "/O=system:masters/CN=api-server-to-kubelet", "")
    run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", folder / "sa.key")
    run("openssl", "ec", "-in", folder / "sa.key", "-pubout", "-out", folder / "sa.pub")
    (folder / "complete").touch()


def _authority(folder: Path) -> None:
    run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        *("-nodes", "-days", DAYS, "-subj", "/CN=davy-lab"),
        *("-keyout", folder / "ca.key", "-out", folder / "ca.crt"),
    )


def _signed(folder: Path, name: str, subject: str, names: str) -> None:
    extensions = folder / f"{name}.ext"
    usage = "serverAuth" if names else "clientAuth"
    lines = [f"extendedKeyUsage={usage}"] + ([f"subjectAltName={names}"] if names else [])
    extensions.write_text("\n".join(lines) + "\n")
    run(
        *("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        *("-nodes", "-subj", subject),
        *("-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr"),
    )
    run(
        *("openssl", "x509", "-req", "-days", DAYS, "-in", folder / f"{name}.csr"),
        *("-CA", folder / "ca.crt", "-CAkey", folder / "ca.key", "-CAcreateserial"),
        *("-extfile", extensions, "-out", folder / f"{name}.crt"),
    )
