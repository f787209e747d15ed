"""Reader: a trace's lines, one at a time, each checked; what is wrong is noted with its number. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from davy.checks.judges.sequential.case import Metric
from davy.checks.traces.header import ASIDE, Header, bound_value, bound_words, number
from davy.checks.traces.trace import Glance, Trace
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.json import tree
from davy.pipeline.core.verdict import NOTHING, Counts, Pair

MOST = 2**53
"""Above it a count is no exact number to most programs."""
KEYS = frozenset({"t", "canary", "stable", "worse", "gap"})
ENTRY = {"total", "bad"}
REMEDY = "Mend these lines; docs/trace.md has the format."


class _Wrong(ValueError):
    """What is wrong with the line at hand, and where in it."""

    def __init__(self, what: str, path: str = "") -> None:
        super().__init__(what)
        self.what, self.path = what, path


def read(lines: Iterable[bytes], file: str) -> Trace:
    """The whole trace. Raises Unusable with every malformed line."""
    reading = TraceReader(lines, file)
    windows = tuple(reading.windows())
    return replace(reading.checked(), windows=windows)


class TraceReader:
    """Lines to windows, without keeping them. Give it lines as a binary file iterates them."""

    def __init__(self, lines: Iterable[bytes], file: str) -> None:
        self._lines = enumerate(lines, start=1)
        self._file = file
        self._line = 1
        self._blank: list[int] = []
        self._last: float | None = None
        self._bounds: dict[str, dict[float, str]] = {}
        """By metric, each bound with its text in the first window; empty where `bad` is a plain number."""
        self.problems: list[Problem] = []
        self._header = Header(self._note)
        self._trace = self._first()

    def checked(self) -> Trace:
        """The header; of a histogram the metric has the bounds once a window was read. Raises Unusable: see `read`."""
        if self.problems or self._trace is None:
            raise Unusable(f"{self._file} is no usable trace.", problems=tuple(self.problems), remedy=REMEDY)
        return replace(self._trace, metrics=tuple(self._header.metrics.values()))

    @property
    def header(self) -> Trace | None:
        """What the first line says, so far as it is usable; see `problems`."""
        return self._trace

    def windows(self) -> Iterator[Glance]:
        """Each usable window."""
        for count, line in self._lines:
            self._line = count
            glance = self._glance(line)
            if glance is not None:
                yield glance

    def _note(self, what: str, path: str) -> None:
        self.problems.append(Problem(what=what, path=path, file=self._file, line=self._line))

    def _first(self) -> Trace | None:
        _, line = next(self._lines, (1, b""))
        line = line.removeprefix(b"\xef\xbb\xbf")
        try:
            if not line.strip():
                raise _Wrong('the first line is empty; it must be the header {"davy_trace": 1, …}')
            return self._header.trace(_document(line))
        except _Wrong as wrong:
            self._note(wrong.what, wrong.path)
            return None

    def _glance(self, line: bytes) -> Glance | None:
        try:
            if not line.strip():
                self._blank.append(self._line)
                return None
            self._fill_blanks()
            return self._window(_document(line))
        except _Wrong as wrong:
            self._note(wrong.what, wrong.path)
            return None

    def _fill_blanks(self) -> None:
        """Empty lines are nothing at the end, and a fault before another line."""
        self.problems += [Problem(what="is empty", file=self._file, line=line) for line in self._blank]
        self._blank.clear()

    def _window(self, document: Mapping[str, Any]) -> Glance:
        if not document.keys() <= KEYS:
            _known(document, KEYS, "")
        t = self._time(document.get("t"))
        if "canary" not in document:
            raise _Wrong("is missing", "canary")
        canary = self._side(document["canary"], "canary")
        stable = self._side(document["stable"], "stable") if document.get("stable") is not None else {}
        counts = {name: Pair(canary=held, stable=stable.get(name, NOTHING)) for name, held in canary.items()}
        if stable.keys() - canary.keys():
            counts |= {name: Pair(stable=held) for name, held in stable.items() if name not in counts}
        worse, gap = document.get("worse"), document.get("gap", False)
        if worse is not None and not (number(worse) and 0 < worse <= 1e6):
            raise _Wrong(f"must be a number above 0, not {worse!r}", "worse")
        if not isinstance(gap, bool):
            raise _Wrong(f"must be true or false, not {gap!r}", "gap")
        return Glance(t=t, counts=counts, worse=None if worse is None else float(worse), gap=gap)

    def _time(self, t: Any) -> float:
        if not number(t) or t < 0:
            raise _Wrong("must be a number of seconds from 0 on" + (f", not {t!r}" if t is not None else ""), "t")
        if self._last is not None and t <= self._last:
            raise _Wrong(f"must grow: it is {t:g} after {self._last:g}", "t")
        self._last = t
        return float(t)

    def _side(self, document: Any, path: str) -> dict[str, Counts]:
        if not isinstance(document, dict):
            raise _Wrong("must be an object", path)
        known, found = self._header.metrics, {}
        for name, entry in document.items():
            if name not in known and self._trace is not None:
                raise _Wrong(f"{name!r} is no metric of the header", path)
            if entry is not None:
                found[name] = self._counts(name, entry, f"{path}.{name}")
        return found

    def _counts(self, name: str, entry: Any, path: str) -> Counts:
        if not isinstance(entry, dict):
            raise _Wrong('must be an object with "total" and "bad"', path)
        if entry.keys() != ENTRY:
            _known(entry, ENTRY, f"{path}.")
            if missing := ENTRY - entry.keys():
                raise _Wrong("is missing", f"{path}.{min(missing)}")
        total, bad = _count(entry["total"], path, "total"), entry["bad"]
        if isinstance(bad, dict):
            return self._histogram(name, total, bad, f"{path}.bad")
        if self._bounds.setdefault(name, {}):
            raise _Wrong("must be a map of bounds, as in the first window", f"{path}.bad")
        bad = _count(bad, path, "bad")
        if bad > total:
            raise _Wrong(f"is more than the total: {bad} of {total}", f"{path}.bad")
        return Counts(bad=bad, total=total)

    def _histogram(self, name: str, total: int, bad: Mapping[str, Any], path: str) -> Counts:
        bounds = self._bounds.get(name)
        if bounds is None:
            bounds = self._bounds[name] = self._first_bounds(name, bad, path)
        if not bounds:
            raise _Wrong("must be a number, as in the first window", path)
        above: dict[str, int] = {}
        for text, count in bad.items():
            bound = bounds.get(_bound(text, path))
            if bound is None or bound in above:
                raise _Wrong(f"has other bounds than the first window ({', '.join(bounds.values())})", path)
            above[bound] = _count(count, path, text)
        if len(above) < len(bounds):
            raise _Wrong(f"has other bounds than the first window ({', '.join(bounds.values())})", path)
        before, more = total, "the total"
        for bound in bounds.values():
            if above[bound] > before:
                raise _Wrong(f"is more than {more}: {above[bound]} of {before}", f"{path}.{bound}")
            before, more = above[bound], "a lower bound has"
        return Counts(bad=above[self._header.metrics[name].bound] if self._trace else 0, total=total, above=above)

    def _first_bounds(self, name: str, bad: Mapping[str, Any], path: str) -> dict[float, str]:
        """The bounds in their order; the metric is told them, and which of them is the objective's."""
        values = {_bound(text, path): text for text in bad}
        if not bad or len(values) < len(bad):
            raise _Wrong("must map at least one bound, each once", path)
        bounds = dict(sorted(values.items()))
        if self._trace is None:
            return bounds
        metric: Metric = self._header.metrics[name]
        said = bound_value(metric.bound)
        if said is None and len(bounds) > 1:
            self._note(f'has {len(bounds)} bounds, so the header must say which is the metric\'s "bound"', path)
        if said is not None and said not in bounds:
            self._note(f"lacks the metric's bound {metric.bound} ({', '.join(bounds.values())})", path)
        # Noted once: later windows are read as if the first bound were meant.
        value = said if said is not None and said in bounds else next(iter(bounds))
        told = replace(metric, bound=bounds[value], bounds=tuple(bounds.values()), bad_words=bound_words(value))
        self._header.metrics[name] = told
        return bounds


