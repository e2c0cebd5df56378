"""A master that hears others: it yields to better ones, answers worse ones, and does not trust deaf ones."""

from __future__ import annotations

import pytest

from cluster.vrrp.events import Advertise, Announce, DropAddresses, HaInterface, Role, RoleChanged
from tests.support.election import (
    HIGH_ADDRESS,
    LOW_ADDRESS,
    OUR_ADDRESS,
    SECOND,
    Node,
    adverts,
    announced,
    listed,
    notes,
    roles,
    settings,
)

QUARTER = SECOND // 4
MS = 1_000_000
SKEW_254 = QUARTER * 2 // 256
SKEW_253 = QUARTER * 3 // 256
MASTER_DOWN_254 = 3 * QUARTER + QUARTER * 2 // 256


# --- yielding -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("interface", ["LAN1", "LAN2"])
def test_a_master_yields_to_a_better_one_on_any_interface(interface: str) -> None:
    node = Node(high=False).as_master()
    assert roles(node.hear(254, interface)) == [Role.BACKUP]
    assert node.cause == "the partner 0.0.0.10 advertises the higher priority 254; ours is 253"


def test_addresses_outlive_the_role_by_20_ms_and_then_a_farewell_is_said() -> None:
    node = Node(high=False).as_master()
    effects = node.hear(254)
    assert [type(effect) for effect in effects] == [RoleChanged]
    assert node.holding
    assert node.wait_exactly(20 * MS - 1) == []
    assert listed(node.wait_exactly(1)) == listed([DropAddresses(), Advertise("LAN1", 0), Advertise("LAN2", 0)])
    assert not node.holding


def test_a_node_that_yielded_advertises_no_more() -> None:
    node = Node(high=False).as_master()
    node.hear(254)
    node.wait(0.02)
    assert adverts(node.wait_hearing(6, 254)) == []


def test_the_cause_of_yielding_names_the_lost_interface() -> None:
    node = Node().as_master(lost=["LAN1"])
    node.hear(253, "LAN2")
    assert node.cause == "the partner 0.0.0.10 advertises the higher priority 253; ours is 251 (LAN1 is unusable)"


def test_after_yielding_silence_counts_anew() -> None:
    node = Node(high=False).as_master()
    node.hear(254)
    yielded = node.now
    node.wait(1)
    assert node.when(Role.MASTER)[1] == yielded + 3 * QUARTER + QUARTER * 3 // 256


@pytest.mark.parametrize("later", [0, 20 * MS - SKEW_253])
def test_a_node_that_takes_the_role_again_at_once_keeps_its_addresses(later: int) -> None:
    node = Node(high=False).as_master()
    node.hear(254)
    node.wait_exactly(later)
    node.hear(0)
    effects = node.wait_exactly(SKEW_253)
    assert roles(effects) == [Role.MASTER]
    assert ("DropAddresses",) not in listed(effects + node.wait(1))


# --- answering ------------------------------------------------------------------------------------------


def test_a_worse_master_is_answered_at_once_with_an_advert_and_announcements_there() -> None:
    effects = Node().as_master().hear(253)
    assert listed(effects) == listed([Advertise("LAN1", 254), Announce("LAN1")])


def test_a_worse_master_is_worse_whatever_its_address() -> None:
    effects = Node().as_master().hear(253, source=HIGH_ADDRESS)
    assert roles(effects) == []
    assert adverts(effects) == [("LAN1", 254)]


def test_answers_never_become_a_storm() -> None:
    node = Node().as_master()
    node.wait_exactly(QUARTER - (node.now - node.when(Role.MASTER)[0]) % QUARTER)
    answers: list[tuple[str, int]] = []
    for _ in range(100):
        answers += adverts(node.hear(253))
    assert answers == [("LAN1", 254)]
    assert adverts(node.wait_exactly(QUARTER)) == [("LAN1", 254), ("LAN2", 254)]
    assert adverts(node.hear(253)) == [("LAN1", 254)]


