"""Hold: how a held rolling update is known, and the annotation that has its way back."""

PREFIX = "davy.dev/"
ROLLBACK = PREFIX + "rollback"
"""A JSON patch that brings stable back, for a person without davy: `kubectl rollout undo` does not.

It leaves minReadySeconds at the hold's week, so stable counts as not available and the canary is not taken away.
"""
HELD_MIN_READY_SECONDS = 604_800
"""A week: no canary pod becomes "available" on its own, so Kubernetes takes no stable pod away."""
