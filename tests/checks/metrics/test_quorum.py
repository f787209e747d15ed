"""Several servers as one: enough must answer, and no two are ever mixed."""

from datetime import UTC, datetime, timedelta

import pytest

from davy.checks.metrics.memory import SimulatedMetrics
from davy.checks.metrics.quorum import Quorum
from davy.checks.ports import Answer
from davy.checks.samples.counters import growth
from davy.pipeline.core.errors import Forbidden, Unreachable, Unusable
from davy.pipeline.core.verdict import Gap

AT = datetime(2026, 3, 1, tzinfo=UTC)
EVERYTHING = {"job": "shop", "instance": "10.0.0.1:80", "pod": "new"}


def at(seconds):
    return AT + timedelta(seconds=seconds)


class Pair:
    """Two servers that scrape one counter, which goes up by one a second, five seconds apart."""

    def __init__(self, **more):
        self.servers = [SimulatedMetrics(), SimulatedMetrics()]
        self.both = Quorum([("a", self.servers[0]), ("b", self.servers[1])], replica_labels=["replica"], **more)

    def scraped(self, server, *seconds, name="m", value=lambda at: at, **labels):
        for second in seconds:
            key = {"__name__": name, "replica": str(server), **EVERYTHING, **labels}
            self.servers[server].record(key, at(second).timestamp(), value(second))

    def read(self, until, since=0):
        return self.both.samples_of(["m", "n"], at(since), at(until))

    def times(self, until, since=0):
        return [[round(t - AT.timestamp()) for t, _ in one.samples] for one in self.read(until, since)[0]]


@pytest.fixture
def pair():
    return Pair()


def test_a_series_that_both_have_is_read_from_one_without_its_replica_label(pair):
    pair.scraped(0, *range(15, 100, 15))
    pair.scraped(1, *range(20, 100, 15))
    ((one,), ()) = pair.read(100)
    assert one.labels == {"__name__": "m", **EVERYTHING}
    assert pair.times(100) == [list(range(15, 100, 15))]
    assert pair.both.heard() == ()


def test_the_server_of_before_is_kept_though_the_other_is_a_little_fresher(pair):
    pair.scraped(0, *range(15, 200, 15))
    pair.scraped(1, *range(20, 200, 15))
    for now in (100, 111, 126, 141):
        assert pair.times(now) == [[second for second in range(15, 200, 15) if second <= now]]


def test_a_stale_server_is_left_for_the_freshest_and_not_gone_back_to(pair):
    pair.scraped(0, *range(15, 61, 15))
    pair.scraped(1, *range(20, 300, 15))
    assert pair.times(60)[0][0] == 15
    assert pair.times(150)[0] == list(range(20, 151, 15))
    pair.scraped(0, *range(150, 300, 15))
    assert pair.times(295)[0] == list(range(20, 296, 15))


def test_no_answer_ever_holds_samples_of_both(pair):
    pair.scraped(0, *range(15, 61, 15))
    pair.scraped(1, *range(20, 300, 15))
    for now in range(30, 280, 10):
        for times in pair.times(now):
            assert len({second % 15 for second in times}) == 1


def test_an_error_series_that_only_the_other_has_so_far_is_not_counted_twice(pair):
    """Its first events would count now from the other, and again from this one at the next look."""
    pair.scraped(0, *range(15, 400, 15))
    pair.scraped(1, *range(20, 400, 15))
    pair.scraped(1, *range(200, 400, 15), name="n", value=lambda _: 3)
    pair.scraped(0, *range(210, 400, 15), name="n", value=lambda _: 3)
    assert [len(group) for group in pair.read(201)] == [1, 0]
    counted = 0.0
    for start, end in ((0, 201), (201, 215), (215, 240)):
        (_, errors) = pair.both.samples_of(["m", "n"], at(0), at(end))
        counted += sum(
            growth(one.samples, start=at(start).timestamp(), end=at(end).timestamp(), born=True) for one in errors
        )
    assert counted == 3


def test_the_same_holds_where_each_selector_is_asked_by_itself(pair):
    pair.scraped(0, *range(15, 400, 15))
    pair.scraped(1, *range(20, 400, 15))
    pair.scraped(1, *range(200, 400, 15), name="n", value=lambda _: 3)
    pair.scraped(0, *range(210, 400, 15), name="n", value=lambda _: 3)
    both = pair.both
    assert len(both.samples("m", at(0), at(201))) == 1
    assert both.samples("n", at(0), at(201)) == ()
    (one,) = both.samples("n", at(0), at(212))
    assert one.samples == ((at(210).timestamp(), 3),)


