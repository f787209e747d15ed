"""Selectors taken apart and put together."""

import re
from datetime import timedelta

import pytest

from davy.checks.samples.selectors import any_of, bound_matcher, selector


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("up", 'up{x="1"}'),
        ("up{}", 'up{x="1"}'),
        ('up{job="a"}', 'up{job="a",x="1"}'),
        ('up { job="a", } ', 'up{job="a",x="1"}'),
        ('up{path="/a{b}",q="say \\"}\\""}', 'up{path="/a{b}",q="say \\"}\\"",x="1"}'),
        ("up{path=~`/a,{1,2}\\d`}", 'up{path=~`/a,{1,2}\\d`,x="1"}'),
        ("up{path='it\\'s, so'}", "up{path='it\\'s, so',x=\"1\"}"),
        ('{__name__="up"}', '{__name__="up",x="1"}'),
        ('{"http.requests", job="a"}', '{"http.requests",job="a",x="1"}'),
    ],
)
def test_a_matcher_is_joined_whatever_the_selector_holds(text, joined):
    assert str(selector(text).joined('x="1"')) == joined


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("{}", "every series"),
        ("up[5m]", "no vector selector"),
        ("rate(up[5m])", "no vector selector"),
        ('up{job="a"}[5m]', "goes on"),
        ('up{job="a"} offset 5m', "goes on"),
        ('up{job="a"', "no closing brace"),
        ('up{job="a}', "no closing quote"),
        ("sum(up)", "no vector selector"),
    ],
)
def test_anything_but_a_selector_is_refused_with_the_reason(text, why):
    with pytest.raises(ValueError, match=why):
        selector(text)


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ('up{code=~"5.."}', True),
        ('up{code=~"5"}', False),
        ('up{code!~"5.."}', False),
        ('up{code!="200"}', True),
        ('up{code="500",pod=""}', True),
        ('up{pod!=""}', False),
        ("down", False),
        ('{__name__=~"u.",code="500"}', True),
    ],
)
def test_labels_are_matched_as_prometheus_does(text, selected):
    assert selector(text).matches({"__name__": "up", "code": "500"}) is selected


@pytest.mark.parametrize(
    ("seconds", "spellings"),
    [
        (0.5, ["0.5", "0.50", "5e-01", "0.49999999999999994"]),
        (0.128, ["0.128", "0.12800000000000003"]),
        (1, ["1", "1.0", "1e+00"]),
        (0.0005, ["0.0005", "5e-04", "0.00050"]),
        (0.00005, ["5e-05", "5e-5", "0.00005"]),
        (2.5, ["2.5", "2.50"]),
        (10, ["10", "10.0", "1e+01"]),
    ],
)
def test_a_bound_is_found_in_every_spelling_and_no_other_bound_is(seconds, spellings):
    regex = re.fullmatch(r'le=~"(.*)"', bound_matcher(timedelta(seconds=seconds))).group(1)
    for spelling in [*spellings, "+Inf", "Inf"]:
        assert re.fullmatch(regex, spelling), spelling
    for other in ("0.25", "5", "100", "0.05", "25", "0.005", "15", "1.05"):
        assert not re.fullmatch(regex, other), other


def test_names_of_pods_are_matched_literally():
    regex = any_of(("shop-1.b", "shop-2"))
    assert re.fullmatch(regex, "shop-1.b")
    assert not re.fullmatch(regex, "shop-1xb")
    assert "\\" not in regex
