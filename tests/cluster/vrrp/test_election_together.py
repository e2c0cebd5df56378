"""Adverts that are handed over together count as one after the other, and before whatever falls due by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from cluster.units import Centiseconds, Nanoseconds, Priority
from cluster.vrrp.election import Election
from cluster.vrrp.events import Effect, Heard, HeardTogether, Resynchronised, RoleChanged, Started, Tick
from tests.support.election import HIGH_ADDRESS, LOW_ADDRESS, SECOND, settings

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = ("LAN1", "LAN2", "LAN3")

adverts = st.builds(
    Heard,
    st.sampled_from(NAMES),
    st.sampled_from([Priority(value) for value in (0, 1, 250, 253, 254)]),
    st.just(Centiseconds(25)),  # a shorter one may let the time run out in between, see below
    st.sampled_from([LOW_ADDRESS, HIGH_ADDRESS]),
)
batches = st.lists(
    st.tuples(st.integers(1_000_000, SECOND), st.lists(adverts, min_size=1, max_size=6)), min_size=1, max_size=12
)


class Pair:
    """Two elections to which the same happens at the same moments."""

    def __init__(self, *, high: bool) -> None:
        self.now = 0
        self.each, self.together = Election(), Election()
        start = Started(settings(NAMES, high=high), frozenset(NAMES))
        for event in (start, Resynchronised()):
            for election in (self.each, self.together):
                election.handle(event, Nanoseconds(self.now))

    def waits(self, nanoseconds: int) -> None:
        """Time passes; whatever is due happens on time."""
        end = self.now + nanoseconds
        while (due := self.each.deadline) is not None and due <= end:
            self.now = due
            assert self.each.handle(Tick(), due) == self.together.handle(Tick(), due)
        self.now = end

    def hears(self, heard: Sequence[Heard]) -> tuple[list[Effect], list[Effect]]:
        """The effects of adverts one by one, and of the same together."""
        now = Nanoseconds(self.now)
        singly = [effect for advert in heard for effect in self.each.handle(advert, now)]
        return singly, self.together.handle(HeardTogether(tuple(heard)), now)


@given(high=st.booleans(), story=batches)
def test_together_or_one_by_one_makes_no_difference(
    *, high: bool, story: list[tuple[int, list[Heard]]]
) -> None:
    pair = Pair(high=high)
    for pause, heard in story:
        pair.waits(pause)

        singly, together = pair.hears(heard)

        assert together == singly
        now = Nanoseconds(pair.now)
        assert pair.together.view(now) == pair.each.view(now)
        assert pair.together.deadline == pair.each.deadline


def test_all_that_arrived_counts_before_the_time_runs_out() -> None:
    pair = Pair(high=False)
    pair.hears([Heard("LAN1", Priority(0), Centiseconds(50), LOW_ADDRESS)])
    pair.now += 2_929_687  # past the skew of 25 centiseconds, not past that of 50
    farewell = Heard("LAN1", Priority(0), Centiseconds(25), LOW_ADDRESS)
    alive = Heard("LAN1", Priority(254), Centiseconds(25), LOW_ADDRESS)

    singly, together = pair.hears([farewell, alive])

    assert any(isinstance(effect, RoleChanged) for effect in singly)
    assert together == []
