"""`davy canary`: the canary as commands of its own."""

from typing import TYPE_CHECKING

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import param_types, parameters
from davy.workflows.cli.definition import Definition, command
from davy.workflows.cli.lazy_group import Entry, LazyGroup

if TYPE_CHECKING:
    from davy.workflows.release.options import ResumeOptions, StartOptions
    from davy.workflows.rollout.history import HistoryOptions
    from davy.workflows.rollout.intervene import RequestOptions
    from davy.workflows.rollout.status import StatusOptions
    from davy.workflows.rollout.trace import TraceOptions
    from davy.workflows.rollout.watch import WatchOptions

HOME = __name__
RUN = "Run one"
SAY = "Say a word to the one that runs"
LOOK = "Look (these change nothing)"
LEFT = "Leaves the word, with your name, for the runner, and waits for it to be heeded."

TABLE = {
    "start": Entry(
        RUN,
        "Canary images that are already in the registry.",
        f"{HOME}:start",
        'davy canary start --image "$(davy build)"',
    ),
    "resume": Entry(RUN, "Take over a canary whose runner is gone, and go on.", f"{HOME}:resume", "davy canary resume"),
    "promote": Entry(
        SAY, "Take the next step now, or promote.", f"{HOME}:promote", 'davy canary promote --why "looked at it"'
    ),
    "abort": Entry(SAY, "Roll the canary back.", f"{HOME}:abort", 'davy canary abort --why "users complain"'),
    "hold": Entry(
        SAY,
        "Keep the canary where it is until someone says promote or abort.",
        f"{HOME}:hold",
        'davy canary hold --why "wait for the campaign"',
    ),
    "status": Entry(
        LOOK,
        "Say where the canary stands and what to do next.",
        f"{HOME}:status",
        "davy canary status\ndavy canary status -n shop --deployment checkout",
    ),
    "watch": Entry(LOOK, "Follow a canary that runs elsewhere until it ends.", f"{HOME}:watch", "davy canary watch"),
    "trace": Entry(
        LOOK,
        "Write a rollout's counts as a trace that `davy judge replay` reads.",
        f"{HOME}:trace",
        "davy canary trace > checkout.trace",
    ),
    "history": Entry(LOOK, "List the last rollouts.", f"{HOME}:history", "davy canary history"),
}


@click.group(cls=LazyGroup, table=TABLE)
def canary() -> None:
    """Start, watch, hold, promote or abort a canary.

    The canary's state lives in the cluster: every command here works from any machine with the right to.
    """


@command(
    "release.options:StartOptions",
    parameters.file,
    parameters.cluster,
    parameters.option(
        "--image",
        "images",
        multiple=True,
        required=True,
        metavar="NAME@DIGEST",
        help="An image that is in the registry, as `davy build` prints it. Once for each image.",
    ),
    parameters.out,
    parameters.accept_budget,
    parameters.dry_run,
    parameters.output,
    parameters.view,
)
def start(options: "StartOptions") -> Ending:
    """Canary images that are already in the registry; promote them, or roll back.

    Changes the world: rolls the Deployment over, step by step, as the evidence allows. Blocks
    until the end and exits with how it ended. Ctrl-C and SIGTERM make traffic safe first.
    """
    from davy.workflows.release import run  # noqa: PLC0415

    acts, accepted = not options.dry_run, options.accept_budget
    with run.opened(options.cluster, out=options.out, acting=acts, accept_budget=accepted) as task:
        if options.dry_run:
            return run.plan(task, options.view.output, images=options.images)
        return run.canary(task, options)


@command(
    "release.options:ResumeOptions",
    parameters.file,
    parameters.option(
        "-n", "--namespace", envvar="DAVY_NAMESPACE", help="The Deployment's namespace, over the file's."
    ),
    parameters.option("--deployment", envvar="DAVY_DEPLOYMENT", help="The Deployment, over the file's."),
    parameters.cluster,
    parameters.out,
    parameters.dry_run,
    parameters.output,
    parameters.view,
)
def resume(options: "ResumeOptions") -> Ending:
    """Take over a canary whose runner is gone, or that is held, and go on with all its evidence.

    Changes the world: rolls the Deployment on or back. Blocks until the end and exits with how
    it ended. Refused with exit 8 while a runner lives.
    """
    from davy.workflows.release import run  # noqa: PLC0415

    with run.opened(options.target, out=options.out, acting=not options.dry_run) as task:
        if options.dry_run:
            return run.plan_resume(task, options.view.output)
        return run.resume(task, options.view)


