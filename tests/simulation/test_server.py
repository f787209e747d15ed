"""The API server in memory, where davy's own adapters do not lean on it: pages, watches, refusals."""

from __future__ import annotations

import json

import pytest

from davy.pipeline.core.errors import Conflict, Unreachable
from simulation.exchange import DEPLOYMENT, MAPS, PODS, parse_request
from simulation.machine import Machine
from simulation.objects import Unfit, merged, patched
from simulation.world import World


@pytest.fixture
def world():
    made = World(1)
    yield made
    made.timeline.end()


def asked(world, target, method="GET", body=None, kind=""):
    data = None if body is None else json.dumps(body).encode()
    reply = world.server.answer(parse_request("hand", method, target, body=data, kind=kind))
    return reply.status, json.loads(reply.body)


def test_a_list_comes_in_pages(world):
    names, more = [], ""
    while True:
        _, page = asked(world, f"{PODS}?limit=3{more}")
        names += [item["metadata"]["name"] for item in page["items"]]
        if "continue" not in page["metadata"]:
            break
        more = f"&continue={page['metadata']['continue']}"
    assert len(names) == len(set(names)) == 4


def test_a_watch_tells_what_changed_since_the_list_and_ends_after_its_time(world):
    machine = Machine(world, "hand")
    version = machine.api.get(PODS)["metadata"]["resourceVersion"]
    grown = {**world.server.deployment, "spec": {**world.server.deployment["spec"], "replicas": 5}}
    world.timeline.at(2.0, lambda: world.server.write("kubectl", DEPLOYMENT, grown))
    query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": "10"}
    events = [json.loads(line) for line in machine.api.lines(PODS, query)]
    assert [event["type"] for event in events] == ["ADDED", "MODIFIED"]
    assert events[0]["object"]["metadata"]["name"] == events[1]["object"]["metadata"]["name"]
    assert world.timeline.now > 9


def test_a_watch_from_a_version_that_is_forgotten_is_gone(world):
    machine = Machine(world, "hand")
    with pytest.raises(Unreachable):
        list(machine.api.lines(PODS, {"watch": "true", "resourceVersion": "1"}))


def test_a_put_with_an_old_version_is_refused(world):
    machine = Machine(world, "hand")
    made = machine.api.create(MAPS, {"metadata": {"name": "one"}, "data": {"a": "1"}})
    machine.api.replace(f"{MAPS}/one", {**made, "data": {"a": "2"}})
    with pytest.raises(Conflict):
        machine.api.replace(f"{MAPS}/one", {**made, "data": {"a": "3"}})


def test_a_config_map_above_its_limit_is_refused(world):
    status, said = asked(world, MAPS, "POST", {"metadata": {"name": "one"}, "data": {"a": "x" * 1_100_000}})
    assert (status, said["reason"]) == (422, "Invalid")
    assert world.server.found(f"{MAPS}/one") is None


def test_a_write_that_changes_nothing_gives_no_new_version(world):
    before = world.server.deployment["metadata"]
    asked(world, DEPLOYMENT, "PATCH", {"spec": {"replicas": 4}}, "application/merge-patch+json")
    assert world.server.deployment["metadata"] == before
    asked(world, DEPLOYMENT, "PATCH", {"spec": {"replicas": 5}}, "application/merge-patch+json")
    after = world.server.deployment["metadata"]
    assert after["generation"] == before["generation"] + 1
    assert after["resourceVersion"] != before["resourceVersion"]


def test_a_json_patch_happens_whole_or_not_at_all():
    document = {"a": {"b": [1, 2]}, "c~/d": 1}
    ops = [{"op": "add", "path": "/a/b/0", "value": 0}, {"op": "replace", "path": "/c~0~1d", "value": 2}]
    assert patched(document, ops) == {"a": {"b": [0, 1, 2]} | {}, "c~/d": 2}
    with pytest.raises(Unfit):
        patched(document, [*ops, {"op": "test", "path": "/a/b/1", "value": 7}])
    with pytest.raises(Unfit):
        patched(document, [{"op": "remove", "path": "/a/x"}])
    assert patched(document, [{"op": "remove", "path": "/a/b/0"}]) == {"a": {"b": [2]}, "c~/d": 1}
    assert document == {"a": {"b": [1, 2]}, "c~/d": 1}


def test_a_merge_patch_takes_away_what_is_null():
    assert merged({"a": 1, "b": {"c": 1, "d": 2}}, {"a": None, "b": {"c": 3}}) == {"b": {"c": 3, "d": 2}}
