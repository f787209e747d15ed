"""Options: what the command line says of builds."""

from dataclasses import field
from pathlib import Path

from davy.pipeline.core.fast_dataclass import dataclass
from davy.workflows.story.options import ViewOptions, part


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """Of `davy build`."""

    file: Path
    images: tuple[str, ...]
    plan: bool
    ask: bool
    force: bool
    no_cache: bool
    out: Path
    view: ViewOptions = field(metadata=part(ViewOptions))
