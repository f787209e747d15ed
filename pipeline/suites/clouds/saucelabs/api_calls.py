"""API calls: requests to Sauce Labs' REST API and what their answers say: jobs, tunnels, storage, builds."""

from collections.abc import Iterable
from urllib.parse import quote, urlencode

from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.suites.clouds.saucelabs import npm_ranges
from davy.pipeline.suites.clouds.vendors import Call, Cloud, inner

DONE = ("complete", "error", "passed", "failed")
RUNNING = ("new", "queued", "in progress", "running", "pending")
MOST_LISTED = 200
"""Newest jobs that are looked through for those a killed runner left."""
MOST_BYTES = 4 * 2**30
"""The storage takes no larger file: https://docs.saucelabs.com/mobile-apps/app-storage/"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudJob:
    """A job, as far as davy looks at it."""

    id: str
    status: str
    passed: bool | None = None
    error: str = ""
    tags: tuple[str, ...] = ()
    real: bool = False

    @property
    def is_done(self) -> bool:
        """True where nothing more will come of it."""
        return self.status in DONE

    @property
    def is_good(self) -> bool:
        """Only where it says so itself: that it is complete is not enough."""
        return self.passed is True or self.status == "passed"


def job_of(tree: object, *, real: bool = False) -> CloudJob | None:
    """A job out of an answer; None where it is none."""
    session = inner(tree, "id")
    if not isinstance(session, str):
        return None
    passed, tags = inner(tree, "passed"), inner(tree, "tags")
    return CloudJob(
        id=session,
        status=str(inner(tree, "status") or inner(tree, "consolidated_status") or "").lower(),
        passed=passed if isinstance(passed, bool) else None,
        error=str(inner(tree, "error") or ""),
        tags=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
        real=real,
    )


def job_call(cloud: Cloud, job: str, *, real: bool = False) -> Call:
    """One job."""
    path = f"/v1/rdc/jobs/{job}" if real else f"/rest/v1.1/{_user(cloud)}/jobs/{job}"
    return Call(method="GET", url=f"{cloud.at.api}{path}")


def jobs_calls(cloud: Cloud) -> tuple[tuple[Call, bool], ...]:
    """The newest jobs, on virtual and on real devices; true where real."""
    query = urlencode({"limit": MOST_LISTED, "full": "true", "format": "json"})
    virtual = Call(method="GET", url=f"{cloud.at.api}/rest/v1/{_user(cloud)}/jobs?{query}")
    real = Call(method="GET", url=f"{cloud.at.api}/v1/rdc/jobs?{urlencode({'limit': 100, 'offset': 0})}")
    return ((virtual, False), (real, True)) if cloud.has_virtual else ((real, True),)


def jobs_in(answer: object, *, real: bool) -> tuple[CloudJob, ...]:
    """Those that still run."""
    rows = inner(answer, "entities") if isinstance(answer, dict) else answer
    jobs = (job_of(row, real=real) for row in rows) if isinstance(rows, list) else ()
    return tuple(job for job in jobs if job is not None and job.status in RUNNING)


def tunnels_call(cloud: Cloud) -> Call:
    """Every tunnel the account may use, also those that others share."""
    return Call(method="GET", url=f"{cloud.at.api}/rest/v1/{_user(cloud)}/tunnels?full=true&all=true")


def tunnel_state(answer: object, name: str, owner: str) -> str:
    """`running` where the named tunnel can be used; otherwise its status, or nothing where there is none."""
    found = ""
    for holder, rows in answer.items() if isinstance(answer, dict) else ():
        for row in rows if isinstance(rows, list) else ():
            named = name in (inner(row, "tunnel_identifier"), inner(row, "id"))
            if named and owner in (inner(row, "owner"), holder):
                found = str(inner(row, "status"))
                if found == "running":
                    return found
    return found


def stored_call(cloud: Cloud, sha256: str) -> Call:
    """Is a file of this content there already?"""
    return Call(method="GET", url=f"{cloud.at.api}/v1/storage/files?{urlencode({'sha256': sha256, 'per_page': 1})}")


def stored_in(answer: object) -> str:
    """`storage:ID`, or nothing."""
    items = inner(answer, "items")
    found = inner(items[0], "id") if isinstance(items, list) and items else inner(answer, "item", "id")
    return f"storage:{found}" if found else ""


def upload_call(cloud: Cloud) -> Call:
    """Multipart: `payload` and `name`."""
    return Call(method="POST", url=f"{cloud.at.api}/v1/storage/upload")


def frameworks_call(cloud: Cloud, framework: str) -> Call:
    """The versions of a framework that the cloud has."""
    query = urlencode({"frameworkName": framework})
    return Call(method="GET", url=f"{cloud.at.api}/v2/testcomposer/frameworks?{query}")


def allowed_version(answer: object, allowed: str) -> tuple[str, str]:
    """The newest there is of the versions in npm's range; and where there is none, the sentence that says so."""
    there = [str(inner(row, "frameworkVersion") or inner(row, "version") or "") for row in _rows(answer)]
    found = npm_ranges.newest(there, npm_ranges.parse_range(allowed) or ())
    wrong = "" if found else f"Sauce Labs has no version of it that {allowed} allows; it has {_named(there)}"
    return found, wrong


def runner_version(answer: object, version: str) -> tuple[str, str]:
    """Of the framework's version, the runner's; and where there is none, the sentence that names those there are."""
    rows = _rows(answer)
    match = next((row for row in rows if _plain(inner(row, "version", "")) == _plain(version)), None)
    match = match or next((row for row in rows if _plain(inner(row, "frameworkVersion")) == _plain(version)), None)
    if match is None:
        there = [str(inner(row, "frameworkVersion") or inner(row, "version")) for row in rows]
        return "", f"Sauce Labs has no version {version} of it; it has {_named(there)}"
    return str(inner(match, "runner", "cloudRunnerVersion") or inner(match, "cloudRunnerVersion") or ""), ""


def _named(versions: Iterable[str]) -> str:
    return ", ".join(sorted(set(versions))) or "none"


def _rows(answer: object) -> list[dict[str, object]]:
    return [row for row in answer if isinstance(row, dict)] if isinstance(answer, list) else []


def build_call(cloud: Cloud, job: str, *, real: bool = False) -> Call:
    """The build that a job belongs to."""
    return Call(method="GET", url=f"{cloud.at.api}/v2/builds/{'rdc' if real else 'vdc'}/jobs/{job}/build/")


def build_page(cloud: Cloud, answer: object, *, real: bool = False) -> str:
    """Where a person looks at the build; nothing where the answer names none."""
    found = inner(answer, "id")
    return f"{cloud.at.pages}/builds/{'rdc' if real else 'vdc'}/{found}" if found and cloud.at.pages else ""


def _plain(version: object) -> str:
    return str(version or "").removeprefix("v")


def _user(cloud: Cloud) -> str:
    return quote(cloud.user, safe="")
