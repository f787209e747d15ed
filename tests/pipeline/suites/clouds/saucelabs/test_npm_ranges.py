"""Which version a package.json allows: npm's ranges, and where a Sauce file leaves its version to one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.pipeline.suites.clouds.saucelabs import api_calls, npm_ranges, package
from davy.pipeline.suites.clouds.saucelabs.config_keys import FileKind

THERE = (
    "0.0.3", "0.0.4", "0.2.3", "0.2.9", "0.3.0", "1.39.0", "1.40.1", "1.40.0", "1.41.0", "1.50.0-beta.1", "1.50.0",
    "1.50.1", "1.51.0-alpha.2", "1.51.0-alpha.10", "2.0.0-rc.1", "v12.17.4", "no version",
)  # fmt: skip


@pytest.mark.parametrize(
    ("allowed", "newest"),
    [
        ("1.40.0", "1.40.0"), ("=1.40.0", "1.40.0"), ("v1.40.0", "1.40.0"), ("^1.40.0", "1.50.1"),
        ("~1.40.0", "1.40.1"), ("~>1.40.0", "1.40.1"), ("1.40.x", "1.40.1"), ("1.40.*", "1.40.1"), ("1.40", "1.40.1"),
        ("1", "1.50.1"), ("~1", "1.50.1"), ("^1.x", "1.50.1"), ("*", "v12.17.4"), ("", "v12.17.4"),
        ("latest", "v12.17.4"), (">=1.40.0 <1.50.0", "1.41.0"), (">= 1.40.0, < 1.50", "1.41.0"),
        (">=1.40.0<1.50.0", "1.41.0"), ("<1.40", "1.39.0"), ("<=1.40", "1.40.1"), (">1.40 <2", "1.50.1"),
        ("<=1.40.0", "1.40.0"), (">1.50.0 <1.51.0", "1.50.1"), ("1.39.0 - 1.40", "1.40.1"),
        ("1.39.0 - 1.40.0", "1.40.0"), ("^0.2.3", "0.2.9"), ("^0.0.3", "0.0.3"), ("^0.0", "0.0.4"), ("^0", "0.3.0"),
        ("~0.2", "0.2.9"), ("0.2.3 || 1.40.x", "1.40.1"), ("^1.51.0-alpha.1", "1.51.0-alpha.10"),
        (">=1.50.0-beta.0 <1.50.0", "1.50.0-beta.1"), ("^3", ""), (">*", ""), ("<*", ""), ("9.9.9", ""),
    ],
)  # fmt: skip
def test_the_newest_that_a_range_of_npm_allows_is_taken(allowed: str, newest: str) -> None:
    assert api_calls.allowed_version([{"frameworkVersion": version} for version in THERE], allowed)[0] == newest


@pytest.mark.parametrize(
    "text", ["next", "workspace:*", "file:../x", "git+https://a/b", "^1.4.0junk", "1.2.3.4", ">", "a || 1", "9" * 300]
)
def test_what_is_no_range_is_known_as_none(text: str) -> None:
    assert npm_ranges.parse_range(text) is None


NUMBERS = st.tuples(*[st.integers(0, 3)] * 3)


@settings(max_examples=150)
@given(st.lists(NUMBERS, min_size=1), NUMBERS)
def test_a_caret_never_leaves_the_left_most_part_that_is_not_zero(there: list[tuple[int, ...]], base: tuple[int, ...]):
    at = next((at for at, number in enumerate(base) if number), 2)
    wanted = [each for each in there if each >= base and each[: at + 1] == base[: at + 1]]
    allowed = npm_ranges.parse_range("^" + ".".join(map(str, base)))
    assert allowed is not None
    found = npm_ranges.newest([".".join(map(str, each)) for each in there], allowed)
    assert found == (".".join(map(str, max(wanted))) if wanted else "")


@given(st.text(max_size=40) | st.text(alphabet="0123456789.^~<>=-x*| v", max_size=30))
@settings(max_examples=150)
def test_no_text_is_more_than_no_range(text: str) -> None:
    assert npm_ranges.newest(["1.0.0"], npm_ranges.parse_range(text) or ()) in ("", "1.0.0")


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        (FileKind.CYPRESS, '{"dependencies": {"cypress": "9"}, "devDependencies": {"cypress": "^10.1"}}', "^10.1"),
        (FileKind.PLAYWRIGHT, '{"devDependencies": {"@playwright/test": "^1.4", "playwright": "2"}}', "^1.4"),
        (FileKind.CUCUMBER, '{"dependencies": {"playwright": "~1.40.0"}}', "~1.40.0"),
        (FileKind.CYPRESS, '{"devDependencies": {"cypress": "12.x"}}', "12.x"),
        (FileKind.TESTCAFE, '{"dependencies": {"testcafe": "*"}}', "*"),
    ],
)  # fmt: skip
def test_a_package_json_says_the_range_of_its_framework(kind: FileKind, text: str, said: str) -> None:
    assert package.allowed(text, kind) == (said, "")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("{", "is no JSON"), ("[]", "names no cypress"), ("{}", "names no cypress"),
        ('{"dependencies": {"cypress": 12}}', "names no cypress"), ('{"dependencies": []}', "names no cypress"),
        ('{"devDependencies": {"cypress": "next"}}', "asks for 'next' of cypress, which is no range of versions"),
    ],
)  # fmt: skip
def test_a_package_json_that_does_not_say_it_is_told(text: str, wrong: str) -> None:
    assert wrong in package.allowed(text, FileKind.CYPRESS)[1]
