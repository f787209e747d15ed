"""What the pictures of a verdict must do: show it at every size, and let nothing in a trace become more than text."""

import dataclasses
import math
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from davy.checks.judges.sequential.case import Metric, Rules
from davy.checks.traces.result import Look, ReplayEnd, TraceResult
from davy.checks.traces.trace import Glance, Trace
from davy.pipeline.core.verdict import Counts, Evidence, Pair
from davy.workflows.render.plots import axes, curves
from davy.workflows.render.plots.canvas import Ink
from davy.workflows.render.plots.chart import bars, drawn, intervals, line
from davy.workflows.render.plots.page import page
from davy.workflows.render.plots.shapes import CANARY, OTHER, Bar, Curve, Group, Interval, Limit
from judged import AVAILABILITY, LATENCY, SHOP, judged, traced
from made.verdict import text as document

HOSTILE = "</title></svg></style><script>alert(1)</script>\"' onload=x]]>&amp;\x1b]0;x\x07\x1b[2J\u202e\ud800\ufffe"
FORTY = [Metric(name=f"metric {i} of checkout, which has very many", objective=0.999) for i in range(39)] + [LATENCY]


TRACES = {
    "bad": lambda: traced(errors=5),
    "good": traced,
    "slow": lambda: traced(slow=1.4),
    "nothing": lambda: traced(windows=0),
    "no metric": lambda: traced([], windows=3),
    "one window": lambda: traced(windows=1),
    "no bad event": lambda: traced(rate=0.0, windows=30),
    "no request": lambda: traced(rps=0.0, windows=5),
    "forty metrics": lambda: traced(FORTY, windows=12),
    "outage": lambda: traced(errors=600.0, windows=60),
    "hostile": lambda: traced([replace(AVAILABILITY, name=HOSTILE, bad_words=HOSTILE), LATENCY], windows=8),
}
CASES = (*TRACES, "threshold", "no stable side")


@cache
def case(name: str) -> tuple[TraceResult, Trace]:
    """Made when it is first looked at: to collect these tests costs nothing."""
    if name in TRACES:
        trace = TRACES[name]()
        return judged(trace, to_end=name == "outage"), trace
    bad, trace = case("bad")
    if name == "threshold":
        bare = tuple(Look(t=look.t) for look in bad.looks)
        return replace(bad, judge="threshold", looks=bare, roll_back_at=None, promote_at=None), trace
    alone = replace(trace, windows=tuple(_without_stable(one) for one in trace.windows))
    return judged(alone), alone


def _without_stable(one: Glance) -> Glance:
    none = Counts(bad=0, total=0)
    return Glance(t=one.t, counts={name: replace(pair, stable=none) for name, pair in one.counts.items()})


def tree(html: str) -> ET.Element:
    """The page is well-formed XML, so a parser that forgives nothing can read it."""
    return ET.fromstring(html.removeprefix("<!DOCTYPE html>\n"))  # noqa: S314 - our own


def bones(html: str) -> list[tuple[str, tuple[str, ...]]]:
    """Every element and the names of its attributes."""
    return [(one.tag, tuple(one.attrib)) for one in tree(html).iter()]


@pytest.mark.parametrize("name", CASES)
def test_a_page_needs_nothing_but_itself(name: str) -> None:
    html = page(*case(name))
    html.encode()
    kinds = {one.tag.rpartition("}")[2] for one in tree(html).iter()}
    attributes = {key.lower() for one in tree(html).iter() for key in one.attrib}
    assert not kinds & {"script", "link", "img", "iframe", "object", "image", "use", "a", "foreignObject"}
    assert not {key for key in attributes if key.startswith("on") or "href" in key or key in {"src", "style"}}
    (style,) = (one.text or "" for one in tree(html).iter("style"))
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.parametrize("name", CASES)
def test_every_picture_says_what_it_shows_and_no_number_in_it_is_none(name: str) -> None:
    html = page(*case(name))
    for picture in (one for one in tree(html).iter() if one.get("role") == "img"):
        title, words = list(picture)[:2]
        assert picture.get("aria-labelledby") == f"{title.get('id')} {words.get('id')}"
        assert title.text
        assert words.text
        for one in picture.iter():
            for value in (one.get(key, "") for key in ("d", "x", "y", "cx", "cy", "width", "height", "transform")):
                assert not re.search("nan|inf|e[+-]", value), value
    keys = [one.get("id") for one in tree(html).iter() if one.get("id")]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", CASES)