def test_a_server_that_lacks_errors_for_good_is_not_the_one_that_is_read(pair):
    pair.scraped(0, *range(15, 400, 15))
    pair.scraped(1, *range(20, 400, 15))
    pair.scraped(1, *range(200, 400, 15), name="n")
    pair.read(201)
    (totals, errors) = pair.read(300)
    assert len(errors) == 1
    assert next(round(t - AT.timestamp()) % 15 for t, _ in totals[0].samples) == 5


def test_shards_each_bring_their_own(pair):
    pair.scraped(0, *range(15, 100, 15), instance="10.0.0.1:80")
    pair.scraped(1, *range(15, 100, 15), instance="10.0.0.2:80")
    assert {one.labels["instance"] for one in pair.read(100)[0]} == {"10.0.0.1:80", "10.0.0.2:80"}


def test_by_default_all_must_answer_and_the_one_that_does_not_is_named(pair):
    pair.scraped(0, 15, 30)
    pair.servers[1].fail(Gap.UNREACHABLE, AT, at(1000))
    with pytest.raises(Unreachable, match=r"2 servers .* 1 answered and 2 must\. b: "):
        pair.read(40)
    with pytest.raises(Unreachable):
        pair.both.query("m", at(40))


def test_with_a_quorum_the_rest_answers_and_says_who_did_not():
    pair = Pair(need=1)
    pair.scraped(0, 15, 30)
    pair.servers[1].fail(Gap.UNREACHABLE, AT, at(1000))
    assert pair.times(40) == [[15, 30]]
    (said,) = pair.both.heard()
    assert said.startswith("b did not answer")
    pair.servers[0].fail(Gap.UNREACHABLE, AT, at(1000))
    with pytest.raises(Unreachable):
        pair.read(40)


class Refusing:
    def __init__(self, error):
        self.error = error

    def samples_of(self, selectors, start, end):
        raise self.error

    def heard(self):
        return ()


def test_a_selector_that_is_bad_everywhere_is_the_users_to_correct():
    both = Quorum([("a", Refusing(Unusable("bad"))), ("b", Refusing(Unusable("bad")))])
    with pytest.raises(Unusable):
        both.samples("m{", AT, at(1))
    mixed = Quorum([("a", Refusing(Forbidden("no"))), ("b", Refusing(Unreachable("away")))])
    with pytest.raises(Unreachable, match="a: no; b: away"):
        mixed.samples("m", AT, at(1))


def test_counters_that_grow_differently_are_said(pair):
    pair.scraped(0, *range(15, 1000, 15))
    pair.scraped(1, *range(20, 1000, 15), value=lambda at: at * 0.8)
    pair.read(1000)
    (said,) = pair.both.heard()
    assert "servers disagree about m of" in said
    assert "at a" in said
    assert "at b" in said


def test_the_moments_of_the_scrapes_alone_are_no_disagreement(pair):
    pair.scraped(0, *range(15, 300, 15))
    pair.scraped(1, *range(22, 300, 15))
    pair.read(300)
    assert pair.both.heard() == ()


def test_two_replicas_behind_one_server_are_told_apart_and_the_same_is_kept():
    """A querier that does not drop duplicates answers for both."""
    server = SimulatedMetrics()
    for second in range(15, 300, 15):
        for replica, late in (("x", 0), ("y", 6)):
            key = {"__name__": "m", "prometheus_replica": replica, **EVERYTHING}
            server.record(key, at(second + late).timestamp(), float(second + late))
    both = Quorum([("a", server), ("b", SimulatedMetrics())], replica_labels=["prometheus_replica"])
    for now in (100, 111, 200):
        (one,) = both.samples("m", AT, at(now))
        assert {round(t - AT.timestamp()) % 15 for t, _ in one.samples} == {0}


def test_a_query_has_the_value_of_the_first_and_a_warning_where_they_differ():
    servers = [SimulatedMetrics(), SimulatedMetrics()]
    servers[0].answer("q", lambda _: Answer(values=(({}, 0.10),)))
    servers[1].answer("q", lambda _: Answer(values=(({}, 0.20), ({"a": "b"}, 7.0))))
    both = Quorum([("a", servers[0]), ("b", servers[1])])
    answer = both.query("q", AT)
    assert answer.values == (({}, 0.10), ({"a": "b"}, 7.0))
    assert len(answer.warnings) == 1
    assert both.heard() == answer.warnings


def test_nothing_asked_is_nothing_answered(pair):
    assert pair.both.samples_of([], AT, at(1)) == ()
