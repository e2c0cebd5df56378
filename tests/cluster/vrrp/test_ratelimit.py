"""One line per source and minute, however many packets somebody sends."""

from __future__ import annotations

from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds, Seconds
from cluster.vrrp.journal import MAX_EVENTS
from cluster.vrrp.ratelimit import RateLimit


def at(seconds: float) -> Nanoseconds:
    return Nanoseconds(int(seconds * NANOSECONDS_PER_SECOND))


def test_a_key_is_admitted_once_a_minute_and_then_says_how_often_it_was_silent() -> None:
    limit = RateLimit()
    assert limit.admit("a", at(0)) == 0
    assert [limit.admit("a", at(second)) for second in (0, 1, 59.9)] == [None, None, None]
    assert limit.admit("a", at(60)) == 3
    assert limit.admit("a", at(60)) is None
    assert limit.admit("a", at(121)) == 1
    assert limit.admit("a", at(181)) == 0


def test_keys_do_not_silence_each_other() -> None:
    limit = RateLimit()
    assert [limit.admit(key, at(0)) for key in ("a", "b", ("a", "b"))] == [0, 0, 0]


def test_invented_sources_share_one_place_when_all_are_taken() -> None:
    limit = RateLimit(Seconds(60), capacity=4)
    admitted = [limit.admit(source, at(1)) for source in range(100)]
    assert admitted == [0] * 5 + [None] * 95
    assert limit.admit(0, at(2)) is None
    assert limit.admit("late", at(61)) == 0


def test_invented_sources_leave_most_of_the_kept_events_alone() -> None:
    limit = RateLimit()
    admitted = [limit.admit(source, at(1)) for source in range(1000)]
    assert sum(spoken is not None for spoken in admitted) < MAX_EVENTS / 10


def test_a_key_that_has_its_place_keeps_its_count_when_all_places_are_taken() -> None:
    limit = RateLimit(Seconds(60), capacity=2)
    assert [limit.admit("a", at(1000)), limit.admit("b", at(1030)), limit.admit("a", at(1031))] == [0, 0, None]
    assert limit.admit("a", at(1061)) == 1


def test_places_are_free_again_after_a_minute_and_not_before() -> None:
    limit = RateLimit(Seconds(60), capacity=3)
    assert [limit.admit(key, at(1000)) for key in "abc"] == [0, 0, 0]
    assert [limit.admit(key, at(1059)) for key in "de"] == [0, None]
    assert [limit.admit(key, at(1060)) for key in "ef"] == [0, 0]


def test_memory_stays_bounded_for_ever() -> None:
    limit = RateLimit(Seconds(60), capacity=4)
    for number in range(1000):
        limit.admit(number, at(number))
        assert len(limit._held) <= 5
