"""Operands: whether what an instruction is given can be used, with its variables filled in: modes, ports, signals.

By BuildKit's package `dockerfile2llb`, which looks at the stages that are needed, and at no others.
"""

import re
from collections.abc import Iterator, Sequence
from ipaddress import ip_address

from davy.pipeline.builds.dockerfile.syntax.grammar import arguments
from davy.pipeline.builds.dockerfile.syntax.instructions import HEREDOC, Instruction
from davy.pipeline.builds.dockerfile.syntax.mounts import is_record, unfit_mount
from davy.pipeline.builds.dockerfile.syntax.shell_words import bare, check, words_of
from davy.pipeline.builds.dockerfile.syntax.variables import Scope

OCTAL = re.compile(r"0*([0-7]{1,5})")
SYMBOLIC = re.compile(r"[augo]*(?:[-+=][rwxXstugo]*)+(?:,[augo]*(?:[-+=][rwxXstugo]*)+)*")
"""https://pkg.go.dev/github.com/tonistiigi/dchapes-mode"""
MOST_MODE = 0o7777
PORTS = re.compile(r"0*(\d{1,5})(?:-0*(\d{1,5}))?", re.ASCII)
MOST_PORT = 65_535
PROTOCOLS = ("tcp", "udp", "sctp", "")
SIGNAL = re.compile(
    r"(?:SIG)?(?:ABRT|ALRM|BUS|CHLD|CLD|CONT|FPE|HUP|ILL|INT|IO|IOT|KILL|PIPE|POLL|PROF|PWR|QUIT|SEGV|STKFLT|STOP|SYS"
    r"|TERM|TRAP|TSTP|TTIN|TTOU|URG|USR1|USR2|VTALRM|WINCH|XCPU|XFSZ"
    r"|RTMIN(?:\+(?:[1-9]|1[0-5]))?|RTMAX(?:-(?:[1-9]|1[0-4]))?)"
)
"""https://pkg.go.dev/github.com/moby/sys/signal"""
DIGESTS = {"sha256": 64, "sha384": 96, "sha512": 128}
PART = re.compile(r"[A-Za-z0-9_.-]+(\([A-Za-z0-9_.-]*\))?")
ONE_WORD = re.compile(
    r"aix|android|darwin|dragonfly|freebsd|hurd|illumos|ios|js|linux|macos|nacl|netbsd|openbsd|plan9|solaris|windows|zos"
    r"|386|amd64|amd64p32|arm|armbe|arm64|arm64be|ppc64|ppc64le|loong64|mips|mipsle|mips64|mips64le|mips64p32"
    r"|mips64p32le|ppc|riscv|riscv64|s390|s390x|sparc|sparc64|wasm|aarch64|i386|x86_64|x86-64|armhf|armel"
)
"""https://pkg.go.dev/github.com/containerd/platforms#Parse"""
HTTP = re.compile(r"https?://")
GIT = re.compile(r"(?:git|ssh)://|[\w.-]+@[\w.-]+:")


def unusable(one: Instruction, scopes: Sequence[Scope], escape: str, given: Sequence[str] = ()) -> tuple[str, ...]:
    """What is wrong on any platform. `given`: the build's arguments, whose text an ARG does not look at."""
    found: dict[str, None] = {}
    for scope in scopes:
        found |= dict.fromkeys(_checked(one, scope, escape, given))
    return tuple(found)


def is_platform(text: str) -> bool:
    """As containerd reads it: `linux`, `arm64`, `linux/arm64`, `linux/arm/v7`."""
    parts = text.split("/")
    if not all(PART.fullmatch(part) for part in parts) or len(parts) > 3:
        return False
    return len(parts) > 1 or ONE_WORD.fullmatch(text.lower()) is not None


def _checked(one: Instruction, scope: Scope, escape: str, given: Sequence[str]) -> Iterator[str]:
    try:
        values = [_value(word, scope, escape) for word in _words(one, escape, given)]
        flags = {
            flag.name: _value(flag.value.text, scope, escape)
            for flag in one.flags
            if flag.value and flag.name in ("chown", "chmod", "checksum")
        }
        if one.name == "RUN":
            if one.rest.startswith("[") and one.is_json and not arguments(one):
                yield "RUN needs a command"
            yield from _mounts(one, scope, escape)
    except ValueError as error:
        yield str(error)
        return
    if one.name in ("COPY", "ADD"):
        yield from _copied(one, values[:-1], flags)
    elif one.name == "EXPOSE":
        yield from (wrong for value in values if value is not None for wrong in _exposed(value))
    elif one.name == "STOPSIGNAL" and values[0] is not None:
        yield from _signalled(values[0])
    elif one.name == "VOLUME" and "" in values:
        yield "VOLUME: a path is empty"


