"""Script: what runs a suite inside its pod, and how its report and files come out through the log.

A pod that has ended can no longer be copied from, and sidecars or `exec` ask for rights and tools of their own. So the
script prints report and files, packed, at the end of its log, behind a mark that nobody can guess; they are taken out
of the log again before anyone sees it. When it is told to end (its time is up) it ends the suite and still prints
what is there.
"""

import base64
import binascii
import shlex
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from davy.pipeline.suites.reports import paths
from davy.pipeline.suites.runners.kubernetes.shell import FOLDER, SCRIPT

__all__ = ["FOLDER", "MOST_PACKED", "SCRIPT", "LineSorter", "words"]

MOST_PACKED = 4 * 2**20
"""Bytes of the packed report, and of the packed files: a kubelet keeps 10 MiB of a log by default."""
MOST_REPORT = 2 * 2**30
"""Bytes of the report, unpacked."""
CHUNK = 2**16


def words(
    *,
    mark: str,
    run: str,
    seconds: int,
    shards: Sequence[Mapping[str, str]],
    collect: Sequence[str],
    reports: Sequence[str] = (),
) -> list[str]:
    """The container's command. `shards`: of each, by its index, what of the environment is its own."""
    own = [" ".join(["export", *(f"{name}={shlex.quote(value)}" for name, value in env.items())]) for env in shards]
    globs = "\n".join(f"{_dotted(paths.base(glob))}\n{_dotted(paths.wider(glob))}" for glob in reports)
    asked = f"; reports={shlex.quote(globs)}" if reports else ""
    tables = [(line if env else ":") + asked for line, env in zip(own, shards, strict=True)]
    numbers = [str(MOST_PACKED), str(seconds), str(len(tables))]
    return ["/bin/sh", "-c", SCRIPT, "davy", mark, run, *numbers, *tables, *collect]


def _dotted(path: str) -> str:
    """`find` tells a name as it was given, and takes one that begins with a dash for an option."""
    return path if path.startswith("/") else "." if path == "." else f"./{path}"


