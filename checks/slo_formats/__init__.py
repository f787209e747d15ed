"""SLO files: objectives and thresholds that other tools' files hold, as davy's own values, with what was left out."""

from davy.checks.slo_formats.detect import read
from davy.checks.slo_formats.yaml_node import FileContents

__all__ = ["FileContents", "read"]
