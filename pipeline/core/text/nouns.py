"""Nouns: a number with its noun, in the singular where it is one."""


def counted(number: int, noun: str) -> str:
    """`1 step`, `3 steps`, `2,000 series`: an s is put behind where the noun has none."""
    plural = noun if noun.endswith("s") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def problems(number: int) -> str:
    """`a problem`, `3 problems`: what a file has that is wrong."""
    return "a problem" if number == 1 else counted(number, "problem")


def named(names: tuple[str, ...]) -> str:
    """What there is, as a remedy: `There is unit.`, `There are e2e and unit.`, `There is none.`"""
    if not names:
        return "There is none."
    if len(names) == 1:
        return f"There is {names[0]}."
    return f"There are {', '.join(names[:-1])} and {names[-1]}."
