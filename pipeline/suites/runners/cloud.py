"""Cloud: an account on a cloud: what it allows, its tunnel and app made ready, what others left ended."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from davy.pipeline.core.errors import Forbidden, Missing, Unusable
from davy.pipeline.core.ports import Say
from davy.pipeline.suites.clouds import session_tags, vendors
from davy.pipeline.suites.clouds.saucelabs import api_calls
from davy.pipeline.suites.clouds.saucelabs.api_calls import CloudJob
from davy.pipeline.suites.clouds.terms import Terms
from davy.pipeline.suites.clouds.vendors import Vendor
from davy.pipeline.suites.ports import SuiteOrder, SuiteRun, SuiteRunner
from davy.pipeline.suites.runners import orphans
from davy.pipeline.suites.runners.saucelabs import storage
from davy.pipeline.suites.runners.saucelabs.runner import SauceJobs
from davy.pipeline.suites.runners.slots import Turns
from davy.pipeline.suites.runners.webdriver.runner import Account, CloudSuites, stopped, swept

TUNNEL_LOOKS = 15
TUNNEL_PAUSE = 2.0
"""A tunnel that is being dug is waited for, half a minute."""


@dataclass(slots=True, kw_only=True)
class CloudPlace:
    """The cloud; its first question is whether it takes the account, before anything starts."""

    account: Account
    folder: Path
    """Of the configuration: the app's name is relative to it."""
    command: Callable[[], SuiteRunner]
    """Makes a runner for the suite's command, whose environment holds no key."""
    interrupted: Callable[[], bool] = lambda: False
    _ready: Account | None = field(default=None, init=False)
    _most: int | None = field(default=None, init=False)

    def slots(self, wanted: int) -> int:
        """What configuration and account allow. Raises Forbidden, Missing, Unreachable, Unusable."""
        self._made_ready()
        return max(1, min([wanted, *self._limits()]))

    def runner(self) -> SuiteRunner:
        """A new one each time."""
        return _EitherRunner(self)

    def swept(self) -> tuple[str, ...]:
        """What killed runners left: processes and sessions of this machine, and on Sauce Labs those of others, too."""
        return (*orphans.ended(self.account.owner.service), *swept(self.account), *self._swept_by_marks())

    def opened(self) -> Account:
        """The account, ready to use."""
        return self._made_ready()

    def _made_ready(self) -> Account:
        if self._ready is None:
            self._may_start()
            self._most = self._allowed()
            self._tunnel_is_there()
            limits = self._limits()
            turns = Turns(min(limits)) if limits else self.account.turns
            self._ready = replace(self.account, turns=turns, terms=self._with_app())
        return self._ready

    def _limits(self) -> list[int]:
        """How many at once, as the configuration and the cloud say it; empty where neither does."""
        return [limit for limit in (self.account.terms.concurrency, self._most) if limit]

    def _may_start(self) -> None:
        cloud = self.account.api.cloud
        if cloud.vendor is Vendor.SAUCE and not cloud.has_virtual and self.account.terms.real is False:
            raise Unusable(
                f"Sauce Labs has only real devices in {cloud.region}: no browsers, emulators or simulators.",
                remedy="Take the region us-west-1 or eu-central-1, or name real devices in the suite's matrix.",
            )

    def _allowed(self) -> int | None:
        """How many at once; None where the cloud does not say. Raises Forbidden where it does not take the account."""
        api = self.account.api
        call = vendors.slots_call(api.cloud)
        if call is None:
            return None
        try:
            answer = api.called(call)
        except Missing:
            return None
        kinds = (False, True) if self.account.terms.real is None else (self.account.terms.real,)
        known = [most for kind in kinds if (most := vendors.slots_in(api.cloud, answer, real=kind)) is not None]
        if known and not sum(known):
            raise Forbidden(
                f"{api.cloud.title} allows this account no sessions at all.",
                remedy="See the account's plan: its minutes may be used up, or it has no devices of this kind.",
            )
        return sum(known) if known else None

    def _tunnel_is_there(self) -> None:
        cloud, terms = self.account.api.cloud, self.account.terms
        if not terms.tunnel or cloud.vendor is not Vendor.SAUCE:
            return
        owner, state = terms.tunnel_owner or cloud.user, ""
        for look in range(TUNNEL_LOOKS):
            answer = self.account.api.called(api_calls.tunnels_call(cloud))
            state = api_calls.tunnel_state(answer, terms.tunnel, owner)
            if state == "running":
                return
            if not state or look == TUNNEL_LOOKS - 1 or self.interrupted():
                break
            self.account.api.pause(TUNNEL_PAUSE)
        raise Missing(
            f"The tunnel {terms.tunnel!r} of {owner} is not running" + (f": it is {state}." if state else "."),
            remedy="Start Sauce Connect under this name and in this region, or share the tunnel with this account.",
        )

    def _with_app(self) -> Terms:
        terms = self.account.terms
        if not terms.app or terms.app.startswith(("storage:", "http:", "https:", "bs:", "lt:")):
            return terms
        if self.account.api.cloud.vendor is not Vendor.SAUCE:
            raise Unusable(
                f"davy uploads apps to Sauce Labs only, not to {self.account.api.cloud.title}.",
                remedy="Upload it with the vendor's own tool, and name what that answers: bs://… or lt://….",
            )
        return replace(terms, app=storage.kept(self.account.api, self.folder / terms.app))

    def _swept_by_marks(self) -> tuple[str, ...]:
        api, told = self.account.api, []
        if api.cloud.vendor is not Vendor.SAUCE:
            return ()
        for call, real in api_calls.jobs_calls(api.cloud):
            # Who may not list real devices has none running.
            with suppress(Missing, Forbidden):
                jobs = api_calls.jobs_in(api.called(call), real=real)
                told += [stopped(api, job.id, real=real) for job in jobs if self._is_left_behind(job)]
        return tuple(told)

    def _is_left_behind(self, job: CloudJob) -> bool:
        account = self.account
        return session_tags.is_left_behind(job.tags, account.owner, account.now(), orphans.is_there)


class _EitherRunner:
    """Runs a command that drives browsers, or a job of a `.sauce/config.yml`, as the order says."""

    def __init__(self, place: CloudPlace) -> None:
        self._place = place
        self._now: SuiteRunner | None = None
        self._stopped = False

    def stop(self) -> None:
        """See the port."""
        self._stopped = True
        if self._now is not None:
            self._now.stop()

    def run(self, order: SuiteOrder, say: Say) -> SuiteRun:
        """See the port. Raises Forbidden, Missing, Unusable before anything starts."""
        account = self._place.opened()
        if "job" in order.settings:
            self._now = SauceJobs(account, interrupted=self._place.interrupted)
        else:
            self._now = CloudSuites(account, self._place.command())
        if self._stopped:
            self._now.stop()
        return self._now.run(order, say)
