"""Runner: the suites of a `.sauce/config.yml`, which run on Sauce Labs' own machines and devices."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path

from davy.pipeline.core.errors import DavyError, Missing, Unreachable, Unusable
from davy.pipeline.core.ports import Say
from davy.pipeline.core.text import time_text
from davy.pipeline.files import own_files
from davy.pipeline.suites.clouds import assets, vendors
from davy.pipeline.suites.clouds.saucelabs import api_calls, job_request
from davy.pipeline.suites.clouds.saucelabs.api_calls import CloudJob
from davy.pipeline.suites.clouds.saucelabs.cells import SauceJob
from davy.pipeline.suites.clouds.saucelabs.config_keys import FRAMEWORKS, section
from davy.pipeline.suites.clouds.saucelabs.job_request import Apps
from davy.pipeline.suites.clouds.vendors import Call
from davy.pipeline.suites.ports import SuiteOrder, SuiteRun
from davy.pipeline.suites.runners.saucelabs import storage
from davy.pipeline.suites.runners.saucelabs.project import archives, settings
from davy.pipeline.suites.runners.webdriver.api import CloudApi
from davy.pipeline.suites.runners.webdriver.runner import READABLE, Account, wish_of
from davy.pipeline.suites.runners.webdriver.session_start import asked_until_clear, refused

TURN = 0.2
REPORT = "junit.xml"
MOST_REPORT = 32 * 2**20


class SauceJobs:
    """Runs one job at a time. `stop` may come from another thread."""

    def __init__(self, account: Account, *, interrupted: Callable[[], bool]) -> None:
        self._account, self._interrupted = account, interrupted
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End the job on the cloud; the run itself returns then."""
        self._stopped.set()

    def run(self, order: SuiteOrder, say: Say) -> SuiteRun:
        """See the port. Raises Forbidden, Unreachable, Unusable."""
        job = order.settings["job"]
        if not isinstance(job, SauceJob):
            raise Unusable(f"Suite {order.name} has no job of a .sauce/config.yml.")
        order = replace(order, timeout=job.timeout or order.timeout)
        with own_files.create_text(order.out / "log.txt") as log:

            def tell(line: str) -> None:
                log.write(f"{line}\n")
                say(line)

            return self._run(order, job, tell)

    def _run(self, order: SuiteOrder, job: SauceJob, tell: Say) -> SuiteRun:
        log = order.out / "log.txt"
        call = self._start(order, job, tell)
        while not self._account.turns.taken(TURN):
            if self._is_over():
                return SuiteRun(exit_code=None, junit=None, log=log, because="stopped")
        try:
            session, fault = self._begun(call, order, job, tell)
            if not session:
                return SuiteRun(exit_code=1, junit=None, log=log, because=fault, fault=True)
            return self._followed(order, job, session, tell)
        finally:
            self._account.turns.done()

    def _start(self, order: SuiteOrder, job: SauceJob, tell: Say) -> Call:
        """The request, with all it needs uploaded."""
        cloud, wish = self._account.api.cloud, wish_of(self._account, order)
        wish = replace(wish, name=job.name if order.attempt == 1 else f"{job.name} (try {order.attempt})")
        options = job_request.test_options(job, order.failed)
        if job.kind in FRAMEWORKS:
            job = self._with_runner(job, tell)
            return job_request.start_call(cloud, job, self._project(order, job, tell), wish, options)
        apps = self._apps(order, job)
        begin = job_request.device_call if job.device.real else job_request.start_call
        return begin(cloud, job, apps, wish, options)

    def _with_runner(self, job: SauceJob, tell: Say) -> SauceJob:
        """The job with its framework's version, and the runner's that goes with it. Raises Unusable for none."""
        project, name = job.project, job_request.framework(job.kind)
        if not project.version or (project.runner_version and not project.package):
            return job
        answer = self._account.api.called(api_calls.frameworks_call(self._account.api.cloud, name))
        version, wrong, runner = project.version, "", ""
        if project.package:
            version, wrong = api_calls.allowed_version(answer, project.allowed)
        if not wrong:
            runner, wrong = api_calls.runner_version(answer, version)
        if wrong:
            raise Unusable(f"{section(job.kind)} cannot be run: {wrong}.", remedy="Take one of those.")
        if project.package:
            tell(f"davy: {project.package} allows {project.allowed} of {name}, and {version} is the newest of it there")
        return replace(job, project=project.with_version(version, project.runner_version or runner))

    def _project(self, order: SuiteOrder, job: SauceJob, tell: Say) -> Apps:
        root = order.folder / job.project.root
        tell(f"davy: the project {job.project.root} goes to {self._account.api.cloud.title}")
        with archives(root, job.project.ignore_file) as made:
            stored = [storage.kept(self._account.api, path) for path in made]
        with settings(job_request.runner_settings(job, order.items, order.failed)) as path:
            stored.append(storage.kept(self._account.api, path))
        return Apps(app=stored[0], others=tuple(stored[1:]))

    def _apps(self, order: SuiteOrder, job: SauceJob) -> Apps:
        said = job.project.tree.get(section(job.kind)) or {}
        app, test_app = (str(job.suite.get(key) or said.get(key) or "") for key in job_request.SUITE_APPS)
        others = [str(name) for name in said.get("otherApps") or ()]
        stored = [self._stored(order.folder / job.project.root, name) for name in (app, test_app, *others)]
        return Apps(app=stored[0], test_app=stored[1], others=tuple(stored[2:]))

    def _stored(self, root: Path, name: str) -> str:
        return name if name.startswith("storage:") else storage.kept(self._account.api, root / name)

    def _begun(self, call: Call, order: SuiteOrder, job: SauceJob, tell: Say) -> tuple[str, str]:
        """The job's id; or nothing, and why."""
        api = self._account.api
        if job.device.real:
            try:
                found = vendors.inner(api.called(call), "test_report", "id")
            except (Unreachable, Missing) as error:
                return "", error.what
            return (str(found), "") if found else ("", "Sauce Labs began no job and did not say why")
        # Its time counts from when it begins; for room it is waited as long again.
        until = time.monotonic() + order.timeout.total_seconds()
        _, read = asked_until_clear(
            api, dict(call.body or {}), lambda: self._is_over() or time.monotonic() >= until, tell
        )
        no = refused(api, read)
        if no is not None:
            raise no
        return read.session, "" if read.session else f"Sauce Labs began no job: {api.said(read.words) or 'no answer'}"

    def _followed(self, order: SuiteOrder, job: SauceJob, session: str, tell: Say) -> SuiteRun:
        api, real = self._account.api, job.device.real
        link = vendors.page(api.cloud, session)
        entry = {"hub": api.cloud.at.hub, "user": api.cloud.user, "real": "yes" if real else ""}
        self._account.ledger.began(session, entry)
        tell(f"davy: job {session} on {api.cloud.title}: {link}")
        ended, because = None, ""
        try:
            ended, because = self._awaited(session, real, order.timeout, tell)
        finally:
            if ended is None or not ended.is_done:
                with suppress(DavyError):
                    api.called(vendors.stop_call(api.cloud, session, real=real))
            self._account.ledger.ended(session)
        files = self._fetched(order, job, session, ended, tell)
        code, why, fault = (None, because, False) if because or ended is None else _verdict(api, ended)
        log = order.out / "log.txt"
        return SuiteRun(exit_code=code, junit=_report(files), log=log, because=why, files=files, link=link, fault=fault)

    def _awaited(self, session: str, real: bool, limit: timedelta, tell: Say) -> tuple[CloudJob | None, str]:
        """The job once it is done, or as it stands when its time is up; and why it is not waited for any longer."""
        api, deadline = self._account.api, time.monotonic() + limit.total_seconds()
        told = ""
        while True:
            # A new job is not there at once.
            job = api_calls.job_of(
                api.called(api_calls.job_call(api.cloud, session, real=real), missing=READABLE), real=real
            )
            if job is not None and job.status != told:
                told = job.status
                tell(f"davy: job {session} is {api.said(told)}")
            if job is not None and job.is_done:
                return job, ""
            if self._is_over():
                return job, "stopped"
            if time.monotonic() >= deadline:
                return job, f"timed out after {time_text.shown(limit)}"
            self._rest(min(self._account.poll, deadline - time.monotonic()))

    def _rest(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0 and not self._is_over():
            self._account.api.pause(min(left, TURN))

    def _fetched(
        self, order: SuiteOrder, job: SauceJob, session: str, ended: CloudJob | None, tell: Say
    ) -> tuple[Path, ...]:
        """The report always, and what the file's artifacts ask for."""
        if ended is None or not ended.is_done:
            return ()
        api, real, into = self._account.api, job.device.real, order.out / "cloud"
        when = job.artifacts.when
        wanted = when in ("always", "pass" if ended.is_good else "fail")
        found: list[Path] = []
        try:
            asked = assets.asked(api.cloud, session, real=real)
            answer = api.called(asked, missing=READABLE) if asked else None
            for name, url in assets.named(api.cloud, session, answer, real=real):
                matches = wanted and any(fnmatchcase(name, glob) for glob in job.artifacts.match or ("*",))
                if name == REPORT or matches:
                    with own_files.create(into / name) as file:
                        api.fetched(Call(method="GET", url=url), file)
                    found.append(into / name)
        except (DavyError, OSError) as error:
            tell(f"davy: what the cloud keeps of job {session} was not fetched: {error}")
        return tuple(found)

    def _is_over(self) -> bool:
        return self._stopped.is_set() or self._interrupted()


def _verdict(api: CloudApi, job: CloudJob) -> tuple[int, str, bool]:
    """Exit code, why, and whether the cloud failed rather than the tests."""
    if job.is_good:
        return 0, "", False
    words = api.said(job.error)
    if job.status == "error" or (words and job.passed is None):
        return 1, f"{api.cloud.title} could not run the job: {words or 'it does not say why'}", True
    return 1, words, False


def _report(files: tuple[Path, ...]) -> str | None:
    """The report's text, where the job wrote one that is not too large."""
    for path in files:
        if path.name == REPORT and path.stat().st_size <= MOST_REPORT:
            return path.read_text(encoding="utf-8", errors="replace")
    return None
