"""Rules: after so many looks it is good. Pure."""

from davy.pipeline.core.verdict import Decision

LOOKS = 3


def decision(looks: int) -> Decision:
    """Good once there were enough."""
    return Decision.PROMOTE if looks >= LOOKS else Decision.GO_ON
