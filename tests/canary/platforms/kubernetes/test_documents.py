"""What documents say of a Deployment, its sides and its pods."""

from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from cluster_texts import deployment, pod, replica_set, slice_of
from davy.canary.platforms.held_update import HELD_MIN_READY_SECONDS
from davy.canary.platforms.kubernetes.annotations import RELEASE, RESTORE, ROLLOUT, STABLE_HASH, restore_text
from davy.canary.platforms.kubernetes.documents import baseline_of, failure_of, own_settings, snapshot_of
from davy.canary.platforms.kubernetes.environment import surroundings_of
from davy.canary.platforms.kubernetes.selectors import selector_text, selects
from davy.canary.ports.snapshot import FailureKind, Snapshot
from davy.pipeline.core.workload import Workload

OLD, NEW = replica_set("old", revision=1, image="app:1"), replica_set("new")


def stand(document: Any = None, sets: Any = (OLD, NEW), pods: Any = (), slices: Any = ()) -> Snapshot:
    return snapshot_of(
        Workload(namespace="shop", name="checkout"),
        deployment=document or deployment(),
        replica_sets=sets,
        pods=pods,
        slices=slices,
    )


def test_the_template_hash_is_that_of_the_replica_set_with_the_deployments_revision() -> None:
    assert stand().hash == "new"


def test_there_is_no_template_hash_before_the_controller_saw_the_write() -> None:
    unseen = deployment()
    unseen["metadata"]["generation"] = 4
    assert (stand(unseen).is_current, stand(unseen).hash) == (False, "")


def test_there_is_no_template_hash_while_the_revision_is_still_the_old_templates() -> None:
    assert stand(sets=(OLD, replica_set("new", image="app:other"))).hash == ""


def test_a_replica_set_of_another_deployment_counts_for_nothing() -> None:
    other = replica_set("foreign", uid="rs-foreign", owner="d-2")
    snapshot = stand(sets=(other,), pods=[pod("a", "foreign")])
    assert (snapshot.hash, snapshot.pods) == ("", ())


def test_pods_of_the_baseline_are_those_of_its_own_present_template_whoever_else_its_selector_selects() -> None:
    old = replica_set("b-old", uid="rs-b-old", revision=1, image="app:0")
    foreign = replica_set("foreign", uid="rs-foreign", owner="d-2")
    pods = [pod("base-1", "new"), pod("base-0", "b-old"), pod("main-1", "foreign")]
    found = baseline_of("fresh", deployment=deployment(), replica_sets=(NEW, old, foreign), pods=pods, slices=())
    assert (found.name, [one.name for one in found.pods]) == ("fresh", ["base-1"])
    assert found.images == stand().images


def test_a_rollout_in_progress_is_read_from_its_marks() -> None:
    restore = own_settings(deployment())
    marked = deployment()
    marked["metadata"]["annotations"] |= {RELEASE: "r7", STABLE_HASH: "old", RESTORE: restore_text(restore)}
    # `kubectl rollout undo` brings annotations of past rollouts back from a ReplicaSet, but never the label.
    assert (stand(marked).held, stand(marked).release) == (None, "")
    marked["metadata"]["labels"] = {ROLLOUT: "7"}
    snapshot = stand(marked)
    assert (snapshot.release, snapshot.stable_hash, snapshot.held) == ("r7", "old", restore)
    assert stand().held is None


def test_a_hold_whose_label_somebody_took_away_is_a_rollout_in_progress() -> None:
    restore = own_settings(deployment())
    marked = deployment()
    marked["metadata"]["annotations"] |= {RELEASE: "r7", STABLE_HASH: "old", RESTORE: restore_text(restore)}
    marked["spec"]["minReadySeconds"] = HELD_MIN_READY_SECONDS
    snapshot = stand(marked)
    assert (snapshot.marked, snapshot.release, snapshot.held) == (True, "r7", restore)
    del marked["metadata"]["annotations"][RESTORE]
    assert not stand(marked).marked


