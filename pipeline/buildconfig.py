"""Build config: what `davy.yaml` may say of images and of how they are built."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from davy.pipeline.fields import Duration, Part


class SecretConfig(Part):
    """A secret that a build may read with `RUN --mount=type=secret`; its value is in no layer and in no key."""

    id: str = Field(description="As the Dockerfile names it.", min_length=1)
    env: str | None = Field(None, description="Environment variable that holds it.")
    file: str | None = Field(None, description="File that holds it, relative to davy.yaml.")


class ImageConfig(Part):
    """An image to build, push and deploy."""

    name: str = Field(description="Registry and repository, without tag; `{ARGUMENT}` of its matrix.", min_length=1)
    context: str = Field(".", description="Build context, relative to the file.")
    dockerfile: str = Field("Dockerfile", description="Relative to the context.")
    args: dict[str, str] = Field(default_factory=dict, description="Build arguments.")
    target: str | None = Field(None, description="Stage of a multi-stage build.")
    container: str | None = Field(
        None,
        description="Container of the Deployment that runs it; by default the one with the same repository.",
    )
    contexts: dict[str, str] = Field(
        default_factory=dict, description="Further folders, by the name that `COPY --from` uses; relative to the file."
    )
    platforms: tuple[str, ...] = Field((), description="Like linux/arm64; the builder's own by default.")
    matrix: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Build arguments with several values: an image for each combination."
    )
    secrets: tuple[SecretConfig, ...] = Field((), description="Secrets for `RUN --mount=type=secret`.")
    ssh: tuple[str, ...] = Field((), description="For `RUN --mount=type=ssh`: `default`, or an id=socket or key.")
    tags: tuple[str, ...] = Field(
        (), description="Tags moved to it after the build; may hold {branch}, {version}, {revision}."
    )
    deploy: bool | None = Field(
        None, description="Whether a container runs it; by default yes, unless another image is built from it."
    )


class ScanConfig(Part):
    """What a scanner's findings may hold. The scanner is the user's own."""

    run: str | None = Field(
        None, description="Command that scans $IMAGE and writes $REPORT; without one only `reports` are read."
    )
    reports: tuple[str, ...] = Field((), description="SARIF, Grype or Trivy JSON files; may hold {image}.")
    severity: Literal["low", "medium", "high", "critical"] = Field("high", description="From this on it is refused.")
    timeout: Duration = Field(timedelta(minutes=10), description="A scanner that takes longer is stopped.")
    fixable_only: bool = Field(False, description="Only findings that a newer version mends are held against it.")
    ignore: str | None = Field(None, description="File of findings that are accepted, with reason, owner and expiry.")


class SignConfig(Part):
    """How images are signed, by cosign."""

    key: str | None = Field(None, description="As cosign names it: a file, `env://NAME`, a KMS; keyless without one.")
    public_key: str | None = Field(
        None, description="To verify with, as cosign names it; by default what belongs to `key`."
    )
    identity: str | None = Field(None, description="Keyless: regular expression of who must have signed, to verify.")
    issuer: str | None = Field(None, description="Keyless: the OIDC issuer, to verify.")
    log: bool = Field(True, description="Write signatures into the transparency log, and ask it when verifying.")


class BuildConfig(Part):
    """How images are built."""

    builder: Literal["auto", "buildx", "engine", "buildah"] = Field(
        "auto", description="`auto`: the first of buildx, the Docker Engine and Buildah that is there and can do it."
    )
    parallel: int = Field(4, ge=1, le=64, description="Builds at once.")
    timeout: Duration = Field(timedelta(minutes=30), description="A build that takes longer is stopped.")
    lock: str = Field("davy.lock", description="Digests of the base images, relative to the file; kept in git.")
    cache_from: tuple[str, ...] = Field(
        (), description="`registry`, `gha`, `inline`, a folder, or as buildx writes it: type=…,ref=…"
    )
    cache_to: tuple[str, ...] = Field((), description="The same, for what the build leaves behind.")
    sbom: bool = Field(False, description="Attach a software bill of materials.")
    sbom_scanner: str | None = Field(
        None, description="Image that makes it, best by digest; by default BuildKit's own, from docker.io."
    )
    provenance: Literal["off", "min", "max"] = Field(
        "off", description="Attach SLSA provenance v1, as much of it: the builder's, else davy's own."
    )
    scan: ScanConfig | None = Field(None, description="Refuse images with known weaknesses.")
    sign: SignConfig | None = Field(None, description="Sign what was built, and verify what is released.")
    evidence: bool = Field(
        True, description="Attach what davy itself says to the digest: verdicts of tests and canary, provenance."
    )
    plain_http: tuple[str, ...] = Field(
        (), description="Registries (`host:port`) spoken to over http, besides those of this machine."
    )
