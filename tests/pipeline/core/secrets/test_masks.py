"""Secrets in every form, in texts, values, streams and files."""

import base64
import html
import json
import re
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.pipeline.clients.files import masked_files
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.secrets.masks import Lines, MaskedStream, Masks

HARD = "p@ss w\"rd/x+1&<é>'=$`%"
FORMS = {
    "plain": lambda s: s,
    "json": lambda s: json.dumps(s)[1:-1],
    "json that is no ascii": lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
    "json with slashes": lambda s: json.dumps(s)[1:-1].replace("/", "\\/"),
    "python": lambda s: repr(s)[1:-1],
    "url": lambda s: quote(s, safe=""),
    "url path": quote,
    "url, small hex": lambda s: re.sub("%..", lambda found: found[0].lower(), quote(s, safe="")),
    "javascript": lambda s: quote(s, safe="!*'()"),
    "form": lambda s: urlencode({"": s})[1:],
    "xml": escape,
    "xml attribute": lambda s: quoteattr(s)[1:-1],
    "html": html.escape,
    "shell": lambda s: shlex.quote(s).removeprefix("'").removesuffix("'"),
    "shell, escaped": lambda s: s.replace("'", "'\\''"),
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 without padding": lambda s: base64.b64encode(s.encode()).decode().rstrip("="),
    "base64 for urls": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
}
"""As others write a secret; each by the library that they would write it with."""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", [HARD, "s3cr3t-value-xyz", "tr0ub4dor&3", "ünïcödé-pässwörd", "a\\b\\c\\dddd"])
def test_a_secret_is_found_in_every_form(form: str, secret: str) -> None:
    assert Masks([secret]).text(f'{{"before": "{FORMS[form](secret)}"}}') == '{"before": "***"}'


