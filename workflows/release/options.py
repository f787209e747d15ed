"""Options: what the command lines of the commands that release say."""

from dataclasses import field
from pathlib import Path

from davy.pipeline.core.fast_dataclass import dataclass
from davy.workflows.story.options import ClusterOptions, TargetOptions, ViewOptions, part


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseOptions:
    """Of `davy release`."""

    cluster: ClusterOptions = field(metadata=part(ClusterOptions))
    out: Path
    accept_budget: str
    dry_run: bool
    view: ViewOptions = field(metadata=part(ViewOptions))


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOptions(ReleaseOptions):
    """Of `davy canary start`."""

    images: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeOptions:
    """Of `davy canary resume`."""

    target: TargetOptions = field(metadata=part(TargetOptions))
    out: Path
    dry_run: bool
    view: ViewOptions = field(metadata=part(ViewOptions))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """Of `davy plan`."""

    cluster: ClusterOptions = field(metadata=part(ClusterOptions))
    offline: bool
    output: str
