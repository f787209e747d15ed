"""`images` of davy.yaml."""

from typing import Literal

from davy.pipeline.config.parsing.section import Section, part, setting


@part
class SecretConfig(Section):
    """A secret that a build may read with `RUN --mount=type=secret`; its value is in no layer and in no key."""

    id: str = setting(description="As the Dockerfile names it.", min_length=1)
    env: str | None = setting(default=None, description="Environment variable that holds it.")
    file: str | None = setting(default=None, description="File that holds it, relative to davy.yaml.")


@part
class ImageConfig(Section):
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
