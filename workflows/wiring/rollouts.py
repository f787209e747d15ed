"""Rollouts: cluster, lock and journal, and the judge on its Prometheus."""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from davy.pipeline.config.target import Target
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.workload import Workload
from davy.workflows.render import veil
from davy.workflows.wiring import secret_values as access
from davy.workflows.wiring.reach import FILE, Reach
from davy.workflows.wiring.runtime import secrets

if TYPE_CHECKING:
    from davy.canary.engine.driver.ports import Ports
    from davy.canary.ports.journal import Journal
    from davy.canary.ports.judge import Judge
    from davy.canary.ports.lock import Lock
    from davy.canary.ports.platform import Platform
    from davy.canary.ports.router import Router
    from davy.checks.judges.kayenta.config_file import Analysis
    from davy.checks.metrics.prometheus.client import Prometheus
    from davy.checks.ports import Metrics
    from davy.pipeline.clients.kubernetes.api import KubeApi
    from davy.pipeline.config.document import Config, DeliveryConfig
    from davy.pipeline.core.ports import Clock

DEFAULT_LEASE = timedelta(seconds=30)
"""Of a command that needs no whole configuration; the same as `canary.lease` by default."""
LISTEN = 0.2
"""Seconds after which a runner hears a person's word; it costs nothing where the journal may be watched, else the API
server an answer of half a kilobyte."""

OVERLAP = timedelta(seconds=10)
"""At the least, of what one look after another reads: servers that take samples out of order have some of them late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The cluster's side of a rollout."""

    workload: Workload
    api: "KubeApi"
    cluster: "Platform"
    lock: "Lock"
    journal: "Journal"
    now: Callable[[], datetime]
    """By the API server's clock, which the lock goes by."""
    cluster_again: "Callable[[], Platform]"
    """The same by a connection of its own, for another thread."""

    @property
    def context(self) -> str:
        """The kubeconfig's."""
        return self.api.access.context

    @property
    def expires(self) -> datetime | None:
        """When the credentials end; None where that is not known, or they are renewed."""
        access = self.api.access
        return None if access.sign_in else access.expires

    def ports(self, judge: "Judge", clock: "Clock") -> "Ports":
        """What a rollout is given: looks beside its ticks, and words heard between them."""
        from davy.canary.engine.driver.ports import Ports  # noqa: PLC0415
        from davy.canary.platforms.background_threads import Threads  # noqa: PLC0415

        return Ports(
            platform=self.cluster,
            router=router(),
            lock=self.lock,
            journal=self.journal,
            judge=judge,
            clock=clock,
            aside=Threads(),
            listen=LISTEN,
        )


def router() -> "Router":
    """Who shares traffic: by replicas, so far the only way."""
    from davy.canary.routers.replicas import Replicas  # noqa: PLC0415

    return Replicas()


def target(file: Path, namespace: str | None = None, deployment: str | None = None) -> Target:
    """The Deployment meant: what the command line says, over what the file says. No file is needed for `deployment`."""
    from davy.pipeline.config import target as targetfile  # noqa: PLC0415 - yaml
    from davy.pipeline.files import plain_file  # noqa: PLC0415 - yaml

    if deployment is not None and not file.exists():
        return Target(namespace=namespace or "default", deployment=deployment)
    try:
        text = plain_file.text(file, 2**20)
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(
            f"{file} cannot be read.",
            problems=(Problem(what=plain_file.why(error), file=str(file)),),
            remedy="Name the file with -f, or the Deployment with --namespace and --deployment.",
        ) from error
    said = targetfile.target(text, os.environ, str(file))
    return Target(
        namespace=namespace or said.namespace,
        deployment=deployment or said.deployment,
        context=said.context,
        kubeconfig=said.kubeconfig,
    )


def target_of(config: "Config") -> Target:
    """The Deployment that a whole configuration means."""
    said = config.deploy.kubernetes
    return Target(
        namespace=said.namespace, deployment=said.deployment, context=said.context, kubeconfig=said.kubeconfig
    )


def side_at(file: Path, reach: Reach) -> Side:
    """The ports that a command line means. Raises Unusable where it and the file name no Deployment."""
    return side(target(file, reach.namespace, reach.deployment), reach=reach)


def side_of(config: "Config", reach: Reach = FILE) -> Side:
    """The ports that a whole configuration means."""
    kept = config.checks.baseline_deployment if config.checks.baseline == "fresh" else None
    jobs = any(suite.in_ == "kubernetes" for suite in config.tests)
    return side(target_of(config), config.canary.lease, baseline=kept or "", jobs=jobs, reach=reach)


