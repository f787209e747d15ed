"""Grammar: how each instruction is written: its flags, how many arguments it takes, which of them as a list.

By BuildKit's packages `parser` and `instructions`: what these refuse, wherever in the file it stands.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from enum import StrEnum

from davy.pipeline.builds.dockerfile.syntax.instructions import BLANKS, HEREDOC, Flag, Instruction, mixed_list
from davy.pipeline.builds.dockerfile.syntax.mounts import is_record
from davy.pipeline.builds.dockerfile.syntax.shell_words import words_of
from davy.pipeline.builds.dockerfile.syntax.suggestion import meant
from davy.pipeline.core.fast_dataclass import dataclass


class Value(StrEnum):
    """What a flag takes."""

    SWITCH = "switch"
    ONE = "one"
    MANY = "many"
    """The flag may be there several times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructionForm:
    """How an instruction is written."""

    flags: Mapping[str, Value] = field(default_factory=dict)
    least: int = 0
    """Of arguments."""
    words: bool = False
    """Arguments are divided at blanks; else all that follows is one."""
    may_be_list: bool = False
    """Whether `["a", "b"]` is a list."""
    free: bool = False
    """Whether BuildKit looks at no flag."""
    own: Callable[[Instruction, str], Iterator[str]] | None = None
    """What else is asked of it."""


NETWORKS = ("default", "none", "host")
SECURITY = ("sandbox", "insecure")
DURATION = re.compile(r"[+-]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)")
"""https://pkg.go.dev/time#ParseDuration"""
TINY = re.compile(r"(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs))+")


def arguments(one: Instruction) -> list[str]:
    """As BuildKit divides them."""
    form = FORMS[one.name]
    if form.may_be_list and one.is_json:
        return list(json.loads(one.behind if one.name == "HEALTHCHECK" else one.rest))
    if form.words:
        return [word.text for word in one.words]
    return [one.rest] if one.rest else []


def malformed(one: Instruction, escape: str) -> Iterator[str]:
    """All that is wrong with how it is written. What ONBUILD holds back is looked at when it is done."""
    form = FORMS[one.name]
    text = one.behind if one.name == "HEALTHCHECK" else one.rest
    if form.may_be_list and mixed_list(text):
        yield f"{one.name}: a list holds texts alone, each in quotes"
        return
    if one.name in ("ENV", "LABEL"):
        yield from _unpaired(one, escape)
    if one.onbuild:
        return
    yield from unfit(one, escape)


def unfit(one: Instruction, escape: str) -> Iterator[str]:
    """What is noticed once the instruction is done."""
    form = FORMS[one.name]
    if not form.free:
        yield from _flags(one, form)
    if len(arguments(one)) < form.least:
        what = "what to copy, and where to" if form.least > 1 else "an argument"
        yield f"{one.name} needs {what}"
    elif form.own:
        yield from form.own(one, escape)


def _flags(one: Instruction, form: InstructionForm) -> Iterator[str]:
    seen: set[str] = set()
    for flag in one.flags:
        value = form.flags.get(flag.name)
        if value is None:
            yield f"{one.name} has no flag --{flag.name}{meant(flag.name, form.flags)}"
        elif flag.name in seen and value is not Value.MANY:
            yield f"--{flag.name} is there twice"
        elif flag.value is None and value is not Value.SWITCH:
            yield f"--{flag.name} needs a value"
        elif flag.value is not None and value is Value.SWITCH and flag.value.text.lower() not in ("true", "false"):
            yield f"--{flag.name} is true or false, and not {flag.value.text!r}"
        seen.add(flag.name)


def _unpaired(one: Instruction, escape: str) -> Iterator[str]:
    """ENV and LABEL: `NAME=value …`, or the older `NAME value`."""
    words = words_of(one.rest, escape)
    if words and "=" not in words[0]:
        if len(re.split(f"[{BLANKS}]+", one.rest, maxsplit=1)) < 2:
            yield f"{one.name} {words[0]} needs a value: {one.name} {words[0]}=…"
        return
    for word in words:
        if "=" not in word:
            yield f"{one.name}: {word} needs a =; a value with blanks stands in quotes"
        elif word.startswith("="):
            yield f"{one.name}: {word} has no name before the ="


def _paired(one: Instruction, escape: str) -> Iterator[str]:
    if not words_of(one.rest, escape):
        yield f"{one.name} needs an argument"


def _nameless(one: Instruction, escape: str) -> Iterator[str]:
    words = words_of(one.rest, escape)
    if not words:
        yield "ARG needs an argument"
    for word in words:
        if word.startswith("="):
            yield f"ARG: {word} has no name before the ="


