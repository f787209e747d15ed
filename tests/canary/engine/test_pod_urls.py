"""Where the canary's own pods answer: by the held rollout's hash, their Service's port, their own address."""

from dataclasses import replace
from datetime import UTC, datetime

from davy.canary.engine.pod_urls import held_pods, is_at_a_step, urls
from davy.canary.platforms.kubernetes.documents import ports_of
from davy.canary.ports.snapshot import PodView, Snapshot
from davy.pipeline.core.events import Restore
from davy.pipeline.core.workload import Workload

NOW = datetime(2026, 5, 1, tzinfo=UTC)
OWN = Restore(images={"shop": "a@sha256:0"}, strategy="{}", min_ready_seconds=None, progress_deadline_seconds=None)


def pod(name: str, side: str, **more: object) -> PodView:
    known = {"ready": True, "serving": True, "created_at": NOW, "ip": "10.0.0.7", "port": 8080}
    return PodView(name=name, hash=side, **(known | more))  # type: ignore[arg-type]


HELD = Snapshot(
    workload=Workload(namespace="shop", name="checkout"),
    replicas=2,
    images={"shop": "a@sha256:1"},
    hash="new",
    is_current=True,
    is_frozen=True,
    size=1,
    own=OWN,
    held=OWN,
    release="r",
    stable_hash="old",
    pods=(pod("s", "old"), pod("c", "new"), pod("gone", "new", terminating=True), pod("other", "third")),
)


def test_only_the_held_rollouts_own_pods_are_the_canarys() -> None:
    assert [one.name for one in held_pods(HELD)] == ["c"]
    assert held_pods(replace(HELD, held=None)) == ()
    assert held_pods(replace(HELD, hash="old")) == ()
    assert held_pods(replace(HELD, hash="")) == ()


def test_suites_wait_until_the_step_is_there_whole() -> None:
    assert is_at_a_step(HELD)
    assert not is_at_a_step(replace(HELD, is_frozen=False))
    assert not is_at_a_step(replace(HELD, pods=(*HELD.pods, pod("late", "new", ready=False))))
    assert not is_at_a_step(replace(HELD, pods=()))


def test_a_url_is_the_pods_own_address_and_the_services_port_unless_another_is_said() -> None:
    assert urls(held_pods(HELD)) == ("http://10.0.0.7:8080",)
    assert urls(held_pods(HELD), port=9000) == ("http://10.0.0.7:9000",)
    assert urls([pod("six", "new", ip="fd00::7", port=0)]) == ("http://[fd00::7]:80",)
    assert urls([pod("no", "new", ready=False), pod("none", "new", ip="")]) == ()


def test_of_several_ports_the_one_named_like_http_counts() -> None:
    def sliced(*ports: tuple[str, int]) -> dict[str, object]:
        target = {"targetRef": {"kind": "Pod", "name": "c"}}
        return {"ports": [{"name": name, "port": port} for name, port in ports], "endpoints": [target]}

    assert ports_of([sliced(("metrics", 9090), ("http-web", 8080))]) == {"c": 8080}
    assert ports_of([sliced(("grpc", 9000), ("metrics", 9090))]) == {"c": 9000}
    assert ports_of([sliced(("metrics", 9090)), sliced(("http", 8080))]) == {"c": 8080}
    assert ports_of([sliced()]) == {}
