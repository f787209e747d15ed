"""Package: the versions of its framework that a package.json allows, where the Sauce file leaves it to one.

As saucectl has it: the range under `devDependencies`, else under `dependencies`, and of what Sauce Labs has the newest
that it allows. No lock file is read.
"""

from json import JSONDecodeError

from davy.pipeline.core.json import tree as jsontree
from davy.pipeline.suites.clouds.saucelabs import npm_ranges
from davy.pipeline.suites.clouds.saucelabs.config_keys import FileKind, inner

PACKAGES = {
    FileKind.PLAYWRIGHT: ("@playwright/test", "playwright"),
    FileKind.CUCUMBER: ("@playwright/test", "playwright"),
    FileKind.CYPRESS: ("cypress",),
    FileKind.TESTCAFE: ("testcafe",),
}
"""What npm calls a framework. All packages of Playwright have one version."""


def allowed(text: str, kind: FileKind) -> tuple[str, str]:
    """The range that it names; or nothing, and what is wrong with it, as the rest of "FILE …"."""
    try:
        tree = jsontree.parsed(text)
    except JSONDecodeError as error:
        return "", f"is no JSON: {error.msg} in line {error.lineno}"
    names = PACKAGES.get(kind, (kind.value,))
    found = (inner(tree, place, name) for name in names for place in ("devDependencies", "dependencies"))
    said = next((value for value in found if isinstance(value, str)), None)
    if said is None:
        return "", f"names no {names[0]} under devDependencies or dependencies"
    if npm_ranges.parse_range(said) is None:
        return "", f"asks for {said[:80]!r} of {names[0]}, which is no range of versions"
    return said, ""
