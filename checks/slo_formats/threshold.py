"""Threshold: a threshold put down, with its query, its conditions and its place."""

import re
from collections.abc import Mapping

from davy.checks.slo_formats.promql_counters import VARIABLE
from davy.checks.slo_formats.yaml_node import YamlNode, name_of
from davy.pipeline.config.condition_answers import can_be_failed
from davy.pipeline.config.parsing.reader import Misfits, made
from davy.pipeline.config.sections.thresholds import ThresholdConfig, can_never_fail

TEMPLATE = re.compile(r"\{\{-?\s*([^{}]+?)\s*-?\}\}")
NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
SIDES = (
    'asks for no pod of the canary by name: put `pod=~"{canary}"` (your label for the pod) into its selectors, for '
    "here both versions are pods of one Deployment"
)

MATCHED = re.compile(r"""(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)""")
"""An operator of a matcher and its value."""
NEVER_FAILS = (
    "cannot fail: `failureLimit` allows as many failures as there are measurements, so it is good whatever comes"
)


def put(node: YamlNode, name: str, query: str, said: Mapping[str, object]) -> None:
    """One more threshold, where all of its parts could be read."""
    called = name_of(name)
    if not called or not query:
        return
    if first := node.found.place(called):
        node.refuse(f"a second check {called!r}, the first is at {first[0]}:{first[1]}; give it a name of its own")
        return
    if called != name:
        node.note(f"is called {called} here: a name is letters, digits, `-`, `_` and `.`, at most 63")
    try:
        threshold = made(ThresholdConfig, {"name": called, "query": query, **said})
    except Misfits as misfits:
        for item in misfits.errors:
            node.refuse(f"{'.'.join(map(str, item['loc']))}: {item['msg']}")
        return
    words = dict.fromkeys(word for _, value in MATCHED.findall(query) for word in VARIABLE.findall(value))
    # Of Keptn's, which has variables of its own, that is said already.
    if words and threshold.style != "davy":
        node.note(f"holds {', '.join(words)}: nothing here fills that in; write your value")
    if "{canary}" not in query:
        node.note(SIDES)
    if not can_be_failed(threshold):
        node.note("cannot fail: there is no answer that its conditions fail, so it is good whatever comes")
    elif can_never_fail(threshold) and threshold.style == "argo":
        node.note(NEVER_FAILS)
    node.found.thresholds.append(threshold)
    node.found.places[called] = (node.file, node.line)


def filled(node: YamlNode, text: str, values: Mapping[str, str]) -> str:
    """The query with the values that are known; what is not is noted and stays."""
    unknown = sorted({name for name in TEMPLATE.findall(text) if name not in values})
    for name in unknown:
        node.note(f"write your value in place of {{{{ {name} }}}}: it is known only where the template is used")
    return _lines(TEMPLATE.sub(lambda found: values.get(found[1], found[0]), text))


def placeheld(node: YamlNode, text: str, values: Mapping[str, str]) -> str:
    """The same for placeholders like `$SERVICE`."""

    def value(found: re.Match[str]) -> str:
        return values.get(found[1], found[0])

    made = re.sub(r"\$([A-Za-z_][A-Za-z0-9_]*)", value, text)
    for name in sorted(set(re.findall(r"\$([A-Za-z_][A-Za-z0-9_]*)", made))):
        node.note(f"write your value in place of ${name}")
    return _lines(made)


def _lines(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def texts(node: YamlNode) -> dict[str, str]:
    """The texts of a mapping by their keys; what is none is noted, and has no value."""
    if not isinstance(node.value, dict):
        return {}
    found = ((key, worded(node.at(key))) for key in node.value)
    return {str(key): text for key, text in found if text is not None}


def worded(node: YamlNode) -> str | None:
    """The text of a value, also an empty one; None, noted, where YAML takes it for no text and no number."""
    if isinstance(node.value, bool | list | dict):
        what = "a truth value" if isinstance(node.value, bool) else "no text"
        node.note(f"is {what} to YAML, so it has no value here; write the text in quotes")
        return None
    return None if node.value is None else f"{node.value}"


def valued(node: YamlNode, values: Mapping[str, str]) -> YamlNode | None:
    """The place with the values of arguments put in; None, refused, where one has none."""
    if not isinstance(node.value, str):
        return node
    missing = sorted({name for name in TEMPLATE.findall(node.value) if name not in values})
    if missing:
        node.refuse(f"takes {', '.join(missing)}, which has no value in the files; write yours")
        return None
    return node.replaced(TEMPLATE.sub(lambda found: values[found[1]], node.value))


def whole(node: YamlNode, least: int = 0) -> int | None:
    """A whole number that is there and at least this; None, noted, for another."""
    value = node.number() if node.there else None
    if value is None:
        return None
    if value != int(value) or value < least:
        node.refuse(f"must be a whole number of at least {least}")
        return None
    return int(value)
