"""Run: what `davy test` does, between its options and its ending."""

from collections.abc import Iterator
from dataclasses import field, replace
from pathlib import Path

from davy.pipeline.config.sections.suites import SuiteConfig
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.events import SuiteFinished
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text import nouns
from davy.pipeline.release import plan as release_plan
from davy.pipeline.release.plan import PlanStep
from davy.pipeline.suites.plan import order
from davy.pipeline.suites.plan.pieces import PlannedSuite
from davy.workflows import wiring
from davy.workflows.builds import stage
from davy.workflows.images import given as named
from davy.workflows.story.options import ClusterOptions, ViewOptions, part
from davy.workflows.story.plan_text import print_steps
from davy.workflows.story.player import keeper, play
from davy.workflows.story.recorder import overheard
from davy.workflows.story.stages import End, Story, framed, sourced
from davy.workflows.story.task import Task, started
from davy.workflows.suites import on_canary, orders
from davy.workflows.suites import stage as parts


@dataclass(frozen=True, slots=True, kw_only=True)
class TestOptions:
    """What the command line of `davy test` says."""

    cluster: ClusterOptions = field(metadata=part(ClusterOptions))
    images: tuple[str, ...]
    suites: tuple[str, ...]
    shard: tuple[int, int] | None
    files: str | None
    against: str | None
    out: Path
    dry_run: bool
    view: ViewOptions = field(metadata=part(ViewOptions))


def test(task: Task, options: TestOptions) -> Ending:
    """The suites alone."""
    if options.against:
        return _against_canary(task, options)
    images = named.given(task.config, options.images)
    _ = task.quarantine  # What is wrong with it is said before anything is built.
    asked = shared(orders.asks(task, chosen(task, options.suites), shard=options.shard), options.files)
    events = framed(started(task, "test"), task.clock, _testing(task, images, asked))
    return play(events, task.clock, options.view, keeper(task.out))


def _against_canary(task: Task, options: TestOptions) -> Ending:
    """Raises Unusable where no canary is held, or no suite can be run against it."""
    wanted = _reaching(task, options.suites)
    snapshot = wiring.cluster(task.config, task.reach).snapshot()
    pods = on_canary.reached(snapshot)
    images = on_canary.released(task.config, snapshot, named.given(task.config, options.images))
    asked = orders.asks(task, wanted, shard=options.shard)

    def body() -> Story:
        failed = yield from parts.tested(task, images, asked, on_canary.told(pods))
        if failed:
            return End(ending=Ending.REJECTED, sentence=f"{failed}; the rollout was left as it is")
        count = nouns.counted(len(pods), "canary pod")
        return End(ending=Ending.DONE, sentence=f"every suite passed against {count} of release {snapshot.release}")

    return play(framed(started(task, "test"), task.clock, body()), task.clock, options.view, keeper(task.out))


def _reaching(task: Task, names: tuple[str, ...]) -> list[SuiteConfig]:
    """The suites that can be run against the canary: those that say so, or those named. Raises Unusable."""
    wanted = chosen(task, names) if names else on_canary.meant(task.config)
    outside = [suite.name for suite in wanted if suite.in_ != "kubernetes"]
    if wanted and not outside:
        return wanted
    what = f"{', '.join(outside)}: does not run `in: kubernetes`" if outside else "none says `against: canary`"
    raise Unusable(
        "No suite can reach the canary's pods.",
        problems=(Problem(what=what, path="tests"),),
        remedy="Give a suite `in: kubernetes` and `against: canary`, or name one that runs there with --suite.",
    )


def _testing(task: Task, images: tuple[Image, ...], asked: tuple[PlannedSuite, ...]) -> Story:
    if not images and any(order.needs_image(ask.suite) for ask in asked):
        # What a place lacks, a right or a cloud's account, is said before minutes are spent on a build.
        meant = [ask.suite for ask in asked]
        wiring.suite_places(task.config, task.release, task.clock, folder=task.folder, suites=meant, reach=task.reach)
        wiring.demanded(task.config, meant, task.reach)
        revision = wiring.revision(task.folder)
        yield from sourced(revision, task.clock)
        images = yield from stage.built(task, revision)
    seen: list[SuiteFinished] = []
    failed = yield from overheard(parts.tested(task, images, asked), seen, SuiteFinished)
    if failed:
        return End(ending=Ending.REJECTED, sentence=failed)
    idle = "this machine has no part of any" if asked else "there is none"
    return End(ending=Ending.DONE, sentence="every suite passed" if seen else f"no suite ran: {idle}")


def chosen(task: Task, names: tuple[str, ...]) -> list[SuiteConfig]:
    """The suites of these names; without names all that run before any traffic. Raises Unusable for unknown ones."""
    known = {suite.name: suite for suite in task.config.tests}
    strange = [name for name in names if name not in known]
    if strange:
        problems = tuple(Problem(what=f"--suite {name!r}: there is no suite of this name") for name in strange)
        raise Unusable("A suite is not there.", problems=problems, remedy=nouns.named(tuple(known)))
    if names:
        return [known[name] for name in dict.fromkeys(names)]
    return [suite for suite in task.config.tests if suite.against is None]


def shared(asked: tuple[PlannedSuite, ...], files: str | None) -> tuple[PlannedSuite, ...]:
    """With the files that a plan settled for this machine. Raises Unusable where they can be nobody's."""
    named = tuple((files or "").split())
    # A plan has no files for a suite without any, and its matrix says so by an empty word.
    if files is None or not (named or any(ask.suite.files for ask in asked)):
        return asked
    if len(asked) != 1 or asked[0].shard is None or not asked[0].suite.files:
        what = "--files goes with one --suite that has `files`, and with --shard"
        raise Unusable("The files belong to no suite.", problems=(Problem(what=what),))
    if not named:
        # A plan gives every machine at least one file: nothing is what a misspelt key of a CI matrix says.
        raise Unusable(
            "--files names no file.",
            problems=(Problem(what=f"suite {asked[0].suite.name} is spread by its files, and --files is empty"),),
            remedy="Hand over `files` of the plan's matrix, or leave --files out.",
        )
    strange = [name for name in named if name not in asked[0].files]
    if strange:
        problems = tuple(Problem(what=f"--files {name!r}: the suite's globs do not name it") for name in strange)
        raise Unusable("A test file is not there.", problems=problems, remedy="Plan again: `davy test plan`.")
    return (replace(asked[0], share=named),)


def plan(task: Task, options: TestOptions) -> Ending:
    """What a test would do."""
    if options.against:
        steps = [release_plan.against_canary(suite) for suite in _reaching(task, options.suites)]
    else:
        steps = list(_steps(task, options))
    print_steps(task.config.service, steps, options.view.output)
    return Ending.DONE


def _steps(task: Task, options: TestOptions) -> Iterator[PlanStep]:
    meant = chosen(task, options.suites)
    if not options.images and any(order.needs_image(suite) for suite in meant):
        yield from release_plan.builds(task.config, wiring.source(task.folder).revision())
    yield from (release_plan.suite(task.config, suite, alone=True) for suite in meant)
