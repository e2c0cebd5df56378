"""Is the engine alive? A clock and a page that the test owns."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cluster.engine.heartbeat import DOUBT, FIRST_BEAT, FIRST_LOOKS, LIMIT, LOOKS, HeartbeatWatch
from cluster.units import Nanoseconds

START = Nanoseconds(5_000_000_000)
BEAT_EVERY = 260_000_000


def at(delay: int) -> Nanoseconds:
    return Nanoseconds(START + delay)


def verdict(watch: HeartbeatWatch, beat: Nanoseconds | None) -> Nanoseconds:
    """When an engine that beats no more is lost to a watcher that is always on time."""
    now = watch.due
    while not watch.look(beat, now):
        now = watch.due
    return now


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
    assert watch.due == START + LIMIT - DOUBT
    assert verdict(watch, START) == START + LIMIT


def test_a_stopped_engine_that_is_adopted_is_lost_after_the_doubt() -> None:
    watch = HeartbeatWatch(START)
    assert not watch.look(at(-10 * LIMIT), START)
    assert verdict(watch, at(-10 * LIMIT)) == START + DOUBT


def test_time_in_which_the_watcher_was_not_running_does_not_count() -> None:
    watch = HeartbeatWatch(START)
    watch.look(START, START)
    standstill = 10 * LIMIT
    assert not watch.look(START, Nanoseconds(watch.due + standstill))
    assert verdict(watch, START) == at(LIMIT + standstill)


def test_an_engine_that_was_held_up_with_its_watcher_has_some_looks_time_to_beat() -> None:
    """The machine stood still until shortly after the verdict was due, and the watcher wakes up first."""
    watch = HeartbeatWatch(START)
    watch.look(START, START)
    woken = at(LIMIT + LOOKS)
    assert not watch.look(START, woken)
    assert verdict(watch, START) >= woken + DOUBT


def test_an_engine_that_never_beats_is_lost_after_the_patience_for_the_first_beat() -> None:
    watch = HeartbeatWatch(START)
    now = START
    while not watch.look(None, now):
        assert watch.due - now <= FIRST_LOOKS
        now = watch.due
    assert now == START + FIRST_BEAT


def test_a_busy_loop_does_not_shorten_the_patience_for_the_first_beat() -> None:
    watch = HeartbeatWatch(START)
    assert not watch.look(None, START)
    busy = FIRST_BEAT - 2 * FIRST_LOOKS
    assert not watch.look(None, Nanoseconds(watch.due + busy))
    assert verdict(watch, None) == at(FIRST_BEAT + busy)


def test_a_lost_engine_is_not_reported_again_at_once() -> None:
    watch = HeartbeatWatch(START)
    watch.look(START, START)
    lost = verdict(watch, START)
    assert verdict(watch, START) == lost + FIRST_BEAT


@given(st.lists(st.integers(min_value=0, max_value=3 * LIMIT), max_size=30))
def test_whatever_the_delays_an_engine_that_beats_between_two_looks_is_never_lost(lateness: list[int]) -> None:
    watch = HeartbeatWatch(START)
    now = START
    for late in lateness:
        assert not watch.look(Nanoseconds(now - 1), now)
        now = Nanoseconds(max(watch.due, now + 2) + late)


@given(
    # Between two standstills both run for longer than the engine lags: else it would be starved, not healthy.
    st.lists(st.tuples(st.integers(2 * DOUBT, 2 * BEAT_EVERY), st.integers(0, 3 * LIMIT)), max_size=12),
    st.integers(0, DOUBT - LOOKS),
)
def test_whenever_the_machine_stands_still_a_healthy_engine_is_never_lost(
    standstills: list[tuple[int, int]], slow: int
) -> None:
    """Engine and watcher stop and go on together; the engine comes up to `slow` after the watcher."""
    runs: list[tuple[Nanoseconds, Nanoseconds]] = []
    now = START
    for running, still in standstills:
        runs.append((now, Nanoseconds(now + running)))
        now = Nanoseconds(now + running + still + slow)
    runs.append((now, Nanoseconds(now + 4 * LIMIT)))
    beats = [START]
    for begin, end in runs:
        due = max(beats[-1] + BEAT_EVERY, begin + slow)
        while due < end:
            beats.append(Nanoseconds(due))
            due += BEAT_EVERY
    watch, now = HeartbeatWatch(START), START
    for begin, end in runs:
        now = max(now, begin)
        while now < end:
            assert not watch.look(max(beat for beat in beats if beat <= now), now)
            now = watch.due
