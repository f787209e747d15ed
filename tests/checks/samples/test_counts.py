"""Counts out of raw samples, against what the pods did."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.checks.ports import Series
from davy.checks.samples.counters import growth
from davy.checks.samples.counts import Pod, Raw, of_histogram, read
from davy.pipeline.core.errors import Unusable
from davy.pipeline.core.verdict import Counts, Gap


def series(pod, *points, **labels):
    return Series(labels={"pod": pod, **labels}, samples=tuple(points))


def every15(values, first=0.0):
    return tuple((first + 15.0 * i, float(v)) for i, v in enumerate(values))


CANARY = Pod(name="new", canary=True, counts_from=0.0)
STABLE = Pod(name="old", canary=False, counts_from=-1e9)
OLD = series("old", *every15([100, 200, 300, 400, 500]))


def reading(total, bad=(), *, start=0.0, now=60.0, pods=(CANARY, STABLE), good=None):
    raw = Raw(total=tuple(total), bad=tuple(bad), good=good, bound="0.5")
    return read(raw, pods, label="pod", start=start, now=now, scrape=15)


def test_each_series_is_subtracted_on_its_own_and_then_summed():
    total = [
        series("new", *every15([10, 20, 30, 40, 50]), code="200"),
        series("new", *every15([0, 1, 1, 2, 2]), code="500"),
        OLD,
    ]
    found = reading(total, [total[1]])
    assert found.pair.canary == Counts(bad=2, total=42)
    assert found.pair.stable == Counts(bad=0, total=400)
    assert (found.start, found.end, found.gap) == (0, 60, None)


def test_a_value_that_falls_is_a_reset_and_counts_from_zero():
    assert growth(every15([100, 130, 5, 7]), start=0, end=45, born=False) == 30 + 5 + 2


def test_a_series_born_while_its_pod_was_scraped_counts_its_first_value():
    """The first error after ten minutes: its series did not exist before."""
    errors = series("new", (45.0, 3.0), (60.0, 4.0))
    found = reading([series("new", *every15([10, 20, 30, 40, 50])), OLD], [errors])
    assert found.pair.canary.bad == 4
    stable_errors = series("old", (45.0, 2.0), (60.0, 2.0))
    found = reading([series("new", *every15([10, 20, 30, 40, 50])), OLD], [stable_errors])
    assert found.pair.stable.bad == 2


def test_a_pod_first_scraped_inside_the_span_counts_from_its_first_value_only_where_it_began_at_zero():
    total = [series("new", (30.0, 500.0), (45.0, 510.0), (60.0, 520.0)), OLD]
    assert reading(total).pair.canary.total == 20
    fresh = Pod(name="new", canary=True, counts_from=0.0, from_zero=True)
    assert reading(total, pods=(fresh, STABLE)).pair.canary.total == 520


def test_what_lies_in_the_warm_up_is_left_out():
    total = [series("new", *every15([0, 50, 100, 110, 120])), OLD]
    errors = [series("new", *every15([0, 40, 80, 80, 81]))]
    warm = Pod(name="new", canary=True, counts_from=25.0)
    found = reading(total, errors, pods=(warm, STABLE))
    assert found.pair.canary == Counts(bad=1, total=20)


def test_an_error_born_in_the_scrape_that_ends_the_warm_up_is_left_out():
    total = [series("new", *every15([0, 50, 100, 110, 120])), OLD]
    errors = [series("new", (30.0, 9.0), (45.0, 9.0), (60.0, 9.0))]
    warm = Pod(name="new", canary=True, counts_from=25.0)
    assert reading(total, errors, pods=(warm, STABLE)).pair.canary == Counts(bad=0, total=20)


def test_the_end_is_the_newest_moment_that_every_fresh_pod_has_reached():
    total = [series("new", *every15([10, 20, 30, 40], first=7.0)), OLD]
    found = reading(total)
    assert found.end == 52.0
    later = reading([series("new", *every15([10, 20, 30, 40, 50], first=7.0)), OLD], start=52.0, now=68.0)
    assert (found.pair.canary.total, later.pair.canary.total) == (30, 0)
    assert found.pair.stable.total + later.pair.stable.total == 400


def test_no_error_series_beside_a_fresh_total_is_no_error():
    assert reading([series("new", *every15([10, 20, 30, 40, 50])), OLD]).pair.canary == Counts(bad=0, total=40)


def test_a_histogram_counts_what_took_longer_than_the_bound_however_it_is_spelled():
    buckets = [
        series("new", *every15([0, 9, 18, 27, 36]), le="5e-01"),
        series("new", *every15([0, 5, 5, 5, 5]), le="0.25"),
        series("new", *every15([0, 10, 20, 30, 40]), le="+Inf"),
    ]
    raw = of_histogram([*buckets, series("old", *every15([1, 2, 3, 4, 5]), le="+Inf")], 0.5)
    found = reading(raw.total, good=raw.good)
    assert found.pair.canary == Counts(bad=4, total=40)


def test_a_histogram_is_counted_at_every_bound_and_bad_is_what_is_above_its_own():
    buckets = [
        series("new", *every15([0, 9, 18, 27, 36]), le="0.5"),
        series("new", *every15([0, 5, 5, 5, 5]), le="0.25"),
        series("new", *every15([0, 10, 20, 30, 40]), le="+Inf"),
    ]
    raw = of_histogram(buckets, 0.5, [0.25])
    found = reading(raw.total, good=raw.good)
    assert found.pair.canary == Counts(bad=4, total=40, above={"0.25": 35, "0.5": 4})


def test_a_restart_shows_in_every_counter_of_its_process_though_a_small_one_is_above_its_old_value_by_then():
    """3 errors before, 5 after: seen alone its counter has grown by 2."""
    total = [
        series("new", *every15([100, 120, 30, 40, 50]), code="200"),
        series("new", *every15([3, 3, 5, 5, 5]), code="500"),
        OLD,
    ]
    found = reading(total, [total[1]])
    assert found.pair.canary == Counts(bad=5, total=20 + 30 + 10 + 10 + 5)


def test_after_a_restart_the_buckets_of_a_histogram_do_not_contradict_each_other():
    """5 of 100 were fast before, 50 of 60 after: that is 10 slow ones, not 15."""
    buckets = [
        series("new", *every15([5, 5, 50, 50, 50]), le="0.5"),
        series("new", *every15([100, 100, 60, 60, 60]), le="+Inf"),
    ]
    raw = of_histogram(buckets, 0.5)
    assert reading([*raw.total, OLD], good=raw.good).pair.canary == Counts(bad=10, total=60)


def test_a_label_set_that_the_service_drops_is_no_restart_of_the_others():
    total = [
        series("new", *every15([100, 110, 120, 130, 140]), code="200"),
        series("new", *every15([50, 50, 1, 1, 1]), code="404"),
        OLD,
    ]
    assert reading(total).pair.canary == Counts(bad=0, total=41)


def test_a_restart_of_a_sidecar_is_no_restart_of_the_service():
    total = [
        series("new", *every15([10, 20, 30, 40, 50]), container="shop"),
        series("new", *every15([1000, 2000, 5, 6, 7]), container="proxy"),
        OLD,
    ]
    assert reading(total).pair.canary == Counts(bad=0, total=40 + 1000 + 7)


def test_what_a_pod_did_in_its_warm_up_is_left_out_and_told():
    pod = Pod(name="new", canary=True, counts_from=20.0, warms_up=True)
    total = [
        series("new", *every15([10, 20, 30, 40, 50]), code="200"),
        series("new", *every15([0, 2, 3, 3, 3]), code="500"),
    ]
    found = reading([*total, OLD], [total[1]], pods=(pod, STABLE))
    assert found.pair.canary == Counts(bad=0, total=20)
    assert found.left_out == {"new": Counts(bad=3, total=33)}


def test_a_pod_that_began_at_zero_and_was_scraped_before_it_was_ready_counts_from_there():
    pod = Pod(name="new", canary=True, counts_from=20.0, from_zero=True)
    total = [series("new", *every15([700, 700, 710, 720, 730])), OLD]
    assert reading(total, pods=(pod, STABLE), start=10.0).pair.canary.total == 30


def test_a_bound_that_is_not_there_is_said_with_those_that_are():
    with pytest.raises(Unusable, match=r"no bucket bound 0\.3; it has 0\.25, 0\.5"):
        of_histogram([series("new", (0.0, 1.0), le=le) for le in ("0.5", "0.25", "+Inf")], 0.3)


def test_a_canary_without_the_bucket_is_absent_not_clean():
    total = [series("new", *every15([10, 20, 30, 40, 50])), OLD]
    assert reading(total, good={"0.5": (series("old", *every15([1, 2, 3, 4, 5])),)}).gap is Gap.ABSENT


def test_the_five_ways_of_having_no_number_are_told_apart():
    fresh = series("new", *every15([10, 20, 30, 40, 50]))
    assert reading([fresh, OLD]).gap is None
    assert reading([OLD]).gap is Gap.ABSENT
    assert reading([series("new", *every15([10, 20])), OLD]).gap is Gap.STALE
    assert reading([series("new", *every15([10, 10, 10, 10, 10])), OLD]).gap is Gap.EMPTY
    assert reading([series("new", *every15([10, 20, 30, math.nan, 50])), OLD]).gap is Gap.NAN


def test_one_stale_pod_among_fresh_ones_is_a_gap_and_the_others_are_still_counted():
    pods = (CANARY, Pod(name="new2", canary=True, counts_from=0.0), STABLE)
    total = [series("new", *every15([10, 20, 30, 40, 50])), series("new2", *every15([10, 20])), OLD]
    found = reading(total, pods=pods)
    assert found.gap is Gap.STALE
    assert found.pair.canary.total == 50


def test_a_span_that_cannot_be_read_is_left_to_be_read_later():
    assert reading([OLD]).pair is None
    assert reading([series("new", *every15([10, 20])), OLD]).pair is None


def test_a_service_scraped_less_often_than_it_is_looked_at_is_not_stale():
    slow = [series(pod, *((60.0 * i, 10.0 * i) for i in range(4))) for pod in ("new", "old")]
    assert reading(slow, now=180 + 100, start=60).gap is None
    assert reading(slow, now=180 + 130, start=60).gap is Gap.STALE


def test_bad_is_never_more_than_total():
    """A reset hid requests between two scrapes, and the errors were seen."""
    total = [series("new", *every15([100, 100, 100, 100, 2])), OLD]
    errors = [series("new", *every15([0, 0, 0, 5, 5]))]
    assert reading(total, errors).pair.canary == Counts(bad=5, total=5)


@given(
    st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=3, max_size=30),
    st.integers(1, 28),
)
def test_two_spans_that_meet_count_what_the_whole_counts(steps, cut):
    value, points = 0, []
    for i, (step, restarted) in enumerate(steps):
        value = step if restarted else value + step
        points.append((15.0 * i, float(value)))
    end, middle = points[-1][0], 15.0 * min(cut, len(points) - 1) + 3
    whole = growth(points, start=0, end=end, born=False)
    parts = growth(points, start=0, end=middle, born=False) + growth(points, start=middle, end=end, born=False)
    assert parts == whole


LABEL_SETS = st.lists(st.one_of(st.none(), st.integers(0, 4)), min_size=3, max_size=3)
"""What each label set counts until a scrape; None where the process has not counted it since it began."""
MISHAPS = st.sampled_from([*["fine"] * 12, "restart", "missed", "missed", "broken"])


def lived(name, story):
    """Series of one process with three label sets, scraped every 2 s."""
    values: dict[int, float] = {}
    points: dict[int, list[tuple[float, float]]] = {0: [], 1: [], 2: []}
    for number, (grown, mishap) in enumerate(story):
        if mishap == "restart":
            values.clear()
        for one, by in enumerate(grown):
            if by is not None:
                values[one] = values.get(one, 0.0) + by
        if mishap != "missed":
            for one, value in values.items():
                points[one].append((2.0 * number, math.nan if mishap == "broken" else value))
    return [series(name, *found, code=str(one)) for one, found in points.items() if found]


@settings(max_examples=60)
@given(
    st.lists(st.tuples(LABEL_SETS, MISHAPS), min_size=25, max_size=60),
    st.integers(10, 100),
    st.integers(0, 40),
)
def test_what_lies_long_before_a_span_changes_nothing_of_what_is_counted_in_it(story, start, since):
    own = lived("new", story)
    errors = [one for one in own if one.labels["code"] == "2"]
    pods = [Pod(name="new", canary=True, counts_from=float(since), warms_up=whole) for whole in (False, True)]
    short, whole = (reading(own, errors, start=start, now=2.0 * len(story), pods=(pod,)) for pod in pods)
    assert (short.pair, short.end, short.gap, short.waiting) == (whole.pair, whole.end, whole.gap, whole.waiting)


def test_a_restart_long_before_an_error_that_comes_back_is_still_known():
    """After the restart nobody counts errors for a minute; then they are above what they were before it."""
    total = [series("new", *((2.0 * i, float(i if i < 5 else 3 * (i - 5))) for i in range(50)), code="200")]
    errors = [series("new", (0.0, 3.0), (2.0, 3.0), (96.0, 4.0), (98.0, 5.0), code="500")]
    found = reading(total + errors, errors, start=90.0, now=98.0, pods=(CANARY,))
    assert found.pair.canary.bad == 5
