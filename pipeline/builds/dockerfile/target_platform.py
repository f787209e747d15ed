"""Target platform: whether a Dockerfile runs anything on the platform it builds for."""

import re

LINE = re.compile(r"^\s*(\w+)\s+(.*)$")


def runs_on_target(text: str) -> bool:
    """True where a stage that is not `FROM --platform=$BUILDPLATFORM` has a RUN: without emulation it cannot be built.

    It reads the first word of each line only; a RUN inside a here-document counts, which errs on the safe side.
    """
    native: dict[str, bool] = {}
    here = False
    for line in re.sub(r"\\\s*\n", " ", text).splitlines():
        said = LINE.match(line)
        word = said[1].upper() if said else ""
        if said and word == "FROM":
            here = _native(said[2], native)
        elif word == "RUN" and not here:
            return True
    return False


def _native(rest: str, known: dict[str, bool]) -> bool:
    """Whether the stage runs on the builder's own platform; a stage made from another goes where that one is."""
    words = rest.split()
    flags = [word for word in words if word.startswith("--")]
    base, *named = [word for word in words if not word.startswith("--")] or [""]
    is_native = any("BUILDPLATFORM" in flag for flag in flags) or (not flags and known.get(base.lower(), False))
    if len(named) == 2:
        known[named[1].lower()] = is_native
    return is_native
