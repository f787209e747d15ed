"""Parameters: what several commands take. Each names its environment twin in the help."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from davy.workflows.cli import param_types

if TYPE_CHECKING:
    from pathlib import Path


F = TypeVar("F", bound=Callable[..., Any])


def option(*names: str, **settings: Any) -> Callable[[F], F]:
    """`click.option` that shows its environment twin, `DAVY_COMMAND_OPTION` unless `envvar` names another."""
    return click.option(*names, show_envvar=True, **settings)


def file(command: F) -> F:
    """`-f davy.yaml`."""
    return option(
        "-f",
        "--file",
        "file",
        envvar="DAVY_FILE",
        type=param_types.File(),
        default="davy.yaml",
        show_default=True,
        help="The configuration.",
    )(command)


def output_as(*forms: str, help: str) -> Callable[[F], F]:  # noqa: A002 - as Click has it
    """`--output`; the first of the forms where it is not said."""
    return option(
        "-o",
        "--output",
        envvar="DAVY_OUTPUT",
        type=click.Choice(forms),
        default=forms[0],
        show_default=True,
        help=help,
    )


def output(command: F) -> F:
    """`--output text|json`."""
    return output_as("text", "json", help="json: on stdout; what runs writes an event a line.")(command)


def view(command: F) -> F:
    """`--plain`, `--verbose` and `--no-color`."""
    command = option(
        "-v",
        "--verbose",
        envvar="DAVY_VERBOSE",
        is_flag=True,
        help="Plain lines with all that happens: what builds and suites print, every pod, every note.",
    )(command)
    told = "Plain lines instead of the live view, also on a terminal."
    command = option("--plain", envvar="DAVY_PLAIN", is_flag=True, help=told)(command)
    return option(
        "--no-color", envvar="DAVY_NO_COLOR", is_flag=True, help="No colour; NO_COLOR does the same."
    )(command)  # fmt: skip


def dry_run(command: F) -> F:
    """`--dry-run`."""
    return option("--dry-run", is_flag=True, help="Say what would be done, and stop.")(command)


def _named_by_the_user(context: click.Context, parameter: click.Parameter, folder: "Path") -> "Path":
    """One that is named may be a link; a `davy-out` that is one may be the repository's doing."""
    is_default = context.get_parameter_source(parameter.name or "") is ParameterSource.DEFAULT
    if is_default:
        return folder
    from davy.pipeline.files import own_files  # noqa: PLC0415 - few name one

    return own_files.followed(folder)


def out(command: F) -> F:
    """`--out davy-out`."""
    return option(
        "--out",
        envvar="DAVY_OUT",
        type=param_types.File(file_okay=False),
        default="davy-out",
        callback=_named_by_the_user,
        show_default=True,
        help="Folder for the report, the events, JUnit and logs.",
    )(command)


def suites(command: F) -> F:
    """`--suite NAME`."""
    told = "Only this suite; several times for several. Without: all that run before the canary."
    return option("--suite", "suites", multiple=True, metavar="NAME", help=told)(command)


def shard(command: F) -> F:
    """`--shard 2/8`."""
    told = "Only this machine's part of every suite, where N machines share them. Give all N the same history."
    return option("--shard", type=param_types.Part(), metavar="K/N", help=told)(command)


def last(command: F) -> F:
    """`--last 50`."""
    told = "So many runs of the archive, the newest."
    span = click.IntRange(1, 1000)
    return option("--last", type=span, default=50, show_default=True, metavar="N", help=told)(command)


CLUSTER = {
    "as_groups": ("--as-group", "Act as a member of this group; several times for several. It needs a user, too."),
    "as_user": ("--as", "Act as this user, as kubectl does; over the kubeconfig's."),
    "context": ("--context", "Context of the kubeconfig, over the file's."),
    "kubeconfig": ("--kubeconfig", "The kubeconfig, over the file's and KUBECONFIG."),
}


def cluster(command: F) -> F:
    """For every command that asks a cluster: which, and as whom."""
    for own, (name, told) in CLUSTER.items():
        twin = f"DAVY_{name.strip('-').replace('-', '_').upper()}"
        command = option(name, own, envvar=twin, multiple=own == "as_groups", help=told)(command)
    return command


def target(command: F) -> F:
    """`-f`, `--namespace` and `--deployment`, and `cluster`'s: for commands that are about the Deployment."""
    command = cluster(command)
    command = option(
        "--deployment", envvar="DAVY_DEPLOYMENT", help="The Deployment, over the file's; no file is needed then."
    )(command)
    command = option("-n", "--namespace", envvar="DAVY_NAMESPACE", help="Its namespace, over the file's.")(command)
    return file(command)


def word(command: F) -> F:
    """`--why`, and `--by`."""
    command = option(
        "--by", envvar="DAVY_BY", help="Your name; by default $DAVY_RUNNER, the CI job's link, or user@host."
    )(command)
    return option("--why", default="", help="Your reason, kept in the journal and the report.")(command)


def accept_budget(command: F) -> F:
    """`--accept-budget WHY`."""
    return option(
        "--accept-budget",
        metavar="WHY",
        default="",
        help="Go on where `checks.gate` says no. Your name and reason are kept in the report.",
    )(command)


def key(command: F) -> F:
    """`--key`, and `--no-log`: how cosign signs."""
    command = option("--no-log", is_flag=True, help="Leave the transparency log out.")(command)
    return option(
        "--key", help="The private key as cosign names it: a file, env://NAME, a KMS; over the file's."
    )(command)  # fmt: skip


def trust(command: F) -> F:
    """Whose signature counts, over `build.sign`."""
    command = option("--issuer", help="Keyless: the OIDC issuer.")(command)
    command = option("--identity", help="Keyless: regular expression of who must have signed.")(command)
    return key(
        option("--public-key", "public_key", help="To verify with, as cosign names it; over the file's.")(command)
    )


def traffic(command: F) -> F:
    """The traffic that a plan or a simulation is made for: told, or read from Prometheus."""
    for name, settings in reversed(TRAFFIC.items()):
        command = option(name, **settings)(command)
    return command


TRAFFIC: dict[str, dict[str, Any]] = {
    "--last": {
        "type": param_types.Span(),
        "default": "1h",
        "show_default": True,
        "help": "Read traffic and bad events of this long from Prometheus.",
    },
    "--rps": {
        "type": param_types.Number(min=0.001, max=1e7),
        "help": "Requests a second, over all pods; with --bad, no server is asked.",
    },
    "--bad": {
        "type": param_types.Bad(),
        "multiple": True,
        "help": "Stable's share of bad events, as 0.1%; or of one SLO, as latency=1%.",
    },
    "--replicas": {"type": click.IntRange(1, 10000), "help": "Stable pods; without it any share can be reached."},
    "--share": {
        "type": param_types.Share(),
        "multiple": True,
        "help": "The canary's share, one for each step; over the file's.",
    },
    "--objective": {
        "type": param_types.Number(0, 100, min_open=True, max_open=True),
        "help": "Percent of good events promised; where there is no file.",
    },
}
