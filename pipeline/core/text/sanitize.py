"""Sanitize: text from outside made harmless: no terminal control, no CI commands and, where they are known, no secrets.

One table of what terminals and CI systems obey, and two places where it is laid over a text: `washed` where a line of
others comes in, with the secrets that are known there; `harmless` where a text leaves, davy's own words among it.
"""

import re
from collections.abc import Iterable

from davy.pipeline.core.secrets.masks import MASK, SHORTEST, Masks, masks_of

__all__ = ["MASK", "SHORTEST", "Masks", "harmless", "masked", "one_line", "washed"]

# CSI: colours, cursor moves. OSC and other strings: titles, links, clipboard; one without an end goes on to the end of
# its line, and hides no more. Then all other sequences.
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?")
# C0 without tab and newline, DEL, C1, and the marks that turn the reading direction (CVE-2021-42574).
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
# GitHub's runner takes `::name …::` at the start of a trimmed line and the older `##[name]` anywhere as commands,
# GitLab takes `section_start:` and `section_end:`, Azure `##vso[`, TeamCity `##teamcity[`.
# https://docs.github.com/actions/reference/workflow-commands-for-github-actions
FIRST_COLONS = re.compile(r"^(\s*)::")
# A line that is broken to a terminal's width may begin at any word, and within one that is longer than the terminal.
LINE_COMMAND = re.compile(r"(?:(?<!\S)|(?<=\S{60})):(?=:)")
HASH_COMMAND = re.compile(r"#(?=#\w*\[)")
FIRST_SECTION = re.compile(r"^(\s*section_(?:start|end)):")
SECTION = re.compile(r"section_(?=(?:start|end):)")


def washed(line: str, secrets: Iterable[str] | Masks = ()) -> str:
    """The line as it may be kept and shown anywhere: one line, secrets masked, and no CI system obeys it.

    For what others print, at the place where it comes in: logs, events and JSON hold it so, for only there the secrets
    are known.
    """
    masks = masks_of(secrets)
    # Before, for washing would change a secret that holds marks; and after, for marks may lie in the middle of one.
    plain = CONTROLS.sub(" ", ESCAPES.sub("", masks.text(line)).replace("\n", " "))
    plain = HASH_COMMAND.sub(r"#\\", FIRST_COLONS.sub(r"\1\\::", masks.text(plain)))
    return FIRST_SECTION.sub(r"\1\\:", plain)


def harmless(text: str) -> str:
    """The same words without escape sequences, control characters and CI commands. Newlines stay.

    For any text on its way to a terminal or a CI log: names, reasons and errors come from outside, too. It knows no
    secrets; what others printed was washed where it came in.
    """
    plain = CONTROLS.sub("", ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))).expandtabs(4)
    return SECTION.sub("section ", HASH_COMMAND.sub("# ", LINE_COMMAND.sub(": ", plain)))


def one_line(text: str) -> str:
    """Harmless and without newlines."""
    return " ".join(harmless(text).split("\n")).strip()


def masked(text: str, secrets: Iterable[str] | Masks) -> str:
    """The text with every known secret as `***`, in every form that `masks` knows."""
    return masks_of(secrets).text(text)
