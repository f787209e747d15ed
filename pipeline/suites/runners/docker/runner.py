"""Runner: suites run in the image they test, by the Docker engine."""

import codecs
import io
import logging
import os
import queue
import socket
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import docker
from docker.errors import APIError, ImageNotFound, NotFound
from docker.types import LogConfig

from davy.pipeline.clients.docker import engine
from davy.pipeline.clients.docker.credentials import DockerCredentials
from davy.pipeline.core.ports import Say
from davy.pipeline.core.secrets.masks import NONE, Lines, Masks
from davy.pipeline.core.text import time_text
from davy.pipeline.files import own_files
from davy.pipeline.suites.ports import SuiteOrder, SuiteRun
from davy.pipeline.suites.reports.formats import k6
from davy.pipeline.suites.runners import output
from davy.pipeline.suites.runners.docker import reports
from davy.pipeline.suites.runners.orphans import is_there
from davy.pipeline.suites.runners.output import SuiteLog
from davy.pipeline.suites.runners.tarball import RefusedArchive, extracted

JUNIT = "/tmp/davy/junit.xml"  # noqa: S108 - inside the container, which has its own
SUITE, OWNER, UNTIL = "dev.davy.suite", "dev.davy.owner", "dev.davy.until"
"""Labels by which containers that a killed run left behind are found."""
SPARE = 300
"""Seconds after its timeout in which a container may still be cleaned up by its own run."""
MOST_LINE = 64 * 2**10


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePlace:
    """The Docker engine that the environment names."""

    environment: Mapping[str, str]
    interrupted: Callable[[], bool]
    masks: Masks = NONE

    def slots(self, wanted: int) -> int:
        """As many as are wanted: who writes `shards` knows the machine."""
        return max(1, wanted)

    def runner(self) -> "DockerSuites":
        """A new one each time."""
        return DockerSuites(self.environment, interrupted=self.interrupted, masks=self.masks)

    def swept(self) -> tuple[str, ...]:
        """See the port. Raises Unreachable where Docker is not there."""
        with engine.connected(self.environment) as client:
            return tuple(_sweep(client))


class DockerSuites:
    """Runs one suite at a time. `stop` may come from another thread."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        interrupted: Callable[[], bool] = lambda: False,
        masks: Masks = NONE,
    ) -> None:
        self._environment, self._interrupted, self._masks = environment, interrupted, masks
        self._credentials = DockerCredentials(environment)
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End what runs; its container is removed by the run itself."""
        self._stopped.set()

    def run(self, order: SuiteOrder, say: Say) -> SuiteRun:
        """Run the suite to its end. Raises Unreachable where Docker is not there, Forbidden at the image's registry."""
        return k6.told(order, self._run(k6.ordered(order), say))

    def _run(self, order: SuiteOrder, say: Say) -> SuiteRun:
        self._stopped.clear()
        output.place(order.out)
        log = order.out / "log.txt"
        with engine.connected(self._environment) as client, own_files.create_text(log) as kept:
            problem = self._pulled(client, order)
            if problem:
                kept.write(f"{problem}\n")
                return SuiteRun(exit_code=None, junit=None, log=log, because=problem)
            container = self._created(client, order)
            try:
                return self._played(client, container, order, _Log(kept, say, self._masks), log)
            finally:
                with suppress(NotFound):
                    client.remove_container(container, v=True, force=True)

    def _pulled(self, client: docker.APIClient, order: SuiteOrder) -> str:
        """Have the image; else the sentence that says why not."""
        try:
            client.inspect_image(order.within.reference)  # type: ignore[no-untyped-call]
        except ImageNotFound:
            auth = engine.sign_in(self._credentials, order.within.name)
            try:
                client.pull(order.within.reference, auth_config=auth)
                client.inspect_image(order.within.reference)  # type: ignore[no-untyped-call]
            except APIError as error:
                words = engine.words(error)
                if engine.is_denied(words):
                    raise engine.denied(order.within.name, "pull", self._credentials) from error
                return f"image pull error: {words}"
        return ""

    def _created(self, client: docker.APIClient, order: SuiteOrder) -> str:
        host = client.create_host_config(
            network_mode=order.network,
            mem_limit=order.memory_bytes,
            memswap_limit=order.memory_bytes,
            nano_cpus=int(order.cpus * 1e9),
            init=True,
            # The log is read back through the engine, whatever its default driver is.
            log_config=LogConfig(type="json-file", config={"max-size": "256m"}),
        )
        until = int(time.time() + order.timeout.total_seconds() + SPARE)
        made = client.create_container(
            order.within.reference,
            entrypoint=["/bin/sh", "-c"],
            command=[order.run],
            environment={**order.env, "JUNIT": JUNIT},
            labels={SUITE: order.name, OWNER: _owner(), UNTIL: str(until)},
            host_config=host,
        )
        return str(made["Id"])

    def _played(self, client: docker.APIClient, container: str, order: SuiteOrder, told: "_Log", log: Path) -> SuiteRun:
        try:
            client.put_archive(container, "/", _folder_for(JUNIT))
            client.start(container)
        except APIError as error:
            words = f"could not start: {engine.words(error)}"
            told.line(words)
            return SuiteRun(exit_code=None, junit=None, log=log, because=words)
        because = self._followed(client, container, order, told)
        state = client.inspect_container(container)["State"]
        code: int | None = None if because else int(state["ExitCode"])
        if code and state.get("OOMKilled"):
            because = f"out of memory (limit {order.memory_bytes // 2**20} MiB)"
        files, notes = _collected(client, container, order)
        for note in notes:
            told.line(note)
        found = reports.gathered(client, container, order, JUNIT)
        return SuiteRun(
            exit_code=code,
            junit=found.junit,
            log=log,
            because=because or found.because,
            files=files,
            reports=found.reports,
            notes=found.notes,
        )

    def _followed(self, client: docker.APIClient, container: str, order: SuiteOrder, told: "_Log") -> str:
        """Tell the lines until the container has ended; why it had to be stopped, where it had to."""
        lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        limit = int(order.timeout.total_seconds()) + SPARE
        reader = threading.Thread(
            target=_read, args=(self._environment, container, lines, limit, self._masks), daemon=True
        )
        reader.start()
        deadline = time.monotonic() + order.timeout.total_seconds()
        because, heard_all = "", False
        while not (heard_all and _has_ended(client, container)):
            with suppress(queue.Empty):
                line = lines.get(timeout=0.1)
                heard_all = heard_all or line is None
                if line is not None:
                    told.printed(line)
            if not because:
                because = self._over(deadline, order)
                if because:
                    with suppress(APIError):
                        client.kill(container)
        # The engine's follower may miss the end of a container that ends at once; its file has all.
        for number, line in enumerate(_lines(client.logs(container, stream=True, follow=False), self._masks)):
            if number >= told.followed:
                told.printed(line)
        return because

    def _over(self, deadline: float, order: SuiteOrder) -> str:
        if self._stopped.is_set() or self._interrupted():
            return "stopped"
        return f"timed out after {time_text.shown(order.timeout)}" if time.monotonic() >= deadline else ""


