"""Frontend: which image reads a Dockerfile's text, found in its first lines as BuildKit finds it."""

import re

from davy.pipeline.core.json import tree

BLANK = "[\t\n\f\r ]"
NAMES = ("syntax", "escape", "check")
MARKS = ("#", "//")
"""What a line of directives may begin with: https://pkg.go.dev/github.com/moby/buildkit/frontend/dockerfile/parser#DetectSyntax"""


def syntax(text: str) -> str:
    """The whole of what `# syntax=` says; empty where nothing does. `// syntax=` says it, too, and JSON with that key.

    A first line `#!…` is passed over.
    """
    text = text.removeprefix("\ufeff")
    if text.startswith("#!"):
        text = text.partition("\n")[2]
    return next(filter(None, (_directive(text, mark) for mark in MARKS)), "") or _key(text)


def _directive(text: str, mark: str) -> str:
    """Directives stand in the first lines, one after the other, each once."""
    line = re.compile(f"{mark}{BLANK}*([a-zA-Z][a-zA-Z0-9]*){BLANK}*={BLANK}*([^\n]+?){BLANK}*$")
    seen: set[str] = set()
    while text:
        first, _, text = text.partition("\n")
        found = line.match(first)
        name = found[1].lower() if found else ""
        if not found or name not in NAMES or name in seen:
            return ""
        if name == "syntax":
            return found[2]
        seen.add(name)
    return ""


def _key(text: str) -> str:
    if not text.lstrip().startswith("{"):
        return ""
    try:
        said = tree.parsed(text)
    except ValueError:
        return ""
    found = said.get("syntax", "") if isinstance(said, dict) else ""
    return found if isinstance(found, str) else ""
