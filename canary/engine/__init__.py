"""Engine: the state of a rollout and its next move. Pure, but for the driver."""
