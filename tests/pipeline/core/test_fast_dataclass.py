"""A value is what `dataclasses.dataclass(frozen=True, slots=True, kw_only=True)` makes, defined for less."""

import copy
import dataclasses
import pickle

import pytest

from davy.pipeline.core.fast_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Made(Base):
    name: str = "none"
    words: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    at: int
    name: str = "none"
    words: list[str] = dataclasses.field(default_factory=list)


def test_fields_defaults_and_inheritance_are_the_standard_librarys():
    assert [field.name for field in dataclasses.fields(Made)] == ["at", "name", "words"]
    assert repr(Made(at=1)) == repr(Standard(at=1)).replace("Standard", "Made")
    assert Made(at=1, words=["a"]) == Made(at=1, words=["a"]) != Made(at=2, words=["a"])
    assert Made(at=1).words is not Made(at=1).words
    assert Made.__match_args__ == Standard.__match_args__ == ()
    assert dataclasses.replace(Made(at=1), name="other").name == "other"
    assert not hasattr(Made(at=1), "__dict__")


@pytest.mark.parametrize("arguments", [(1,), (1, "name")])
def test_it_is_made_by_keywords_alone(arguments):
    with pytest.raises(TypeError):
        Made(*arguments)
    with pytest.raises(TypeError):
        Made(name="no time")
    with pytest.raises(TypeError):
        Made(at=1, nothing=2)


def test_it_cannot_be_changed():
    made = Made(at=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.at = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.other = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del made.at
    assert made.at == 1


def test_it_travels():
    made = Made(at=1, words=["a"])
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301
    assert copy.deepcopy(made) == made
    assert copy.copy(made) == made


def test_another_form_is_refused():
    with pytest.raises(TypeError, match="frozen"):
        dataclass(frozen=False, slots=True, kw_only=True)
