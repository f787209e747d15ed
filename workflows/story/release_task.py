"""Release task: the whole configuration, for commands that release, and what such a command opens."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from davy.checks.gates.error_budget import Accepted
from davy.pipeline.config.document import Config
from davy.workflows import wiring
from davy.workflows.story.task import Task
from davy.workflows.wiring import placed_images

if TYPE_CHECKING:
    from davy.checks.judges.kayenta.config_file import Analysis
    from davy.pipeline.config.sections.images.keys import ImageConfig


@dataclass(frozen=True, kw_only=True, eq=False)
class ReleaseTask(Task):
    """The task of a command that releases."""

    config: Config
    acting: bool = False
    """The command changes the world on this file's word; one that only looks sends no secret on that word alone."""
    accepted: Accepted | None = None
    """A person's word that the error budgets do not matter this once."""
    analysis: "Analysis | None" = None
    """What Kayenta's canary config says; None where another judge is asked for."""

    @cached_property
    def side(self) -> wiring.Side:
        """The cluster's side: one client of the API server. Raises Unusable."""
        return wiring.side_of(self.config, self.reach)

    @cached_property
    def placed_images(self) -> "tuple[ImageConfig, ...]":
        """Every image by the name it is built under, with `deploy` said for each."""
        return placed_images.placed(self.config, self.folder)

    @cached_property
    def servers(self) -> wiring.Servers:
        """A session for each Prometheus. Raises Unusable for all secrets that miss."""
        return wiring.servers(self.config, self.folder, acting=self.acting)
