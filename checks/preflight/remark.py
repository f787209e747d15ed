"""Remark: one finding of the query linter, with its place, its reason and what to do. Pure."""

from enum import StrEnum

from davy.pipeline.config.sections.thresholds import LintRule
from davy.pipeline.core.fast_dataclass import dataclass

Place = tuple[str | int, ...]


class RemarkSeverity(StrEnum):
    """What a finding is."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One finding."""

    rule: LintRule
    severity: RemarkSeverity
    place: Place
    """Where in the configuration: `("checks", "thresholds", 0, "query")`."""
    why: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.why}; {self.remedy} ({self.rule})"