def test_settings_are_kept_as_they_stand_and_what_is_not_set_stays_not_set() -> None:
    own = stand().own
    assert own.images == {"mesh": "mesh:1", "app": "app:2"}
    assert own.strategy == '{"rollingUpdate":{"maxSurge":"25%","maxUnavailable":0},"type":"RollingUpdate"}'
    assert (own.min_ready_seconds, own.progress_deadline_seconds) == (None, 600)


def test_a_pod_serves_when_any_slice_says_so() -> None:
    pods = [pod("a", "old"), pod("b", "new"), pod("c", "new"), pod("d", "new")]
    slices = [slice_of(a=True, b=False, c=None), slice_of(b=False)]
    assert {view.name: view.serving for view in stand(pods=pods, slices=slices).pods} == {
        "a": True,
        "b": False,
        "c": True,
        "d": False,
    }


def test_without_a_service_a_pod_serves_while_it_is_ready_and_not_on_its_way_out() -> None:
    leaving = pod("c", "old")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-05T09:10:00Z"
    pods = [pod("a", "old"), pod("b", "old", ready=False), leaving]
    views = stand(pods=pods, slices=[slice_of(other=True)]).pods
    assert [(view.name, view.serving, view.terminating) for view in views] == [
        ("a", True, False),
        ("b", False, False),
        ("c", False, True),
    ]


def test_a_pod_is_ready_since_its_condition_says_so() -> None:
    ready, unready = stand(pods=[pod("a", "old"), pod("b", "old", ready=False)]).pods
    assert ready.ready_since == datetime(2026, 1, 5, 9, 0, 7, tzinfo=UTC)
    assert unready.ready_since is None


def test_an_evicted_pod_is_neither_capacity_nor_trouble() -> None:
    evicted = pod("a", "old")
    evicted["status"]["phase"] = "Failed"
    assert stand(pods=[evicted]).pods == ()


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (
            "{name: app, restartCount: 3, state: {waiting: {reason: CrashLoopBackOff, message: back-off 10s}}, "
            "lastState: {terminated: {exitCode: 3, reason: Error}}}",
            FailureKind.CRASH_LOOP,
            "container app: CrashLoopBackOff: back-off 10s; it ended with exit code 3 (Error)",
        ),
        (
            "{name: app, restartCount: 1, state: {terminated: {exitCode: 1, reason: Error}}}",
            FailureKind.CRASH_LOOP,
            "container app: crashes; it ended with exit code 1 (Error)",
        ),
        (
            "{name: app, restartCount: 1, state: {running: {}}, "
            "lastState: {terminated: {exitCode: 137, reason: OOMKilled}}}",
            FailureKind.OUT_OF_MEMORY,
            "container app was killed: exit code 137 (OOMKilled)",
        ),
        (
            "{name: app, state: {waiting: {reason: ImagePullBackOff, message: not found}}}",
            FailureKind.IMAGE_PULL,
            "container app: ImagePullBackOff: not found",
        ),
        (
            "{name: app, state: {waiting: {reason: ErrImagePull, message: 'x: not found'}}}",
            FailureKind.IMAGE_PULL,
            "container app: ErrImagePull: x: not found",
        ),
        (
            "{name: app, state: {waiting: {reason: CreateContainerConfigError, message: no secret}}}",
            FailureKind.CONFIG_ERROR,
            "container app: CreateContainerConfigError: no secret",
        ),
    ],
)
def test_what_cannot_work_is_known_by_its_state(status: str, kind: FailureKind, words: str) -> None:
    trouble = failure_of({"status": {"containerStatuses": [yaml.safe_load(status)]}})
    assert trouble is not None
    assert (trouble.kind, trouble.words) == (kind, words)


@pytest.mark.parametrize(
    "status",
    [
        "{name: app, state: {running: {}}, lastState: {terminated: {exitCode: 1, reason: Error}}, restartCount: 1}",
        "{name: app, state: {terminated: {exitCode: 1, reason: Error}}, restartCount: 0}",
        "{name: app, state: {waiting: {reason: ErrImagePull, message: i/o timeout}}}",
        "{name: app, state: {waiting: {reason: ContainerCreating}}}",
        "{name: init, state: {terminated: {exitCode: 0, reason: Completed}}, restartCount: 1}",
    ],
)
def test_what_may_still_work_is_no_trouble(status: str) -> None:
    assert failure_of({"status": {"containerStatuses": [yaml.safe_load(status)]}}) is None


