"""The sequential judge: evidence that may be looked at at any time."""
