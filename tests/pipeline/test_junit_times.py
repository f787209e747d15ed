"""How long a case took, and in which letters its report is written."""

import codecs
import encodings.aliases

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.pipeline.suites.reports.formats.junit_times import seconds
from davy.pipeline.suites.reports.reader import reading


@pytest.mark.parametrize(
    ("text", "is_"),
    [
        ("0.045", 0.045), ("0,045", 0.045), ("1,5", 1.5), ("1,234", 1.234), ("1,234.5", 1234.5), ("1.234,5", 1234.5),
        ("1,234,567.8", 1234567.8), ("1.234.567,8", 1234567.8), ("1,234,567", 1234567.0), ("12345,678", 12345.678),
        ("1 234,5", 1234.5), ("1\u202f234,567", 1234.567), ("1'234.5", 1234.5), ("1 234 567", 1234567.0),
        ("00:00:01.500", 1.5), ("01:02:03", 3723.0), ("00:00:00,25", 0.25), ("1.00:00:01.5", 86401.5),
        ("250ms", 0.25), ("1.5s", 1.5), ("1,5 s", 1.5), ("2m", 120.0), ("1m2.5s", 62.5), ("1h1m", 3660.0),
        ("30us", 3e-05), ("PT0.25S", 0.25), ("1.2e-05", 1.2e-05), ("1e3", 1000.0),
        ("", 0.0), ("NaN", 0.0), ("Infinity", 0.0), ("-0.001", 0.0), ("none", 0.0), ("1e999", 0.0), ("ms", 0.0),
        ("1:2", 0.0), ("9" * 400, 0.0), (".", 0.0), (",,", 0.0),
    ],
)  # fmt: skip
def test_a_time_is_read_as_reports_write_it(text: str, is_: float) -> None:
    assert seconds(text) == pytest.approx(is_)


def test_whether_a_comma_is_of_thousands_is_told_by_the_suites_own_time() -> None:
    cases = '<testcase name="a" time="1,234"/><testcase name="b" time="0,5"/>'
    assert [case.seconds for case in reading([f'<testsuite time="1234.5">{cases}</testsuite>']).cases] == [1234, 0.5]
    assert [case.seconds for case in reading([f'<testsuite time="1.73">{cases}</testsuite>']).cases] == [1.234, 0.5]
    assert [case.seconds for case in reading([f"<testsuite>{cases}</testsuite>"]).cases] == [1.234, 0.5]


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="0123456789.,:eE+-msh µn \u0661\u00b2", max_size=50))
def test_no_time_raises_or_is_less_than_nothing(text: str) -> None:
    assert 0 <= seconds(text) < float("inf")


# ---- encodings ----

LETTERS = {
    "windows-1251": "Привет", "koi8-r": "Привет", "windows-1250": "Žluťoučký", "iso-8859-2": "Žluťoučký",
    "gbk": "测试", "gb18030": "测试", "big5": "測試", "euc-kr": "시험", "shift_jis": "テスト", "iso-2022-jp": "テスト",
    "euc-jp": "テスト", "windows-1252": "Größe", "iso-8859-9": "Ağaç", "tis-620": "ทดสอบ", "utf-8": "Größe",
}  # fmt: skip


def report(encoding: str, name: str) -> bytes:
    text = f'<?xml version="1.0" encoding="{encoding}"?><testsuite><testcase name="{name}"/></testsuite>'
    return text.encode(encoding)


@pytest.mark.parametrize("encoding", LETTERS)
@pytest.mark.parametrize("step", [1, 7, 4096])
def test_a_report_is_read_in_the_letters_that_it_names(encoding: str, step: int) -> None:
    data = report(encoding, LETTERS[encoding])
    first = data.index(b"?>") + 2
    chunks = [data[:first], *(data[at : at + step] for at in range(first, len(data), step))]
    found = reading(chunks)
    assert ([case.name for case in found.cases], found.broken, found.notes) == ([LETTERS[encoding]], "", ())


@pytest.mark.parametrize("name", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-8-sig"])
def test_a_report_in_wide_letters_is_read_with_and_without_a_mark(name: str) -> None:
    text = '<?xml version="1.0"?><testsuite><testcase name="Größe"/></testsuite>'
    assert [case.name for case in reading([text.encode(name)]).cases] == ["Größe"]


def test_every_codec_of_the_standard_library_is_read_or_refused_and_none_raises() -> None:
    for name in sorted(set(encodings.aliases.aliases.values())):
        head = f'<?xml version="1.0" encoding="{name.replace("_", "-")}"?>'.encode()
        found = reading([head + b'<testsuite><testcase name="a"/></testsuite>'])
        assert bool(found.broken) != bool(found.cases), name
    for name in ("base64", "rot13", "zip", "hex", "idna", "unicode_escape", "no-such-thing"):
        head = f'<?xml version="1.0" encoding="{name}"?>'.encode()
        assert "which is not read here" in reading([head + b"<testsuite/>"]).broken, name


def test_bytes_that_are_none_of_the_encoding_are_replaced_and_that_is_said() -> None:
    latin = codecs.encode('<testsuite><testcase name="Größe"/><testcase name="b"/></testsuite>', "latin-1")
    found = reading([latin])
    assert [case.name for case in found.cases] == ["Gr\ufffd\ufffde", "b"]
    assert found.notes == ("bytes of its report that are no utf-8 were replaced",)
