"""Runner: suites whose tests run here and whose browsers run on a WebDriver cloud, or on a Selenium Grid."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from davy.pipeline.core.errors import DavyError, Missing
from davy.pipeline.core.ports import Say
from davy.pipeline.files import own_files
from davy.pipeline.suites.clouds import assets, session_tags, vendors
from davy.pipeline.suites.clouds.capabilities import SessionWish
from davy.pipeline.suites.clouds.saucelabs import api_calls
from davy.pipeline.suites.clouds.session_tags import Owner
from davy.pipeline.suites.clouds.terms import Terms
from davy.pipeline.suites.clouds.vendors import Call, Vendor
from davy.pipeline.suites.ports import SuiteOrder, SuiteRun, SuiteRunner
from davy.pipeline.suites.runners.orphans import is_there
from davy.pipeline.suites.runners.slots import Turns
from davy.pipeline.suites.runners.webdriver.api import CloudApi
from davy.pipeline.suites.runners.webdriver.proxy import Door
from davy.pipeline.suites.runners.webdriver.session import Session
from davy.pipeline.suites.runners.webdriver.session_file import SessionLedger

STARTING = 10.0
"""Seconds in which a session that is being started may still come, after the tests are over."""
READABLE = 4
"""A session that has just ended is not there at once: so often a 404 is asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What all runners of a place share."""

    api: CloudApi
    terms: Terms
    owner: Owner
    ledger: SessionLedger
    turns: Turns
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    poll: float = 15.0
    """Seconds between looks at a job, as saucectl has it."""


class CloudSuites:
    """Runs one suite at a time; its command by `inner`, on this machine. `stop` may come from another thread."""

    def __init__(self, account: Account, inner: SuiteRunner) -> None:
        self._account, self._inner = account, inner
        self._door: Door | None = None

    def stop(self) -> None:
        """End what runs; its sessions are ended by the run itself."""
        if self._door is not None:
            self._door.close()
        self._inner.stop()

    def run(self, order: SuiteOrder, say: Say) -> SuiteRun:
        """See the port. Raises Forbidden where the cloud takes no sessions of this account."""
        lines: list[str] = []

        def tell(line: str) -> None:
            lines.append(line)
            say(line)

        run: SuiteRun | None = None
        with Door(
            self._account.api, wish_of(self._account, order), self._account.turns, say=tell, noted=self._noted
        ) as door:
            self._door = door
            given = {"SELENIUM_REMOTE_URL": door.url, "DAVY_WEBDRIVER_URL": door.url}
            try:
                run = self._inner.run(replace(order, env={**order.env, **given}), say)
            finally:
                door.close()
                self._settled(door, run, tell)
        files = self._fetched(door, run, order.out, tell)
        link = self._link(door)
        with suppress(OSError), own_files.append(run.log) as log:
            log.writelines(f"{line}\n" for line in lines)
        if door.error is not None and run.exit_code != 0:
            raise door.error
        run = replace(run, files=(*run.files, *files), link=link)
        if door.faults and run.exit_code not in (0, None):
            return replace(run, fault=True, because=door.faults[0])
        return run

    def _noted(self, session: Session) -> None:
        cloud = self._account.api.cloud
        if session.ended:
            self._account.ledger.ended(session.id)
        else:
            entry = {"hub": cloud.at.hub, "user": cloud.user, "real": "yes" if session.real else ""}
            self._account.ledger.began(session.id, entry)

    def _settled(self, door: Door, run: SuiteRun | None, tell: Say) -> None:
        """Every session ended, and its result told."""
        deadline = time.monotonic() + STARTING
        while door.starting and time.monotonic() < deadline:
            time.sleep(0.05)
        passed = run is not None and run.exit_code == 0
        because = "" if passed or run is None else run.because or f"exit code {run.exit_code}"
        for session in list(door.sessions.values()):
            try:
                self._settle(door, session, passed=passed, because=because)
            except DavyError as error:
                tell(f"davy: session {session.id}: {error.what}")

    def _settle(self, door: Door, session: Session, *, passed: bool, because: str) -> None:
        api = self._account.api
        script = vendors.result_script(api.cloud, passed=passed) if session.real and not session.told else ""
        try:
            if script and not session.ended:
                url = f"{api.cloud.at.hub}/session/{session.id}/execute/sync"
                api.called(Call(method="POST", url=url, body={"script": script, "args": []}))
            if session.parked:
                door.end(session)
            elif not session.ended:
                api.called(vendors.stop_call(api.cloud, session.id, real=session.real))
        finally:
            door.forget(session)
        told = vendors.result_call(api.cloud, session.id, passed=passed, because=because)
        if told is not None and not session.told and not session.real:
            api.called(told, missing=READABLE)

    def _fetched(self, door: Door, run: SuiteRun, out: Path, tell: Say) -> tuple[Path, ...]:
        wanted = self._account.terms.assets
        if wanted == "never" or (wanted == "fail" and run.exit_code == 0) or run.exit_code is None:
            return ()
        found: list[Path] = []
        for session in door.sessions.values():
            try:
                found += self._assets(session, out / "cloud" / assets.safe(session.id))
            except (DavyError, OSError) as error:
                tell(f"davy: what the cloud keeps of session {session.id} was not fetched: {error}")
        return tuple(found)

    def _assets(self, session: Session, into: Path) -> list[Path]:
        api = self._account.api
        asked = assets.asked(api.cloud, session.id, real=session.real)
        if asked is None:
            return []
        answer = api.called(asked, missing=READABLE)
        found = []
        for name, url in assets.named(api.cloud, session.id, answer, real=session.real):
            with own_files.create(into / name) as file:
                api.fetched(Call(method="GET", url=url), file)
            found.append(into / name)
        return found

    def _link(self, door: Door) -> str:
        """The session's page; of several the build's, where Sauce Labs tells it, else the first one's."""
        api, sessions = self._account.api, list(door.sessions.values())
        if not sessions:
            return ""
        if len(sessions) > 1 and api.cloud.vendor is Vendor.SAUCE:
            with suppress(DavyError):
                first = sessions[0]
                answer = api.called(api_calls.build_call(api.cloud, first.id, real=first.real))
                return api_calls.build_page(api.cloud, answer, real=first.real)
        return vendors.page(api.cloud, sessions[0].id)


