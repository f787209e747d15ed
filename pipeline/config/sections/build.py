"""Build config: what `davy.yaml` may say of images and of how they are built."""

from datetime import timedelta
from typing import Literal

from davy.pipeline.config.parsing.fields import Duration
from davy.pipeline.config.parsing.section import Part, part, setting


@part
class SecretConfig(Part):
    """A secret that a build may read with `RUN --mount=type=secret`; its value is in no layer and in no key."""

    id: str = setting(description="As the Dockerfile names it.", min_length=1)
    env: str | None = setting(default=None, description="Environment variable that holds it.")
    file: str | None = setting(default=None, description="File that holds it, relative to davy.yaml.")


@part
class ImageConfig(Part):
    """An image to build, push and deploy."""

    name: str = setting(description="Registry and repository, without tag; `{ARGUMENT}` of its matrix.", min_length=1)
    context: str = setting(default=".", description="Build context, relative to the file.")
    dockerfile: str = setting(default="Dockerfile", description="Relative to the context.")
    args: dict[str, str] = setting(default_factory=dict, description="Build arguments.")
    target: str | None = setting(default=None, description="Stage of a multi-stage build.")
    container: str | None = setting(
        default=None,
        description="Container of the Deployment that runs it; by default the one with the same repository.",
    )
    contexts: dict[str, str] = setting(
        default_factory=dict,
        description="By the name that `FROM` or `COPY --from` uses: a folder, relative to the file; "
        "`docker-image://NAME` of a registry; `target:NAME` of another image of this file.",
    )
    platforms: tuple[str, ...] = setting(default=(), description="Like linux/arm64; the builder's own by default.")
    matrix: dict[str, tuple[str, ...]] = setting(
        default_factory=dict, description="Build arguments with several values: an image for each combination."
    )
    secrets: tuple[SecretConfig, ...] = setting(default=(), description="Secrets for `RUN --mount=type=secret`.")
    ssh: tuple[str, ...] = setting(
        default=(), description="For `RUN --mount=type=ssh`: `default`, or an id=socket or key."
    )
    labels: dict[str, str] = setting(
        default_factory=dict,
        description="Labels of the image, and annotations of its manifest; they count in its key. "
        "May hold `{ARGUMENT}` of its matrix.",
    )
    network: Literal["default", "none", "host"] = setting(
        default="default", description="Of its RUN steps; `host` needs BuildKit's entitlement, which davy asks for."
    )
    extra_hosts: dict[str, str] = setting(
        default_factory=dict, description="Addresses by name, for its RUN steps; `host-gateway` is one."
    )
    shm_size: str | None = setting(default=None, pattern=r"^\d+(Ki|Mi|Gi)$", description="Of /dev/shm in RUN steps.")
    ulimits: dict[str, str] = setting(
        default_factory=dict, description='Of its RUN steps: `nofile: "1024"`, or `"1024:4096"` for soft and hard.'
    )
    entitlements: tuple[Literal["network.host", "security.insecure", "device"], ...] = setting(
        default=(), description="What its RUN steps may ask BuildKit for, as `RUN --security=insecure` does."
    )
    tags: tuple[str, ...] = setting(
        default=(), description="Tags moved to it after the build; may hold {branch}, {version}, {revision}."
    )
    deploy: bool | None = setting(
        default=None, description="Whether a container runs it; by default yes, unless another image is built from it."
    )


@part
class ScanConfig(Part):
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
class SignConfig(Part):
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
class BuildConfig(Part):
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
