"""Endings: every way a command can end, and the exit code that says so."""

from enum import IntEnum


class Ending(IntEnum):
    """How a command ended. The value is its exit code; no two endings share one."""

    DONE = 0
    """Promoted, or what was asked is done."""
    DEFECT = 1
    """A defect of davy's own."""
    UNUSABLE = 2
    """The command line or the configuration cannot be used."""
    REJECTED = 3
    """A build, a test or a gate failed before any traffic moved."""
    ROLLED_BACK = 4
    """The canary failed; stable serves."""
    UNDECIDED = 5
    """No verdict in time, or waiting; traffic is where the policy says."""
    UNREACHABLE = 6
    """Something davy depends on did not answer; state is safe and resumable."""
    STUCK = 7
    """Could not get back to stable: a human is needed."""
    LOCKED_OUT = 8
    """Superseded or locked out by another release."""
    INTERRUPTED = 130
    """Interrupted, after traffic was made safe."""
