"""The edit lease."""

from __future__ import annotations

import pytest

from cluster.errors import LockedError
from cluster.lease import LEASE, EditLease
from cluster.rpc.messages import Actor
from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds

ANNA = Actor(user="anna", source="ssh 192.0.2.7", role="admin")
ANNA_ELSEWHERE = Actor(user="anna", source="console", role="admin")
BEN = Actor(user="ben", source="console", role="admin")
START = Nanoseconds(1000)


def later(seconds: int) -> Nanoseconds:
    return Nanoseconds(START + seconds * NANOSECONDS_PER_SECOND)


@pytest.fixture
def held() -> EditLease:
    """Given Anna edited something."""
    lease = EditLease()
    lease.edited(ANNA, START)
    return lease


def test_nobody_holds_a_lease_at_first() -> None:
    lease = EditLease()

    lease.require(BEN, START)

    assert lease.holder(START) is None


@pytest.mark.parametrize("other", [BEN, ANNA_ELSEWHERE])
def test_a_second_writer_is_told_who_and_since_when(held: EditLease, other: Actor) -> None:
    with pytest.raises(LockedError, match=r"anna \(ssh 192\.0\.2\.7\) has been editing the configuration for 7 s"):
        held.require(other, later(7))


def test_the_holder_goes_on(held: EditLease) -> None:
    held.require(ANNA, later(59))


def test_every_edit_makes_it_last_longer_but_not_begin_later(held: EditLease) -> None:
    held.edited(ANNA, later(50))

    holder = held.holder(later(100))

    assert holder is not None
    assert (holder.since, holder.last) == (START, later(50))


def test_it_ends_by_itself(held: EditLease) -> None:
    assert held.holder(Nanoseconds(START + LEASE - 1)) is not None
    assert held.holder(Nanoseconds(START + LEASE)) is None


def test_it_ends_with_a_save(held: EditLease) -> None:
    held.end()

    held.require(BEN, later(1))


def test_who_takes_it_over_holds_it_alone(held: EditLease) -> None:
    held.require(BEN, later(1), force=True)
    held.edited(BEN, later(1))

    with pytest.raises(LockedError, match="ben"):
        held.require(ANNA, later(2))


def test_what_takes_long_is_held_till_it_is_over_and_whoever_held_it_before_has_it_again(held: EditLease) -> None:
    with held.held(BEN, later(1)), pytest.raises(LockedError, match="ben"):
        held.require(ANNA, Nanoseconds(START + 2 * LEASE))

    holder = held.holder(later(2))
    assert holder is not None
    assert (holder.user, holder.since) == ("anna", START)


def test_what_ended_or_was_taken_over_meanwhile_does_not_come_back(held: EditLease) -> None:
    with held.held(BEN, later(1)):
        held.end()
    assert held.holder(later(2)) is None

    with held.held(BEN, later(3)):
        held.edited(ANNA_ELSEWHERE, later(4))
    holder = held.holder(later(5))
    assert holder is not None
    assert (holder.user, holder.source) == (ANNA_ELSEWHERE.user, ANNA_ELSEWHERE.source)
    assert held.holder(Nanoseconds(later(4) + LEASE)) is None
