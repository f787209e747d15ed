"""What stops a canary before it starts, and what it says."""

from dataclasses import replace

import pytest

from canary_stage import Stage
from davy.canary import preflight
from davy.canary.platforms.memory.platform import MemoryPlatform
from davy.canary.ports.snapshot import Baseline
from davy.canary.ports.surroundings import Autoscaler, Budget, Surroundings
from davy.canary.routers.replicas import Replicas
from davy.pipeline.config.document import Config
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.core.artifacts import Image

DIGEST = "sha256:" + "2" * 64
SURROUNDINGS = Surroundings(strategy="RollingUpdate", containers={"app": "shop/app@sha256:1", "proxy": "envoy:1.30"})
SCALER = Autoscaler(name="checkout", at_least=2, at_most=9)
BUDGET = Budget(name="checkout", allowed=0, rule="maxUnavailable: 0")


def config(canary=None, checks=None, **image):
    return made(
        Config,
        {
            "service": "checkout",
            "images": [{"name": "shop/app", **image}],
            "deploy": {"kubernetes": {"deployment": "checkout"}},
            "canary": canary or {},
            "checks": {"prometheus": "http://prometheus:9090", **(checks or {})},
        },
    )


def snapshot(**changes):
    return replace(MemoryPlatform(Stage().world).snapshot(), **changes)


def said(surroundings=SURROUNDINGS, now=None, **more):
    found = preflight.problems(surroundings, now or snapshot(), config(**more), Replicas())
    return [str(problem) for problem in found]


def test_a_deployment_in_order_has_no_problem():
    assert said() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"strategy": "Recreate"}, ["Recreate", "set spec.strategy.type to RollingUpdate"]),
        ({"without_readiness": ("app",)}, ["container app has no readiness probe", "add a readinessProbe"]),
        ({"autoscalers": (SCALER,)}, ["autoscaler checkout (2 to 9 pods)", "accept: [autoscaler]"]),
        ({"budgets": (BUDGET,)}, ["disruption budget checkout", "maxUnavailable: 0", "accept: [disruption-budget]"]),
        ({"missing_rights": ("patch deployments.apps", "create leases")}, ["patch deployments.apps, create leases"]),
        ({"containers": {"web": "other/web:1"}}, ["images[0].name", "no container", "web (docker.io/other/web)"]),
    ],
)
def test_each_risk_around_the_deployment_is_said_with_what_to_do(change, words):
    (sentence,) = said(replace(SURROUNDINGS, **change))
    assert all(word in sentence for word in words), sentence


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"replicas": 1}, ["one replica", "scale it to 2 or more"]),
        ({"replicas": 0}, ["scaled to 0", "scale it to 2 or more"]),
        ({"is_frozen": True}, ["paused, and not by davy", "kubectl rollout resume -n shop deployment/checkout"]),
        ({"is_current": False}, ["another rollout", "kubectl rollout status -n shop deployment/checkout"]),
    ],
)
def test_each_risk_of_the_deployment_itself_is_said_with_what_to_do(change, words):
    (sentence,) = said(now=snapshot(**change))
    assert all(word in sentence for word in words), sentence


def test_pods_of_two_versions_mean_that_another_rollout_is_in_progress():
    now = snapshot()
    mixed = (replace(now.pods[0], hash="other"), *now.pods[1:])
    assert "another rollout" in said(now=replace(now, pods=mixed))[0]
    gone = (replace(now.pods[0], hash="other", terminating=True), *now.pods[1:])
    assert said(now=replace(now, pods=gone)) == []


def test_all_problems_are_said_at_once():
    around = replace(SURROUNDINGS, strategy="Recreate", without_readiness=("app",), autoscalers=(SCALER,))
    assert len(said(around, snapshot(replicas=1), canary={"steps": ["60%", "50%"]})) == 6


