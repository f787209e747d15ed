"""What BuildKit's progress is understood as."""

import base64
import json
from typing import Any

from davy.pipeline.builds.builders.buildkit_progress import Progress


def vertex(name: str, **more: Any) -> str:
    return json.dumps({"vertexes": [{"digest": name, "name": name, "started": "t", **more}]})


def printed(text: str, by: str = "v") -> str:
    return json.dumps({"logs": [{"vertex": by, "data": base64.b64encode(text.encode()).decode()}]})


def heard(*lines: str) -> tuple[Progress, list[str]]:
    told = Progress()
    return told, [said for line in lines for said in told.lines(line)]


def test_steps_are_told_once_and_the_frontends_own_are_not() -> None:
    name = "[linux/amd64 build 2/3] RUN make"
    _, said = heard(vertex("[internal] load .dockerignore"), vertex(name), vertex(name, completed="t"))
    assert said == [name]


def test_a_build_is_cached_only_where_every_layer_was() -> None:
    base, copy, run = "[1/3] FROM b", "[2/3] COPY a /a", "[3/3] RUN make"
    hit = {"completed": "t", "cached": True}
    assert heard(vertex(base, completed="t"), vertex(copy, **hit), vertex(run, **hit))[0].cached
    assert not heard(vertex(base, **hit), vertex(copy, **hit), vertex(run, completed="t"))[0].cached


def test_a_layer_that_is_fetched_from_a_cache_later_is_still_from_the_cache() -> None:
    run = "[3/3] RUN make"
    told, _ = heard(vertex(run, completed="t", cached=True), vertex(run, completed="t"))
    assert told.cached


def test_a_line_that_comes_in_pieces_is_told_whole() -> None:
    _, said = heard(printed("on the "), printed("way\r\nnext"), printed("!\n"))
    assert said == ["on the way", "next!"]


def test_the_failed_step_and_the_last_word_are_kept() -> None:
    run = "[3/3] RUN make"
    told, _ = heard(printed("no such target\n"), vertex(run, completed="t", error="exit code: 2"), "ERROR: it failed")
    assert (told.failed, told.error, list(told.last)) == (run, "it failed", ["no such target"])


def test_what_is_no_progress_is_told_as_it_is() -> None:
    lines = ("WARNING: x", '{"logs": [{"vertex": 1, "data": "%%%"}], "vertexes": 3}', "[]", "{", "7")
    assert heard(*lines)[1] == ["WARNING: x", "[]", "{", "7"]
