"""Header: a trace's first line, checked: which metrics, by which rules. Every problem at once. Pure."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from davy.checks.judges.sequential.case import Comparison, Metric, Rules
from davy.checks.traces.trace import GRID, NO_DATA_RULES, VERSION, Trace
from davy.pipeline.core.text.shares import share_of

SETTINGS = ("threshold", "mannwhitney")
ASIDE = "x_"
"""A key that begins so is somebody's own, and passed over."""
LARGEST = 1_000_000
"""Of a ratio, a weight, a dispersion: more is a mistake, and would leave no digits."""


def number(value: Any) -> bool:
    """True for a finite JSON number; `true` and `false` are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and _finite(value)


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # A whole number beyond every float.
        return False


def bound_value(text: Any) -> float | None:
    """The number a bucket bound means (`"0.5"`, `"0.50"` and `"5e-1"` are one); None where it means none."""
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        return None
    try:
        value = float(text)
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) and "_" not in str(text) else None


def bound_words(value: float) -> str:
    """`took over 500ms`."""
    return f"took over {value:g}s" if value >= 1 or value <= 0 else f"took over {1000 * value:g}ms"


@dataclass(frozen=True, slots=True)
class NumberRule:
    """What one number of the header may be."""

    least: float
    most: float
    open_ends: bool = False
    """True where neither end is allowed."""
    whole: bool = False

    def allows(self, value: Any) -> bool:
        """For a finite number."""
        if not number(value) or (self.whole and value != int(value)):
            return False
        inside: bool = self.least < value < self.most if self.open_ends else self.least <= value <= self.most
        return inside

    @property
    def words(self) -> str:
        """After `must be`."""
        kind = "a whole number" if self.whole else "a number"
        if math.isinf(self.most):
            return f"{kind} from {self.least:g} on"
        between = f"{kind} between {self.least:g} and {self.most:,g}"
        return between + ", neither of them" * self.open_ends


CHANCE = NumberRule(0, 1, open_ends=True)
POSITIVE = NumberRule(0, LARGEST, open_ends=True)
DISPERSION = NumberRule(1, LARGEST)
PARAMETERS = {
    "alpha": CHANCE,
    "beta": CHANCE,
    "tolerate": POSITIVE,
    "worse": POSITIVE,
    "burn_weight": NumberRule(0, 1),
    "burn": POSITIVE,
    "dispersion": DISPERSION,
    "bad_at_least": NumberRule(0, LARGEST, whole=True),
    "windows_at_least": NumberRule(0, LARGEST, whole=True),
    "promote_from": NumberRule(0, math.inf),
}
KEYS = ("name", "objective", "weight", "bound", "evidence", "against", "dispersion", "dispersion_from")
METRIC = {"objective": NumberRule(0, 100, open_ends=True), "weight": POSITIVE, "dispersion": DISPERSION}


@dataclass(slots=True)
class Header:
    """What was made of a first line, and what is wrong with it."""

    said: Callable[[str, str], None]
    """Notes a problem: what is wrong, and the path."""
    metrics: dict[str, Metric] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def trace(self, document: Mapping[str, Any]) -> Trace | None:
        """The trace without windows; None where the line is no header at all."""
        if "davy_trace" not in document:
            self.said('the first line is the header and begins {"davy_trace": 1, …}', "")
            return None
        if document["davy_trace"] != VERSION or isinstance(document["davy_trace"], bool):
            self.said(f"is version {document['davy_trace']!r}; this davy reads version {VERSION}", "davy_trace")
            return None
        self._unknown(document, ("davy_trace", "metrics", "parameters", "grid", *SETTINGS), "")
        self._grid(document, "grid")
        for name in SETTINGS:
            if name in document and not isinstance(document[name], dict):
                self.said("must be an object", name)
        parameters = self._parameters(document.get("parameters", {}))
        self._metrics(document.get("metrics"), parameters.get("dispersion"))
        return Trace(
            metrics=tuple(self.metrics.values()),
            rules=_rules(parameters),
            worse=parameters.get("worse", 2.0),
            promote_from=parameters.get("promote_from", 0.0),
            settings={name: document[name] for name in SETTINGS if name in document},
            origins=self.origins,
        )

    def _unknown(self, document: Mapping[str, Any], known: Iterable[str], path: str) -> None:
        known = tuple(known)
        for key in document:
            if key not in known and not key.startswith(ASIDE):
                self.said(f"is not known here; known are {', '.join(known)}, and {ASIDE}… is passed over", path + key)

    def _grid(self, document: Mapping[str, Any], path: str) -> None:
        if "grid" in document and (isinstance(document["grid"], bool) or document["grid"] != GRID):
            self.said(f"is {document['grid']!r}; the only grid there is, is {GRID}", path)

    def _parameters(self, document: Any) -> dict[str, float]:
        if not isinstance(document, dict):
            self.said("must be an object", "parameters")
            return {}
        self._unknown(document, (*PARAMETERS, "grid"), "parameters.")
        self._grid(document, "parameters.grid")
        found = {name: self._number(document, name, rule, "parameters.") for name, rule in PARAMETERS.items()}
        if document.get("promote_from", 0) is None:
            found["promote_from"] = math.inf
        return {name: value for name, value in found.items() if value is not None}

    def _number(self, document: Mapping[str, Any], name: str, rule: NumberRule, path: str) -> float | None:
        """None where it is not said, or wrong."""
        if name not in document or (name == "promote_from" and document[name] is None):
            return None
        if not rule.allows(document[name]):
            self.said(f"must be {rule.words}, not {document[name]!r}", path + name)
            return None
        return float(document[name])

    def _metrics(self, document: Any, dispersion: float | None) -> None:
        if not isinstance(document, list) or not document:
            self.said("must be a list of at least one metric", "metrics")
            return
        for index, entry in enumerate(document):
            self._metric(entry, dispersion, f"metrics[{index}]")

    def _metric(self, entry: Any, dispersion: float | None, path: str) -> None:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not entry["name"].strip():
            self.said('must be an object with a "name"', path)
            return
        name = entry["name"]
        if name in self.metrics:
            self.said(f"{name!r} is there twice", f"{path}.name")
            return
        self._unknown(entry, KEYS, f"{path}.")
        entry = {key: value for key, value in entry.items() if value is not None}
        found = {key: self._number(entry, key, rule, f"{path}.") for key, rule in METRIC.items()}
        bound = bound_value(entry.get("bound"))
        if "bound" in entry and bound is None:
            self.said(f"must be a bucket bound, a number, not {entry['bound']!r}", f"{path}.bound")
        form = entry.get("evidence", Comparison.CONDITIONAL.value)
        if form not in tuple(Comparison):
            self.said(f"must be {' or '.join(Comparison)}, not {form!r}", f"{path}.evidence")
        against = entry.get("against", "stable")
        if not isinstance(against, str):
            self.said("must be words, or empty where there is nothing to compare with", f"{path}.against")
        own, origin = found["dispersion"], entry.get("dispersion_from", "")
        if not isinstance(origin, str):
            self.said("must be words", f"{path}.dispersion_from")
        said = "its own entry" if own is not None else "the default" if dispersion is None else "parameters"
        self.origins[name] = str(origin) or said
        self.metrics[name] = Metric(
            name=name,
            objective=None if found["objective"] is None else share_of(found["objective"]),
            weight=1.0 if found["weight"] is None else found["weight"],
            dispersion=(dispersion or 1.0) if own is None else own,
            bound="" if bound is None else str(entry["bound"]),
            bad_words="failed" if bound is None else bound_words(bound),
            against=str(against),
            evidence=Comparison(form) if form in tuple(Comparison) else Comparison.CONDITIONAL,
        )


def _rules(parameters: Mapping[str, float]) -> Rules:
    plain = NO_DATA_RULES
    return Rules(
        alpha=parameters.get("alpha", plain.alpha),
        beta=parameters.get("beta", plain.beta),
        tolerate=parameters.get("tolerate", plain.tolerate),
        burn=parameters.get("burn", plain.burn),
        burn_weight=parameters.get("burn_weight", plain.burn_weight),
        bad_at_least=int(parameters.get("bad_at_least", plain.bad_at_least)),
        windows_at_least=int(parameters.get("windows_at_least", plain.windows_at_least)),
    )
