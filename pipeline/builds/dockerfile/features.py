"""Features: what of a Dockerfile not every builder knows, and which builder lacks it.

The Engine's own builder, before BuildKit, is that of Docker 20.10, and gets no better. Buildah is 1.28, as it was seen
to answer; where a later one knows more, the version says from when on.
"""

import re
from collections.abc import Iterator, Mapping

from davy.pipeline.builds.dockerfile.syntax.instructions import HEREDOC, HOLDS_HEREDOC, Instruction, ParsedText, read
from davy.pipeline.builds.dockerfile.syntax.shell_words import words_of
from davy.pipeline.builds.dockerfile.syntax.variables import NAMED, names_of
from davy.pipeline.core.fast_dataclass import dataclass

PLATFORM = re.compile(r"(?:TARGET|BUILD)(?:PLATFORM|OS|ARCH|VARIANT)")
OURS = re.compile(r"(docker\.io/)?docker/dockerfile(:1[^-]*)?(@.*)?|")
MODIFIER = re.compile(r"\$\{\w+(?:[-+?#%/]|:\?)")
"""`${V-x}`, `${V#x}`, `${V/x/y}`, `${V:?x}`: what is more than `${V:-x}` and `${V:+x}`."""
FILLED = ("ADD", "COPY", "ENV", "LABEL", "ARG", "WORKDIR", "USER", "VOLUME", "STOPSIGNAL", "EXPOSE", "FROM")
NEVER = (999, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ability:
    """Who knows a feature."""

    engine: bool = False
    """Whether the Engine's own builder does."""
    buildah: tuple[int, int] = NEVER
    """The first version that does."""


HEREDOCS = "heredocs"
FRONTEND = "a frontend of others"
PLATFORM_IN_FROM = "a platform variable in FROM"
SUBSTITUTION = "substitutions but ${V:-x} and ${V:+x}"
GIT = "ADD of a git repository"
ABILITIES: Mapping[str, Ability] = {
    "RUN --mount": Ability(buildah=(1, 24)),
    "COPY --chmod": Ability(buildah=(1, 23)),
    "ADD --chmod": Ability(buildah=(1, 23)),
    PLATFORM_IN_FROM: Ability(buildah=(1, 23)),
    HEREDOCS: Ability(buildah=(1, 33)),
    "ADD --checksum": Ability(buildah=(1, 33)),
    GIT: Ability(buildah=(1, 33)),
    **dict.fromkeys(
        (
            *("COPY --link", "COPY --parents", "COPY --exclude", "ADD --link", "ADD --exclude", "ADD --keep-git-dir"),
            *("ADD --unpack", "RUN --network", "RUN --security", "RUN --device", "HEALTHCHECK --start-interval"),
            *(FRONTEND, SUBSTITUTION),
        ),
        Ability(),
    ),
}


def engine_lacks(text: str) -> tuple[str, ...]:
    """Of what the Dockerfile asks for, what the Engine's own builder cannot do, each with its line."""
    return tuple(f"{what} (line {line})" for what, line in features(text).items() if not ABILITIES[what].engine)


def buildah_lacks(text: str, version: tuple[int, int]) -> tuple[str, ...]:
    """The same of a Buildah."""
    return tuple(f"{what} (line {line})" for what, line in features(text).items() if version < ABILITIES[what].buildah)


def features(text: str) -> dict[str, int]:
    """What it asks for that not every builder knows, and in which line first."""
    said = read(text)
    found: dict[str, int] = {}
    for what, line in _features(said):
        found.setdefault(what, line)
    return found


def declared(text: str) -> frozenset[str]:
    """The arguments that any ARG of it names."""
    return frozenset(name for one in read(text).instructions for name in names_of(one))


def platform_arguments(platform: str) -> dict[str, str]:
    """What an ARG of these names has where BuildKit builds on and for the platform.

    https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope
    """
    # An Engine does not say its variant; BuildKit takes arm for v7: https://pkg.go.dev/github.com/containerd/platforms
    whole = f"{platform}/v7" if platform == "linux/arm" else platform
    system, arch, variant = [*whole.split("/"), "", ""][:3]
    parts = {"PLATFORM": whole, "OS": system, "ARCH": arch, "VARIANT": variant}
    return {f"{side}{name}": value for side in ("TARGET", "BUILD") for name, value in parts.items()}


def _features(said: ParsedText) -> Iterator[tuple[str, int]]:
    if not OURS.fullmatch(said.frontend):
        yield FRONTEND, 1
    before: set[str] = set()
    begun = False
    for one in said.instructions:
        begun = begun or one.name == "FROM"
        before |= set() if begun else set(names_of(one))
        for what in _of(one, said.escape, before):
            yield what, one.line


def _of(one: Instruction, escape: str, before: set[str]) -> Iterator[str]:
    flags = {f"{one.name} --{flag.name}" for flag in one.flags}
    yield from sorted(flags & ABILITIES.keys())
    if one.name in HOLDS_HEREDOC and not one.is_json and any(map(HEREDOC.fullmatch, words_of(one.rest, escape))):
        yield HEREDOCS
    if one.name == "ADD" and any(
        re.match(r"git@|(?:git|ssh)://|https?://.*\.git(?:[?#]|$)", w.text) for w in one.words
    ):
        yield GIT
    first = one.said.partition("\n")[0]
    if one.name == "FROM" and any(PLATFORM.fullmatch(name) and name not in before for name in NAMED.findall(first)):
        yield PLATFORM_IN_FROM
    if one.name in FILLED and MODIFIER.search(first):
        yield SUBSTITUTION