@pytest.mark.parametrize("user", ["", "a", "bo", "ann", "robot$shop+ci"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("after", ["", "x", ":realm"])
def test_a_secret_is_found_in_base64_with_anything_around_it(
    user: str, encode: Callable[..., bytes], after: str
) -> None:
    for secret in (HARD, "s3cr3t-value-xyz", "ünïcödé", "hunter2"):
        header = encode(f"{user}:{secret}{after}".encode()).decode()
        before, mask, rest = Masks([secret]).text(header).partition("***")
        assert mask
        # At the edges a character may hold some bits of what lies beside the secret, and of the secret itself.
        assert len(before) <= -(-len(f"{user}:") * 4 // 3)
        assert len(rest.rstrip("=")) <= -(-len(after) * 4 // 3) + 1


@settings(max_examples=150, deadline=None)
@given(
    secret=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=8, max_size=24).filter(
        lambda text: len(text.strip()) >= 8 and "***" not in text
    ),
    form=st.sampled_from(sorted(FORMS)),
    cuts=st.lists(st.integers(0, 200), max_size=8),
    before=st.text(max_size=40),
)
def test_it_is_found_wherever_a_stream_is_cut(secret: str, form: str, cuts: list[int], before: str) -> None:
    secret = secret.strip()
    masks = Masks([secret])
    text = f"{before}\n{FORMS[form](secret)}\nafter"
    stream, ends = MaskedStream(masks), [*sorted(cut for cut in cuts if cut < len(text)), len(text)]
    pieces = [text[first:last] for first, last in zip([0, *ends], ends, strict=False)]
    shown = "".join([*map(stream.fed, pieces), stream.rest()])
    assert shown == masks.text(text)
    assert FORMS[form](secret) not in shown
    assert shown.endswith("\nafter")


def test_a_key_of_many_lines_is_masked_whole_by_line_and_as_base64_wraps_it() -> None:
    key = (
        "-----BEGIN KEY-----\n" + "\n".join(f"line{number}{'Ab9' * 18}" for number in range(9)) + "\n-----END KEY-----"
    )
    coded = base64.b64encode(key.encode()).decode()
    wrapped = "\n".join(coded[at : at + 76] for at in range(0, len(coded), 76))
    masks = Masks([key])
    assert set(masks.text(key)) == {"*"}
    assert masks.text(f"x {key.splitlines()[4]} y") == "x *** y"
    assert all(part not in masks.text(wrapped) for part in wrapped.splitlines()[:-1])
    short = Masks(["ab\ncd\nefg"])
    assert short.text("ab\ncd\nefg") == "***"
    lines = Lines(short, 100)
    assert [*lines.fed("so: ab\n"), *lines.fed("cd\nef"), *lines.fed("g!\nend\n"), *lines.rest()] == ["so: ***!", "end"]


def test_forms_that_overlap_leave_nothing_of_either() -> None:
    assert Masks(["abcdef", "defghi"]).text("-abcdefghi-") == "-***-"
    assert Masks(["hunter2", "hunter22"]).text("hunter22 hunter2") == "*** ***"


def test_a_short_word_within_a_digest_is_chance_and_a_long_one_is_not() -> None:
    image = Image(name="registry.example.com/shop", digest="sha256:" + "cafe" * 16)
    assert Masks(["cafe"]).value(image) == image
    assert Masks(["cafe"]).text("a cafe at sha256:" + "cafe" * 16) == "a *** at sha256:" + "cafe" * 16
    token = "0123456789abcdef" * 4
    assert Masks([token]).text(f"token {token}") == "token ***"


def test_what_is_too_short_to_hide_is_left() -> None:
    assert Masks(["on", "", "abc", "   "]).text("on and on, abc") == "on and on, abc"


@dataclass(frozen=True)
class Deep:
    name: str
    at: datetime
    inner: "tuple[Deep | str, ...]" = ()
    by: object = None


def test_a_value_is_masked_at_any_depth_and_stays_what_it_is() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    deep = Deep("hunter2", at, (Deep("x", at, ("a hunter2",)), "y"), {"hunter2": ["hunter2", 1, None, True]})
    masked = Masks(["hunter2"]).value(deep)
    assert masked == Deep("***", at, (Deep("x", at, ("a ***",)), "y"), {"***": ["***", 1, None, True]})
    assert Masks(["nothing"]).value(deep) is deep


def test_a_line_costs_little_where_no_secret_is() -> None:
    stream, began = MaskedStream(Masks([HARD, "another-secret", "a-third-secret"])), time.process_time()
    for number in range(20_000):
        stream.fed(f"{number} a line of a test's log, as long as they usually are, with a few words\n")
    assert time.process_time() - began < 5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_a_text_file_is_masked_in_place_across_its_chunks(tmp_path: Path, encoding: str) -> None:
    file, secret = tmp_path / "log.txt", "s3cr3t-value"
    text = "é" + "x" * (masked_files.CHUNK - 6) + f"{secret}\n{secret}"
    file.write_bytes(text.encode(encoding))
    file.chmod(0o640)
    masked_files.masked(file, Masks([secret]))
    assert file.read_bytes().decode(encoding) == text.replace(secret, "***")
    assert file.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["log.txt"]


def test_what_is_no_text_and_what_holds_no_secret_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "shot.png").write_bytes(b"\x89PNG\0" + b"s3cr3t-value")
    (tmp_path / "plain").write_bytes(b"\xff\xfe\xff no secret \xff")
    (tmp_path / "link").symlink_to(tmp_path / "plain")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert list(masked_files.below(tmp_path, Masks(["s3cr3t-value"]))) == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_whose_name_holds_a_secret_is_moved_and_a_report_stays_xml(tmp_path: Path) -> None:
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "hunter2.txt").write_text("hunter2")
    (tmp_path / "junit.xml").write_text('<testsuite><testcase name="test hunter2"/></testsuite>')
    moved = dict(masked_files.below(tmp_path, Masks(["hunter2", "test", "name"])))
    assert moved == {tmp_path / "o" / "hunter2.txt": tmp_path / "o" / "***.txt"}
    assert (tmp_path / "o" / "***.txt").read_text() == "***"
    assert (tmp_path / "junit.xml").read_text() == '<testsuite><testcase name="test ***"/></testsuite>'


def test_nothing_is_written_where_a_link_of_the_suites_leads(tmp_path: Path) -> None:
    out, away = tmp_path / "out", tmp_path / "away"
    for folder in (out / "hunter2", away):
        folder.mkdir(parents=True)
    (away / "kept").write_text("mine: hunter2")
    (out / "log.txt").write_text("hunter2")
    (out / ".log.txt.masked").symlink_to(away / "kept")
    (out / "***").symlink_to(away)
    (out / "hunter2" / "a.txt").write_text("hunter2")
    dict(masked_files.below(out, Masks(["hunter2"])))
    assert {path.name: path.read_text() for path in away.iterdir()} == {"kept": "mine: hunter2"}
    assert (out / "log.txt").read_text() == "***"
    assert [path.read_text() for path in (out / "hunter2").iterdir()] == ["***"]
