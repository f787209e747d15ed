"""Foreign: what tools write that is no JUnit, known by how it begins, and how the tool writes JUnit instead."""

import re

from davy.pipeline.core.fast_dataclass import dataclass

HEAD = 4 * 2**10
"""Characters by which a report is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """A form of reports."""

    name: str
    way: str
    """How the same tool writes JUnit."""


DOTNET = 'the package JunitXml.TestLogger, and `dotnet test --logger "junit;LogFilePath=$JUNIT"`'
ROOTS = {
    "test-run": Foreign(name="NUnit 3", way=f"{DOTNET}; or nunit3-console with its nunit3-junit transform"),
    "test-results": Foreign(name="NUnit 2", way=DOTNET),
    "assemblies": Foreign(name="xUnit.net", way=f"{DOTNET}; or its console runner with `-junit`"),
    "robot": Foreign(name="Robot Framework's output", way='`robot --xunit "$JUNIT"`'),
    "testng-results": Foreign(name="TestNG's own", way="its folder `junitreports`, named under `junit`"),
    "Catch2TestRun": Foreign(name="Catch2's own", way='`--reporter junit --out "$JUNIT"`'),
    "doctest": Foreign(name="doctest's own", way='`--reporters=junit --out="$JUNIT"`'),
    "TestLog": Foreign(name="Boost.Test's own", way='`--log_format=JUNIT --log_sink="$JUNIT"`'),
    "TestResult": Foreign(name="Boost.Test's own", way='`--log_format=JUNIT --log_sink="$JUNIT"`'),
    "TestCase": Foreign(name="Qt Test's own", way='`-o "$JUNIT,junitxml"`'),
    "Site": Foreign(name="CTest's for CDash", way='`ctest --output-junit "$JUNIT"`'),
}
"""By the name of the root element."""

OWN = "the JUnit reporter of the tool itself"
GO = '`gotestsum --junitfile "$JUNIT"`, or go-junit-report'
MOCHA = '`mocha --reporter xunit --reporter-option output="$JUNIT"`'
CUCUMBER = '`--format junit:"$JUNIT"`'
TAP = (
    '`node --test --test-reporter=junit --test-reporter-destination="$JUNIT"`; `bats --report-formatter junit`; '
    "`prove --formatter TAP::Formatter::JUnit`; or a converter, as tap-junit"
)
PLAYWRIGHT = '`--reporter=junit` with `PLAYWRIGHT_JUNIT_OUTPUT_FILE="$JUNIT"`'
TEXTS = (
    (r'\s*\{.*"reportFormat"\s*:\s*"CTRF"|\s*\{\s*"results"\s*:\s*\{\s*"tool"', Foreign(name="CTRF", way=OWN)),
    (r'\s*\{[^\n]*"Action"\s*:\s*"[^\n]*"Package"\s*:', Foreign(name="`go test -json`", way=GO)),
    (r"\s*\{.*\"num(?:Failed|Passed|Total)Test", Foreign(name="Jest's or Vitest's JSON", way="jest-junit with "
        '`JEST_JUNIT_OUTPUT_FILE="$JUNIT"`; `vitest --reporter=junit --outputFile="$JUNIT"`')),
    (r'\s*\{.*"config"\s*:\s*\{.*"(?:configFile|rootDir)"', Foreign(name="Playwright's JSON", way=PLAYWRIGHT)),
    (r'\s*\{\s*"stats"\s*:\s*\{', Foreign(name="Mocha's JSON", way=MOCHA)),
    (r'\s*\{"meta"\s*:|\s*\[\s*\{.*"(?:elements|keyword)"\s*:', Foreign(name="Cucumber's JSON", way=CUCUMBER)),
    (r'\s*\{.*"uuid"\s*:.*"(?:historyId|status|fullName)"', Foreign(name="Allure's result", way=OWN)),
    (r"\s*[\[{]", Foreign(name="JSON", way=OWN)),
    (r"\s*(?:TAP version \d|1\.\.\d|(?:not )?ok\b)", Foreign(name="TAP", way=TAP)),
    (r"\s*##teamcity\[", Foreign(name="TeamCity's messages", way=OWN)),
)  # fmt: skip
"""By how a text begins that is no XML; the first that fits is it."""
BEGINNING = re.compile(r"\ufeff?\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*)*<(?:[\w.-]+:)?([\w.-]+)[\s/>]", re.DOTALL)


def root(head: str) -> str:
    """The name of the root element of what begins so; empty where it is not known yet, or is no XML."""
    found = BEGINNING.match(head)
    return found[1] if found else ""


def sentence(root: str, head: str) -> str:
    """What the report is and how to get one that is read; empty where it is not known.

    `root`: of a report that is XML. `head`: how one begins that is none.
    """
    found = ROOTS.get(root) if root else next((form for text, form in TEXTS if re.match(text, head, re.DOTALL)), None)
    return f"its report is no JUnit but {found.name}; what writes JUnit: {found.way}" if found else ""
