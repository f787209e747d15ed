"""Paths: what files a suite's `junit` means: globs, as a shell's with `**`, and folders with reports in them."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

MOST = 10_000
"""Report files of one run."""
ENDS = (".xml", ".trx")
"""Of report files in a folder that is meant."""
TOKENS = re.compile(r"(\*\*/|\*\*|\*|\?|\[[^]/]+\])")
MEANING = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def absolute(globs: Sequence[str], home: str) -> tuple[str, ...]:
    """Each from the root, where the suite's command began in `home`."""
    return tuple(str(PurePosixPath(home or "/") / glob) for glob in globs)


def means(glob: str, path: str) -> bool:
    """Whether it means the file: by its own name, or by that of a folder around it, and then only reports."""
    return re.fullmatch(f"{_pattern(glob)}(?:/.*[.](?:xml|trx))?", path, re.DOTALL) is not None


def no_reports(names: Sequence[str]) -> str:
    """What is wrong with a folder as report that has these files in it."""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"its report is a folder without .xml and .trx, but with {names[0][:80]}{more}, which is not read"


def _pattern(glob: str) -> str:
    return "".join(
        MEANING.get(part) or (_letters(part) if TOKENS.fullmatch(part) else re.escape(part))
        for part in TOKENS.split(glob.rstrip("/"))
    )


def _letters(part: str) -> str:
    """`[!a-c]` of a shell is `[^a-c]` here."""
    inside = part[1:-1].replace("\\", "\\\\").replace("[", "\\[")
    return f"[^{inside[1:]}]" if inside.startswith(("!", "^")) else f"[{inside}]"


def wider(glob: str) -> str:
    """For `find -path`, whose `*` goes over slashes, too: it means at least what the glob does."""
    return glob.rstrip("/").replace("**/", "*").replace("**", "*")


def base(glob: str) -> str:
    """The folder that all it means lies in: its parts before the first that is no plain name, and not its last."""
    parts = PurePosixPath(glob).parts
    plain = next((at for at, part in enumerate(parts) if TOKENS.search(part)), len(parts))
    return str(PurePosixPath(*parts[:plain]))
