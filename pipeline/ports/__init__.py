"""Ports of the pipeline: clock, source, builder, image store, suite runner, archive. Each call is safe to repeat."""

from davy.pipeline.ports.images import (
    Builder,
    BuildOrder,
    BuildSecret,
    Built,
    Evidence,
    ImageStore,
    Scanner,
    ScanOrder,
    Signer,
    Stored,
)
from davy.pipeline.ports.suites import (
    ShardRunner,
    SuiteOrder,
    SuitePlace,
    SuiteRun,
    SuiteRunner,
)
from davy.pipeline.ports.surroundings import (
    Archive,
    Clock,
    History,
    Rules,
    Say,
    Source,
    WorkTree,
    unheard,
)

__all__ = [
    "Archive",
    "BuildOrder",
    "BuildSecret",
    "Builder",
    "Built",
    "Clock",
    "Evidence",
    "History",
    "ImageStore",
    "Rules",
    "Say",
    "ScanOrder",
    "Scanner",
    "ShardRunner",
    "Signer",
    "Source",
    "Stored",
    "SuiteOrder",
    "SuitePlace",
    "SuiteRun",
    "SuiteRunner",
    "WorkTree",
    "unheard",
]
