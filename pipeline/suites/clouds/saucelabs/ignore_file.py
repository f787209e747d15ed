"""Ignore file: which files of a project stay at home, by `.sauceignore`, whose rules are those of `.gitignore`."""

import re
from collections.abc import Sequence

from davy.pipeline.core.fast_dataclass import dataclass

Rule = tuple[re.Pattern[str], bool, bool]
"""Pattern over a path, whether it keeps what an earlier one left out, whether it is for folders alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoreFile:
    """The rules of a file; the last one that fits decides."""

    rules: tuple[Rule, ...] = ()

    def leaves_out(self, path: str, *, folder: bool = False) -> bool:
        """True for a path, relative to the project, that is left out by itself; its parents are asked before it."""
        out = False
        for pattern, keeps, folders in self.rules:
            if (folder or not folders) and pattern.fullmatch(path):
                out = not keeps
        return out


def read(text: str) -> IgnoreFile:
    """The rules: https://git-scm.com/docs/gitignore#_pattern_format"""
    lines = (line.rstrip("\r").rstrip() if not line.endswith("\\ ") else line for line in text.split("\n"))
    return IgnoreFile(rules=tuple(_rule(line) for line in lines if line and not line.startswith("#")))


def kept(paths: Sequence[str], ignoring: IgnoreFile) -> tuple[str, ...]:
    """Files that are not left out, by themselves or with a folder above them."""
    folders: dict[str, bool] = {}

    def below(folder: str) -> bool:
        if not folder:
            return False
        if folder not in folders:
            parent = folder.rpartition("/")[0]
            folders[folder] = below(parent) or ignoring.leaves_out(folder, folder=True)
        return folders[folder]

    return tuple(path for path in paths if not below(path.rpartition("/")[0]) and not ignoring.leaves_out(path))


def _rule(line: str) -> Rule:
    keeps = line.startswith("!")
    body = line.removeprefix("!").removeprefix("\\")
    folders = body.endswith("/")
    body = body.rstrip("/")
    anchored = "/" in body
    pattern = translated(body.removeprefix("/"))
    return re.compile(pattern if anchored else f"(?:.*/)?{pattern}"), keeps, folders


def translated(glob: str) -> str:
    """A glob as a regular expression: `**` crosses folders, `*`, `?` and `[…]` do not; `{a,b}` is either."""
    out, index, depth = "", 0, 0
    while index < len(glob):
        char = glob[index]
        if glob.startswith("**/", index) and (index == 0 or glob[index - 1] == "/"):
            out, index = out + "(?:[^/]+/)*", index + 3
            continue
        if glob.startswith("**", index):
            out, index = out + ".*", index + 2
            continue
        closing = glob.find("]", index + 2) if char == "[" else -1
        if closing > 0:
            inside = glob[index + 1 : closing].replace("\\", "\\\\")
            out, index = out + f"[{'^' + inside[1:] if inside[0] in '!^' else inside}]", closing + 1
            continue
        depth += (char == "{") - (char == "}" and depth > 0)
        plain = {"*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")" if depth >= 0 else re.escape(char)}
        out += plain.get(char, "|" if char == "," and depth else re.escape(char))
        index += 1
    return out
