"""Job script: what runs a suite inside its pod, and how its report and files come out through the log.

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
from contextlib import suppress
from dataclasses import dataclass, field

FOLDER = "/tmp/davy"  # noqa: S108 -- a volume of the pod's own
MOST_PACKED = 4 * 2**20
"""Bytes of the packed report, and of the packed files: a kubelet keeps 10 MiB of a log by default."""
MOST_JUNIT = 32 * 2**20

SCRIPT = (
    """
# One pipe: what comes through two may overtake each other, and the end would come before an error's last words.
exec 2>&1
mark=$1 run=$2 most=$3 limit=$4 shards=$5
shift 5
index=${JOB_COMPLETION_INDEX:-0}
own=
while [ "$shards" -gt 0 ]; do
  if [ "$index" -eq 0 ]; then own=$1; fi
  index=$((index - 1)) shards=$((shards - 1))
  shift
done
eval "$own"
JUNIT=FOLDER/junit.xml
export JUNIT
mkdir -p FOLDER
/bin/sh -c "$run" &
child=$!
(sleep "$limit" && : >FOLDER/.late && kill -TERM "$child" && sleep 3 && kill -KILL "$child") >/dev/null 2>&1 &
watch=$!
trap ': >FOLDER/.told; kill -TERM "$child" 2>/dev/null; (sleep 3; kill -KILL "$child" 2>/dev/null) & ' TERM INT
wait "$child" 2>/dev/null
code=$?
# A signal ends `wait` early: wait again for what the trap ended.
if [ "$code" -gt 128 ] && kill -0 "$child" 2>/dev/null; then wait "$child" 2>/dev/null; code=$?; fi
trap '' TERM INT
kill "$watch" 2>/dev/null
has() { command -v "$1" >/dev/null 2>&1; }
sent() {
  size=$(wc -c <"$2")
  if [ "$size" -gt "$most" ]; then
    printf '%s large %s %s\\n' "$mark" "$1" "$size"
  else
    printf '%s part %s\\n' "$mark" "$1"
    base64 "$2"
  fi
}
printf '\\n%s exit %s\\n' "$mark" "$code"
if [ -f FOLDER/.late ]; then printf '%s late\\n' "$mark"; fi
if [ -f FOLDER/.told ]; then printf '%s told\\n' "$mark"; fi
if [ -f "$JUNIT" ]; then
  if has gzip && has base64; then
    gzip -c "$JUNIT" >FOLDER/.junit && sent junit.gz FOLDER/.junit
  elif has base64; then
    sent junit "$JUNIT"
  else
    printf '%s part junit.text\\n' "$mark"
    cat "$JUNIT"
    echo
  fi
fi
for path in "$@"; do
  shift
  if [ -e "$path" ]; then set -- "$@" "${path#/}"; else printf '%s none %s\\n' "$mark" "$path"; fi
done
if [ "$#" -gt 0 ]; then
  if has tar && has gzip && has base64; then
    tar -C / -cf - "$@" 2>/dev/null | gzip -c >FOLDER/.files
    sent files.tgz FOLDER/.files
  else
    printf '%s untold files\\n' "$mark"
  fi
fi
printf '%s end\\n' "$mark"
# A runtime may drop what is still in its pipes when the last process ends (seen with containerd 1.6: up to 30 KB).
sleep 1
exit "$code"
"""
).replace("FOLDER", FOLDER)
"""For /bin/sh. Words: the mark, the suite's command, the most bytes of a packed part, the seconds it may take, how many
shards there are, what each shard evaluates first, and the paths to collect."""


def words(
    *, mark: str, run: str, seconds: int, shards: Sequence[Mapping[str, str]], collect: Sequence[str]
) -> list[str]:
    """The container's command. `shards`: of each, by its index, what of the environment is its own."""
    own = [" ".join(["export", *(f"{name}={shlex.quote(value)}" for name, value in env.items())]) for env in shards]
    tables = [line if env else ":" for line, env in zip(own, shards, strict=True)]
    numbers = [str(MOST_PACKED), str(seconds), str(len(tables))]
    return ["/bin/sh", "-c", SCRIPT, "davy", mark, run, *numbers, *tables, *collect]


@dataclass(slots=True)
class Parts:
    """Tells the suite's own lines from what the script adds."""

    mark: str
    exit_code: int | None = None
    late: bool = False
    """True where the script ended the suite because its time was up."""
    was_told: bool = False
    """True where the script ended the suite because its pod was told to end."""
    notes: list[str] = field(default_factory=list)
    """For people: what could not be brought out."""
    _ended: bool = False
    _blank: bool = False
    _whole: bool = False
    _name: str = ""
    _lines: dict[str, list[str]] = field(default_factory=dict)
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
            case ["exit", code] if code.isdigit():
                self.exit_code = int(code)
            case ["late"]:
                self.late = True
            case ["told"]:
                self.was_told = True
            case ["end"]:
                self._whole = True
            case ["part", name]:
                self._name = name
            case ["large", name, size]:
                self.notes.append(
                    f"({name}: {int(size) / 2**20:.1f} MiB packed, more than the {MOST_PACKED // 2**20} MiB that come "
                    "out of a pod; left there)"
                )
            case ["none", *path]:
                self.notes.append(f"(nothing to collect at {' '.join(path)})")
            case ["untold", *_]:
                self.notes.append("(files were not collected: the image has no tar, gzip or base64)")

    def junit(self) -> str | None:
        """The report's text; None where none was written or it came out broken."""
        if "junit.text" in self._lines:
            return "\n".join(self._lines["junit.text"])
        if "junit" in self._lines:
            return self._bytes("junit").decode(errors="replace") or None
        if "junit.gz" in self._lines:
            with suppress(zlib.error):
                packed = zlib.decompressobj(wbits=31)
                return packed.decompress(self._bytes("junit.gz"), MOST_JUNIT).decode(errors="replace") or None
        return None

    def files(self) -> Iterator[bytes]:
        """The collected files as an uncompressed tar, in chunks. Raises ValueError where it came out broken."""
        packed, left = zlib.decompressobj(wbits=31), self._bytes("files.tgz")
        try:
            while left and not packed.eof:
                yield packed.decompress(left, 2**16)
                left = packed.unconsumed_tail
        except zlib.error as error:
            raise ValueError(f"the files came out broken: {error}") from error

    def is_whole(self) -> bool:
        """True once the script's last line came."""
        return self._whole

    def has_files(self) -> bool:
        """True where there is something to unpack."""
        return "files.tgz" in self._lines

    def _bytes(self, name: str) -> bytes:
        try:
            return base64.b64decode("".join(self._lines.get(name, [])), validate=True)
        except binascii.Error:
            return b""
