"""The sequence grows, whatever clocks, crashes and disks do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds, Seconds
from cluster.vrrp.sequence import AHEAD, Sequence, from_clock

SECOND = NANOSECONDS_PER_SECOND
NOON = Nanoseconds(1_800_000_000 * SECOND)


def at(seconds: float) -> Nanoseconds:
    return Nanoseconds(NOON + int(seconds * SECOND))


def test_the_clock_is_written_as_seconds_and_a_binary_fraction() -> None:
    # The first advert of the capture of keepalived 2.4.3 at its time stamp.
    assert from_clock(Nanoseconds(0x6B034CFE * SECOND)) == 0x6B034CFE_0000_0000
    assert from_clock(Nanoseconds(SECOND // 2)) == 0x8000_0000
    assert from_clock(Nanoseconds(SECOND - 1)) == 0xFFFF_0000
    assert from_clock(Nanoseconds(SECOND)) == 1 << 32


def test_the_sequence_follows_the_clock_while_that_goes_on() -> None:
    sequence = Sequence()
    for tenth in range(1, 50):
        assert sequence.next(at(tenth / 10)) == from_clock(at(tenth / 10))


def test_on_a_clock_that_stands_still_the_counter_goes_on_and_carries_over() -> None:
    sequence = Sequence()
    first = sequence.next(NOON)
    assert [sequence.next(NOON) for _ in range(3)] == [first + 1, first + 2, first + 3]
    full = Sequence(floor=from_clock(NOON) | 0xFFFF)
    assert full.next(NOON) == from_clock(NOON) + 0x1_0000


def test_it_begins_behind_what_was_reserved() -> None:
    assert Sequence(floor=from_clock(at(100))).next(NOON) == from_clock(at(100)) + 1
    assert Sequence(floor=from_clock(at(-100))).next(NOON) == from_clock(NOON)


def test_a_reservation_is_asked_for_before_the_first_value_and_then_rarely() -> None:
    sequence, written = Sequence(), []
    for advert in range(2400):
        now = at(advert / 4)
        if (value := sequence.reservation(now)) is not None:
            sequence.reserved(value)
            written.append(value)
        assert sequence.next(now) <= written[-1]
    assert 600 / AHEAD <= len(written) <= 2 * 600 / AHEAD + 1


def test_a_reservation_that_could_not_be_written_is_asked_for_again() -> None:
    sequence = Sequence()
    assert sequence.reservation(NOON) == from_clock(at(AHEAD))
    sequence.next(NOON)
    assert sequence.reservation(at(1)) == from_clock(at(1 + AHEAD))


def test_a_reservation_is_asked_for_when_half_of_the_last_is_used_up() -> None:
    sequence = Sequence(ahead=Seconds(10))
    sequence.reserved(from_clock(at(10)))
    assert sequence.reservation(at(5)) is None
    assert sequence.reservation(at(5.1)) == from_clock(at(15.1))


def test_with_the_clock_behind_the_reservation_reaches_ahead_of_the_last_value() -> None:
    sequence = Sequence(floor=from_clock(at(1000)), ahead=Seconds(10))
    assert sequence.reservation(NOON) == from_clock(at(1010)) + 1


def test_the_first_sequence_of_all_begins_at_the_clock_even_if_that_is_at_its_epoch() -> None:
    assert Sequence().next(Nanoseconds(0)) == 1


def test_an_older_reservation_never_takes_a_newer_one_back() -> None:
    sequence = Sequence()
    sequence.reserved(from_clock(at(60)))
    sequence.reserved(from_clock(at(1)))
    assert sequence.reservation(NOON) is None


class Node:
    """A sender that keeps its reservations as it is told to, and nothing else, over its crashes."""

    def __init__(self, ahead: Seconds) -> None:
        self.disk, self.ahead, self.sent = 0, ahead, [-1]
        self.crash()

    def crash(self) -> None:
        self.sequence = Sequence(self.disk, self.ahead)

    def advertise(self, now: Nanoseconds) -> None:
        if (value := self.sequence.reservation(now)) is not None:
            self.disk = value
            self.sequence.reserved(value)
        self.sent.append(self.sequence.next(now))


STEPS = st.lists(
    st.tuples(
        st.just("tick") | st.sampled_from(("step", "crash", "both")),
        st.integers(-100_000 * SECOND, 100_000 * SECOND) | st.integers(0, SECOND),
    ),
    max_size=80,
)


@given(steps=STEPS, ahead=st.integers(1, 60).map(Seconds))
def test_no_value_is_ever_used_twice_and_none_is_smaller_than_one_before(
    steps: list[tuple[str, int]], ahead: Seconds
) -> None:
    node, clock = Node(ahead), int(NOON)
    for what, by in steps:
        clock += abs(by) % SECOND if what in ("tick", "crash") else by
        if what in ("crash", "both"):
            node.crash()
        node.advertise(Nanoseconds(max(0, clock)))
    assert all(later > earlier for earlier, later in zip(node.sent, node.sent[1:], strict=False))


@pytest.mark.parametrize("ahead", [1, 10, 60])
def test_after_a_crash_the_sequence_is_ahead_of_the_clock_by_the_reservation_at_most(ahead: int) -> None:
    node = Node(Seconds(ahead))
    for tenth in range(300):
        node.advertise(at(tenth / 10))
    node.crash()
    node.advertise(at(30))
    assert from_clock(at(30)) <= node.sent[-1] <= from_clock(at(30 + ahead))
