"""Reports: what a suite reported inside its container, copied out of it."""

from pathlib import Path

import docker
from docker.errors import NotFound

from davy.pipeline.suites.ports import SuiteOrder
from davy.pipeline.suites.reports import paths as reportpaths
from davy.pipeline.suites.runners import output
from davy.pipeline.suites.runners.output import Gathered
from davy.pipeline.suites.runners.tarball import RefusedArchive, extracted

MOST_COPY = 2 * 2**30
ADDED_OR_CHANGED = (0, 1)
"""Kinds of change, as the Engine numbers them: https://docs.docker.com/reference/api/engine/version/v1.47/#tag/Container"""


def gathered(client: docker.APIClient, container: str, order: SuiteOrder, junit: str) -> Gathered:
    """The reports of a container that has ended. `junit`: the value of its `$JUNIT`."""
    own, notes, strange = _own(client, container, order.out, junit)
    try:
        more, missing = _meant(client, container, order)
    except RefusedArchive as error:
        return Gathered(reports=own, because=f"its reports did not come out of the container: {error}")
    if not (own or more) and strange:
        return Gathered(notes=(*notes, *missing), because=reportpaths.no_reports(strange))
    if not more and own == (order.out / output.JUNIT,):
        text, reports = output.told(own[0]) if own[0].exists() else (None, own)
        return Gathered(junit=text, reports=reports, notes=(*notes, *missing))
    return Gathered(reports=(*own, *more), notes=(*notes, *missing))


def _own(
    client: docker.APIClient, container: str, out: Path, junit: str
) -> tuple[tuple[Path, ...], tuple[str, ...], tuple[str, ...]]:
    """The reports at `$JUNIT`, what is noted of it, and files of a folder there that are none."""
    path = out / output.JUNIT
    try:
        chunks, _ = client.get_archive(container, junit)
        found = extracted(chunks, out, most_bytes=MOST_COPY, most_files=reportpaths.MOST)
    except NotFound:
        return (), (), ()
    except RefusedArchive:
        # What came of it breaks off, or nothing came: either is told, and neither passes for no report.
        return (path,), (), ()
    inside = tuple(each for each in found if each == path or each.suffix in reportpaths.ENDS)
    others = tuple(sorted(each.name for each in found if each not in inside))
    return inside, () if found else ("what it wrote as its report is no plain file; that is not read",), others


def _meant(client: docker.APIClient, container: str, order: SuiteOrder) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """What the suite's globs mean, of files that the container wrote: those of the image are not its own."""
    if not order.reports:
        return (), ()
    home = client.inspect_container(container)["Config"].get("WorkingDir") or "/"
    written = [one["Path"] for one in client.diff(container) or () if one["Kind"] in ADDED_OR_CHANGED]
    by_glob = {
        glob: [path for path in written if reportpaths.means(whole, path)]
        for glob, whole in zip(order.reports, reportpaths.absolute(order.reports, home), strict=True)
    }
    paths = dict.fromkeys(path for found in by_glob.values() for path in found)
    if len(paths) > reportpaths.MOST:
        raise RefusedArchive(f"there are more than {reportpaths.MOST:,}")
    copied = {path: _copied(client, container, order.out / output.KEPT, path) for path in paths}
    missing = [glob for glob, found in by_glob.items() if not any(copied[path] for path in found)]
    notes = tuple(f"it wrote no report at {glob}" for glob in missing)
    return tuple(path for found in copied.values() for path in found), notes


def _copied(client: docker.APIClient, container: str, into: Path, path: str) -> tuple[Path, ...]:
    """Nothing of a folder or a link: what is in a folder is told by itself."""
    chunks, told = client.get_archive(container, path)
    if told["mode"] & DIRECTORY:
        return ()
    return extracted(chunks, into / path.strip("/").rpartition("/")[0])


DIRECTORY = 1 << 31
"""Go's mark of a folder in a file's mode."""
