"""Plan: what a release would do, step by step, with nothing touched."""

from collections.abc import Sequence
from math import prod
from urllib.parse import urlsplit, urlunsplit

from davy.pipeline.builds import order
from davy.pipeline.config.document import Config, DeliveryConfig
from davy.pipeline.config.sections.canary import StepConfig
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.config.sections.images import matrix
from davy.pipeline.config.sections.objectives import SloConfig
from davy.pipeline.config.sections.suites import IN_IMAGES, SuiteConfig
from davy.pipeline.config.sections.thresholds import KayentaConfig, ThresholdConfig
from davy.pipeline.core.artifacts import Revision
from davy.pipeline.core.events import Stage, StepPlan
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text import nouns, time_text


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStep:
    """One thing that would happen."""

    stage: Stage
    sentence: str
    """For people: what happens."""
    if_it_fails: str = ""
    """What happens then, and how davy ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePlan:
    """A release, before it happens."""

    service: str
    workload: str
    """`namespace/name`."""
    revision: Revision | None
    """None where images are released that are there already: no commit is asked for."""
    replicas: int | None
    """Of the Deployment; None where the cluster was not asked."""
    steps: tuple[PlanStep, ...]
    canary: tuple[StepPlan, ...] = ()
    """The steps in pods; empty where the replicas are not known."""


def planned(
    config: Config,
    revision: Revision | None,
    *,
    replicas: int | None = None,
    canary: Sequence[StepPlan] = (),
) -> ReleasePlan:
    """The plan. `canary`: the steps in pods as the strategy computes them; without it only the wish is told."""
    kubernetes = config.deploy.kubernetes
    suites = [suite(config, each) for each in config.tests if each.against is None]
    steps = (
        *([_source(revision)] if revision else []),
        *_budget(config),
        *([*_builds(config, revision), *suites] if revision else []),
        *_canary(config, replicas, tuple(canary)),
    )
    return ReleasePlan(
        service=config.service,
        workload=f"{kubernetes.namespace}/{kubernetes.deployment}",
        revision=revision,
        replicas=replicas,
        steps=steps,
        canary=tuple(canary),
    )


def builds(config: DeliveryConfig, revision: Revision) -> tuple[PlanStep, ...]:
    """What comes before suites that test images built now: source and builds."""
    return (_source(revision), *_builds(config, revision))


def _source(revision: Revision) -> PlanStep:
    branch = f" on {revision.branch}" if revision.branch else ""
    dirty = "; the tree is dirty, so the images hold more than the commit does" if revision.dirty else ""
    return PlanStep(stage=Stage.SOURCE, sentence=f"Release commit {revision.short}{branch}{dirty}.")


def _budget(config: Config) -> list[PlanStep]:
    gate = config.checks.gate
    if gate is None:
        return []
    burning = ", and that none burns as fast as would page" if gate.burning == "refuse" else ""
    count = len(config.checks.slos)
    budgets = f"{nouns.counted(count, 'error budget')} {'has' if count == 1 else 'have'}"
    sentence = (
        f"Ask that {budgets} at least {gate.budget_left:g} % left{burning}; now, and again before any traffic moves."
    )
    fails = 'Nothing is deployed; davy ends with 3, also where it cannot be told. `--accept-budget "why"` goes on.'
    return [PlanStep(stage=Stage.BUDGET, sentence=sentence, if_it_fails=fails)]


def _builds(config: DeliveryConfig, revision: Revision) -> list[PlanStep]:
    fails = "Nothing is deployed; davy ends with 3."
    return [
        PlanStep(
            stage=Stage.BUILD,
            sentence=(
                f"Build {recipe.id} from {recipe.context}/{recipe.dockerfile}"
                + (f" (stage {recipe.target})" if recipe.target else "")
                + " unless the registry has it under the key of its content"
                + f", push it as {recipe.name}:{order.tag(revision)}{recipe.suffix}, "
                + "and name it by digest from there on."
            ),
            if_it_fails=fails,
        )
        for recipe in matrix.expanded(config.images)
    ]


WHERE = {
    "image": "in a container of",
    "kubernetes": "in a Kubernetes Job of",
    "process": "as a process of this machine",
    "saucelabs": "on Sauce Labs",
    "browserstack": "on BrowserStack",
    "lambdatest": "on LambdaTest",
    "grid": "on a Selenium Grid",
}


def suite(config: DeliveryConfig, said: SuiteConfig, *, alone: bool = False) -> PlanStep:
    """One suite. `alone`: it is no part of a release."""
    image = said.image or (config.images[0].name if config.images else "")
    where = f"{WHERE[said.in_]} {image}" if said.in_ in IN_IMAGES else WHERE[said.in_]
    does = said.run or f"k6 run {said.k6}" if not said.config else f"{said.config}, as it is"
    limits = [f"at most {time_text.shown(said.timeout)}"]
    limits += [f"{said.memory}, {said.cpus:g} CPU"] if said.in_ in IN_IMAGES else []
    return PlanStep(
        stage=Stage.TEST,
        sentence=f"Run suite {said.name} {where}: `{does}` ({', '.join([*limits, *_parts(said)])}).",
        if_it_fails=f"The other suites still run{'' if alone else ', nothing is deployed'}; davy ends with 3.",
    )


def against_canary(said: SuiteConfig) -> PlanStep:
    """One suite by hand, against the pods of the canary that is held."""
    does = said.run or f"k6 run {said.k6}"
    limits = [f"at most {time_text.shown(said.timeout)}", f"{said.memory}, {said.cpus:g} CPU"]
    return PlanStep(
        stage=Stage.TEST,
        sentence=f"Run suite {said.name} as a Kubernetes Job against the pods of the canary that is held, in the "
        f"image that they run: `{does}` ({', '.join([*limits, *_parts(said)])}).",
        if_it_fails="The other suites still run, the rollout is left as it is; davy ends with 3. "
        "Without a canary nothing runs; davy ends with 2.",
    )


def _parts(said: SuiteConfig) -> list[str]:
    told = [f"for each {' and '.join(said.matrix)}: {prod(map(len, said.matrix.values()))}"] if said.matrix else []
    told += [f"{said.shards} at once"] if said.shards > 1 else []
    told += [f"what fails is tried again up to {said.retries}x"] if said.retries else []
    return told


def _canary(config: Config, replicas: int | None, pods: tuple[StepPlan, ...]) -> list[PlanStep]:
    canary = config.canary
    unready = f"Canary pods that are not Ready within {time_text.shown(canary.ready_within)}, crash or cannot start"
    steps: Sequence[StepPlan | StepConfig] = pods or canary.steps
    made = [
        PlanStep(
            stage=Stage.CANARY,
            sentence=_step(number, step, replicas),
            if_it_fails=f"{unready} are rolled back, as is a canary judged worse; davy ends with 4.",
        )
        for number, step in enumerate(steps, start=1)
    ]
    made += [_against(each) for each in config.tests if each.against]
    made.append(PlanStep(stage=Stage.CANARY, sentence=_judge(config), if_it_fails=_undecided(config)))
    made.append(
        PlanStep(
            stage=Stage.CANARY,
            sentence=f"Promote: Kubernetes replaces the rest within {time_text.shown(canary.promote_within)}, watched.",
            if_it_fails="It is rolled back while stable pods are left; davy ends with 4, or with 7 where that fails.",
        )
    )
    if canary.bake:
        made.append(
            PlanStep(
                stage=Stage.CANARY,
                sentence=f"Watch it for {time_text.shown(canary.bake)} more at 100 %.",
                if_it_fails="It is rolled back; davy ends with 4.",
            )
        )
    return [*made, _longest(config)]


def _longest(config: Config) -> PlanStep:
    canary = config.canary
    longest = time_text.shown(canary.deadline + canary.promote_within + canary.bake)
    return PlanStep(
        stage=Stage.CANARY,
        sentence=f"From its first pod on it takes {longest} at the most: deadline, promotion and watching. "
        "A CI job needs a limit above that and its builds and suites.",
        if_it_fails="A job that is ended sooner takes its canary back; one that is killed leaves it held.",
    )


def _against(said: SuiteConfig) -> PlanStep:
    does = said.run or f"k6 run {said.k6}"
    return PlanStep(
        stage=Stage.CANARY,
        sentence=f"At every step, run suite {said.name} as a Job against the canary's own pods: `{does}`. "
        "Weight grows only once it passed.",
        if_it_fails="The canary is rolled back; davy ends with 4.",
    )


def _step(number: int, step: StepPlan | StepConfig, replicas: int | None) -> str:
    """A step as the strategy resolved it; as it is wished where the replicas are not known."""
    reached = ""
    if isinstance(step, StepPlan):
        pods = nouns.counted(step.pods, "canary pod")
        reached = f" by {pods} beside {replicas} stable, which is {step.share:.1f} % reached"
    wait = [f"not before {time_text.shown(step.at_least)}"] if step.at_least else []
    wait += [f"undecided after {time_text.shown(step.at_most)}"] if step.at_most else []
    wait += ["after a person's `davy canary promote`"] if step.approve else []
    more = f" ({', '.join(wait)})" if wait else ""
    shown = f"less than {step.worse:g}x worse than stable" if step.worse else "good enough for its share"
    return f"Step {number}: {step.weight:g} % of the traffic{reached}; go on when it is shown to be {shown}{more}."


def _judge(config: Config) -> str:
    checks = config.checks
    every = f"Look every {time_text.shown(checks.interval)} at {_servers(checks)}"
    thresholds = "; ".join(_threshold(check) for check in checks.thresholds)
    if checks.judge == "threshold":
        return f"{every}, by thresholds: {thresholds}."
    if checks.judge == "mannwhitney" and checks.kayenta is not None:
        beside = f" Thresholds beside it: {thresholds}." if thresholds else ""
        return f"{every}. {_kayenta(checks.kayenta)}{beside}"
    return f"{every}: {'; '.join(_slo(slo) for slo in checks.slos)}. {_limits(checks)}"


def _servers(checks: ChecksConfig) -> str:
    urls = " and ".join(_shown(server.url) for server in checks.prometheus)
    few = checks.quorum is not None and checks.quorum < len(checks.prometheus)
    return f"{urls} ({checks.quorum} must answer)" if few else urls


def _shown(url: str) -> str:
    """Without the user and password that it may hold."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _limits(checks: ChecksConfig) -> str:
    return (
        f"Roll back at evidence of 1 in {1 / checks.alpha:.0f} against being at most {checks.tolerate:g}x worse, or "
        f"of a budget burning {checks.burn:g}x too fast; go on at evidence of 1 in {1 / checks.beta:.0f}."
    )