def test_words_and_marks_stay_on_the_picture(name: str) -> None:
    for picture in (one for one in tree(page(*case(name))).iter() if one.get("role") == "img"):
        _, _, width, height = map(float, picture.get("viewBox", "").split())
        for one in picture.iter("{http://www.w3.org/2000/svg}text"):
            length = 5.5 * len(one.text or "")
            kinds = (one.get("class") or "").split()
            begin = float(one.get("x", 0)) - (length if "end" in kinds else length / 2 if "mid" in kinds else 0)
            assert begin >= -4, one.text
            assert begin + length <= width + 10, one.text
            assert 0 <= float(one.get("y", 0)) <= height, one.text


class Forgiving(HTMLParser):
    """Reads a page as browsers do."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


def read_by_a_browser(html: str) -> list[tuple[str, tuple[str, ...]]]:
    parser = Forgiving()
    parser.feed(html)
    parser.close()
    return parser.found


def renamed(names: dict[str, str], bound: str, sentence: str) -> tuple[TraceResult, Trace]:
    """A small case in which every text is from outside."""
    metrics = (
        replace(AVAILABILITY, name=names["a"], bad_words=names["b"]),
        replace(LATENCY, name=names["c"], bound=bound, bounds=(bound,)),
    )
    above = {bound: 3, "0.1": 5}
    counts = {
        names["a"]: Pair(canary=Counts(bad=4, total=90), stable=Counts(bad=3, total=900)),
        names["c"]: Pair(canary=Counts(bad=3, total=90, above=above), stable=Counts(bad=3, total=900, above=above)),
    }
    trace = Trace(metrics=metrics, windows=tuple(Glance(t=15.0 * i, counts=counts) for i in (1, 2, 3)))
    finding = judged(trace, to_end=True)
    return replace(finding, sentence=sentence, judge=names["b"], blame=names["a"]), trace


TEXTS = st.one_of(
    st.text(min_size=1), st.sampled_from([HOSTILE, "<", "-->", "]]>", "' x='", "\ud800", "\x00", "&#x3c;"])
)


@given(a=TEXTS, b=TEXTS, c=TEXTS, bound=TEXTS, sentence=TEXTS)
@settings(max_examples=60, deadline=None)
def test_no_text_of_a_trace_becomes_anything_but_text(a: str, b: str, c: str, bound: str, sentence: str) -> None:
    if a == c:
        c += "2"
    if bound == "0.1":
        bound = "0.2"
    tame = page(*renamed({"a": "a", "b": "b", "c": "c"}, "zz", "s"))
    html = page(*renamed({"a": a, "b": b, "c": c}, bound, sentence))
    html.encode()
    assert [tag for tag, _ in bones(html)] == [tag for tag, _ in bones(tame)]
    assert sorted(set(bones(html))) == sorted(set(bones(tame)))
    assert [tag for tag, _ in read_by_a_browser(html)] == [tag for tag, _ in read_by_a_browser(tame)]


@given(a=TEXTS, b=TEXTS, c=TEXTS, bound=TEXTS, sentence=TEXTS, width=st.integers(30, 200))
@settings(max_examples=60, deadline=None)
def test_no_text_of_a_trace_moves_the_cursor_or_breaks_the_width(
    *, a: str, b: str, c: str, bound: str, sentence: str, width: int
) -> None:
    if a == c:
        c += "2"
    told = drawn(*renamed({"a": a, "b": b, "c": c}, bound, sentence), width, color=False)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", told)
    assert max(map(cell_len, told.split("\n"))) <= max(width, 40)
    plain = drawn(*renamed({"a": a, "b": b, "c": c}, bound, sentence), width, color=False, unicode=False)
    assert plain.isascii()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("unicode", [True, False])
def test_a_chart_fits_its_width_and_says_the_verdict_first(name: str, width: int, unicode: bool) -> None:
    finding, trace = case(name)
    told = drawn(finding, trace, width, color=False, unicode=unicode).split("\n")
    assert told[0].startswith(curves.ending(finding)[:40])
    assert max(map(cell_len, told)) <= max(width, 40)
    assert not re.search("\\bnan\\b|\\binf\\b", "\n".join(told))


def test_colour_changes_no_letter() -> None:
    finding, trace = case("bad")
    colored = drawn(finding, trace, 80, color=True)
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == drawn(finding, trace, 80, color=False)


def test_the_first_24_lines_hold_the_sentence_and_the_evidence_against_the_canary() -> None:
    finding, trace = case("bad")
    screen = drawn(finding, trace, 80, color=False).split("\n")[:23]
    assert any("rolled back from here on" in row for row in screen)
    assert any("share" in row for row in screen)
    assert any("all together" in row for row in screen)


def test_the_line_that_decides_crosses_the_limit_at_the_verdict() -> None:
    finding, trace = case("bad")
    together = curves.against(finding, trace)[0]
    crossed = [t for t, log in together.points if log >= curves.common(finding.roll_back_at or 0) - 1e-9]
    assert crossed[0] == finding.at


def test_evidence_of_any_size_has_a_place_and_a_name() -> None:
    huge = Look(t=1.0, log_e_roll_back=1e6, log_e_burn=-1e6, evidence=())
    odd = [Look(t=2.0, log_e_roll_back=math.inf, log_e_burn=-math.inf), Look(t=3.0, log_e_roll_back=math.nan)]
    finding = replace(case("bad")[0], looks=(huge, *odd))
    for told in (page(finding, case("bad")[1]), drawn(finding, case("bad")[1], 80, color=False)):
        assert "over 10^99999" in told
    assert axes.whole(1e6 / math.log(10)) == "over 10^99999"
    assert axes.whole(300.5) == "10^300"
    assert axes.whole(curves.common(-math.log(0.01))) == "100"


FLOATS = st.floats(allow_nan=True, allow_infinity=True)
SIDES = st.builds(
    lambda total, part, above: Counts(
        bad=min(part, total), total=total, above={k: min(v, total) for k, v in above.items()}
    ),
    st.integers(0, 10**18),
    st.integers(0, 10**6),
    st.dictionaries(
        st.sampled_from(["0.1", "0.5", "1", "+Inf", "NaN", "-1", "1e400", "x"]), st.integers(0, 10**6), max_size=5
    ),
)


@st.composite
def anything(draw: st.DrawFn) -> tuple[TraceResult, Trace]:
    """Figures no judge would give, in every combination."""
    times = draw(st.lists(FLOATS, max_size=6))
    names = draw(st.lists(st.sampled_from("abc"), unique=True, max_size=3))
    looks, windows = [], []
    for t in times:
        evidence = tuple(
            Evidence(
                metric=name,
                canary=draw(SIDES),
                stable=draw(SIDES),
                log_e_roll_back=draw(FLOATS),
                log_e_promote=draw(FLOATS),
                ratio=draw(st.none() | st.tuples(FLOATS, FLOATS)),
                share=draw(st.floats(0, 1)),
            )
            for name in names
        )
        looks.append(Look(t=t, log_e_roll_back=draw(st.none() | FLOATS), log_e_burn=draw(FLOATS), evidence=evidence))
        windows.append(Glance(t=t, counts={name: Pair(canary=draw(SIDES), stable=draw(SIDES)) for name in names}))
    metrics = tuple(
        Metric(name=name, objective=draw(st.none() | st.floats(0, 1)), bound=draw(st.sampled_from(["", "0.5", "x"])))
        for name in names
    )
    rules = Rules(alpha=draw(st.floats(1e-300, 0.5)), beta=draw(st.floats(1e-300, 0.5)), tolerate=draw(st.floats(1, 9)))
    trace = Trace(metrics=metrics, rules=rules, windows=tuple(windows), worse=draw(st.floats(1, 99)))
    finding = TraceResult(
        judge="sequential",
        verdict=draw(st.sampled_from(ReplayEnd)),
        at=draw(st.none() | (st.sampled_from(times) if times else st.none())),
        looks=tuple(looks),
        sentence="s",
        roll_back_at=draw(st.none() | st.just(rules.roll_back_at)),
        promote_at=draw(st.none() | st.just(rules.promote_at)),
    )
    return finding, trace


@given(case=anything(), width=st.integers(10, 120), unicode=st.booleans())
@settings(max_examples=80, deadline=None)
def test_no_figures_break_a_picture(case: tuple[TraceResult, Trace], width: int, unicode: bool) -> None:
    html = page(*case)
    for one in tree(html).iter():
        assert not re.search("nan|inf", " ".join(one.get(key, "") for key in ("d", "x", "y", "width", "height")))
    told = drawn(*case, width, color=False, unicode=unicode)
    assert [row for row in told.split("\n") if cell_len(row) > max(width, 40)] == []


def test_a_thousand_windows_and_forty_metrics_stay_a_small_page() -> None:
    look = case("forty metrics")[0].looks[-1]
    finding = replace(case("forty metrics")[0], looks=tuple(replace(look, t=15.0 * i) for i in range(1, 1001)))
    assert len(page(finding, case("forty metrics")[1])) < 500_000
    many = traced(windows=1000, rps=10.0)
    assert len(page(judged(many, to_end=True), many)) < 100_000


def test_the_shares_above_the_bounds_fall_and_lie_within_their_whiskers() -> None:
    finding, trace = case("slow")
    (latency,) = (one for one in curves.sides(finding, trace) if one.metric.bounds)
    told = curves.survival(latency, "canary", latency.canary, CANARY)
    shares = [share for _, share in told.points]
    assert shares == sorted(shares, reverse=True)
    assert all(low <= share <= high for share, (low, high) in zip(shares, told.whiskers, strict=True))
    assert [curves.bound_words(bound) for bound in curves.bounds(latency)] == ["100ms", "250ms", "500ms", "1s", "2.5s"]


def test_a_line_and_its_limit_stand_where_the_axis_says() -> None:
    y = axes.Axis(low=0, high=4, ticks=(axes.Tick(0, "0"), axes.Tick(4, "4")))
    x = axes.Axis(low=0, high=10, ticks=(axes.Tick(0, "0"), axes.Tick(10, "10s")))
    rising = Curve(name="rising", points=((0.0, 0.0), (10.0, 4.0)))
    crowd = Curve(name="of a crowd", points=((0.0, 4.0),), hue=OTHER)
    rows = line([rising, crowd], [Limit(at=2.0, words="half")], 60, 5, x=x, y=y, ink=Ink(color=False, unicode=False))
    assert rows[0].rstrip().endswith("# # rising 10,000")
    assert rows[4].startswith("      0 │###")
    assert "half" in rows[2]
    assert rows[4].rstrip().endswith("and 1 more")


def test_bars_and_intervals_are_drawn_to_scale() -> None:
    ink = Ink(color=False)
    axis = axes.Axis(low=0, high=1)
    pair = (Bar(name="canary", value=1.0, words="100%", hue=2), Bar(name="stable", value=0.5, words="50%", hue=1))
    title, full, half = bars([Group(name="errors", bars=pair)], axis, 60, ink)
    assert title.strip() == "errors"
    assert full.count("▇") == 2 * half.count("▇")
    (row, _) = intervals([Interval(name="errors", low=0.25, high=0.75, words="x")], [Limit(at=0.5)], axis, 60, ink)
    assert row.index("┼") - row.index("├") == pytest.approx(row.index("┤") - row.index("┼"), abs=1)


def test_the_picture_in_the_documents_shows_one_of_each_verdict() -> None:
    ET.fromstring(document())  # noqa: S314 - our own
    assert judged(traced([AVAILABILITY], errors=5.0, seed=3)).verdict is ReplayEnd.ROLL_BACK
    assert judged(traced([AVAILABILITY], seed=3)).verdict is ReplayEnd.PROMOTE


def test_what_lies_behind_the_last_look_is_not_drawn() -> None:
    finding, trace = case("bad")
    assert len(trace.windows) > finding.windows
    assert page(finding, trace) == page(finding, replace(trace, windows=trace.windows[: finding.windows]))


def test_every_field_of_the_shop_is_on_its_page() -> None:
    finding, trace = case("bad")
    told = " ".join(tree(page(finding, trace)).itertext())
    for metric in SHOP:
        assert metric.name in told
    assert finding.sentence in told
    assert "rolled back at" in told
    last = {one.metric: one for one in finding.looks[-1].evidence}["availability"]
    assert f"{last.canary.bad:,} of {last.canary.total:,}" in told
    assert dataclasses.is_dataclass(last)
