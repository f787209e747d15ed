"""Pod URLs: where the canary's own pods answer, for suites that run against them without any user's traffic. Pure."""

from collections.abc import Sequence

from davy.canary.ports.snapshot import PodView, Snapshot

DEFAULT_PORT = 80


def held_pods(snapshot: Snapshot) -> tuple[PodView, ...]:
    """The canary's pods that are to stay, by the `pod-template-hash` of the held rollout; none where none is held."""
    own = snapshot.hash
    if snapshot.held is None or not own or own == snapshot.stable_hash:
        return ()
    return tuple(pod for pod in snapshot.pods if pod.hash == own and not pod.terminating)


def is_at_a_step(snapshot: Snapshot) -> bool:
    """True where the rollout waits, all its canary pods Ready: what suites run against does not change under them."""
    pods = held_pods(snapshot)
    return snapshot.is_frozen and bool(pods) and all(pod.ready for pod in pods)


def urls(pods: Sequence[PodView], port: int | None = None) -> tuple[str, ...]:
    """Of the Ready ones, `http://10.1.2.3:8080`; `port` in place of the one their Service sends traffic to."""
    return tuple(
        f"http://{f'[{pod.ip}]' if ':' in pod.ip else pod.ip}:{port or pod.port or DEFAULT_PORT}"
        for pod in pods
        if pod.ready and pod.ip
    )
