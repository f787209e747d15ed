"""Preflight: what would make a canary of this Deployment unsafe or meaningless, all of it at once. Pure."""

from collections.abc import Mapping, Sequence

from davy.canary.engine import steps
from davy.canary.ports.router import Router
from davy.canary.ports.snapshot import Snapshot
from davy.canary.ports.surroundings import Autoscaler, Budget, Surroundings
from davy.pipeline.config.document import Config
from davy.pipeline.config.sections.canary import CanaryConfig
from davy.pipeline.config.sections.images.keys import ImageConfig
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import Problem
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text import nouns

DOCKER_HUB = "docker.io"
"""What an image without a registry means: https://docs.docker.com/reference/cli/docker/image/pull/"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Which container gets which image."""

    images: Mapping[str, str]
    """By container, the reference by digest; only of the images that were given."""
    containers: tuple[str, ...]
    """Every container that the release changes, built or not."""
    problems: tuple[Problem, ...] = ()


def repository(reference: str) -> str:
    """Registry and path of an image, without tag and digest, as Docker completes it."""
    bare = reference.split("@", 1)[0]
    head, slash, tail = bare.rpartition("/")
    path = f"{head}{slash}{tail.split(':', 1)[0]}"
    first, slash, _ = path.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return path
    return f"{DOCKER_HUB}/{path}" if slash else f"{DOCKER_HUB}/library/{path}"


def placed(surroundings: Surroundings, configs: Sequence[ImageConfig], images: Sequence[Image]) -> Placement:
    """Each image goes to the container that was named, else to every one that runs the same repository."""
    built = {image.name: image.reference for image in images}
    references: dict[str, str] = {}
    containers: list[str] = []
    problems: list[Problem] = []
    for number, config in enumerate(configs):
        if config.deploy is False:  # Others are built from it, or it is there to be tested: no container runs it.
            continue
        into = _containers_of(surroundings, config)
        containers.extend(into)
        if not into:
            problems.append(_unplaced(number, config, surroundings))
        if config.name in built:
            references.update(dict.fromkeys(into, built[config.name]))
    return Placement(images=references, containers=tuple(containers), problems=tuple(problems))


def problems(
    surroundings: Surroundings, snapshot: Snapshot, config: Config, router: Router, images: Sequence[Image] = ()
) -> tuple[Problem, ...]:
    """Everything that forbids the rollout. Empty: go. Without `images` (a plan), the names alone are checked."""
    placement = placed(surroundings, config.images, images)
    return (
        *_rights(surroundings),
        *placement.problems,
        *_update_strategy(surroundings),
        *_replicas(snapshot),
        *_readiness(surroundings, placement),
        *_not_at_rest(snapshot),
        *_baseline(snapshot, config),
        *(_scaled_by(scaler) for scaler in surroundings.autoscalers if "autoscaler" not in config.canary.accept),
        *(_kept_by(budget) for budget in _blocking(surroundings) if "disruption-budget" not in config.canary.accept),
        *steps.planned(config.canary, config.checks.worse, snapshot.replicas, router).problems,
    )


def warnings(surroundings: Surroundings, snapshot: Snapshot, config: Config, router: Router) -> tuple[str, ...]:
    """What a person should know and stops nothing."""
    canary: CanaryConfig = config.canary
    accepted = [
        f"the autoscaler {scaler.name} is accepted: when it scales, both sides grow or shrink in proportion"
        for scaler in surroundings.autoscalers
        if "autoscaler" in canary.accept
    ]
    budgets = [
        f"the disruption budget {budget.name} allows no disruption ({budget.rule}) and is accepted: "
        "a rolling update is not held up by it, a node that is drained is"
        for budget in _blocking(surroundings)
        if "disruption-budget" in canary.accept
    ]
    managers = [
        f"{manager} re-applies this Deployment: should it do so during the rollout, the new template counts as someone "
        "else's and the rollout is held; pause its sync for the release, and put the new digest into its source after"
        for manager in surroundings.managers
    ]
    plan = steps.planned(canary, config.checks.worse, snapshot.replicas, router)
    return (*managers, *accepted, *budgets, *plan.warnings)


def is_serving_already(snapshot: Snapshot, placement: Placement) -> bool:
    """Every container runs the image that is to be released: there is nothing to do."""
    there = [snapshot.images.get(container) == image for container, image in placement.images.items()]
    return bool(there) and all(there) and snapshot.held is None


def _containers_of(surroundings: Surroundings, config: ImageConfig) -> list[str]:
    if config.container is not None:
        return [config.container] if config.container in surroundings.containers else []
    wanted = repository(config.name)
    return [name for name, image in surroundings.containers.items() if repository(image) == wanted]