def test_an_init_container_can_be_the_trouble() -> None:
    waiting = {"name": "init", "restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    trouble = failure_of({"status": {"initContainerStatuses": [waiting], "containerStatuses": []}})
    assert trouble is not None
    assert trouble.kind is FailureKind.CRASH_LOOP


def test_a_pod_without_a_node_says_why() -> None:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
    trouble = failure_of({"status": {"conditions": [condition]}})
    assert trouble is not None
    assert (trouble.kind, trouble.words) == (FailureKind.UNSCHEDULABLE, "0/3 nodes")


SELECTOR = yaml.safe_load(
    "{matchLabels: {app: a}, matchExpressions: [{key: tier, operator: In, values: [x, y]}, "
    "{key: old, operator: DoesNotExist}, {key: env, operator: Exists}, {key: zone, operator: NotIn, values: [z]}]}"
)


def test_a_selector_is_written_as_the_api_reads_it() -> None:
    assert selector_text(SELECTOR) == "app=a,tier in (x,y),!old,env,zone notin (z)"


@pytest.mark.parametrize(
    ("labels", "chosen"),
    [
        ({"app": "a", "tier": "x", "env": "p"}, True),
        ({"app": "b", "tier": "x", "env": "p"}, False),
        ({"app": "a", "tier": "q", "env": "p"}, False),
        ({"app": "a", "tier": "x", "env": "p", "old": ""}, False),
        ({"app": "a", "tier": "x"}, False),
        ({"app": "a", "tier": "x", "env": "p", "zone": "z"}, False),
    ],
)
def test_a_selector_chooses_what_every_part_of_it_chooses(labels: dict[str, str], chosen: bool) -> None:
    assert selects(SELECTOR, labels) is chosen


def test_surroundings_name_what_could_pull_at_the_deployment() -> None:
    managed = deployment()
    managed["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] = "shop:apps/Deployment:shop/checkout"
    managed["spec"]["template"]["spec"]["containers"][1]["readinessProbe"] = {}
    hpa = "{metadata: {name: h}, spec: {maxReplicas: 9, minReplicas: 2, scaleTargetRef: {kind: Deployment, name: %s}}}"
    budget = "{metadata: {name: p}, spec: {maxUnavailable: 0, selector: {matchLabels: {app: %s}}}, status: {}}"
    found = surroundings_of(
        managed,
        autoscalers=[yaml.safe_load(hpa % name) for name in ("checkout", "other")],
        budgets=[yaml.safe_load(budget % name) for name in ("checkout", "other")],
        missing_rights=(),
    )
    assert found.without_readiness == ("mesh",)
    assert [(one.name, one.at_least, one.at_most) for one in found.autoscalers] == [("h", 2, 9)]
    assert [(one.name, one.allowed, one.rule) for one in found.budgets] == [("p", 0, "maxUnavailable: 0")]
    assert found.managers == ("Argo CD application shop",)


@pytest.mark.parametrize(
    ("labels", "fields", "managers"),
    [
        (
            {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux"},
            [],
            ("Flux Kustomization flux/apps",),
        ),
        ({"helm.toolkit.fluxcd.io/name": "shop"}, [], ("Flux HelmRelease shop",)),
        ({}, [{"manager": "argocd-controller"}, {"manager": "argocd-controller"}], ("Argo CD",)),
        ({}, [{"manager": "kubectl"}], ()),
    ],
)
def test_controllers_that_re_apply_are_known_by_their_marks(
    labels: dict[str, str], fields: list[dict[str, str]], managers: tuple[str, ...]
) -> None:
    managed = deployment()
    managed["metadata"] |= {"labels": labels, "managedFields": fields}
    assert surroundings_of(managed, autoscalers=[], budgets=[], missing_rights=()).managers == managers