class _Log:
    """The suite's lines, told and kept."""

    def __init__(self, kept: TextIO, say: Say, masks: Masks) -> None:
        self._log = SuiteLog(kept=kept, say=say, masks=masks)
        self.followed = 0
        """Lines that the container printed, so far."""

    def printed(self, line: str) -> None:
        self.followed += 1
        self.line(line)

    def line(self, text: str) -> None:
        self._log.tell(text)


def _read(
    environment: Mapping[str, str], container: str, lines: "queue.SimpleQueue[str | None]", limit: int, masks: Masks
) -> None:
    """Put the container's lines into the queue, None at their end. A connection of its own: it blocks."""
    try:
        client = docker.APIClient(version="auto", timeout=limit, **docker.utils.kwargs_from_env(dict(environment)))
        try:
            for line in _lines(client.logs(container, stream=True, follow=True), masks):
                lines.put(line)
        finally:
            client.close()
    except (docker.errors.DockerException, *engine.BROKEN_OFF, ValueError) as error:
        # What is missing is read from the log's file when the container has ended.
        logging.getLogger(__name__).debug("the log of %s broke off: %s", container, type(error).__name__)
    finally:
        lines.put(None)


def _has_ended(client: docker.APIClient, container: str) -> bool:
    return not client.inspect_container(container)["State"]["Running"]


def _lines(chunks: Iterator[bytes], masks: Masks) -> Iterator[str]:
    """Lines without secrets, wherever the chunks are cut."""
    lines, decoded = Lines(masks, MOST_LINE), codecs.getincrementaldecoder("utf-8")(errors="replace")
    for chunk in chunks:
        yield from lines.fed(decoded.decode(chunk))
    yield from lines.fed(decoded.decode(b"", final=True))
    yield from lines.rest()


def _folder_for(path: str) -> bytes:
    """A tar with the report's folder, which any user of the container may write to."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        folder = tarfile.TarInfo(path.strip("/").rsplit("/", 1)[0])
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        archive.addfile(folder)
    return made.getvalue()


def _collected(client: docker.APIClient, container: str, order: SuiteOrder) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Copy what was asked for out of the container; what is not there is noted, and no failure."""
    files: list[Path] = []
    notes: list[str] = []
    for path in order.collect:
        into = order.out / "files" / path.strip("/").rpartition("/")[0]
        try:
            chunks, _ = client.get_archive(container, path)
            files += extracted(chunks, into)
        except NotFound:
            notes.append(f"(nothing to collect at {path})")
        except RefusedArchive as error:
            notes.append(f"(not all of {path} was collected: {error})")
    return tuple(files), tuple(notes)


def _owner() -> str:
    return f"{socket.gethostname()}/{os.getpid()}"


def _sweep(client: docker.APIClient) -> Iterator[str]:
    """Remove containers that killed runs left behind: their owner is gone, or their time is long over."""
    found: list[dict[str, Any]] = client.containers(all=True, filters={"label": [SUITE, OWNER]})
    for container in found:
        labels = container.get("Labels") or {}
        if _left_behind(str(labels.get(OWNER, "")), str(labels.get(UNTIL, ""))):
            with suppress(APIError):
                client.remove_container(container["Id"], v=True, force=True)
                yield f"removed container {container['Id'][:12]} of suite {labels[SUITE]}, whose davy is gone"


def _left_behind(owner: str, until: str) -> bool:
    host, _, number = owner.rpartition("/")
    if until.isdigit() and time.time() > int(until):
        return True
    return host == socket.gethostname() and number.isdigit() and not is_there(int(number))
