"""Is the engine alive? A clock and a page that the test owns."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cluster.engine.heartbeat import FIRST_BEAT, FIRST_LOOKS, LIMIT, ON_TIME, HeartbeatWatch
from cluster.units import Nanoseconds

START = Nanoseconds(5_000_000_000)
BEAT_EVERY = 100_000_000


def at(delay: int) -> Nanoseconds:
    return Nanoseconds(START + delay)


def test_an_engine_that_beats_is_never_lost_and_is_looked_at_about_three_times_a_second() -> None:
    watch = HeartbeatWatch(START)
    now, looks = START, 0
    while now < START + 10_000_000_000:
        assert not watch.look(Nanoseconds(now - now % BEAT_EVERY), now)
        now, looks = watch.due, looks + 1
    assert looks < 45


def test_an_engine_that_stops_beating_is_lost_when_its_last_beat_is_too_old_and_not_before() -> None:
    watch = HeartbeatWatch(START)
    assert not watch.look(START, START)
    assert not watch.look(START, at(LIMIT - 1))
    assert watch.due == START + LIMIT
    assert watch.look(START, at(LIMIT))


def test_a_stopped_engine_that_is_adopted_is_lost_at_the_second_look() -> None:
    watch = HeartbeatWatch(START)
    assert not watch.look(at(-10 * LIMIT), START)
    assert watch.due == START
    assert watch.look(at(-10 * LIMIT), START)


def test_a_watcher_that_was_not_scheduled_on_time_gives_another_chance_before_it_judges() -> None:
    watch = HeartbeatWatch(START)
    watch.look(START, START)
    standstill = at(LIMIT + ON_TIME + 1)
    assert not watch.look(START, standstill)
    assert watch.due == standstill + LIMIT
    assert watch.look(START, watch.due)


def test_an_engine_that_never_beats_is_lost_after_the_patience_for_the_first_beat() -> None:
    watch = HeartbeatWatch(START)
    now = START
    while not watch.look(None, now):
        assert watch.due - now <= FIRST_LOOKS
        now = watch.due
    assert now == START + FIRST_BEAT


def test_a_lost_engine_is_not_reported_again_at_once() -> None:
    watch = HeartbeatWatch(START)
    watch.look(START, START)
    assert watch.look(START, at(LIMIT))
    assert watch.due >= at(LIMIT + FIRST_BEAT)


@given(st.lists(st.integers(min_value=0, max_value=3 * LIMIT), max_size=30))
def test_whatever_the_delays_an_engine_that_beats_between_two_looks_is_never_lost(lateness: list[int]) -> None:
    watch = HeartbeatWatch(START)
    now = START
    for late in lateness:
        assert not watch.look(Nanoseconds(now - 1), now)
        now = Nanoseconds(max(watch.due, now + 2) + late)
