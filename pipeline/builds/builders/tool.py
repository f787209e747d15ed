"""Tool: what builders have in common: secrets kept quiet, ends told in davy's words."""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from davy.pipeline.builds.ports import BuildOrder
from davy.pipeline.clients.docker.credentials import DockerCredentials
from davy.pipeline.clients.docker.registry_names import forbidden, host_and_repository, is_loopback
from davy.pipeline.config.sections.images.matrix import BuildSecret
from davy.pipeline.core.errors import DavyError, Problem, Rejected, Unreachable, Unusable
from davy.pipeline.core.images import oci
from davy.pipeline.core.text import time_text
from davy.pipeline.core.text.sanitize import masked
from davy.pipeline.registry.distribution.manifests import Manifest, Registry


def put(
    credentials: DockerCredentials, order: BuildOrder, pushed: str, plain: Callable[[str], bool] = is_loopback
) -> str:
    """Put it back under the same tag; its digest then. `plain`: True for registries spoken to over http."""
    with closing(Registry(credentials, plain=plain)) as registry:
        try:
            body = oci.annotated(registry.manifest(order.name, pushed).body, order.annotations)
        except ValueError as error:
            raise Unreachable(f"The registry of {order.name} has no image manifest for {pushed}.") from error
        kind = oci.contents(body).media_type
        return registry.put(order.name, order.tag, Manifest(media_type=kind, body=body))


DENIED = re.compile(
    r"\b401\b|\b403\b|denied|unauthorized|authentication required|no basic auth|forbidden|insufficient_scope", re.I
)
PUSHING = re.compile(
    r"failed to push|pushing image|^pushing |trying to reuse blob|writing blob|uploading|error pushing", re.I
)
BASE = re.compile(
    r"failed to resolve source metadata|manifest unknown|pull access denied|initializing source|"
    r"no such host|unable to copy from source|: not found$|creating build container",
    re.I,
)
AWAY = re.compile(
    r"connection refused|no such host|i/o timeout|connection reset|error reading from server|closing transport|"
    r"code = Unavailable|cannot connect to the docker daemon|deadline exceeded|TLS handshake|unexpected EOF|"
    r"\b50[0234]\b|no space left",
    re.I,
)
WRAPPED = re.compile(r"^(?:failed to build: |failed to solve: |rpc error: code = Unknown desc = )+")
"""What buildx and gRPC write before what went wrong."""
NEARLY = "by hand nearly the same, but with `.git`, empty folders and all that no COPY names"
"""What davy's own copy of a context leaves out."""
MOST_SECRET = 2**16
"""Bytes of a secret's file that are kept out of the log; what is larger is no password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """How a build ended that gave no image."""

    order: BuildOrder
    tool: str
    """The command to try it with by hand."""
    said: str
    """The tool's last word."""
    step: str = ""
    last: tuple[str, ...] = ()


def told(fall: Fall, credentials: DockerCredentials) -> DavyError:
    """It as an error: the user's Dockerfile, the user's rights, or something that was away."""
    said = WRAPPED.sub("", " ".join(fall.said.split()))[-1500:] or f"{fall.tool} ended without a word"
    if fall.step and not _is_base(fall):
        return _rejected(fall, said, f"Mend the step; {NEARLY}: {fall.tool}.")
    if PUSHING.search(f"{fall.step} {said}"):
        return _not_pushed(fall, said, credentials)
    if BASE.search(said) and not (AWAY.search(said) and not re.search("not found|unknown", said)):
        remedy = "Check the base image's name, and that this machine is logged in to its registry."
        return _rejected(fall, said, remedy)
    if AWAY.search(said):
        return Unreachable(
            f"{fall.order.name} could not be built: {said}", remedy="Check that the builder and the registry run."
        )
    return _rejected(fall, said, f"Mend it; {NEARLY}: {fall.tool}.")


def _is_base(fall: Fall) -> bool:
    return bool(re.search(r"\bFROM\b|load metadata|exporting|pushing", fall.step))


def _not_pushed(fall: Fall, said: str, credentials: DockerCredentials) -> DavyError:
    name = fall.order.name
    if DENIED.search(said):
        return forbidden(name, "pull,push", known=credentials.of(host_and_repository(name)[0]) is not None)
    return Unreachable(
        f"{name}:{fall.order.tag} could not be pushed: {said}",
        remedy="Check that the registry runs, that it has room, and that this machine reaches it.",
    )


def _rejected(fall: Fall, said: str, remedy: str) -> Rejected:
    where = f" at {fall.step.strip()!r}" if fall.step else ""
    tail = "".join(f"\n  {line}" for line in fall.last)
    return Rejected(f"{fall.order.name} was not built{where}: {said}{tail}", remedy=remedy)


def cut_short(order: BuildOrder, what: str = "build", *, unwanted: bool, expired: bool) -> None:
    """Raises KeyboardInterrupt where nobody wants it any more, Rejected where it took too long."""
    if unwanted:
        raise KeyboardInterrupt
    if expired:
        raise Rejected(
            f"The {what} of {order.name} was stopped after {time_text.shown(order.limit)}.",
            remedy="See its last lines for what it waited for; `build.timeout` is the limit.",
        )


def hushed(order: BuildOrder, environment: Mapping[str, str]) -> Callable[[str], str]:
    """Masks the values of the order's secrets. Raises Unusable for every one that is not there."""
    problems, values = [], []
    for number, secret in enumerate(order.secrets):
        value = _value(secret, environment)
        if value is None:
            where = f"the environment variable {secret.env}" if secret.env else f"the file {secret.file}"
            path = f"images[].secrets[{number}]"
            problems.append(Problem(what=f"the secret {secret.id} is not there: {where} is missing", path=path))
        else:
            values.append(value)
    if problems:
        raise Unusable(
            f"{order.name} cannot be built: its secrets are not all there.",
            problems=tuple(problems),
            remedy="Set them where the build runs; davy never writes their values anywhere.",
        )
    return lambda line: masked(line, values)


def _value(secret: BuildSecret, environment: Mapping[str, str]) -> str | None:
    if secret.env is not None:
        return environment.get(secret.env)
    path = secret.file or Path(secret.id)
    try:
        with path.open("rb") as content:
            return content.read(MOST_SECRET).decode(errors="replace")
    except OSError:
        return None


def options(name: str, values: Iterable[str]) -> list[str]:
    """The option once for each value."""
    return [word for value in values for word in (name, value)]


def pairs(name: str, values: Mapping[str, str]) -> list[str]:
    """The option once for each `key=value`."""
    return options(name, (f"{key}={value}" for key, value in values.items()))


def step_words(order: BuildOrder) -> list[str]:
    """In what surroundings its steps run, as buildx and Buildah both are told."""
    steps = order.steps
    return [
        *(["--network", steps.network] if steps.network else []),
        *options("--add-host", (f"{name}:{address}" for name, address in steps.hosts.items())),
        *(["--shm-size", f"{steps.shm}b"] if steps.shm else []),
        *pairs("--ulimit", steps.ulimits),
        *(["--no-cache"] if order.no_cache else []),
    ]


def secret_words(order: BuildOrder) -> list[str]:
    """`--secret` for each: by where its value is, never the value."""
    where = (f"env={one.env}" if one.env else f"src={_place(one)}" for one in order.secrets)
    return options("--secret", (f"id={one.id},{place}" for one, place in zip(order.secrets, where, strict=True)))


def _place(secret: BuildSecret) -> Path:
    return (secret.file or Path(secret.id)).absolute()
