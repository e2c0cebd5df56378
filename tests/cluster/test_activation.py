"""The rules of an activation that undoes itself: one at a time, with something to return to, in bounded time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cluster import activation
from cluster.errors import LockedError, RefusedError
from cluster.rpc.messages import Actor
from cluster.units import NANOSECONDS_PER_SECOND as SECOND
from cluster.units import Nanoseconds

if TYPE_CHECKING:
    from cluster.activation import Pending

ANNA = Actor(user="anna", source="ssh 192.0.2.7", role="admin")
NOW = Nanoseconds(1000 * SECOND)


def begun(
    seconds: int = 60, *, pending: Pending | None = None, before: int | None = 7, now: Nanoseconds = NOW
) -> Pending:
    return activation.begin(ANNA, seconds, now, pending=pending, activated=9, before=before, boot="b")


def test_it_knows_until_when_and_what_comes_back() -> None:
    pending = begun()

    assert (pending.activated, pending.before, pending.whose) == (9, 7, "anna (ssh 192.0.2.7)")
    assert pending.left(NOW) == 60 * SECOND
    assert pending.left(Nanoseconds(NOW + 61 * SECOND)) == 0


def test_a_second_one_is_refused_naming_whose_the_first_is_and_how_long() -> None:
    with pytest.raises(LockedError, match=r"an activation of anna \(ssh 192.0.2.7\) .* comes back in 42 s"):
        begun(pending=begun(), now=Nanoseconds(NOW + 18 * SECOND))


@pytest.mark.parametrize("seconds", [4, 3601])
def test_the_time_is_bounded(seconds: int) -> None:
    with pytest.raises(RefusedError, match="5 to 3600 are"):
        begun(seconds)


def test_without_anything_in_force_there_is_no_way_back() -> None:
    with pytest.raises(RefusedError, match="nothing is in force that could come back"):
        begun(before=None)


def test_nothing_that_waits_cannot_be_confirmed() -> None:
    with pytest.raises(RefusedError, match="no activation waits"):
        activation.require(None)
    assert activation.require(begun()) == begun()


def test_it_survives_on_disk() -> None:
    assert activation.decode(activation.encode(begun())) == begun()


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b'{"user": 3}'])
def test_a_damaged_record_is_no_activation(content: bytes) -> None:
    with pytest.raises(ValueError):
        activation.decode(content)
