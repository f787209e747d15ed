"""SLO files: objectives and thresholds that other tools' files hold, as davy's own values, with what was left out."""

from davy.checks.slofiles.formats import read
from davy.checks.slofiles.node import Found

__all__ = ["Found", "read"]