def _words(one: Instruction, escape: str, given: Sequence[str]) -> list[str]:
    """Everything of it that variables are filled into, but for flags."""
    if one.name in ("ENV", "LABEL"):
        words = words_of(one.rest, escape)
        if words and "=" not in words[0]:
            return re.split(r"[\t\v\f\r ]+", one.rest, maxsplit=1)
        return [part for word in words for part in word.split("=", 1)]
    if one.name == "ARG":
        pairs = [word.partition("=") for word in words_of(one.rest, escape)]
        return [value for name, has_value, value in pairs if has_value and name not in given]
    if one.name in ("COPY", "ADD"):
        return [word for word in arguments(one) if not HEREDOC.fullmatch(word)]
    return arguments(one) if one.name in ("WORKDIR", "USER", "VOLUME", "STOPSIGNAL", "EXPOSE") else []


def _value(word: str, scope: Scope, escape: str) -> str | None:
    """Filled in; None where a variable is not known. Raises ValueError with what is wrong."""
    check(word, escape)
    return scope.filled(word, escape)


def _copied(one: Instruction, sources: Sequence[str | None], flags: dict[str, str | None]) -> Iterator[str]:
    mode, checksum = flags.get("chmod"), flags.get("checksum")
    if mode and not _is_mode(mode):
        yield f"--chmod={mode} is neither octal, up to 7777, nor like u=rwX,go=rX"
    for source in sources:
        if one.name == "COPY" and source and (HTTP.match(source) or GIT.match(source)):
            yield f"COPY fetches nothing: ADD {source} does"
    if not checksum:
        return
    if len(sources) != 1:
        yield "--checksum is of one source alone"
    elif sources[0] and HTTP.match(sources[0]) and ".git" not in sources[0]:
        yield from _digested(checksum)
    elif sources[0] and not re.match(r"\w+://|[\w.-]+@", sources[0]) and ".git" not in sources[0]:
        yield f"--checksum is of what is fetched, and {sources[0]} is a file of the context"


def _digested(text: str) -> Iterator[str]:
    kind, _, digits = text.partition(":")
    if DIGESTS.get(kind) != len(digits) or not re.fullmatch("[0-9a-f]+", digits):
        yield f"--checksum={text} is no digest: it would be sha256: and 64 hex digits (or sha384, sha512)"


def _is_mode(text: str) -> bool:
    if found := OCTAL.fullmatch(text):
        return int(found[1], 8) <= MOST_MODE
    return SYMBOLIC.fullmatch(text) is not None


def _exposed(value: str) -> Iterator[str]:
    for port in bare(value) if value else ():
        *address, host, numbers = ("", "", *port.rsplit(":", 2))[-3:]
        inside, _, protocol = numbers.partition("/")
        ports, outside = _ports(inside), _ports(host) if host else None
        if ports is None or protocol.lower() not in PROTOCOLS or (host and outside is None):
            yield f"EXPOSE {port} is no port up to {MOST_PORT}: it would be like 8080, 8080/udp or 8000-8009"
        elif outside and len(outside) != len(ports) > 1:
            yield f"EXPOSE {port}: the two ranges are not of one length"
        elif address[-1] and not _is_address(address[-1]):
            yield f"EXPOSE {port}: {address[-1]} is no IP address"


def _ports(text: str) -> range | None:
    """Those that the text names; None where it names none."""
    found = PORTS.fullmatch(text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    return range(first, last + 1) if first <= last <= MOST_PORT else None


def _is_address(text: str) -> bool:
    try:
        ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _signalled(text: str) -> Iterator[str]:
    number = re.fullmatch(r"[-+]?0*(\d{1,18})", text, re.ASCII)
    known = int(number[1]) != 0 if number else SIGNAL.fullmatch(text.upper()) is not None
    if not known:
        yield f"STOPSIGNAL {text} is no signal"


def _mounts(one: Instruction, scope: Scope, escape: str) -> Iterator[str]:
    for flag in one.flags:
        if flag.name == "mount" and flag.value and is_record(flag.value.text):
            yield from unfit_mount(flag.value.text, lambda word: _value(word, scope, escape))