def wish_of(account: Account, order: SuiteOrder) -> SessionWish:
    """What is added to every session of the order."""
    terms = account.terms
    notes = {"service": account.owner.service, "release": terms.release}
    return SessionWish(
        name=f"{order.name} {order.part}".strip() + (f" (try {order.attempt})" if order.attempt > 1 else ""),
        build=terms.build_of(order.attempt),
        tags=(*terms.tags, *session_tags.tags(account.owner, account.now(), order.timeout)),
        notes=notes | ({"image": order.image.reference} if order.image else {}),
        tunnel=terms.tunnel,
        tunnel_owner=terms.tunnel_owner,
        seconds=int(order.timeout.total_seconds()),
        app=terms.app,
        cell=order.cell,
        options=terms.options,
    )


def account_of(api: CloudApi, terms: Terms, folder: Path, host: str) -> Account:
    """An account for a place. `folder`: where its open sessions are noted."""
    owner = Owner(service=terms.service, host=host, process=os.getpid())
    turns = Turns(terms.concurrency or UNKNOWN)
    return Account(api=api, terms=terms, owner=owner, ledger=SessionLedger(folder, owner), turns=turns)


UNKNOWN = 10_000
"""Turns where neither the configuration nor the cloud says how many: then the cloud's own queue decides."""
ENDED = "ended"


def stopped(api: CloudApi, session: str, *, real: bool) -> str:
    """End a session that nobody else will; a sentence about how that went."""
    try:
        api.called(vendors.stop_call(api.cloud, session, real=real))
    except Missing:
        # It has ended by itself meanwhile.
        pass
    except DavyError as error:
        return f"session {session}, left by a davy that is gone, could not be ended: {error.what}"
    return f"{ENDED} session {session} on {api.cloud.title}, left by a davy that is gone"


def swept(account: Account) -> tuple[str, ...]:
    """End the sessions that killed runners of the service left on this machine's ledger; a sentence for each."""
    api, told = account.api, []
    for session, entry in account.ledger.left(is_there).items():
        if (entry.get("hub"), entry.get("user")) != (api.cloud.at.hub, api.cloud.user):
            continue
        told.append(stopped(api, session, real=bool(entry.get("real"))))
        if told[-1].startswith(ENDED):
            account.ledger.settled(session, is_there)
    return tuple(told)
