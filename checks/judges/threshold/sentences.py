"""Sentences: what the counting of measurements came to, and what it lacks, for people. Pure."""

from collections.abc import Iterable, Mapping

from davy.checks.judges.threshold.rules import Check, CheckPhase, MeasurementTally


def promoted(counted: str, checks: Iterable[Check], tallies: Mapping[str, MeasurementTally]) -> str:
    """The sentence. What failed and could not be failed is not called good."""
    each = [(one, tallies[one.config.name]) for one in checks]
    never = [one.config.name for one, tally in each if one.cannot_fail and tally.failures]
    if never:
        return f"Promoted by the count alone: {counted}; no number of failures would have failed {', '.join(never)}."
    if any(tally.failures and tally.failures == tally.measurements for _, tally in each):
        may = (f"{one.config.name} may fail {one.config.failure_limit} times" for one, tally in each if tally.failures)
        return f"Promoted, for it has not failed by its limit: {counted}; {', '.join(may)}."
    return f"Good enough: {counted}."


def lack(check: Check, tally: MeasurementTally) -> str:
    """What the measurements so far lack to be good, or why they never will be; empty where they lack nothing."""
    match check.phase(tally):
        case CheckPhase.UNKNOWN:
            return f"more than {check.config.error_limit} in a row had no number, so no more are waited for"
        case CheckPhase.UNSURE if tally.inconclusive > check.inconclusive_limit:
            limit = f"{check.inconclusive_limit:g}"
            return f"{tally.inconclusive} held neither condition, and at most {limit} may"
        case CheckPhase.UNSURE:
            return f"the count of {check.config.count} was full before {check.wanted} succeeded in a row"
        case CheckPhase.RUNNING if check.wanted is not None:
            return f"{tally.successes} of {check.wanted} succeeded in a row"
        case CheckPhase.RUNNING:
            return f"{tally.counted} of {check.config.count} measured"
    return ""
