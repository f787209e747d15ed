"""Events: everything shown, stored or counted is a fold over these. One frozen class each, versioned as JSON."""

from davy.pipeline.core.events.builds import BuildAction, BuildFailed, BuildStarted, ImageBuilt
from davy.pipeline.core.events.canary import Asked, CanaryFinished, CanaryPolicy, CanaryStarted, FullyShifted, Held, Judged, PodsSeen, PodTrouble, PromotionStarted, Restore, Resumed, RollbackStarted, RolledBack, StepEntered, StepPlan, StepReached
from davy.pipeline.core.events.release import VERSION, Event, LogLine, ReleaseFinished, ReleaseStarted, Result, SourceRead, Stage, StageFinished, StageStarted, Warned
from davy.pipeline.core.events.suites import CaseTold, PartFinished, PartStarted, SuiteFinished

__all__ = [
    "VERSION",
    "Asked",
    "BuildAction",
    "BuildFailed",
    "BuildStarted",
    "CanaryFinished",
    "CanaryPolicy",
    "CanaryStarted",
    "CaseTold",
    "Event",
    "FullyShifted",
    "Held",
    "ImageBuilt",
    "Judged",
    "LogLine",
    "PartFinished",
    "PartStarted",
    "PodTrouble",
    "PodsSeen",
    "PromotionStarted",
    "ReleaseFinished",
    "ReleaseStarted",
    "Restore",
    "Result",
    "Resumed",
    "RollbackStarted",
    "RolledBack",
    "SourceRead",
    "Stage",
    "StageFinished",
    "StageStarted",
    "StepEntered",
    "StepPlan",
    "StepReached",
    "SuiteFinished",
    "Warned",
]