def _placed(one: Instruction, _: str) -> Iterator[str]:
    if HEREDOC.fullmatch(arguments(one)[-1]):
        yield f"{one.name}: a heredoc is no place to copy to"


def _run(one: Instruction, _: str) -> Iterator[str]:
    for flag in one.flags:
        text = flag.value.text if flag.value else ""
        if flag.name == "network" and text not in NETWORKS:
            yield f"--network={text} is none of {', '.join(NETWORKS)}{meant(text, NETWORKS)}"
        elif flag.name == "security" and text not in SECURITY:
            yield f"--security={text} is none of {', '.join(SECURITY)}{meant(text, SECURITY)}"
        elif flag.name in ("mount", "device") and flag.value and not is_record(text):
            yield f"--{flag.name}={text} is no `key=value,key=value`: a quote stands where none may"


def _shell(one: Instruction, _: str) -> Iterator[str]:
    if not (one.is_json and json.loads(one.rest)):
        yield 'SHELL is written as a list: SHELL ["/bin/sh", "-c"]'


def _volume(one: Instruction, _: str) -> Iterator[str]:
    if any(not text.strip() for text in arguments(one)):
        yield "VOLUME: a path is empty"


def _health(one: Instruction, _: str) -> Iterator[str]:
    kind, command = one.words[0].text if one.words else "", one.behind
    if kind.upper() == "NONE":
        if command:
            yield "HEALTHCHECK NONE takes nothing more"
        return
    yield from _flags(one, InstructionForm(flags=HEALTH))
    if not kind:
        yield "HEALTHCHECK needs an argument"
    elif kind.upper() != "CMD":
        yield f"HEALTHCHECK {kind} is neither CMD nor NONE"
    elif not command or (one.is_json and not json.loads(command)):
        yield "HEALTHCHECK CMD needs a command"
    for flag in one.flags:
        yield from _timed(flag)


def _timed(flag: Flag) -> Iterator[str]:
    text = flag.value.text if flag.value else ""
    if flag.name not in HEALTH or not text:
        return
    if flag.name == "retries":
        found = re.fullmatch(r"\+?0*(\d{1,10})|-0+", text)
        if not found or int(found[1] or 0) >= 2**31:
            yield f"--retries={text} is no whole number from 0 on"
    elif not DURATION.fullmatch(text):
        yield f"--{flag.name}={text} is no duration, like 30s or 1m30s" + (": it has no unit" if text.isdigit() else "")
    elif text.startswith("-") and re.search(r"[1-9]", text):
        yield f"--{flag.name}={text} is below zero"
    elif TINY.fullmatch(text) and 0 < _seconds(text) < 0.001:
        yield f"--{flag.name}={text} is below 1ms"


def _seconds(text: str) -> float:
    scale = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6}
    return sum(float(number) * scale[unit] for number, unit in re.findall(r"([\d.]+)([^\d.]+)", text))


ONE, MANY, SWITCH = Value.ONE, Value.MANY, Value.SWITCH
HEALTH = dict.fromkeys(("interval", "timeout", "start-period", "start-interval", "retries"), ONE)
COPIED = {"chown": ONE, "chmod": ONE, "link": SWITCH, "exclude": MANY}
FORMS: Mapping[str, InstructionForm] = {
    "FROM": InstructionForm(flags={"platform": ONE}, words=True),
    "COPY": InstructionForm(
        flags={"from": ONE, "parents": SWITCH, **COPIED}, least=2, words=True, may_be_list=True, own=_placed
    ),
    "ADD": InstructionForm(
        flags={"keep-git-dir": SWITCH, "checksum": ONE, "unpack": SWITCH, **COPIED},
        least=2,
        words=True,
        may_be_list=True,
        own=_placed,
    ),
    "RUN": InstructionForm(
        flags={"mount": MANY, "network": ONE, "security": ONE, "device": MANY}, may_be_list=True, own=_run
    ),
    "HEALTHCHECK": InstructionForm(may_be_list=True, free=True, own=_health),
    "ARG": InstructionForm(own=_nameless, free=True),
    "ENV": InstructionForm(own=_paired),
    "LABEL": InstructionForm(own=_paired),
    "CMD": InstructionForm(may_be_list=True),
    "ENTRYPOINT": InstructionForm(may_be_list=True),
    "SHELL": InstructionForm(may_be_list=True, own=_shell),
    "VOLUME": InstructionForm(least=1, words=True, may_be_list=True, own=_volume),
    "EXPOSE": InstructionForm(least=1, words=True),
    "STOPSIGNAL": InstructionForm(least=1, free=True),
    **dict.fromkeys(("MAINTAINER", "ONBUILD", "USER", "WORKDIR"), InstructionForm(least=1)),
}
"""Instructions: https://docs.docker.com/reference/dockerfile/"""
