"""Arguments: what a command line says before Click has read it."""

from collections.abc import Mapping, Sequence


def wants_json(arguments: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether `--output json` was asked for; read without Click, for it may be Click that failed."""
    said = environment.get("DAVY_OUTPUT", "")
    for at, argument in enumerate(arguments):
        if argument in ("--output", "-o") and at + 1 < len(arguments):
            said = arguments[at + 1]
        elif argument.startswith("--output="):
            said = argument.partition("=")[2]
    return said == "json"
