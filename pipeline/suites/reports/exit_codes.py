"""Exit codes: what a command says by the number it ends with, by itself and by the tool that it runs."""

import re
from collections.abc import Collection, Mapping

from davy.pipeline.core.fast_dataclass import dataclass

SIGNALS = {
    1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
    9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
    24: "SIGXCPU", 25: "SIGXFSZ", 31: "SIGSYS",
}  # fmt: skip
"""Linux' numbers: signal(7). A shell, and a container, ends with 128 more."""
SHELLS = {126: "a command could not be executed", 127: "a command was not found"}
FIRST_OF_SHELL = 126
"""From here on a shell speaks, and no tool: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """What a test tool ends with."""

    failed: frozenset[int] = frozenset({1})
    """Tests failed, and nothing else is wrong."""
    unfinished: frozenset[int] = frozenset()
    """Not all that was asked for ran."""


TOOLS: Mapping[str, Codes] = {
    # https://docs.pytest.org/en/stable/reference/exit-codes.html
    "pytest": Codes(unfinished=frozenset({2, 3, 4, 5})),
    # https://cmake.org/cmake/help/latest/manual/ctest.1.html
    "ctest": Codes(failed=frozenset({8})),
    # https://github.com/grafana/k6/blob/v1.8.1/errext/exitcodes/codes.go
    "k6": Codes(failed=frozenset({99})),
    # https://bazel.build/run/scripts: 1 is a build that failed.
    "bazel": Codes(failed=frozenset({3}), unfinished=frozenset({1, 2, 8})),
    # https://github.com/sebastianbergmann/phpunit/blob/11.5/src/TextUI/ShellExitCodeCalculator.php: 2 with an error
    "phpunit": Codes(failed=frozenset({1, 2})),
    # https://jasmine.github.io/api/npm/4.0/ExitHandler.html
    "jasmine": Codes(failed=frozenset({3}), unfinished=frozenset({1, 2})),
    # https://nexte.st/docs/design/custom-test-harnesses/: NextestExitCode::TEST_RUN_FAILED
    "nextest": Codes(failed=frozenset({100})),
}
WORD = re.compile(rf"(?<![\w-])(?:{'|'.join((*TOOLS, 'py[.]test'))})(?![\w-])")


def exited(code: int | None) -> str:
    """In words, also where the code is the shell's own; empty for 0 and where there is none."""
    if not code:
        return ""
    number = -code if code < 0 else code - 128
    if number in SIGNALS and (code < 0 or code > FIRST_OF_SHELL):
        return f"ended by {SIGNALS[number]}"
    if code < 0:
        return f"ended by signal {number}"
    return f"exit code {code}" + (f", {SHELLS[code]}" if code in SHELLS else "")


def is_crash(code: int | None) -> bool:
    """Whether a shell or a signal ended it, and no tool: a number of failed tests says no such thing."""
    return code is not None and (code < 0 or code >= FIRST_OF_SHELL)


def tools_in(command: str) -> frozenset[str]:
    """The tools whose codes are known that it names."""
    return frozenset(word.replace("py.test", "pytest") for word in WORD.findall(command))


def says_tests_failed(code: int, bad: int, tools: Collection[str]) -> bool:
    """Whether the code says no more than that tests failed, of which the report tells `bad`.

    1 does with most tools, and how many failed with some: mocha, Robot, Cypress, TestCafe. What one of the tools keeps
    for something else does not, whatever the others mean by it.
    """
    known = [TOOLS[tool] for tool in tools if tool in TOOLS]
    if is_crash(code) or any(code in each.unfinished for each in known):
        return False
    return code in (1, bad) or any(code in each.failed for each in known)


def got_to_its_end(code: int | None, tools: Collection[str]) -> bool:
    """Whether all that it was to run may have run: no signal, no shell's own code, none that says otherwise."""
    unfinished = any(code in TOOLS[tool].unfinished for tool in tools if tool in TOOLS)
    return code is not None and not is_crash(code) and not unfinished
