"""Wiring: the only modules that import adapters, each inside the function that needs it. Secrets are read here.

The rest of davy knows this package alone: `wiring.clock()`, `wiring.images(config)`.
"""

from davy.workflows.wiring.builds import builders, images, records, scanner, signer, work_tree
from davy.workflows.wiring.rollouts import Servers, Side, cluster, metrics, router, servers, side_at, side_of
from davy.workflows.wiring.runtime import (
    breakable,
    clock,
    held,
    history,
    masks,
    person,
    revision,
    runner,
    secret,
    secrets,
    source,
    version,
    washing,
)
from davy.workflows.wiring.suites import archive, demanded, mask_files, project_files, quarantine, suite_places

__all__ = [
    "Servers",
    "Side",
    "archive",
    "breakable",
    "builders",
    "clock",
    "cluster",
    "demanded",
    "held",
    "history",
    "images",
    "mask_files",
    "masks",
    "metrics",
    "person",
    "project_files",
    "quarantine",
    "records",
    "revision",
    "router",
    "runner",
    "scanner",
    "secret",
    "secrets",
    "servers",
    "side_at",
    "side_of",
    "signer",
    "source",
    "suite_places",
    "version",
    "washing",
    "work_tree",
]
