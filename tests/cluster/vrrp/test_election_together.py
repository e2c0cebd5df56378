"""Adverts that are handed over together count as one after the other, and before whatever falls due by them.

Together they may be recognised as a refrain; one by one they never are. So the two agree only if hearing a refrain
again is no more and no less than hearing its adverts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.units import Centiseconds, Nanoseconds, Priority, Vrid
from cluster.vrrp.election import Election
from cluster.vrrp.events import (
    Configured,
    Effect,
    Event,
    Heard,
    HeardTogether,
    Noted,
    PartnerReported,
    PartnerSilent,
    Resynchronised,
    Role,
    RoleChanged,
    Started,
    StopAsked,
    SwitchAsked,
    Tick,
    UsableChanged,
)
from cluster.vrrp.paths import Paths
from cluster.vrrp.vigil import Vigil
from tests.support.election import HIGH_ADDRESS, LOW_ADDRESS, SECOND, Node, settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cluster.vrrp.events import Settings

NAMES = ("LAN1", "LAN2", "LAN3")


class Moment(NamedTuple):
    """So many nanoseconds later these adverts are heard, and that so many times."""

    pause: int
    heard: list[Heard]
    times: int


adverts = st.builds(
    Heard,
    st.sampled_from((*NAMES, "LAN9")),
    st.sampled_from([Priority(value) for value in (0, 1, 250, 253, 254)]),
    st.just(Centiseconds(25)),  # a shorter one may let the time run out in between, see below
    st.sampled_from([LOW_ADDRESS, HIGH_ADDRESS]),
)


@st.composite
def rounds(draw: st.DrawFn) -> list[Heard]:
    """What one node says on several interfaces at once."""
    priority = draw(st.sampled_from([Priority(value) for value in (0, 1, 250, 253, 254)]))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    return [Heard(name, priority, Centiseconds(25), LOW_ADDRESS) for name in names]


def reconfigured() -> st.SearchStrategy[Event]:
    """Other settings: a priority, maintenance, fewer interfaces, or another virtual router on one."""
    plain = settings(NAMES, high=False)
    other_vrid = plain.interfaces[0]._replace(vrid=Vrid(77))
    changed: list[Settings] = [
        plain,
        plain._replace(high=True),
        plain._replace(maintenance=True),
        plain._replace(interfaces=plain.interfaces[:1]),
        plain._replace(interfaces=(other_vrid, *plain.interfaces[1:])),
        plain._replace(enabled=False),
    ]
    return st.sampled_from(changed).map(Configured)


others: st.SearchStrategy[Event] = st.one_of(
    st.builds(UsableChanged, st.sampled_from(NAMES), st.booleans()),
    st.builds(PartnerReported, st.sampled_from(Role), st.just(frozenset(NAMES)), st.booleans()),
    st.sampled_from([PartnerSilent(), Resynchronised(), Tick(), SwitchAsked(), SwitchAsked(True), StopAsked()]),
    reconfigured(),
)
pauses = st.one_of(st.just(SECOND // 4), st.integers(1_000_000, SECOND))
moments = st.builds(
    Moment, pauses, st.one_of(st.lists(adverts, min_size=1, max_size=6), rounds()), st.integers(1, 4)
)
stories = st.lists(st.one_of(moments, others), min_size=1, max_size=14)


class Pair:
    """Two elections to which the same happens at the same moments."""

    def __init__(self, *, high: bool) -> None:
        self.now = 0
        self.each, self.together = Election(), Election()
        self.happens(Started(settings(NAMES, high=high), frozenset(NAMES)))
        self.happens(Resynchronised())

    def happens(self, event: Event) -> None:
        """Something else than adverts."""
        now = Nanoseconds(self.now)
        assert self.each.handle(event, now) == self.together.handle(event, now)
        self.agree()

    def waits(self, nanoseconds: int) -> None:
        """Time passes; whatever is due happens on time."""
        end = self.now + nanoseconds
        while (due := self.each.deadline) is not None and due <= end:
            self.now = due
            self.happens(Tick())
        self.now = end

    def hears(self, heard: Sequence[Heard]) -> tuple[list[Effect], list[Effect]]:
        """The effects of adverts one by one, and of the same together."""
        now = Nanoseconds(self.now)
        singly = [effect for advert in heard for effect in self.each.handle(advert, now)]
        return singly, self.together.handle(HeardTogether(tuple(heard)), now)

    def agree(self) -> None:
        """Nobody could tell one from the other."""
        now = Nanoseconds(self.now)
        assert self.together.view(now) == self.each.view(now)
        assert self.together.switch_refusal(now, force=False) == self.each.switch_refusal(now, force=False)
        assert self.together.deadline == self.each.deadline


@given(high=st.booleans(), story=stories)
def test_together_or_one_by_one_makes_no_difference(
    *, high: bool, story: list[Moment | Event]
) -> None:
    pair = Pair(high=high)
    for moment in story:
        if not isinstance(moment, Moment):
            pair.happens(moment)
            continue
        for _ in range(moment.times):
            pair.waits(moment.pause)

            singly, together = pair.hears(moment.heard)

            assert together == singly
            pair.agree()


def test_all_that_arrived_counts_before_the_time_runs_out() -> None:
    pair = Pair(high=False)
    pair.hears([Heard("LAN1", Priority(0), Centiseconds(50), LOW_ADDRESS)])
    pair.now += 2_929_687  # past the skew of 25 centiseconds, not past that of 50
    farewell = Heard("LAN1", Priority(0), Centiseconds(25), LOW_ADDRESS)
    alive = Heard("LAN1", Priority(254), Centiseconds(25), LOW_ADDRESS)

    singly, together = pair.hears([farewell, alive])

    assert any(isinstance(effect, RoleChanged) for effect in singly)
    assert together == []


def test_a_master_that_says_the_same_again_is_recognised_and_as_alive_as_ever() -> None:
    node = Election()
    heard = HeardTogether(tuple(Heard(name, Priority(254), Centiseconds(25), LOW_ADDRESS) for name in NAMES))
    node.handle(Started(settings(NAMES, high=False), frozenset(NAMES)), Nanoseconds(0))
    looked_at = _count_looks(node)
    for beat in range(1, 41):
        now = Nanoseconds(beat * SECOND // 4)
        assert node.deadline is not None
        assert now < node.deadline

        node.handle(heard, now)

    assert node.view(now).role is Role.BACKUP
    assert all(path.partner_heard == now for path in node.view(now).paths)
    assert looked_at == [1]


def test_what_is_due_in_the_moment_of_a_refrain_is_done() -> None:
    node = Node(high=False)
    heard = HeardTogether((Heard("LAN1", Priority(254), Centiseconds(25), LOW_ADDRESS),))
    node.start()
    node.tell(heard)
    node.link("LAN2", usable=False)
    lost = 2 * SECOND  # the trigger delay
    for node.now in range(SECOND // 4, lost, SECOND // 4):
        assert node.tell(heard) == []

    node.now = lost

    assert [effect.kind for effect in node.tell(heard) if isinstance(effect, Noted)] == ["link-lost"]


def test_an_interface_that_became_another_virtual_router_hears_a_refrain_as_something_new() -> None:
    node = Node(high=False)
    heard = HeardTogether((Heard("LAN1", Priority(254), Centiseconds(25), LOW_ADDRESS),))
    node.start()
    node.tell(heard)
    first, second = node.settings.interfaces

    node.configure(interfaces=(first._replace(vrid=Vrid(77)), second))
    assert node.election.view(Nanoseconds(node.now)).paths[0].partner_heard is None
    node.tell(heard)

    assert node.election.view(Nanoseconds(node.now)).paths[0].partner_heard == node.now


ALIVE, GOING = (
    [Heard(name, Priority(value), Centiseconds(25), LOW_ADDRESS) for name in NAMES] for value in (254, 0)
)


def both_hear(pair: Pair, heard: list[Heard]) -> None:
    singly, together = pair.hears(heard)
    assert together == singly
    pair.agree()


def test_a_refrain_after_a_farewell_says_that_the_master_stays() -> None:
    pair = Pair(high=False)
    for heard in (ALIVE, ALIVE, GOING, GOING, ALIVE):
        both_hear(pair, heard)
        pair.now += 1_000_000

    pair.waits(SECOND // 2)

    assert pair.together.view(Nanoseconds(pair.now)).role is Role.BACKUP


def test_a_refrain_after_the_report_that_all_links_are_gone_says_that_they_are_not() -> None:
    pair = Pair(high=False)
    both_hear(pair, ALIVE)
    pair.happens(PartnerReported(Role.MASTER, frozenset(), links_gone=True))
    pair.now += 1_000_000
    both_hear(pair, ALIVE)

    pair.waits(SECOND // 2)

    assert pair.together.view(Nanoseconds(pair.now)).role is Role.BACKUP


def test_the_same_words_in_another_order_or_number_are_no_refrain_and_count_as_ever() -> None:
    pair = Pair(high=False)
    for heard in (ALIVE, ALIVE[::-1], ALIVE[:1], ALIVE, ALIVE[1:], ALIVE * 2, ALIVE, GOING[:1] + ALIVE[1:], ALIVE):
        pair.waits(SECOND // 4)
        both_hear(pair, heard)


def test_somebody_who_stands_alone_is_missed_although_the_others_repeat_themselves() -> None:
    pair = Pair(high=True)
    stranger = Heard("LAN1", Priority(255), Centiseconds(25), HIGH_ADDRESS)
    worse = [one._replace(priority=Priority(250)) for one in ALIVE]
    both_hear(pair, [*worse, stranger])
    for _ in range(8):
        pair.waits(SECOND // 8)
        both_hear(pair, worse[1:])
        both_hear(pair, [stranger])
    assert pair.together.view(Nanoseconds(pair.now)).role is Role.BACKUP

    for _ in range(12):
        pair.waits(SECOND // 8)
        both_hear(pair, worse[1:])

    assert pair.together.view(Nanoseconds(pair.now)).role is Role.MASTER


@pytest.mark.parametrize("change", [{"priority": Priority(253)}, {"interval": Centiseconds(50)}])
def test_several_words_at_a_time_are_no_refrain(change: dict[str, Any]) -> None:
    node = Node(high=False)
    node.start()
    looked_at = _count_looks(node.election)
    for times in range(1, 4):
        node.tell(HeardTogether((ALIVE[0], ALIVE[1]._replace(**change))))
        assert looked_at == [times]


def test_what_is_heard_where_nobody_listens_is_no_refrain() -> None:
    pair = Pair(high=False)
    for _ in range(4):
        pair.waits(SECOND // 4)
        both_hear(pair, [ALIVE[0]._replace(interface="LAN9")])

    assert pair.together.view(Nanoseconds(pair.now)).role is Role.MASTER


def test_what_is_heard_where_nobody_listens_or_nothing_at_all_makes_no_refrain_of_what_was_before() -> None:
    pair = Pair(high=False)
    for heard in (ALIVE, [ALIVE[0]._replace(interface="LAN9")], [], [], ALIVE, [], ALIVE):
        both_hear(pair, heard)
        pair.waits(SECOND // 4)


def test_what_a_master_heard_deserves_a_thought_when_it_is_backup() -> None:
    paths = Paths.first(settings(NAMES).interfaces, NAMES)
    vigil, now = Vigil(), Nanoseconds(1)

    def hears() -> bool:
        news = [vigil.heard(paths.hear(paths[one.interface], one, now), paths) for one in ALIVE]
        vigil.heard_together(tuple(ALIVE), paths, now)
        return any(news)

    assert hears()
    assert vigil.refrain.again(tuple(ALIVE), now)
    vigil.begin(now)
    assert not vigil.refrain.again(tuple(ALIVE), now)
    vigil.heard_together(tuple(ALIVE), paths, now)  # the last of them made a backup of it
    assert not vigil.refrain.again(tuple(ALIVE), now)
    assert hears()
    assert vigil.refrain.again(tuple(ALIVE), now)


def _count_looks(node: Election) -> list[int]:
    """How often a batch of adverts was looked at one by one, in the only item."""
    looks, usual = [0], node._on_heard_together

    def look(heard: HeardTogether, now: Nanoseconds) -> None:
        looks[0] += 1
        usual(heard, now)

    node._handlers[HeardTogether] = look
    return looks
