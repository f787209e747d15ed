"""Starts the service: `python -m checkout`."""

from __future__ import annotations

import os
import sys
import threading
import time

from .app import App
from .server import say, serve
from .settings import settings_from


def main() -> int:
    """Read the settings, put the built-in fault to work, and serve."""
    settings = settings_from(os.environ)
    if settings.fault.kind == "crash":
        say("crashing, as it was built to")
        return 1
    if settings.fault.kind == "leak":
        speed = settings.fault.bytes_per_second
        threading.Thread(target=leak, args=(speed,), daemon=True).start()
    serve(App(settings=settings))
    return 0


def leak(bytes_per_second: int) -> None:
    """Hold on to more memory every second, and touch it, so that it counts."""
    held = []
    while True:
        held.append(b"x" * bytes_per_second)
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