def side(
    meant: Target,
    lease: timedelta = DEFAULT_LEASE,
    *,
    baseline: str = "",
    jobs: bool = False,
    reach: Reach = FILE,
) -> Side:
    """Ports on the real cluster; nothing is asked yet but the kubeconfig.

    `lease`: how long a lock taken here lasts; `baseline`: the Deployment of baseline pods, where one is kept; `jobs`:
    whether suites run in the cluster.
    """
    from davy.canary.platforms.kubernetes.deployment import KubernetesPlatform  # noqa: PLC0415
    from davy.canary.platforms.kubernetes.journal.journal import KubernetesJournal  # noqa: PLC0415
    from davy.canary.platforms.kubernetes.lease import KubernetesLock  # noqa: PLC0415
    from davy.canary.platforms.kubernetes.watches.feeds import ThreadFeed  # noqa: PLC0415
    from davy.canary.platforms.kubernetes.watches.mirror import Listening  # noqa: PLC0415
    from davy.workflows.wiring.masked_journal import MaskedJournal  # noqa: PLC0415

    api, listening = _api(meant.kubeconfig, meant.context, reach), Listening(opened=ThreadFeed)
    workload = Workload(namespace=meant.namespace, name=meant.deployment)
    lock = KubernetesLock(api, workload, lasts=lease)

    def cluster(client: "KubeApi") -> "Platform":
        return KubernetesPlatform(client, workload, baseline=baseline, jobs=jobs, listening=listening)

    return Side(
        workload=workload,
        api=api,
        cluster=cluster(api),
        lock=lock,
        journal=MaskedJournal(KubernetesJournal(api, workload, fence=lambda: lock.fence, listening=listening)),
        now=api.server_now,
        cluster_again=lambda: cluster(api.again()),
    )


def _api(kubeconfig: str | None, context: str | None, reach: Reach) -> "KubeApi":
    """A client for what the file says, with what the command line says over it."""
    from davy.pipeline.clients.kubernetes.api import KubeApi  # noqa: PLC0415
    from davy.pipeline.clients.kubernetes.kubeconfig import ContextWish, access_from  # noqa: PLC0415

    by_file = reach.kubeconfig is None and kubeconfig is not None
    wish = ContextWish(
        kubeconfig=reach.kubeconfig or kubeconfig,
        context=reach.context or context,
        as_user=reach.as_user,
        as_groups=reach.as_groups,
        work_tree=_work_tree(reach.folder or Path.cwd()) if by_file else None,
    )
    known = access_from(wish=wish)
    veil.learn(filter(None, (known.token, known.password)))
    return KubeApi(known)


def _work_tree(folder: Path) -> Path:
    """The repository's root, as far as a pull request reaches; without one the folder itself."""
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)


def cluster_of(config: "DeliveryConfig", reach: Reach = FILE) -> "tuple[KubeApi, str]":
    """The cluster that suites run in, and the namespace. Raises Unusable where the configuration names none."""
    if config.deploy is None:
        what = "is needed for suites `in: kubernetes`: it names the cluster and the namespace"
        raise Unusable("No cluster is configured.", problems=(Problem(what=what, path="deploy"),))
    said = config.deploy.kubernetes
    return _api(said.kubeconfig, said.context, reach), said.namespace


def cluster(config: "DeliveryConfig", reach: Reach = FILE) -> "Platform":
    """The Deployment's side, for who only looks. Raises Unusable where the configuration names none."""
    from davy.canary.platforms.kubernetes.deployment import KubernetesPlatform  # noqa: PLC0415

    api, namespace = cluster_of(config, reach)
    assert config.deploy is not None  # noqa: S101 - cluster_of raised else
    return KubernetesPlatform(api, Workload(namespace=namespace, name=config.deploy.kubernetes.deployment))


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """A session for each configured Prometheus, with its secrets read: for all that one command asks them."""

    config: "Config"
    folder: Path
    acting: bool
    clients: "tuple[Prometheus, ...]"

    def metrics(self, *, again: bool = False) -> "Metrics":
        """The one, or several as one. `again`: the same is asked look after look.

        What may be sent is looked at anew: a file may have become a link meanwhile.
        """
        from davy.checks.metrics.lookback import Lookback  # noqa: PLC0415
        from davy.checks.metrics.quorum import Quorum  # noqa: PLC0415
        from davy.workflows.wiring import trust  # noqa: PLC0415

        checks, overlap = self.config.checks, max(OVERLAP, 2 * self.config.checks.interval)
        trust.demand(checks, os.environ, self.folder, acting=self.acting)
        found = [(one.url, Lookback(one, overlap) if again else one) for one in self.clients]
        # Said for one server, it answers for several replicas: a querier that does not drop duplicates.
        if len(found) == 1 and "replica_labels" not in checks.said:
            return found[0][1]
        return Quorum(found, need=checks.quorum, replica_labels=checks.replica_labels)

    def judge(self, analysis: "Analysis | None") -> "Judge":
        """The configured judge on them, without evidence. `analysis`: what Kayenta's canary config says."""
        from davy.checks.judges.joint import judge_of  # noqa: PLC0415

        return judge_of(self.config.checks, self.metrics(again=True), self.config.canary.warmup, analysis)


def servers(config: "Config", folder: Path = Path(), *, acting: bool = False) -> Servers:
    """The configured ones, opened. Raises Unusable for all secrets that miss, and for those that may not be sent.

    `acting`: the command changes the world on the file's word; one that only looks sends no secret on that word alone.
    """
    from davy.checks.metrics.prometheus.client import Prometheus  # noqa: PLC0415
    from davy.workflows.wiring import trust  # noqa: PLC0415

    known = secrets(config)
    trust.demand(config.checks, os.environ, folder, acting=acting)
    clients = tuple(Prometheus(one, secrets=known) for one in access.opened(config.checks.prometheus, os.environ))
    return Servers(config=config, folder=folder, acting=acting, clients=clients)


def metrics(config: "Config", folder: Path = Path()) -> "Metrics":
    """What the configured Prometheus says, for a command that only looks. Raises Unusable."""
    return servers(config, folder).metrics()