def _request(what: str, does: str, alone: str) -> Definition:
    """A person's request to the rollout: left for its runner, or carried out here where none lives.

    `does`: what it asks for; `alone`: what this command does where no runner lives.
    """

    @command(
        "rollout.intervene:RequestOptions",
        parameters.target,
        parameters.word,
        parameters.dry_run,
        parameters.output,
        parameters.view,
        help=f"{does}\n\n{LEFT}\n{alone}",
    )
    def request(options: "RequestOptions") -> Ending:
        from davy.workflows.rollout import intervene  # noqa: PLC0415

        return intervene.request(what, options)

    return request


promote = _request(
    "promote",
    "Take the next step now, or from the last one promote, whatever the evidence says.",
    "Where no runner lives, this command takes over and goes on itself; it needs the whole davy.yaml for that.",
)
abort = _request(
    "abort",
    "Roll the canary back.",
    "Where no runner lives, this command rolls back itself; neither davy.yaml nor Prometheus is needed for that.",
)
hold = _request(
    "hold",
    "Keep the canary where it is until someone says promote or abort; a failing verdict still rolls it back.",
    "Where no runner lives, nothing moves anyway.",
)


@command(
    "rollout.status:StatusOptions",
    parameters.target,
    parameters.output,
)
def status(options: "StatusOptions") -> None:
    """Say where the canary stands: who runs it, its step, pods and evidence, what is awaited, what to do next.

    Reads the Deployment, its Lease and its journal. Changes nothing.
    """
    from davy.workflows import wiring  # noqa: PLC0415
    from davy.workflows.render.json_text import json_text  # noqa: PLC0415
    from davy.workflows.rollout import status  # noqa: PLC0415

    side = wiring.side_at(options.target.file, options.target.reach)
    snapshot = status.taken(side.cluster, side.lock, side.journal, side.now)
    if options.output == "json":
        click.echo(json_text(status.document(snapshot)))
    else:
        click.echo(status.text(snapshot))


@command(
    "rollout.watch:WatchOptions",
    parameters.target,
    parameters.output,
    parameters.view,
)
def watch(options: "WatchOptions") -> Ending:
    """Follow a canary that runs elsewhere until it ends, and exit as it does.

    Reads the Deployment, its Lease and its journal. Changes nothing; Ctrl-C stops the watching, not the canary.
    Exits 6 where the runner is lost.
    """
    from davy.workflows import wiring  # noqa: PLC0415
    from davy.workflows.rollout.watch import Watched, watched  # noqa: PLC0415
    from davy.workflows.story.player import play  # noqa: PLC0415

    side = wiring.side_at(options.target.file, options.target.reach)
    with wiring.clock() as clock:
        place = Watched(cluster=side.cluster, lock=side.lock, journal=side.journal, clock=clock, now=side.now)
        return play(watched(place), clock, options.view)


@command(
    "rollout.trace:TraceOptions",
    parameters.target,
    parameters.option(
        "-o",
        "--out",
        "out",
        envvar="DAVY_TRACE",
        type=param_types.File(dir_okay=False),
        help="The file to write; without it the trace goes to stdout.",
    ),
)
def trace(options: "TraceOptions") -> None:
    """Write the counts of the rollout under way, or of the last one, with the rules they were judged by.

    `davy judge replay` of it gives the rollout's verdict again. Reads the journal; changes nothing in the cluster.
    """
    from davy.checks.traces.trace import written  # noqa: PLC0415
    from davy.workflows import wiring  # noqa: PLC0415
    from davy.workflows.judge import trace_file  # noqa: PLC0415
    from davy.workflows.rollout import trace  # noqa: PLC0415

    events = wiring.side_at(options.target.file, options.target.reach).journal.read()
    text = "\n".join(written(trace.trace_of(events)))
    if names := trace.beside(events):
        click.echo(f"Thresholds are not in the trace: {', '.join(names)}. Their values were not kept.", err=True)
    if options.out is None:
        click.echo(text)
    else:
        trace_file.write(options.out, text)


@command(
    "rollout.history:HistoryOptions",
    parameters.target,
    parameters.output,
)
def history(options: "HistoryOptions") -> None:
    """List the last rollouts of the Deployment, newest first. Changes nothing."""
    from davy.workflows import wiring  # noqa: PLC0415
    from davy.workflows.render.json_text import json_text  # noqa: PLC0415
    from davy.workflows.rollout import history  # noqa: PLC0415

    journal = wiring.side_at(options.target.file, options.target.reach).journal
    rollouts = history.rollouts(journal.read(), journal.history())
    click.echo(json_text(history.document(rollouts)) if options.output == "json" else history.table(rollouts))
