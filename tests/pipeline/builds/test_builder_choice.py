"""Which builder is chosen, and what is said where none is."""

from pathlib import Path

import pytest

from davy.pipeline.builds.builder_choice import chosen
from davy.pipeline.builds.ports import Builder, BuildOrder, Built
from davy.pipeline.core.errors import Missing, Unusable
from davy.pipeline.core.ports import Say
from twins.builds import MemoryBuilder

ORDER = BuildOrder(name="registry.test/shop/app", context=Path())


class Lacking:
    def __init__(self, *lacks: str, gone: bool = False) -> None:
        self._lacks, self._gone = lacks, gone

    def lacks(self, order: BuildOrder) -> tuple[str, ...]:
        if self._gone:
            raise Missing("nobody is there.", remedy="Install it.")
        return self._lacks

    def build(self, order: BuildOrder, say: Say) -> Built:
        raise AssertionError


def test_the_first_that_lacks_nothing_is_chosen() -> None:
    able = MemoryBuilder()
    candidates: dict[str, Builder] = {"gone": Lacking(gone=True), "poor": Lacking("it cannot"), "able": able}
    assert chosen(ORDER, candidates | {"later": MemoryBuilder()}) == ("able", able)


def test_all_reasons_of_all_builders_are_told_at_once() -> None:
    with pytest.raises(Unusable) as caught:
        chosen(ORDER, {"gone": Lacking(gone=True), "poor": Lacking("it cannot", "nor that")})
    said = [problem.what for problem in caught.value.problems]
    assert said == ["gone: nobody is there. Install it.", "poor: it cannot", "poor: nor that"]


def test_where_one_builder_is_asked_for_it_alone_is_named() -> None:
    with pytest.raises(Unusable, match="cannot be built by poor"):
        chosen(ORDER, {"poor": Lacking("it cannot")})
