"""A story that is overheard stays the same story."""

from collections.abc import Generator
from datetime import UTC, datetime

from davy.pipeline.core.events import Event, LogLine, Warned
from davy.workflows.story.recorder import overheard

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LINE = LogLine(at=NOW, source="build", line="one")
WORD = Warned(at=NOW, what="two")


def story(ended: list[str]) -> Generator[Event, None, str]:
    try:
        yield LINE
        yield WORD
    finally:
        ended.append("ended")
    return "value"


def test_every_event_comes_through_with_the_value_and_those_of_the_kinds_are_written_down() -> None:
    values: list[str] = []
    seen: list[Warned] = []

    def listener() -> Generator[Event, None, None]:
        values.append((yield from overheard(story([]), seen, Warned)))

    assert list(listener()) == [LINE, WORD]
    assert seen == [WORD]
    assert values == ["value"]


def test_a_story_ends_where_nobody_listens_any_more() -> None:
    ended: list[str] = []
    listened = overheard(story(ended), list[Warned](), Warned)
    assert next(listened) == LINE
    listened.close()
    assert ended == ["ended"]