def _slo(slo: SloConfig) -> str:
    if slo.under is not None:
        return f"{slo.name} {slo.objective:.15g} % under {time_text.shown(slo.under)}"
    return f"{slo.name} {slo.objective:.15g} %"


def _kayenta(said: KayentaConfig) -> str:
    count = max(1, said.lifetime // said.interval) if said.interval else 1
    return (
        f"Judge as Kayenta does by {said.config}: at every step {nouns.counted(count, 'judgement')}, "
        f"one each {time_text.shown(said.interval)}; roll back at the first that fails, go on when the last one passes."
    )


def _threshold(check: ThresholdConfig) -> str:
    if check.style == "flagger":
        limits = [f"at least {check.min:g}"] if check.min is not None else []
        limits += [f"at most {check.max:g}"] if check.max is not None else []
        return f"{check.name} (by Flagger's rule, {', '.join(limits)})"
    says = [f"good {check.success}"] if check.success else []
    says += [f"bad {check.failure}"] if check.failure else []
    return f"{check.name} ({', '.join(says)})"


def _undecided(config: Config) -> str:
    canary = config.canary
    what = {
        "hold": "it is held where it is",
        "roll_back": "it is rolled back",
        "promote": "it is promoted",
    }[canary.on_inconclusive]
    return f"Without a verdict in {time_text.shown(canary.deadline)} {what}; davy ends with 5."
