"""Live: the scene drawn onto a terminal, again after every event and four times a second."""

from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live as RichLive

from davy.pipeline.core.events import Event
from davy.pipeline.core.text.sanitize import one_line
from davy.workflows.render.live.picture import picture
from davy.workflows.render.scene import Scene, folded
from davy.workflows.render.text.brief import Tails


class Live:
    """A view that repaints itself in place; the last picture stays on the screen."""

    def __init__(
        self,
        stream: TextIO,
        now: Callable[[], datetime],
        *,
        color: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        """`size`: (columns, lines) where the terminal is not to be asked."""
        width, height = size or (None, None)
        self._console = Console(
            file=stream,
            force_terminal=True,
            no_color=not color,
            highlight=False,
            markup=False,
            emoji=False,
            width=width,
            height=height,
        )
        self._now = now
        self._scene = Scene()
        self._guard = Lock()
        self._size = self._console.size
        self._live = RichLive(
            console=self._console,
            get_renderable=self._draw,
            refresh_per_second=4,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._begun = False
        self._tails = Tails()
        self._failed: list[str] = []

    def show(self, event: Event) -> None:
        """Fold the event in; the next repaint shows it."""
        self._failed += self._tails.of(event)
        with self._guard:
            self._scene = folded(self._scene, event)
        if not self._begun:
            self._begun = True
            self._live.start()

    def close(self) -> None:
        """Paint once more and give the cursor back; below stands what the failed builds and suites printed last."""
        if self._begun:
            self._live.stop()
        for line in self._failed:
            self._console.print(f"   | {one_line(line)}", style="dim", soft_wrap=True)

    def _draw(self) -> Group:
        size = self._console.size
        if size != self._size:  # A narrower terminal has wrapped what stands there: begin on a clean one.
            self._size = size
            self._console.clear()
        with self._guard:
            scene = self._scene
        return Group(*picture(scene, self._now(), size.width, max(size.height - 1, 1)))
