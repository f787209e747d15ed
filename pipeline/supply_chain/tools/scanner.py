"""Scanner: the user's own command over an image, in a process."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from davy.pipeline.clients import process
from davy.pipeline.core.ports import Say
from davy.pipeline.files import own_files
from davy.pipeline.supply_chain.ports import ScanOrder

PATIENCE = timedelta(seconds=2)
"""That a scanner which is to be stopped may take to take its files away."""


class ProcessScanner:
    """Runs scanners on this machine."""

    def __init__(self, environment: Mapping[str, str], *, interrupted: Callable[[], bool] = lambda: False) -> None:
        """`interrupted`: when true, the scanner is stopped."""
        self._environment, self._interrupted = environment, interrupted

    def scan(self, order: ScanOrder, say: Say) -> int | None:
        """Its exit code; None where it took too long. Raises KeyboardInterrupt where nobody wants it any more."""
        own_files.make_folder(order.report.parent)
        own_files.remove(order.report)
        told = {"IMAGE": order.image.reference, "REPORT": str(order.report.absolute())}
        ended = process.run(
            ["/bin/sh", "-c", order.run],
            timeout=order.limit,
            say=say,
            folder=order.folder,
            environment={**self._environment, **told},
            interrupted=self._interrupted,
            patience=PATIENCE,
        )
        if ended.unwanted:
            raise KeyboardInterrupt
        return ended.exit_code
