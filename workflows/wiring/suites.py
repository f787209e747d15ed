"""The places that suites run in, a line for each kind under `in`, and where their results are kept."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from davy.pipeline.config.parsing.section import tree_of
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.workflows.render import veil
from davy.workflows.wiring import secret_values
from davy.workflows.wiring.reach import FILE, Reach
from davy.workflows.wiring.rollouts import cluster_of
from davy.workflows.wiring.runtime import masks

if TYPE_CHECKING:
    from davy.pipeline.config.document import DeliveryConfig
    from davy.pipeline.config.sections.suites import SuiteConfig
    from davy.pipeline.core.ports import Clock
    from davy.pipeline.core.secrets.masks import Masks
    from davy.pipeline.suites.history.ports import Archive
    from davy.pipeline.suites.history.quarantine import Quarantine
    from davy.pipeline.suites.ports import SuitePlace


def suite_places(
    config: "DeliveryConfig",
    release: str,
    clock: "Clock",
    *,
    folder: Path,
    suites: "Sequence[SuiteConfig]",
    reach: Reach = FILE,
) -> "Mapping[str, SuitePlace]":
    """By the suite's name: where it runs. Suites of one kind and one account share one place, which is swept once.

    Nothing is asked of a place yet. Raises Unusable where the configuration lacks what one needs.
    """
    asked = _Asked(config=config, release=release, clock=clock, folder=folder, reach=reach)
    made: dict[str, SuitePlace] = {}
    places: dict[str, SuitePlace] = {}
    for suite in suites:
        account = f"{suite.in_} {suite.cloud}"
        if account not in made:
            made[account] = _place(suite)(asked, suite)
        places[suite.name] = made[account]
    return places


def demanded(config: "DeliveryConfig", suites: "Sequence[SuiteConfig]", reach: Reach = FILE) -> None:
    """Ask the cluster, where a suite needs one, for all that a Job needs. Raises Forbidden, Unusable, Unreachable."""
    if not any(suite.in_ == "kubernetes" for suite in suites):
        return
    from davy.canary.platforms.kubernetes.permissions import demand_jobs  # noqa: PLC0415

    demand_jobs(*cluster_of(config, reach))


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
    reach: Reach

    @property
    def masks(self) -> "Masks":
        """What no log may hold."""
        return masks(self.config, self.folder)


def _image_place(asked: _Asked, suite: "SuiteConfig") -> "SuitePlace":  # noqa: ARG001 - a place's shape
    from davy.pipeline.suites.runners.docker.runner import ImagePlace  # noqa: PLC0415

    return ImagePlace(environment=os.environ, interrupted=asked.clock.interrupted, masks=asked.masks)


def _process_place(asked: _Asked, suite: "SuiteConfig") -> "SuitePlace":  # noqa: ARG001 - a place's shape
    from davy.pipeline.suites.runners.process import ProcessPlace  # noqa: PLC0415

    config = asked.config
    own = secret_values.without_secrets(tree_of(config), os.environ)
    interrupted = asked.clock.interrupted
    return ProcessPlace(environment=own, service=config.service, interrupted=interrupted, masks=asked.masks)


def _kubernetes_place(asked: _Asked, suite: "SuiteConfig") -> "SuitePlace":  # noqa: ARG001 - a place's shape
    from davy.canary.platforms.kubernetes.permissions import demand_jobs  # noqa: PLC0415
    from davy.pipeline.suites.runners.kubernetes.runner import JobPlace  # noqa: PLC0415

    api, namespace = cluster_of(asked.config, asked.reach)
    return JobPlace(
        api=api,
        namespace=namespace,
        service=asked.config.service,
        release=asked.release,
        interrupted=asked.clock.interrupted,
        allowed=lambda: demand_jobs(api, namespace),
        masks=asked.masks,
    )


def _cloud_place(asked: _Asked, suite: "SuiteConfig") -> "SuitePlace":
    from davy.pipeline.suites.runners.cloud import CloudPlace  # noqa: PLC0415
    from davy.pipeline.suites.runners.process import ProcessSuites  # noqa: PLC0415
    from davy.pipeline.suites.runners.webdriver.api import CloudApi  # noqa: PLC0415
    from davy.pipeline.suites.runners.webdriver.runner import account_of  # noqa: PLC0415
    from davy.workflows.wiring import cloud_accounts  # noqa: PLC0415

    cloud = cloud_accounts.cloud_of(suite, os.environ, Path.home())
    terms = cloud_accounts.terms_of(suite, asked.config.service, asked.release)
    # Outside of the work tree: what lies there counts for the keys of images.
    kept = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "davy" / "sessions"
    own = secret_values.without_secrets(tree_of(asked.config), os.environ)
    known = veil.learn((*asked.masks.secrets, cloud.key))
    environment, interrupted = cloud_accounts.hidden(own, cloud.key), asked.clock.interrupted
    return CloudPlace(
        account=account_of(CloudApi(cloud), terms, kept, os.uname().nodename),
        folder=asked.folder,
        command=lambda: ProcessSuites(environment, service=asked.config.service, interrupted=interrupted, masks=known),
        interrupted=interrupted,
    )


_PLACES: "dict[str, Callable[[_Asked, SuiteConfig], SuitePlace]]" = {
    "image": _image_place,
    "process": _process_place,
    "kubernetes": _kubernetes_place,
    **dict.fromkeys(("saucelabs", "browserstack", "lambdatest", "grid"), _cloud_place),
}
"""A place for each kind under `in`; a line for each."""


def mask_files(folders: "Sequence[Path]", known: "Masks") -> "dict[Path, Path]":
    """Take secrets out of the text files below the folders; where a file went whose very name held one."""
    if not known.secrets:
        return {}
    from davy.pipeline.clients.files import masked_files  # noqa: PLC0415

    return {old: new for folder in folders for old, new in masked_files.below(folder.resolve(), known)}


def project_files(root: Path, ignore_file: str) -> tuple[str, ...]:
    """A project's files that Sauce Labs would get. Raises Unusable where there is no such folder."""
    from davy.pipeline.suites.runners.saucelabs import project  # noqa: PLC0415

    return project.files(root, ignore_file)


def archive(config: "DeliveryConfig", folder: Path, *, acting: bool = False) -> "Archive":
    """Where results are kept. `folder`: the configuration's. Raises Unusable where S3 is meant and cannot be used.

    `acting`: as `metrics` has it.
    """
    if not acting:
        from davy.workflows.wiring import trust  # noqa: PLC0415

        trust.demand_endpoint(config, os.environ)
    said = config.results.archive
    if said.s3 is not None:
        from davy.pipeline.suites.history.archives.s3 import s3_archive  # noqa: PLC0415

        return s3_archive(said.s3, config.service)
    from davy.pipeline.suites.history.archives.folder import FolderArchive  # noqa: PLC0415

    return FolderArchive(folder / said.folder, config.service)


def quarantine(config: "DeliveryConfig", folder: Path) -> "Quarantine":
    """The file that the configuration names; without one nothing is held. Raises Unusable with every problem in it."""
    from davy.pipeline.config import file  # noqa: PLC0415
    from davy.pipeline.suites.history.quarantine import Quarantine, parsed  # noqa: PLC0415

    said = config.results.quarantine
    if said is None:
        return Quarantine()
    try:
        text = file.text(folder / said)
    except Unusable as error:
        what = "; ".join(problem.what for problem in error.problems)
        problem = Problem(path="results.quarantine", what=f"names {said}, which {what}")
        raise Unusable(
            "The quarantine cannot be read.", problems=(problem,), remedy="Write it, or take the key out."
        ) from error
    return parsed(text, said)
