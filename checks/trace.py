"""Trace: windows of counts with the rules they are judged by, as a value that any judge can replay."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from davy.checks.sequential import Metric, Rules
from davy.pipeline.model import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """The counts of one window."""

    t: float
    """Seconds since the trace began, at the window's end."""
    counts: Mapping[str, Pair]
    """By metric; one that is missing was not read in this window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What was counted, and by which rules it is judged."""

    metrics: tuple[Metric, ...]
    rules: Rules = field(default_factory=Rules)
    worse: float = 2.0
    """The ratio that promotion must exclude."""
    promote_from: float = 0.0
    """Seconds before which nothing is promoted: the last step had not begun."""
    windows: tuple[Glance, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Header entries of other judges: `threshold`, `mannwhitney`."""