def _unplaced(number: int, config: ImageConfig, surroundings: Surroundings) -> Problem:
    there = ", ".join(f"{name} ({repository(image)})" for name, image in surroundings.containers.items())
    if config.container is not None:
        return Problem(
            path=f"images[{number}].container",
            what=f"the Deployment has no container {config.container}; it has {there}",
        )
    return Problem(
        path=f"images[{number}].name",
        what=f"no container of the Deployment runs {config.name}; it has {there}. Name the one it is for: container: …",
    )


def _rights(surroundings: Surroundings) -> tuple[Problem, ...]:
    missing = surroundings.missing_rights
    if not missing:
        return ()
    what = f"these credentials lack {nouns.counted(len(missing), 'right')} that a canary needs: {', '.join(missing)}"
    return (Problem(what=f"{what}. Grant them with a Role (see docs/rbac.md)"),)


def _update_strategy(surroundings: Surroundings) -> tuple[Problem, ...]:
    if surroundings.strategy == "RollingUpdate":
        return ()
    what = (
        f"the Deployment's strategy is {surroundings.strategy}, which stops every old pod before a new one starts, so "
        "there is no stable side; set spec.strategy.type to RollingUpdate"
    )
    return (Problem(what=what),)


def _replicas(snapshot: Snapshot) -> tuple[Problem, ...]:
    if snapshot.replicas > 1:
        return ()
    if snapshot.replicas < 1:
        return (Problem(what="the Deployment is scaled to 0, so nothing serves; scale it to 2 or more"),)
    what = "the Deployment has one replica, so the smallest canary is half of the traffic; scale it to 2 or more"
    return (Problem(what=what),)


def _readiness(surroundings: Surroundings, placement: Placement) -> tuple[Problem, ...]:
    return tuple(
        Problem(
            what=(
                f"container {name} has no readiness probe, so its pods get traffic before they can answer; "
                "add a readinessProbe to the Deployment"
            )
        )
        for name in surroundings.without_readiness
        if name in placement.containers
    )


def _baseline(snapshot: Snapshot, config: Config) -> tuple[Problem, ...]:
    """Fresh pods for the comparison have to be of the stable version, or the canary is compared with something else."""
    name, kept = config.checks.baseline_deployment, snapshot.baseline
    if config.checks.baseline != "fresh" or name is None:
        return ()
    stable = snapshot.held.images if snapshot.held else snapshot.images
    if name == snapshot.workload.name:
        what = "is the Deployment under release itself; the baseline is one of its own, with the same pods"
    elif kept is None or not kept.images:
        what = f"there is no Deployment {name} in the namespace {snapshot.workload.namespace}"
    elif not kept.runs(stable):
        others = ", ".join(f"{c} {kept.images.get(c, 'is missing')}, stable {image}" for c, image in stable.items()
                           if kept.images.get(c) != image)  # fmt: skip
        what = f"Deployment {name} does not run the stable version ({others}); set the same images, written alike"
    elif not kept.ready_pods(stable):
        what = f"Deployment {name} has no Ready pod to compare with"
    else:
        return ()
    return (Problem(path="checks.baseline_deployment", what=what),)


def _not_at_rest(snapshot: Snapshot) -> tuple[Problem, ...]:
    """A rollout that davy began is not meant: the driver finds it in the journal."""
    if snapshot.held is not None:
        return ()
    name = f"-n {snapshot.workload.namespace} deployment/{snapshot.workload.name}"
    if snapshot.is_frozen:
        what = (
            f"the Deployment is paused, and not by davy; finish what it was paused for: kubectl rollout resume {name}"
        )
        return (Problem(what=what),)
    sides = {pod.hash for pod in snapshot.pods if not pod.terminating}
    if len(sides) > 1 or not snapshot.is_current:
        what = f"another rollout of the Deployment is in progress; wait for its end: kubectl rollout status {name}"
        return (Problem(what=what),)
    return ()


def _scaled_by(scaler: Autoscaler) -> Problem:
    what = (
        f"the autoscaler {scaler.name} ({scaler.at_least} to {scaler.at_most} pods) scales this Deployment: its mean "
        "hides an overloaded canary, and the shares move when it scales; keep it still by minReplicas = maxReplicas "
        "for the release, or write accept: [autoscaler]"
    )
    return Problem(path="canary.accept", what=what)


def _blocking(surroundings: Surroundings) -> tuple[Budget, ...]:
    return tuple(budget for budget in surroundings.budgets if budget.allowed == 0)


def _kept_by(budget: Budget) -> Problem:
    what = (
        f"the disruption budget {budget.name} allows no disruption now ({budget.rule}): a node that is drained during "
        "the rollout would hang; let it allow one, or write accept: [disruption-budget]"
    )
    return Problem(path="canary.accept", what=what)
