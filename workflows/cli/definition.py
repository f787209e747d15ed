"""Definition: a command as its module writes it. It is built, and the class of its options imported, when it is called.

So a module may hold a whole group, and whoever calls one command of it pays for that one.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import click

HOME = "davy.workflows"
Parameter = Callable[[Callable[..., Any]], Callable[..., Any]]
"""A decorator of Click's that adds a parameter, or several."""


class Definition:
    """What a command takes, and what it does with that."""

    def __init__(
        self, act: Callable[..., Any], place: str, parameters: tuple[Parameter, ...], settings: dict[str, Any]
    ) -> None:
        """`place`: of the class of its options, as `rollout.watch:WatchOptions`."""
        self.act, self._place, self._parameters, self._settings = act, place, parameters, settings

    def options(self) -> type[object]:
        """The class of its options, imported now."""
        module, _, name = self._place.partition(":")
        kind: type[object] = getattr(import_module(f"{HOME}.{module}"), name)
        return kind

    def command(self) -> click.Command:
        """Built now; its help is the function's text."""
        callback = self._callback
        for parameter in reversed(self._parameters):
            callback = parameter(callback)
        command: click.Command = click.command(**{"help": self.act.__doc__, **self._settings})(callback)
        return command

    @property
    def _callback(self) -> Callable[..., Any]:
        def callback(**values: Any) -> Any:
            if click.get_current_context().invoked_subcommand is not None:
                return None  # It is a group, and one of its commands is what was meant.
            from davy.workflows.story.options import options_from  # noqa: PLC0415 - not for a help

            return self.act(options_from(self.options(), values))

        return callback


def command(place: str, *parameters: Parameter, **settings: Any) -> Callable[[Callable[..., Any]], Definition]:
    """The function as a command with these parameters, which it is given as one value of the class at `place`.

    `settings`: Click's own.
    """
    return lambda act: Definition(act, place, parameters, settings)
