"""Reach: what the command line says of the cluster: by which kubeconfig, as whom, to which Deployment."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from davy.pipeline.core.errors import Problem
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text.time_text import shown

if TYPE_CHECKING:
    from davy.pipeline.config.document import Config
    from davy.pipeline.config.sections.canary import CanaryConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """None and empty: as the file says, or kubectl would."""

    kubeconfig: str | None = None
    context: str | None = None
    as_user: str | None = None
    as_groups: tuple[str, ...] = ()
    namespace: str | None = None
    deployment: str | None = None
    folder: Path | None = None
    """The configuration's, whose work tree its words come from; None where there is none."""


FILE = Reach()
"""As the file says."""


def reached(config: "Config", reach: Reach) -> "Config":
    """The configuration, for the Deployment that the command line names."""
    named = {key: getattr(reach, key) for key in ("namespace", "deployment") if getattr(reach, key)}
    if not named:
        return config
    kubernetes = config.deploy.kubernetes.copied(**named)
    return config.copied(deploy=config.deploy.copied(kubernetes=kubernetes))


def outlived(expires: datetime | None, now: datetime, context: str, canary: "CanaryConfig") -> Problem | None:
    """What is wrong with credentials that end before the rollout can; None where they last, or are renewed."""
    longest = canary.deadline + canary.promote_within + canary.bake
    if expires is None or expires >= now + longest:
        return None
    when = f"at {expires:%Y-%m-%d %H:%M} UTC, {shown(expires - now)} from now" if expires > now else "already"
    what = (
        f"the token of context {context!r} ends {when}, and a canary may take {shown(longest)} (deadline, promotion "
        "and bake): davy could then neither go on nor go back. Sign in by an exec plugin or a tokenFile, which are "
        "renewed, or shorten the times"
    )
    return Problem(what=what, path="canary.deadline")