def _document(line: bytes) -> dict[str, Any]:
    try:
        document = DECODER.decode(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise _Wrong("is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise _Wrong(f"is not JSON: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise _Wrong("is not JSON that makes sense here: nested too deep") from None
    except ValueError as error:
        raise _Wrong(f"is not usable JSON: {error}") from None
    if not isinstance(document, dict):
        raise _Wrong("is not a JSON object")
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"{tree.twice(pairs)!r} is there twice")
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)


def _known(document: Mapping[str, Any], known: Iterable[str], path: str) -> None:
    for key in document:
        if key not in known and not key.startswith(ASIDE):
            raise _Wrong(f"is not known here; {ASIDE}… is passed over", path + key)


@lru_cache(maxsize=1024)
def _float(text: str) -> float | None:
    return bound_value(text)


def _bound(text: str, path: str) -> float:
    value = _float(text)
    if value is None:
        raise _Wrong(f"{text!r} is no bucket bound: a number is wanted", path)
    return value


def _count(value: Any, path: str, name: str) -> int:
    if type(value) is not int and not (isinstance(value, float) and value.is_integer()):
        raise _Wrong(f"must be a whole number, not {value!r}", f"{path}.{name}")
    if not 0 <= value <= MOST:
        raise _Wrong(f"must be from 0 to 2^53, not {value!r:.40}", f"{path}.{name}")
    return int(value)
