"""What is written down is what is read back."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from davy.pipeline.core import events
from davy.pipeline.core.events import Event
from davy.pipeline.core.events.event import _KINDS
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.json import codec

OWN = [
    kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
]
KINDS = sorted(OWN, key=lambda kind: kind.__name__)
MOMENTS = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))
SPANS = st.integers(0, 10**10).map(lambda ms: timedelta(milliseconds=ms))
st.register_type_strategy(datetime, MOMENTS)
st.register_type_strategy(timedelta, SPANS)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_every_event_comes_back_from_its_json_as_it_was(kind, data):
    event = data.draw(st.from_type(kind))
    assert codec.decode(json.loads(json.dumps(codec.encode(event)))) == event


def test_the_registry_has_every_event_by_its_name():
    assert {name: kind for name, kind in events.KINDS.items() if kind.__module__.startswith("davy.")} == {
        kind.__name__: kind for kind in OWN
    }


def test_an_event_of_another_module_is_read_back():
    kind = elsewhere("Imploded")
    try:
        event = kind(at=datetime(2026, 5, 1, tzinfo=UTC), how="slowly")
        assert codec.decode(codec.encode(event)) == event
    finally:
        _KINDS.pop("Imploded")


def test_two_events_of_one_name_are_refused():
    with pytest.raises(TypeError, match=r"two events are called Warned: in davy\.\S+ and in elsewhere"):
        elsewhere("Warned")
    assert events.KINDS["Warned"] is events.Warned


def elsewhere(name: str) -> type[Event]:
    """An event of this name, of a module that is no part of davy's events."""
    body = {"__module__": "elsewhere", "__annotations__": {"how": str}}
    return dataclass(frozen=True, slots=True, kw_only=True)(type(name, (Event,), body))


def test_an_unknown_event_is_refused():
    with pytest.raises(ValueError, match="unknown event 'Imploded'"):
        codec.decode({"davy_event": 1, "event": "Imploded"})


def test_another_version_is_refused():
    with pytest.raises(ValueError, match="version 1"):
        codec.decode({"davy_event": 2, "event": "Held"})


def test_a_field_of_a_later_version_is_passed_over():
    document = {"davy_event": 1, "event": "Held", "at": "2026-01-01T00:00:00Z", "because": "x", "mood": "blue"}
    assert codec.decode(document) == events.Held(at=datetime(2026, 1, 1, tzinfo=UTC), because="x")
