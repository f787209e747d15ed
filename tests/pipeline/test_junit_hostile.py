"""Reports that are enormous, broken or hostile."""

import tracemalloc
from collections.abc import Iterator
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.suites.reports.cases import CaseResult
from davy.pipeline.suites.reports.formats.junit_cases import LONGEST_TEXT
from davy.pipeline.suites.reports.formats.xml import MOST_CASES
from davy.pipeline.suites.reports.reader import reading

MIB = 2**20


def report(*parts: str) -> Iterator[str]:
    yield "<testsuites><testsuite>"
    yield from parts
    yield "</testsuite></testsuites>"


@given(st.integers(1, 40))
def test_where_the_chunks_end_does_not_matter(size: int) -> None:
    whole = (
        '<?xml version="1.0" encoding="iso-8859-1"?><testsuite><testcase name="\xe9&#233;&amp;" time="1">'
        "<system-out>a&#27;b &#x41;</system-out></testcase></testsuite>"
    ).encode("latin-1")
    # The encoding is said in the first chunk.
    head, rest = whole[:60], whole[60:]
    found = reading([head, *(rest[at : at + size] for at in range(0, len(rest), size))])
    assert found.broken == ""
    assert [(case.name, case.output) for case in found.cases] == [("\xe9\xe9&", "a\ufffdb A")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig", "windows-1252"])
def test_a_report_is_read_in_the_encoding_it_says(encoding: str) -> None:
    said = {"utf-8-sig": "utf-8"}.get(encoding, encoding)
    text = f'<?xml version="1.0" encoding="{said}"?><testsuite><testcase name="\xfc"/></testsuite>'
    assert [case.name for case in reading([text.encode(encoding)]).cases] == ["\xfc"]


def test_an_encoding_that_is_unknown_breaks_the_report_and_is_named() -> None:
    assert "zip" in reading([b'<?xml version="1.0" encoding="zip"?><testsuite/>']).broken


def test_control_characters_of_a_test_are_replaced_and_said() -> None:
    found = reading(report('<testcase name="a\x00b"><system-out>\x1b[31m &#0;</system-out></testcase>'))
    assert (found.cases[0].name, found.broken) == ("a\ufffdb", "")
    assert found.notes == ("3 characters that XML cannot hold were replaced",)


@pytest.mark.slow
def test_hundreds_of_megabytes_are_read_in_bounded_memory_and_what_was_cut_is_said() -> None:
    def much() -> Iterator[str]:
        yield "<testsuite>"
        for number in range(150):
            yield f'<testcase name="t{number}"><system-out>'
            yield from repeat("x" * MIB, 1)
            yield "</system-out></testcase>"
        yield '<testcase name="last"><failure message="no">'
        yield from repeat("y" * MIB, 50)
        yield "</failure></testcase></testsuite>"

    tracemalloc.start()
    try:
        found = reading(much())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (len(found.cases), found.cases[-1].result, found.broken) == (151, CaseResult.FAILED, "")
    assert len(found.cases[0].output) < LONGEST_TEXT + 100
    assert "more characters, cut" in found.cases[-1].text
    assert found.notes == ("long words were cut in 151 places of its report",)
    assert peak < 64 * MIB


def test_an_attribute_larger_than_a_tag_may_be_breaks_the_report_before_memory_is_full() -> None:
    found = reading(["<testsuite><testcase name='a'/><testcase name='", *repeat("x" * MIB, 60)])
    assert ([case.name for case in found.cases], "tag longer" in found.broken) == (["a"], True)


def test_an_attribute_that_is_only_long_is_cut() -> None:
    found = reading(report(f'<testcase name="{"n" * 10_000}"><failure message="{"m" * 100_000}"/></testcase>'))
    assert (len(found.cases[0].name), len(found.cases[0].message)) == (2049, 16 * 2**10 + 1)
    assert found.notes


@pytest.mark.slow
def test_more_cases_than_any_suite_has_break_the_report_and_the_first_ones_stand() -> None:
    found = reading(report(*repeat('<testcase name="a"/>' * 1000, MOST_CASES // 1000 + 1)))
    assert len(found.cases) == MOST_CASES
    assert "more than 200,000 cases" in found.broken


def test_thousands_of_suites_are_read() -> None:
    found = reading(["<testsuites>", *repeat('<testsuite><testcase name="a"/></testsuite>', 5000), "</testsuites>"])
    assert (len(found.cases), found.broken) == (5000, "")


@pytest.mark.parametrize(
    "evil",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><testsuite name="&b;"/>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><testsuite/>',
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&f;"/></testsuite>',
        '<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]><testsuite/>',
    ],
)
def test_entities_and_document_types_are_refused_whatever_they_name(evil: str) -> None:
    found = reading([evil])
    assert (found.cases, "refused" in found.broken) == ((), True)


@given(st.binary(max_size=200), st.integers(0, 120))
def test_no_bytes_crash_the_reader(noise: bytes, at: int) -> None:
    whole = b'<testsuite><testcase name="a" time="1"><failure message="m">t</failure></testcase></testsuite>'
    reading([whole[:at] + noise, whole[at:]])


def test_a_case_inside_a_case_hides_no_failure() -> None:
    found = reading(report('<testcase name="a"><testcase name="b"><failure/></testcase><x><failure/></x></testcase>'))
    assert [(case.name, case.result.value) for case in found.cases] == [("a", "failed")]