@dataclass(slots=True)
class LineSorter:
    """Tells the suite's own lines from what the script adds."""

    mark: str
    exit_code: int | None = None
    late: bool = False
    """True where the script ended the suite because its time was up."""
    took: timedelta | None = None
    """How long the suite's command ran, by the clock of its node."""
    was_told: bool = False
    """True where the script ended the suite because its pod was told to end."""
    notes: list[str] = field(default_factory=list)
    """For people: what could not be brought out."""
    home: str = ""
    """Where the suite's command began."""
    unread: list[str] = field(default_factory=list)
    """Of its reports: what was not read, a sentence each."""
    _stale: int = 0
    _ended: bool = False
    _blank: bool = False
    _whole: bool = False
    _name: str = ""
    _lost: str = ""
    _lines: dict[str, list[str]] = field(default_factory=dict)
    _sizes: dict[str, int] = field(default_factory=dict)
    _size: int = 0

    def told(self, line: str) -> Iterator[str]:
        """The lines of the suite that are known for sure after this one."""
        if line.startswith(self.mark + " "):
            self._ended, self._blank = True, False
            self._said(*line[len(self.mark) + 1 :].split(" "))
        elif self._ended:
            self._size += len(line)
            # Above all that the script may send, something else is writing.
            if self._name and self._size < 8 * MOST_PACKED:
                self._lines.setdefault(self._name, []).append(line)
        else:
            # The script writes a newline before its first mark; it is not the suite's.
            if self._blank:
                yield ""
            self._blank = not line
            if line:
                yield line

    def _said(self, what: str, *rest: str) -> None:
        self._name = ""
        match what, *rest:
            case ["exit", code, *times] if code.isdigit():
                self.exit_code = int(code)
                self.took = _between(times)
            case ["late"]:
                self.late = True
            case ["told"]:
                self.was_told = True
            case ["home", *path]:
                self.home = " ".join(path)
            case ["stale", *_]:
                self._stale += 1
            case ["odd", kind]:
                word = "a link" if kind == "link" else "no plain file"
                self.unread.append(f"what it wrote as its report is {word}; that is not read")
            case ["end"]:
                self._whole = True
            case ["part", name, size] if size.isdigit():
                self._name, self._sizes[name], self._lines[name] = name, int(size), []
            case words:
                self._missed(*words)

    def _missed(self, *words: str) -> None:
        """What could not be brought out."""
        match words:
            case ["large", "files.tgz", size]:
                self.notes.append(f"(files: {_too_large(size)}; left there)")
            case ["large", _, size]:
                self._lost = f"{_too_large(size)}; use more shards, or write less into it"
            case ["lost", "reports"]:
                self._lost = "the image has no find, tar, gzip, base64 or sed to send several files with"
            case ["lost", "folder"]:
                self._lost = "it is a folder without .xml and .trx in it"
            case ["lost", *_]:
                self._lost = "it could not be packed there: see the log"
            case ["none", *path]:
                self.notes.append(f"(nothing to collect at {' '.join(path)})")
            case ["untold", *_]:
                self.notes.append("(files were not collected: the image has no tar, gzip or base64)")

    def report(self) -> Iterator[bytes]:
        """The report in chunks; nothing where none was written. Raises ValueError where it did not come whole."""
        if self._lost:
            raise ValueError(self._lost)
        if "junit.text" in self._lines:
            lines = self._lines["junit.text"]
            # One more than it has ends of lines: the script ends the last.
            if len(lines) <= self._sizes["junit.text"]:
                raise ValueError("its end is missing")
            yield "\n".join(lines).encode()
        elif "junit" in self._lines:
            yield self._bytes("junit")
        elif "junit.gz" in self._lines:
            yield from self._unpacked("junit.gz", MOST_REPORT)

    def has_reports(self) -> bool:
        """True where several report files came."""
        return "reports.tgz" in self._lines

    def reports(self) -> Iterator[bytes]:
        """Several report files as an uncompressed tar, in chunks. Raises ValueError where they did not come whole."""
        if self._lost:
            raise ValueError(self._lost)
        yield from self._unpacked("reports.tgz", MOST_REPORT)

    def stale(self) -> int:
        """Report files that were there before the run."""
        return self._stale

    def files(self) -> Iterator[bytes]:
        """The collected files as an uncompressed tar, in chunks. Raises ValueError where it came out broken."""
        yield from self._unpacked("files.tgz")

    def _unpacked(self, name: str, most: int | None = None) -> Iterator[bytes]:
        packed, left, size = zlib.decompressobj(wbits=31), self._bytes(name), 0
        try:
            while left and not packed.eof:
                chunk = packed.decompress(left, CHUNK)
                left, size = packed.unconsumed_tail, size + len(chunk)
                if most is not None and size > most:
                    raise ValueError(f"it is larger than {most // 2**30} GiB")
                yield chunk
        except zlib.error as error:
            raise ValueError(f"what came is broken: {error}") from error
        if not packed.eof:
            raise ValueError("its end is missing")

    def is_whole(self) -> bool:
        """True once the script's last line came."""
        return self._whole

    def has_files(self) -> bool:
        """True where there is something to unpack."""
        return "files.tgz" in self._lines

    def _bytes(self, name: str) -> bytes:
        try:
            made = base64.b64decode("".join(self._lines.get(name, [])), validate=True)
        except binascii.Error as error:
            raise ValueError(f"what came is broken: {error}") from error
        if len(made) != self._sizes.get(name, 0):
            raise ValueError(f"{len(made):,} of its {self._sizes.get(name, 0):,} packed bytes came")
        return made


def _too_large(size: str) -> str:
    most = MOST_PACKED // 2**20
    return f"{int(size) / 2**20:.1f} MiB packed, more than the {most} MiB that come out of a pod"


def _between(times: Sequence[str]) -> timedelta | None:
    """From one reading of /proc/uptime to the next; None where the system has none."""
    try:
        began, ended = map(float, times)
    except ValueError:
        return None
    return timedelta(seconds=max(0.0, round(ended - began, 3)))