def test_announcements_that_answer_come_once_a_second_and_the_last_is_not_lost() -> None:
    node = Node(interval=100).as_master_at(4)
    assert announced(node.hear(253, interval=100)) == ["LAN1"]
    node.wait(0.5)
    assert announced(node.hear(253, interval=100)) == []
    assert announced(node.wait_exactly(SECOND // 2 - 1)) == []
    assert announced(node.wait_exactly(1)) == ["LAN1"]
    assert announced(node.wait(1.9)) == []


def test_each_interface_is_answered_for_itself() -> None:
    node = Node().as_master()
    node.hear(253, "LAN1")
    assert announced(node.hear(253, "LAN2")) == ["LAN2"]


def test_a_farewell_is_answered_with_announcements_and_an_advert() -> None:
    assert listed(Node().as_master().hear(0)) == listed([Announce("LAN1"), Advertise("LAN1", 254)])


def test_a_farewell_is_answered_even_right_after_a_burst() -> None:
    node = Node().as_master()
    node.hear(253)
    assert announced(node.hear(0)) == ["LAN1"]


def test_farewells_are_answered_once_a_second_and_the_last_is_not_lost() -> None:
    node = Node(interval=100).as_master_at(4)
    node.hear(0)
    assert node.hear(0) == []
    assert node.hear(0) == []
    assert announced(node.wait_exactly(SECOND - 1)) == []
    assert announced(node.wait_exactly(1)) == ["LAN1"]
    assert announced(node.wait_exactly(SECOND // 2)) == []
    assert announced(node.hear(0)) == ["LAN1"]


def test_a_second_after_a_farewell_the_next_one_is_answered_in_full() -> None:
    node = Node(interval=100).as_master_at(4)
    node.hear(0)
    node.wait_exactly(SECOND)
    assert listed(node.hear(0)) == listed([Announce("LAN1"), Advertise("LAN1", 254)])


def test_a_farewell_answered_at_once_needs_no_further_burst() -> None:
    node = Node().as_master()
    node.hear(253)
    node.hear(253)
    node.hear(0)
    assert announced(node.wait(1.5)) == []


# --- equals -----------------------------------------------------------------------------------------------


def test_of_two_equal_masters_the_lower_address_yields() -> None:
    node = Node().as_master()
    assert roles(node.hear(254, source=HIGH_ADDRESS)) == [Role.BACKUP]
    assert "the same priority 254 and the higher address on LAN1" in node.cause


def test_of_two_equal_masters_the_higher_address_stays_and_answers() -> None:
    effects = Node().as_master().hear(254, source=LOW_ADDRESS)
    assert roles(effects) == []
    assert adverts(effects) == [("LAN1", 254)]


def test_an_equal_address_does_not_yield() -> None:
    assert roles(Node().as_master().hear(254, source=OUR_ADDRESS)) == []


def test_crossed_addresses_are_compared_only_on_the_lowest_vrid() -> None:
    node = Node().as_master()
    node.hear(254, "LAN1", source=LOW_ADDRESS)
    for _ in range(2):
        assert node.hear(254, "LAN2", source=HIGH_ADDRESS) == []
        node.wait(0.25)
    assert node.role is Role.MASTER


def test_the_lowest_vrid_is_a_number_and_not_a_place_in_the_configuration() -> None:
    interfaces = (HaInterface("LAN1", 9, OUR_ADDRESS), HaInterface("LAN2", 3, OUR_ADDRESS))
    node = Node(settings()._replace(interfaces=interfaces)).as_master()
    node.hear(254, "LAN2", source=LOW_ADDRESS)
    assert node.hear(254, "LAN1", source=HIGH_ADDRESS) == []


def test_on_a_higher_vrid_an_equal_is_given_an_interval_to_be_heard_on_the_lowest() -> None:
    node = Node().as_master()
    assert node.hear(254, "LAN2", source=HIGH_ADDRESS) == []
    node.wait_exactly(QUARTER - 1)
    assert roles(node.hear(254, "LAN2", source=HIGH_ADDRESS)) == []
    node.wait_exactly(1)
    assert roles(node.hear(254, "LAN2", source=HIGH_ADDRESS)) == [Role.BACKUP]


def test_an_equal_that_fell_silent_on_the_lowest_vrid_is_compared_where_it_is_heard() -> None:
    node = Node().as_master()
    node.hear(254, "LAN1", source=LOW_ADDRESS)
    node.wait(1)
    node.hear(254, "LAN2", source=HIGH_ADDRESS)
    node.wait(0.25)
    assert roles(node.hear(254, "LAN2", source=HIGH_ADDRESS)) == [Role.BACKUP]


def test_an_equal_heard_as_backup_on_the_lowest_vrid_is_compared_there() -> None:
    node = Node().as_backup(254)
    node.report(links_gone=True)
    node.wait_exactly(SKEW_254)
    assert node.role is Role.MASTER
    assert node.hear(254, "LAN2", source=HIGH_ADDRESS) == []


def test_an_equal_that_fell_silent_before_the_term_is_compared_where_it_is_heard() -> None:
    node = Node().as_backup(254)
    node.wait(1)
    assert node.role is Role.MASTER
    node.hear(254, "LAN2", source=HIGH_ADDRESS)
    node.wait(0.25)
    assert roles(node.hear(254, "LAN2", source=HIGH_ADDRESS)) == [Role.BACKUP]


def test_an_equal_that_does_not_hear_us_on_the_lowest_vrid_is_compared_on_the_next() -> None:
    node = Node().as_master()
    node.report(Role.MASTER, hears=["LAN2"])
    for _ in range(3):
        node.hear(254, "LAN1", source=LOW_ADDRESS)
        node.hear(254, "LAN2", source=HIGH_ADDRESS)
        node.wait_exactly(QUARTER)
    node.hear(254, "LAN1", source=LOW_ADDRESS)
    node.wait_exactly(SKEW_254 - 1)
    assert node.hear(254, "LAN2", source=HIGH_ADDRESS) == []
    node.wait_exactly(1)
    assert roles(node.hear(254, "LAN2", source=HIGH_ADDRESS)) == [Role.BACKUP]
    assert "the higher address on LAN2" in node.cause


# --- loss in one direction --------------------------------------------------------------------------------


def deaf(node: Node, seconds: float) -> None:
    """A worse master that does not yield."""
    node.wait_hearing(seconds, 253)


def test_a_master_yields_to_a_deaf_one_after_a_master_down_interval() -> None:
    node = Node().as_master()
    node.hear(253)
    node.wait_exactly(MASTER_DOWN_254 - 1)
    assert roles(node.hear(253)) == []
    node.wait_exactly(1)
    assert roles(node.hear(253)) == [Role.BACKUP]
    assert "it does not hear us" in node.cause


def test_after_yielding_to_a_deaf_one_it_does_not_preempt_for_five_minutes() -> None:
    node = Node().as_master()
    deaf(node, 1.5)
    yielded = node.when(Role.BACKUP)[-1]
    assert "no preemption until the hotwire says that it does, or for 300 s" in node.explanation
    deaf(node, 310)
    assert node.when(Role.MASTER)[1] - yielded - 300 * SECOND in range(SECOND)


def test_the_bar_ends_when_the_hotwire_says_that_we_are_heard() -> None:
    node = Node().as_master()
    deaf(node, 1.5)
    node.report(Role.MASTER)
    deaf(node, 1)
    assert node.terms == 1
    node.report(Role.MASTER, hears=["LAN2"])
    node.wait(0.1)
    assert node.role is Role.MASTER


def test_the_bar_does_not_delay_takeover_on_silence_and_ends_with_it() -> None:
    node = Node().as_master()
    deaf(node, 1.5)
    node.wait(1)
    assert node.role is Role.MASTER
    assert "no preemption" not in node.explanation


@pytest.mark.parametrize("where", ["LAN1", "LAN2"])
def test_a_master_that_is_heard_according_to_the_hotwire_does_not_yield_to_a_worse_one(where: str) -> None:
    node = Node().as_master()
    node.report(hears=[where])
    deaf(node, 5)
    assert node.role is Role.MASTER


@pytest.mark.parametrize(("where", "role"), [("LAN1", Role.MASTER), ("LAN2", Role.BACKUP)])
def test_an_equal_that_hears_us_somewhere_else_only_does_not_yield_there(where: str, role: Role) -> None:
    node = Node().as_master()
    node.report(Role.MASTER, hears=[where])
    node.wait_hearing(1.25, 254, source=LOW_ADDRESS)
    assert node.role is role


def test_a_worse_master_that_pauses_is_not_deaf() -> None:
    node = Node().as_master()
    for _ in range(5):
        node.hear(253)
        node.wait_exactly(4 * QUARTER)
    assert node.terms == 1
    assert node.role is Role.MASTER


def test_the_suspicion_of_one_term_does_not_last_into_the_next() -> None:
    node = Node().as_master()
    node.wait_hearing(0.75, 253)
    node.hear(255)
    node.hear(0)
    node.wait_exactly(SKEW_254)
    assert node.terms == 2
    node.hear(253)
    assert node.role is Role.MASTER


def test_in_a_new_term_everybody_is_answered_at_once() -> None:
    node = Node().as_master()
    node.hear(253)
    node.hear(0)
    node.hear(255)
    node.hear(0)
    node.wait_exactly(SKEW_254)
    assert announced(node.hear(253)) == ["LAN1"]
    assert announced(node.hear(0)) == ["LAN1"]


def test_on_the_lowest_vrid_only_an_equal_speaks_for_the_partner() -> None:
    node = Node().as_master()
    for _ in range(2):
        node.hear(253, "LAN1")
        node.hear(254, "LAN2", source=HIGH_ADDRESS)
        node.wait_exactly(QUARTER)
    assert node.role is Role.BACKUP


def test_a_farewell_ends_the_suspicion() -> None:
    node = Node().as_master()
    deaf(node, 0.75)
    node.hear(0)
    deaf(node, 0.75)
    assert node.role is Role.MASTER


def test_late_adverts_of_a_master_that_yields_are_not_noted_as_two_masters() -> None:
    node = Node().as_master()
    effects = node.hear(253)
    node.wait_exactly(20 * MS - 1)
    effects += node.hear(253)
    node.wait_exactly(1)
    effects += node.hear(0)
    node.wait_exactly(QUARTER)
    effects += node.hear(253)
    assert notes(effects) == []


def test_two_masters_are_noted_when_the_other_has_gone_on_for_as_long_as_addresses_outlive_the_role() -> None:
    node = Node().as_master()
    node.hear(253)
    node.wait_exactly(20 * MS)
    assert notes(node.hear(253)) == [("two-masters", "LAN1")]
    assert notes(node.hear(253)) == []


def test_two_masters_are_noted_once_for_each_encounter() -> None:
    node = Node().as_master()
    node.report(hears=["LAN1"])
    deaf(node, 3)
    node.wait(5)
    deaf(node, 3)
    assert [kind for _, effect in node.done for kind, _ in notes([effect])] == ["two-masters"] * 2


def test_the_hotwire_shows_two_masters_that_do_not_hear_each_other() -> None:
    node = Node().as_master()
    node.wait(5)
    assert notes(node.report(Role.MASTER)) == [("two-masters", "")]
    assert notes(node.report(Role.MASTER)) == []
    node.report(Role.BACKUP)
    assert notes(node.report(Role.MASTER)) == [("two-masters", "")]


def test_the_hotwire_may_be_late_about_a_handover() -> None:
    node = Node().as_master()
    assert notes(node.report(Role.MASTER)) == []
