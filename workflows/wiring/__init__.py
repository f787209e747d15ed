"""Wiring: the only modules that import adapters, each inside the function that needs it. Secrets are read here.

The rest of davy knows this package alone: `wiring.clock()`, `wiring.images(config)`.
"""

from davy.workflows.wiring.builds import builders, images, records, scanner, signer, work_tree
from davy.workflows.wiring.rollouts import Side, cluster, judge, metrics, side, side_of, target
from davy.workflows.wiring.runs import (
    breakable,
    clock,
    held,
    history,
    person,
    revision,
    runner,
    secret,
    secrets,
    source,
    version,
    washing,
)
from davy.workflows.wiring.suites import archive, demanded, project_files, quarantine, suite_places

__all__ = [
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
    "judge",
    "metrics",
    "person",
    "project_files",
    "quarantine",
    "records",
    "revision",
    "runner",
    "scanner",
    "secret",
    "secrets",
    "side",
    "side_of",
    "signer",
    "source",
    "suite_places",
    "target",
    "version",
    "washing",
    "work_tree",
]
