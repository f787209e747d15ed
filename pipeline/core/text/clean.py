"""Clean: text from outside made harmless for terminals and CI logs."""

import re

ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor moves
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # OSC and other strings: titles, links, clipboard
    r"|\x1b[ -/]*[0-~]?",
    re.DOTALL,
)
# C0 without tab and newline, DEL, C1, and the marks that turn the reading direction (CVE-2021-42574).
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
# GitHub's runner takes `::name …::` at the start of a trimmed line and the older `##[name]` anywhere as commands,
# GitLab takes `section_start:` and `section_end:`, Azure `##vso[`, TeamCity `##teamcity[`.
# A line that is broken to a terminal's width may begin at any word, and within one that is longer than the terminal.
LINE_COMMAND = re.compile(r"(?:(?<!\S)|(?<=\S{60})):(?=:)")
HASH_COMMAND = re.compile(r"#(?=#\w*\[)")
SECTION = re.compile(r"section_(?=(?:start|end):)")


def harmless(text: str) -> str:
    """The same words without escape sequences, control characters and CI commands. Newlines stay.

    For any text on its way to a terminal or a CI log: names, reasons and errors come from outside, too. It knows no
    secrets; what others printed went through `pipeline.redaction.washed` where it came in.
    """
    plain = CONTROLS.sub("", ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))).expandtabs(4)
    return SECTION.sub("section ", HASH_COMMAND.sub("# ", LINE_COMMAND.sub(": ", plain)))


def one_line(text: str) -> str:
    """Harmless and without newlines."""
    return " ".join(harmless(text).split("\n")).strip()