def test_an_accepted_risk_is_a_warning():
    around = replace(SURROUNDINGS, autoscalers=(SCALER,), budgets=(BUDGET,))
    accepting = config(canary={"accept": ["autoscaler", "disruption-budget"], "steps": ["20%"]})
    assert preflight.problems(around, snapshot(), accepting, Replicas()) == ()
    assert len(preflight.warnings(around, snapshot(), accepting, Replicas())) == 2


def test_a_budget_that_allows_a_disruption_and_a_sidecar_without_a_probe_are_no_problem():
    around = replace(SURROUNDINGS, budgets=(replace(BUDGET, allowed=1),), without_readiness=("proxy",))
    assert said(around) == []


def test_gitops_is_a_warning_that_says_what_would_happen():
    around = replace(SURROUNDINGS, managers=("Argo CD",))
    (warning,) = preflight.warnings(around, snapshot(), config(canary={"steps": ["20%"]}), Replicas())
    assert "Argo CD" in warning
    assert "pause its sync" in warning


def test_a_container_named_in_the_file_must_be_there():
    (sentence,) = said(container="web")
    assert sentence.startswith("images[0].container: the Deployment has no container web; it has app")


def test_an_image_goes_to_the_container_with_the_same_repository_and_is_known_to_serve_already():
    image = Image(name="shop/app", digest=DIGEST)
    placement = preflight.placed(SURROUNDINGS, config().images, [image])
    assert placement.images == {"app": f"shop/app@{DIGEST}"}
    assert not preflight.is_serving_already(snapshot(), placement)
    assert preflight.is_serving_already(snapshot(images={"app": image.reference}), placement)


@pytest.mark.parametrize(
    ("reference", "repository"),
    [
        ("nginx", "docker.io/library/nginx"),
        ("nginx:1.27", "docker.io/library/nginx"),
        ("shop/app@sha256:1", "docker.io/shop/app"),
        ("localhost:5000/shop/app:v1@sha256:1", "localhost:5000/shop/app"),
        ("localhost/app:v1", "localhost/app"),
        ("registry.example.com/app", "registry.example.com/app"),
    ],
)
def test_a_repository_is_read_as_docker_reads_it(reference, repository):
    assert preflight.repository(reference) == repository


def test_a_rollout_of_our_own_in_progress_is_the_drivers_business():
    now = snapshot()
    held = replace(now, held=now.own, is_frozen=True, is_current=True, release="r0")
    assert said(now=held) == []


FRESH = {"baseline": "fresh", "baseline_deployment": "checkout-baseline"}
SAME = {"app": "shop/app@sha256:1"}


@pytest.mark.parametrize(
    ("checks", "kept", "words"),
    [
        (FRESH, None, "there is no Deployment checkout-baseline in the namespace shop"),
        (FRESH, Baseline(name="checkout-baseline"), "there is no Deployment checkout-baseline"),
        (
            FRESH,
            Baseline(name="checkout-baseline", images={"app": "shop/app:1"}),
            "does not run the stable version (app shop/app:1, stable shop/app@sha256:1)",
        ),
        (FRESH, Baseline(name="checkout-baseline", images=SAME), "has no Ready pod"),
        ({**FRESH, "baseline_deployment": "checkout"}, Baseline(name="checkout", images=SAME), "under release itself"),
    ],
)
def test_a_baseline_that_cannot_be_compared_with_is_said(checks, kept, words):
    (sentence,) = said(now=snapshot(baseline=kept), checks=checks)
    assert sentence.startswith("checks.baseline_deployment: ")
    assert words in sentence


def test_a_baseline_of_ready_pods_of_the_stable_version_is_no_problem_even_while_a_rollout_is_held():
    stage = Stage()
    pods = MemoryPlatform(stage.world).snapshot().pods
    kept = Baseline(name="checkout-baseline", images=SAME, pods=pods)
    assert said(now=snapshot(baseline=kept), checks=FRESH) == []
    held = snapshot(baseline=kept)
    assert said(now=replace(held, held=held.own, images={"app": "shop/app@sha256:2"}), checks=FRESH) == []
