"""Build: what `davy.yaml` may say of images and of how they are built."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

from davy.pipeline.config.parsing.fields import Duration
from davy.pipeline.config.parsing.section import Section, part, setting
from davy.pipeline.config.parsing.yaml_tree import Place


@part
class ScanConfig(Section):
    """What a scanner's findings may hold. The scanner is the user's own."""

    run: str | None = setting(
        default=None, description="Command that scans $IMAGE and writes $REPORT; without one only `reports` are read."
    )
    reports: tuple[str, ...] = setting(default=(), description="SARIF, Grype or Trivy JSON files; may hold {image}.")
    severity: Literal["low", "medium", "high", "critical"] = setting(
        default="high", description="From this on it is refused."
    )
    timeout: Duration = setting(default=timedelta(minutes=10), description="A scanner that takes longer is stopped.")
    fixable_only: bool = setting(
        default=False, description="Only findings that a newer version mends are held against it."
    )
    ignore: str | None = setting(
        default=None, description="File of findings that are accepted, with reason, owner and expiry."
    )


@part
class SignConfig(Section):
    """How images are signed, by cosign."""

    key: str | None = setting(
        default=None, description="As cosign names it: a file, `env://NAME`, a KMS; keyless without one."
    )
    public_key: str | None = setting(
        default=None, description="To verify with, as cosign names it; by default what belongs to `key`."
    )
    identity: str | None = setting(
        default=None, description="Keyless: regular expression of who must have signed, to verify."
    )
    issuer: str | None = setting(default=None, description="Keyless: the OIDC issuer, to verify.")
    log: bool = setting(
        default=True, description="Write signatures into the transparency log, and ask it when verifying."
    )


@part
class BuildConfig(Section):
    """How images are built."""

    builder: Literal["auto", "buildx", "engine", "buildah"] = setting(
        default="auto",
        description="`auto`: the first of buildx, the Docker Engine and Buildah that is there and can do it.",
    )
    parallel: int = setting(default=4, ge=1, le=64, description="Builds at once.")
    timeout: Duration = setting(default=timedelta(minutes=30), description="A build that takes longer is stopped.")
    lock: str = setting(
        default="davy.lock", description="Digests of the base images, relative to the file; kept in git."
    )
    cache_from: tuple[str, ...] = setting(
        default=(), description="`registry`, `gha`, `inline`, a folder, or as buildx writes it: type=…,ref=…"
    )
    cache_to: tuple[str, ...] = setting(default=(), description="The same, for what the build leaves behind.")
    sbom: bool = setting(default=False, description="Attach a software bill of materials.")
    sbom_scanner: str | None = setting(
        default=None, description="Image that makes it, best by digest; by default BuildKit's own, from docker.io."
    )
    provenance: Literal["off", "min", "max"] = setting(
        default="off", description="Attach SLSA provenance v1, as much of it: the builder's, else davy's own."
    )
    scan: ScanConfig | None = setting(default=None, description="Refuse images with known weaknesses.")
    sign: SignConfig | None = setting(default=None, description="Sign what was built, and verify what is released.")
    evidence: bool = setting(
        default=True,
        description="Attach what davy itself says to the digest: verdicts of tests and canary, provenance.",
    )
    plain_http: tuple[str, ...] = setting(
        default=(), description="Registries (`host:port`) spoken to over http, besides those of this machine."
    )

    @property
    def attests(self) -> bool:
        """True where davy attaches provenance of its own to images whose builder makes none."""
        return self.provenance != "off" and self.evidence


Finding = tuple[Place, str]


def of_build(said: BuildConfig) -> Iterator[Finding]:
    """Every rule that is broken, with its place in the file."""
    if said.scan is not None:
        yield from _scan(said.scan)
    if said.sign is not None:
        yield from _sign(said.sign)
    if said.sbom_scanner is not None and not said.sbom:
        yield ("build", "sbom_scanner"), "makes an SBOM, and none is wanted; write `sbom: true`, too"
    if said.sbom_scanner is not None and not re.fullmatch(r"[^\s,=]+", said.sbom_scanner):
        yield ("build", "sbom_scanner"), f"{said.sbom_scanner!r} names no image"
    for index, host in enumerate(said.plain_http):
        if "/" in host:
            yield ("build", "plain_http", index), "is a registry's host and port, like registry.local:5000"


def _scan(said: ScanConfig) -> Iterator[Finding]:
    if not said.run and not said.reports:
        yield ("build", "scan"), "needs `run` or `reports`: without a scanner nothing is known, and that is no pass"


def _sign(said: SignConfig) -> Iterator[Finding]:
    place = ("build", "sign")
    if said.public_key and not said.key:
        yield (*place, "public_key"), "belongs to a `key`, which is not said; env://NAME needs no file in the job"
    if not said.key and not (said.identity and said.issuer):
        what = "without a `key` needs `identity` and `issuer`: anybody can sign keyless, so say whose signature counts"
        yield place, what
    if said.key and (said.identity or said.issuer):
        yield place, "has a `key`, and `identity` or `issuer`, which are for signatures without one"
