"""Beacon: reports of a tool whose root is `robot`, as cases."""

from davy.pipeline.suites.reports.cases import Case, CaseResult
from davy.pipeline.suites.reports.formats import junit_cases
from davy.pipeline.suites.reports.formats.junit_cases import LONGEST_TEXT, CaseOutcome, Draft, Words
from davy.pipeline.suites.reports.formats.xml import LONGEST_NAME, ReportXml, counted_in

ROOT = "robot"


class BeaconEyes:
    """Takes the parser's events in; holds the finished cases."""

    def __init__(self) -> None:
        self.cases: list[Case] = []
        self.tools: set[str] = set()
        self.foreign = ""
        self._xml = ReportXml(self)

    def feed(self, piece: str, *, last: bool = False) -> None:
        """Raises Broken."""
        self._xml.feed(piece, last=last)

    def notes(self) -> tuple[str, ...]:
        """Nothing is cut."""
        return ()

    def declares(self, name: str) -> None:
        """See the parser's reader."""

    def says(self, text: str) -> None:
        """See the parser's reader."""

    def ends(self, word: str) -> None:
        """See the parser's reader."""

    def begins(self, word: str, told: dict[str, str]) -> None:
        """See the parser's reader."""
        if word != "test":
            return
        counted_in(len(self.cases))
        draft = Draft(
            name=told.get("name", "")[:LONGEST_NAME],
            classname="",
            seconds=0.0,
            file="",
            line="",
            output=Words(LONGEST_TEXT),
            errors=Words(LONGEST_TEXT),
        )
        if told.get("status") != "PASS":
            draft.outcomes.append(CaseOutcome(CaseResult.FAILED, "", Words(LONGEST_TEXT)))
        self.cases.append(junit_cases.case(draft))
