"""Main: `davy`. It knows the commands by a table, and turns every ending into an exit code."""

import atexit
import gc
import os
import sys

import click

from davy.pipeline import __version__
from davy.workflows.cli import ancestry
from davy.workflows.cli.arguments import wants_json
from davy.workflows.cli.lazy_group import Entry, LazyGroup
from davy.workflows.render import veil

HOME = "davy.workflows.cli.commands"
WHOLE = "The whole way"
PARTS = "Its parts"
LOOK = "Before you start (these change nothing)"

TABLE = {
    "release": Entry(
        WHOLE,
        "Build, test and canary a commit; promote it or roll it back.",
        f"{HOME}.release",
        "davy release\ndavy release --dry-run",
    ),
    "rehearse": Entry(
        WHOLE,
        "Play the same plan in memory with simulated traffic, in seconds.",
        f"{HOME}.rehearse",
        "davy rehearse --rps 100 --times 5",
    ),
    "build": Entry(
        PARTS, "Build the images, push them, print them by digest.", f"{HOME}.build", "davy build --plan\ndavy build"
    ),
    "image": Entry(
        PARTS,
        "Look at images in registries; promote, copy, sign, scan them.",
        f"{HOME}.image",
        "davy image show registry.example.com/shop/checkout:main",
    ),
    "test": Entry(
        PARTS, "Run the suites in the images; merge their JUnit.", f"{HOME}.test", "davy test\ndavy test --suite unit"
    ),
    "canary": Entry(PARTS, "Start, watch, hold, promote or abort a canary.", f"{HOME}.canary", "davy canary status"),
    "judge": Entry(
        PARTS, "Replay, explain, plan and prove the verdicts.", f"{HOME}.judge", "davy judge plan --rps 100 --bad 0.1%"
    ),
    "slo": Entry(PARTS, "Objectives: their error budgets and burn rates.", f"{HOME}.slo", "davy slo status"),
    "validate": Entry(
        LOOK, "Check davy.yaml; every problem at once, with its line.", f"{HOME}.validate", "davy validate"
    ),
    "plan": Entry(LOOK, "Say what a release would do.", f"{HOME}.plan", "davy plan"),
    "schema": Entry(LOOK, "Print the JSON Schema of davy.yaml.", f"{HOME}.schema", "davy schema > davy.schema.json"),
    "help": Entry(LOOK, "Print the help of a command.", f"{HOME}.about:help_", "davy help canary abort"),
    "version": Entry(LOOK, "Print davy's version.", f"{HOME}.about:version", "davy version"),
}

ELSEWHERE = {
    "init": "Write davy.yaml: `davy schema` has every key, `davy validate` checks it, `davy rehearse` plays it.",
    "doctor": "`davy validate` looks at the file, `davy plan` at the cluster and Prometheus, and change nothing.",
    "diagnose": "`davy validate` looks at the file, `davy plan` at the cluster and Prometheus, and change nothing.",
    "explain": "`davy build explain` says why an image is built, `davy judge explain` one verdict.",
    "deploy": "`davy release` does all of it, `davy canary start` takes images that are there.",
    "run": "`davy release` does all of it; `davy build`, `davy test` and `davy canary start` do its parts.",
    "rollback": "While a canary runs `davy canary abort` takes it back; after that, `kubectl rollout undo`.",
    "abort": "`davy canary abort` takes a canary back.",
    "status": "`davy canary status` says where a canary stands, `davy slo status` what is left of budgets.",
    "promote": "`davy canary promote` takes the next step, `davy image promote` puts a tag.",
    "resume": "`davy canary resume` takes over a canary.",
    "lock": "`davy build lock` writes the digests of base images.",
    "completion": "`_DAVY_COMPLETE=bash_source davy` prints it for bash; zsh_source and fish_source for these.",
}
"""What people type who come from another tool, and what does it here."""

EPILOG = """\b
Exit codes: 0 done · 1 a defect of davy's · 2 unusable input · 3 rejected
before traffic moved · 4 rolled back · 5 undecided · 6 something did not
answer · 7 stuck, a human is needed · 8 locked out · 130 interrupted,
traffic safe.
Every option has an environment twin: DAVY_FILE, DAVY_OUTPUT, DAVY_BUILD_PLAN.

\b
Examples:
  davy rehearse        no cluster needed
  davy release
  davy canary status
"""


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        click.echo(f"davy {__version__}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    table=TABLE,
    elsewhere=ELSEWHERE,
    epilog=EPILOG,
    context_settings={"auto_envvar_prefix": "DAVY", "help_option_names": ["-h", "--help"], "max_content_width": 88},
)
@click.option(
    "-V", "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version."
)
def davy() -> None:
    """Take a commit to production behind a canary, and take it back when the numbers say so."""


def main() -> None:
    """The console script."""
    _names_files_in_utf8()
    atexit.register(_deaf)  # The first that is registered is called last.
    sys.exit(run(sys.argv[1:]))


def _deaf() -> None:
    """Python's own end puts every handler back to what kills: a signal then would take the exit code away.

    It leaves alone what is ignored. (To block them would be this thread's alone.)
    """
    import signal  # noqa: PLC0415 - as below

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def run(arguments: list[str]) -> int:
    """The exit code of one command line."""
    _termination_interrupts()
    ancestry.watch(os.environ)
    _collects_seldom()
    veil.begin(os.environ)
    # JSON is masked by its values: a secret that is `true` must not break it.
    with veil.over("stderr", *(() if wants_json(arguments, os.environ) else ("stdout",))):
        return _run(arguments)


def _run(arguments: list[str]) -> int:
    try:
        ending = davy.main(args=arguments, prog_name="davy", standalone_mode=False)
        code = int(ending or 0)
    except click.exceptions.Exit as leaving:
        code = leaving.exit_code
    except BrokenPipeError:
        code = 0  # Only commands that change nothing get here: what the reader wanted, it has.
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the one place where everything ends
        from davy.workflows.cli.errors import told  # noqa: PLC0415 - not needed while all is well

        code = int(told(error, arguments, os.environ))
    _flushed()
    return code


def _names_files_in_utf8() -> None:
    """Names of files are bytes. Read in the locale's own encoding, the same file would give another key elsewhere."""
    if sys.getfilesystemencoding() != "utf-8" and not sys.flags.utf8_mode:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606 - itself, once more


def _flushed() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            _let_go_of(stream.fileno())


def _let_go_of(descriptor: int) -> None:
    """The reader of a pipe has gone, as `head` does: what is still buffered goes nowhere, without a second error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def _collects_seldom() -> None:
    """Start-up makes a hundred thousand objects that all stay: looking through them for garbage is a tenth of it."""
    gc.set_threshold(100_000, 20, 20)


def _termination_interrupts() -> None:
    """SIGTERM ends a command as Ctrl-C does; one that moves traffic takes both over to make it safe first."""
    import signal  # noqa: PLC0415

    signal.signal(signal.SIGTERM, signal.default_int_handler)
