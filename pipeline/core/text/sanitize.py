"""Sanitize: what others printed, washed: no secrets, no CI commands, no terminal control."""

import re
from collections.abc import Iterable

from davy.pipeline.core.secrets.masks import MASK, SHORTEST, Masks, masks_of

__all__ = ["MASK", "SHORTEST", "Masks", "masked", "washed"]

TERMINAL = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-Z\\-_]?")
# The marks that turn the reading direction are among them: CVE-2021-42574.
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
# GitHub takes a line that begins with `::`, and `##[` anywhere in it; Azure `##vso[`, TeamCity `##teamcity[`.
# https://docs.github.com/actions/reference/workflow-commands-for-github-actions
COMMAND = re.compile(r"^(\s*)::|#(?=#\w*\[)")
# GitLab folds its log by these, at the start of a line.
SECTION = re.compile(r"^(\s*section_(?:start|end)):")


def washed(line: str, secrets: Iterable[str] | Masks = ()) -> str:
    """The line as it may be kept and shown anywhere: one line, secrets masked, and no CI system obeys it.

    For what others print, at the place where it comes in: logs, events and JSON hold it so, for only there the secrets
    are known. `workflows.render.clean.harmless` is for whole texts on their way out, davy's own words among them.
    """
    masks = masks_of(secrets)
    # Before, for washing would change a secret that holds marks; and after, for marks may lie in the middle of one.
    clean = CONTROL.sub(" ", TERMINAL.sub("", masks.text(line)))
    clean = COMMAND.sub(lambda match: f"{match[1]}\\::" if match[1] is not None else "#\\", masks.text(clean))
    return SECTION.sub(r"\1\\:", clean)


def masked(text: str, secrets: Iterable[str] | Masks) -> str:
    """The text with every known secret as `***`, in every form that `masks` knows."""
    return masks_of(secrets).text(text)
