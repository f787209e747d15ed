"""Substitution: `${NAME}` and `${NAME:-default}` in a text, from an environment that is an argument."""

import re
from collections.abc import Mapping

PATTERN = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{([^}]*)\}?")


def substituted(text: str, environment: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """The text with its variables put in, and a sentence for each that could not be. `$${` stands for `${`."""
    wrong: list[str] = []

    def value(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        if match[1] is None:
            wrong.append(
                f"{match[0]!r} names no variable; write ${{NAME}}, ${{NAME:-default}}, or $${{ for a plain ${{"
            )
            return match[0]
        # As the shell has it: `:-` stands in for an empty value, too.
        found = environment.get(match[1])
        if match[2] is not None:
            return found or match[2]
        if found is None:
            wrong.append(f"the environment has no {match[1]}; set it, or give a default: ${{{match[1]}:-…}}")
            return ""
        return found

    return PATTERN.sub(value, text), tuple(wrong)
