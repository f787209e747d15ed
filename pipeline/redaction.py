"""Redaction: what others printed, washed: no secrets, no CI commands, no terminal control."""

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote

MASK = "***"
SHORTEST = 4
"""Shorter values are words like `on`; masking them would eat the log and tell the value."""
TERMINAL = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-Z\\-_]?")
# The marks that turn the reading direction are among them: CVE-2021-42574.
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
# GitHub takes a line that begins with `::`, and `##[` anywhere in it; Azure `##vso[`, TeamCity `##teamcity[`.
# https://docs.github.com/actions/reference/workflow-commands-for-github-actions
COMMAND = re.compile(r"^(\s*)::|#(?=#\w*\[)")
# GitLab folds its log by these, at the start of a line.
SECTION = re.compile(r"^(\s*section_(?:start|end)):")


def washed(line: str, secrets: Iterable[str] = ()) -> str:
    """The line as it may be kept and shown anywhere: one line, secrets masked, and no CI system obeys it.

    For what others print, at the place where it comes in: logs, events and JSON hold it so, for only there the secrets
    are known. `workflows.render.clean.harmless` is for whole texts on their way out, davy's own words among them.
    """
    clean = CONTROL.sub(" ", TERMINAL.sub("", line))
    clean = COMMAND.sub(lambda match: f"{match[1]}\\::" if match[1] is not None else "#\\", clean)
    return masked(SECTION.sub(r"\1\\:", clean), secrets)


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text with every known secret as `***`, also in the forms that headers and URLs give it."""
    for form in sorted(_forms(secrets), key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def _forms(secrets: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for secret in secrets:
        for part in {secret, *secret.splitlines()}:
            if len(part.strip()) >= SHORTEST:
                found |= {part.strip(), quote(part.strip(), safe=""), base64.b64encode(part.strip().encode()).decode()}
    return found
