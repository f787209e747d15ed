"""Wiring: the only module that imports adapters, each inside the function that needs it. Secrets are read here."""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from davy.canary.ports import Cluster, Journal, Judge, Lock
from davy.pipeline.errors import Problem, Unusable
from davy.pipeline.model import Workload
from davy.pipeline.targetfile import Target
from davy.pipeline.value import dataclass
from davy.workflows import access, canaryfile, identity

if TYPE_CHECKING:
    from davy.checks.ports import Metrics
    from davy.pipeline.adapters.clock import SystemClock
    from davy.pipeline.adapters.imagestore import RegistryImages
    from davy.pipeline.adapters.kubeapi import KubeApi
    from davy.pipeline.buildconfig import SignConfig
    from davy.pipeline.builds.remembered import Records
    from davy.pipeline.config import Config, DeliveryConfig
    from davy.pipeline.model import Revision
    from davy.pipeline.ports import Archive, Builder, Clock, Scanner, Signer, Source, SuitePlace, WorkTree
    from davy.pipeline.suiteconfig import SuiteConfig
    from davy.pipeline.testing.quarantine import Quarantine

BUILDERS = ("buildx", "engine", "buildah")
"""As `build.builder` names them, in the order in which `auto` looks."""
KEYS = ("SAUCE_ACCESS_KEY", "BROWSERSTACK_ACCESS_KEY", "LT_ACCESS_KEY")
"""Variables that hold keys of clouds, also where the configuration does not name them."""
DEFAULT_LEASE = timedelta(seconds=30)
"""Of a command that needs no whole configuration; the same as `canary.lease` by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The cluster's side of a rollout."""

    workload: Workload
    api: "KubeApi"
    cluster: Cluster
    lock: Lock
    journal: Journal
    now: Callable[[], datetime]
    """By the API server's clock, which the lock goes by."""


def runner() -> str:
    """Who holds the lock."""
    return identity.runner(os.environ, _user(), socket.gethostname(), os.getpid())


def person() -> str:
    """Who says a word."""
    return identity.person(os.environ, _user(), socket.gethostname())


def _user() -> str:
    import getpass  # noqa: PLC0415 - only a runner has a name

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # A container's user without a name.
        return str(os.getuid())


def clock() -> "SystemClock":
    """The system's; as a context manager it takes Ctrl-C and SIGTERM over."""
    from davy.pipeline.adapters.clock import SystemClock  # noqa: PLC0415

    return SystemClock()


