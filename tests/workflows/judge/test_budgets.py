"""`davy slo status` in words: a table of 80 columns, and JSON that says the same."""

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from davy.checks.budget.budget import Budget, Spent, burns_of, spans_of
from davy.pipeline.config.sections.objectives import FiledSlo, GateConfig, SloConfig
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.verdict import Gap
from davy.workflows.judge import budgets

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MONTH = timedelta(days=30)


def budget(name: str, bad: float, rate: float, *, since: datetime | None = None) -> Budget:
    readings = dict.fromkeys(spans_of(MONTH), Spent(bad=rate * 0.001, total=1))
    spent = Spent(bad=bad, total=1_000_000)
    burns = burns_of(readings, 0.999, MONTH)
    return Budget(name=name, objective=0.999, window=MONTH, at=NOW, spent=spent, burns=burns, since=since)


UNKNOWN = Budget(
    name="none", objective=0.99, window=MONTH, at=NOW, spent=Gap.ABSENT, burns=burns_of({}, 0.99, MONTH),
    why="there is no series of nope_total",
)  # fmt: skip


def test_the_table_says_what_is_left_and_how_it_burns() -> None:
    text = budgets.text([budget("availability", 290, 0.5), budget("errors", 1500, 20), UNKNOWN])
    head, limits, first, *rest = text.split("\n")
    assert head.split() == ["objective", "budget", "left", "1h/5m", "6h/30m", "1d/2h", "3d/6h"]
    assert limits.split() == ["page", "14.4x", "page", "6x", "ticket", "3x", "ticket", "1x"]
    assert first == "availability     ██████░░ 71%   ▁ 0.5/0.5   ▁ 0.5/0.5   ▂ 0.5/0.5   ▅ 0.5/0.5"
    burning = next(line for line in rest if line.startswith("errors "))
    assert burning == "errors           ░░░░░░░░ none  █ 20/20!    █ 20/20!    █ 20/20!    █ 20/20!"
    unknown = next(line for line in rest if line.startswith("none "))
    assert unknown.startswith("none             ???????? ?")
    assert "Cannot tell: there is no series of nope_total." in " ".join(text.split())


@given(
    name=st.text("abcdefgh-", min_size=2, max_size=63),
    bad=st.floats(0, 1e6),
    rate=st.floats(0, 1e6),
    days=st.none() | st.floats(0.001, 29),
)
def test_no_line_is_wider_than_80_columns(name: str, bad: float, rate: float, days: float | None) -> None:
    since = None if days is None else NOW - timedelta(days=days)
    text = budgets.text([budget(name, bad, rate, since=since)])
    assert max(len(line) for line in text.split("\n")) <= 80


def test_a_budget_that_is_nearly_whole_or_nearly_gone_does_not_look_like_it() -> None:
    whole, nearly, last = (budgets.text([budget("a", bad, 0)]) for bad in (0, 1, 999))
    assert "████████ 100%" in whole
    assert "███████░ >99%" in nearly
    assert "█░░░░░░░" in last


def test_the_document_says_everything_in_seconds_and_shares() -> None:
    slos = [
        FiledSlo(name="availability", objective=99.9, errors="e", total="t", file="slo.yaml", line=4),
        SloConfig(name="none", objective=99, errors="e", total="nope_total"),
    ]
    found = [budget("availability", 290, 2), UNKNOWN]
    document = budgets.document(found, slos, GateConfig(budget_left=10), ["none cannot tell"], Ending.REJECTED)
    said = json.loads(json.dumps(document))
    assert (said["davy_slo_status"], said["ending"]) == (1, "rejected")
    assert said["gate"] == {
        "budget_left": 0.1, "burning": "refuse", "passed": False, "refused": ["none cannot tell"],
    }  # fmt: skip
    first, second = said["objectives"]
    assert first["from"] == {"file": "slo.yaml", "line": 4}
    assert first["events"] == {"bad": 290.0, "total": 1e6, "bad_allowed": 1000.0, "bad_seen": True}
    assert first["window"] == 30 * 86400
    assert first["burn"][0]["long"] == {"window": 3600.0, "rate": first["burn"][0]["long"]["rate"], "gap": None}
    assert (second["gap"], second["budget_left"], second["events"]) == ("absent", None, None)
    assert second["burn"][0]["short"]["gap"] == "absent"
