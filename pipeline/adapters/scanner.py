"""Scanner: the user's own command over an image, in a process."""

from collections.abc import Mapping

from davy.pipeline.adapters import process
from davy.pipeline.ports import Say, ScanOrder


class ProcessScanner:
    """Runs scanners on this machine."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def scan(self, order: ScanOrder, say: Say) -> int | None:
        """Its exit code; None where it had to be stopped."""
        order.report.parent.mkdir(parents=True, exist_ok=True)
        order.report.unlink(missing_ok=True)
        told = {"IMAGE": order.image.reference, "REPORT": str(order.report.absolute())}
        ended = process.run(
            ["/bin/sh", "-c", order.run],
            timeout=order.limit,
            say=say,
            folder=order.folder,
            environment={**self._environment, **told},
        )
        return ended.exit_code