def target(file: Path, namespace: str | None = None, deployment: str | None = None) -> Target:
    """The Deployment meant: what the command line says, over what the file says. No file is needed for `deployment`."""
    from davy.pipeline import targetfile  # noqa: PLC0415 - yaml

    if deployment is not None and not file.exists():
        return Target(namespace=namespace or "default", deployment=deployment)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "is not UTF-8 text"
        raise Unusable(
            f"{file} cannot be read.",
            problems=(Problem(what=f"cannot be read: {why}", file=str(file)),),
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


def side_of(config: "Config") -> Side:
    """The ports that a whole configuration means."""
    kept = config.checks.baseline_deployment if config.checks.baseline == "fresh" else None
    jobs = any(suite.in_ == "kubernetes" for suite in config.tests)
    return side(target_of(config), config.canary.lease, baseline=kept or "", jobs=jobs)


def side(meant: Target, lease: timedelta = DEFAULT_LEASE, *, baseline: str = "", jobs: bool = False) -> Side:
    """Ports on the real cluster; nothing is asked yet but the kubeconfig.

    `lease`: how long a lock taken here lasts; `baseline`: the Deployment of baseline pods, where one is kept; `jobs`:
    whether suites run in the cluster.
    """
    from davy.canary.adapters.journal import KubernetesJournal  # noqa: PLC0415
    from davy.canary.adapters.kubernetes import KubernetesCluster  # noqa: PLC0415
    from davy.canary.adapters.lease import KubernetesLock  # noqa: PLC0415
    from davy.pipeline.adapters.kubeapi import KubeApi  # noqa: PLC0415
    from davy.pipeline.adapters.kubeconfig import access_from  # noqa: PLC0415

    api = KubeApi(access_from(kubeconfig=meant.kubeconfig, context=meant.context))
    workload = Workload(namespace=meant.namespace, name=meant.deployment)
    lock = KubernetesLock(api, workload, lasts=lease)
    return Side(
        workload=workload,
        api=api,
        cluster=KubernetesCluster(api, workload, baseline=baseline, jobs=jobs),
        lock=lock,
        journal=KubernetesJournal(api, workload, fence=lambda: lock.fence),
        now=api.server_now,
    )


def secret(value: str, path: str) -> str:
    """The value, or for `env:NAME` what NAME holds. Raises Unusable where NAME is not set."""
    return access.secret(value, path, os.environ)


def secrets(config: "DeliveryConfig") -> tuple[str, ...]:
    """Every secret that the configuration names, for redaction: of the environment, of files, and written out."""
    mark = access.SECRET
    named = [value for suite in config.tests for value in suite.env.values() if value.startswith(mark)]
    held = [os.environ.get(value.removeprefix(mark), "") for value in named]
    accounts = [suite.cloud for suite in config.tests if suite.cloud]
    held += [os.environ.get(said.key.removeprefix(mark), "") for said in accounts if said.key and mark in said.key]
    held += [os.environ.get(name, "") for name in KEYS]
    servers = config.checks.prometheus if config.checks else ()
    known = (*held, *(secret for server in servers for secret in access.secrets(server, os.environ)))
    return tuple(filter(None, known))


def washing(config: "DeliveryConfig") -> Callable[[str], str]:
    """Makes a line that others printed harmless, and masks the configuration's secrets in it."""
    from davy.pipeline.redaction import harmless  # noqa: PLC0415

    return partial(harmless, secrets=secrets(config))


def source(folder: Path) -> "Source":
    """The work tree that holds the configuration."""
    from davy.pipeline.adapters.git import GitSource  # noqa: PLC0415

    return GitSource(folder)


def revision(folder: Path) -> "Revision":
    """The work tree's; on a detached head the branch is the CI job's."""
    read = source(folder).revision()
    return read if read.branch else replace(read, branch=identity.branch(os.environ))


def work_tree() -> "WorkTree":
    """The files that images are built from, by their content."""
    from davy.pipeline.adapters.worktree import GitWorkTree  # noqa: PLC0415

    return GitWorkTree(os.environ)


def builders(config: "DeliveryConfig", clock: "Clock") -> "dict[str, Builder]":
    """The builders that the configuration allows, by name, the preferred first. None is asked yet whether it is there.

    `pipeline.choosing.chosen` picks one for an order.
    """
    said = config.build.builder
    return {name: _builder(name, config, clock) for name in BUILDERS if said in ("auto", name)}


def _builder(name: str, config: "DeliveryConfig", clock: "Clock") -> "Builder":
    from davy.pipeline.adapters.registrynames import is_loopback  # noqa: PLC0415

    def plain(host: str) -> bool:
        return host in config.build.plain_http or is_loopback(host)

    if name == "buildx":
        from davy.pipeline.adapters.buildx import BuildxBuilder  # noqa: PLC0415

        return BuildxBuilder(os.environ, interrupted=clock.interrupted, plain=plain)
    if name == "buildah":
        from davy.pipeline.adapters.buildah import BuildahBuilder  # noqa: PLC0415

        return BuildahBuilder(os.environ, interrupted=clock.interrupted, plain=plain)
    from davy.pipeline.adapters.docker import DockerBuilder  # noqa: PLC0415

    return DockerBuilder(os.environ, interrupted=clock.interrupted)


def records(folder: Path) -> "Records":
    """What this machine knows of builds."""
    from davy.pipeline.adapters.buildrecords import BuildRecords  # noqa: PLC0415

    return BuildRecords(folder)


def version() -> str:
    """davy's own."""
    from davy.pipeline import __version__  # noqa: PLC0415

    return __version__


def images(config: "DeliveryConfig | None" = None) -> "RegistryImages":
    """Registries, with the credentials that Docker has. One is enough for all threads; to be closed."""
    from davy.pipeline.adapters.credentials import DockerCredentials  # noqa: PLC0415
    from davy.pipeline.adapters.imagestore import RegistryImages  # noqa: PLC0415
    from davy.pipeline.adapters.registrynames import is_loopback  # noqa: PLC0415

    plain = config.build.plain_http if config else ()
    return RegistryImages(DockerCredentials(os.environ), plain=lambda host: host in plain or is_loopback(host))


def scanner(clock: "Clock") -> "Scanner":
    """The user's own, as processes here; Ctrl-C stops them."""
    from davy.pipeline.adapters.scanner import ProcessScanner  # noqa: PLC0415

    return ProcessScanner(os.environ, interrupted=clock.interrupted)


def signer(said: "SignConfig", folder: Path) -> "Signer":
    """cosign, as configured. `folder`: what key files are relative to."""
    from davy.pipeline.adapters.cosign import Cosign  # noqa: PLC0415

    return Cosign(said, os.environ, folder)


def cluster_of(config: "DeliveryConfig") -> "tuple[KubeApi, str]":
    """The cluster that suites run in, and the namespace. Raises Unusable where the configuration names none."""
    from davy.pipeline.adapters.kubeapi import KubeApi  # noqa: PLC0415
    from davy.pipeline.adapters.kubeconfig import access_from  # noqa: PLC0415

    if config.deploy is None:
        what = "is needed for suites `in: kubernetes`: it names the cluster and the namespace"
        raise Unusable("No cluster is configured.", problems=(Problem(what=what, path="deploy"),))
    said = config.deploy.kubernetes
    return KubeApi(access_from(kubeconfig=said.kubeconfig, context=said.context)), said.namespace


def cluster(config: "DeliveryConfig") -> Cluster:
    """The Deployment's side, for who only looks. Raises Unusable where the configuration names none."""
    from davy.canary.adapters.kubernetes import KubernetesCluster  # noqa: PLC0415

    api, namespace = cluster_of(config)
    assert config.deploy is not None  # noqa: S101 - cluster_of raised else
    return KubernetesCluster(api, Workload(namespace=namespace, name=config.deploy.kubernetes.deployment))


def suite_places(
    config: "DeliveryConfig", release: str, clock: "Clock", *, folder: Path, suites: "Sequence[SuiteConfig]"
) -> "Mapping[str, SuitePlace]":
    """By the suite's name: where it runs. Suites of one kind and one account share one place, which is swept once.

    Nothing is asked of a place yet. Raises Unusable where the configuration lacks what one needs.
    """
    asked = _Asked(config=config, release=release, clock=clock, folder=folder)
    made: dict[str, SuitePlace] = {}
    places: dict[str, SuitePlace] = {}
    for suite in suites:
        account = f"{suite.in_} {suite.cloud}"
        if account not in made:
            made[account] = _place(suite)(asked, suite)
        places[suite.name] = made[account]
    return places


def project_files(root: Path, ignore_file: str) -> tuple[str, ...]:
    """A project's files that Sauce Labs would get. Raises Unusable where there is no such folder."""
    from davy.pipeline.adapters import sauceproject  # noqa: PLC0415

    return sauceproject.files(root, ignore_file)


def _place(suite: "SuiteConfig") -> "Callable[[_Asked, SuiteConfig], SuitePlace]":
    if suite.in_ not in _PLACES:
        what = f"is a place that this davy cannot reach; it knows {', '.join(_PLACES)}"
        raise Unusable(f"Suite {suite.name} cannot run.", problems=(Problem(what=what, path=f"tests.{suite.name}.in"),))
    return _PLACES[suite.in_]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a place may need to be made; `folder` is the configuration's."""

    config: "DeliveryConfig"
    release: str
    clock: "Clock"
    folder: Path


def _image_place(asked: _Asked, suite: "SuiteConfig") -> "SuitePlace":  # noqa: ARG001 - a place's shape
    from davy.pipeline.adapters.containers import ImagePlace  # noqa: PLC0415

    return ImagePlace(environment=os.environ, interrupted=asked.clock.interrupted)


def _process_place(asked: _Asked, suite: "SuiteConfig") -> "SuitePlace":  # noqa: ARG001 - a place's shape
    from davy.pipeline.adapters.localsuites import ProcessPlace  # noqa: PLC0415

    config = asked.config
    own = access.without_secrets(config.model_dump(), os.environ)
    return ProcessPlace(environment=own, service=config.service, interrupted=asked.clock.interrupted)


def _kubernetes_place(asked: _Asked, suite: "SuiteConfig") -> "SuitePlace":  # noqa: ARG001 - a place's shape
    from davy.canary.adapters.rights import demand_jobs  # noqa: PLC0415
    from davy.pipeline.adapters.jobs import JobPlace  # noqa: PLC0415

    api, namespace = cluster_of(asked.config)
    return JobPlace(
        api=api,
        namespace=namespace,
        service=asked.config.service,
        release=asked.release,
        interrupted=asked.clock.interrupted,
        allowed=lambda: demand_jobs(api, namespace),
    )


def _cloud_place(asked: _Asked, suite: "SuiteConfig") -> "SuitePlace":
    from davy.pipeline.adapters.cloudapi import CloudApi  # noqa: PLC0415
    from davy.pipeline.adapters.cloudplace import CloudPlace  # noqa: PLC0415
    from davy.pipeline.adapters.clouds import account_of  # noqa: PLC0415
    from davy.pipeline.adapters.localsuites import ProcessSuites  # noqa: PLC0415
    from davy.workflows import cloudaccess  # noqa: PLC0415

    cloud = cloudaccess.cloud_of(suite, os.environ, Path.home())
    terms = cloudaccess.terms_of(suite, asked.config.service, asked.release)
    # Outside of the work tree: what lies there counts for the keys of images.
    kept = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "davy" / "sessions"
    environment, interrupted = cloudaccess.hidden(os.environ, cloud.key), asked.clock.interrupted
    return CloudPlace(
        account=account_of(CloudApi(cloud), terms, kept, socket.gethostname()),
        folder=asked.folder,
        command=lambda: ProcessSuites(environment, service=asked.config.service, interrupted=interrupted),
        interrupted=interrupted,
    )


_PLACES: "dict[str, Callable[[_Asked, SuiteConfig], SuitePlace]]" = {
    "image": _image_place,
    "process": _process_place,
    "kubernetes": _kubernetes_place,
    **dict.fromkeys(("saucelabs", "browserstack", "lambdatest", "grid"), _cloud_place),
}
"""A place for each kind under `in`; a line for each."""


def archive(config: "DeliveryConfig", folder: Path) -> "Archive":
    """Where results are kept. `folder`: the configuration's. Raises Unusable where S3 is meant and cannot be used."""
    said = config.results.archive
    if said.s3 is not None:
        from davy.pipeline.adapters.s3archive import s3_archive  # noqa: PLC0415

        return s3_archive(said.s3, config.service)
    from davy.pipeline.adapters.folderarchive import FolderArchive  # noqa: PLC0415

    return FolderArchive(folder / said.folder, config.service)


def quarantine(config: "DeliveryConfig", folder: Path) -> "Quarantine":
    """The file that the configuration names; without one nothing is held. Raises Unusable with every problem in it."""
    from davy.pipeline import configfile  # noqa: PLC0415
    from davy.pipeline.testing.quarantine import Quarantine, parsed  # noqa: PLC0415

    said = config.results.quarantine
    if said is None:
        return Quarantine()
    try:
        text = configfile.text(folder / said)
    except Unusable as error:
        what = "; ".join(problem.what for problem in error.problems)
        problem = Problem(path="results.quarantine", what=f"names {said}, which {what}")
        raise Unusable(
            "The quarantine cannot be read.", problems=(problem,), remedy="Write it, or take the key out."
        ) from error
    return parsed(text, said)


def metrics(config: "Config") -> "Metrics":
    """The configured Prometheus, or several as one, with their secrets read. Raises Unusable for all that miss."""
    from davy.checks.adapters.prometheus import Prometheus  # noqa: PLC0415
    from davy.checks.quorum import Quorum  # noqa: PLC0415

    checks, known = config.checks, secrets(config)
    servers = [Prometheus(server, secrets=known) for server in access.opened(checks.prometheus, os.environ)]
    # Said for one server, it answers for several replicas: a querier that does not drop duplicates.
    if len(servers) == 1 and "replica_labels" not in checks.model_fields_set:
        return servers[0]
    return Quorum(
        tuple((server.url, server) for server in servers), need=checks.quorum, replica_labels=checks.replica_labels
    )


def judge(config: "Config", folder: Path) -> Judge:
    """The configured judge on the configured Prometheus. `folder`: the configuration's, for files it names."""
    from davy.checks.measuring import judge_of  # noqa: PLC0415

    analysis = canaryfile.read(config.checks, folder)
    return judge_of(config.checks, metrics(config), config.canary.warmup, analysis)
