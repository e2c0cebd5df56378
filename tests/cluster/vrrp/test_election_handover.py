"""Handing over: make before break, with a partner, without one, and with one nobody knows of."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.units import Priority
from cluster.vrrp.events import Advertise, DropAddresses, Noted, Role, StopAsked, Stopped, SwitchAsked
from cluster.vrrp.reign import REPEAT_ANNOUNCEMENTS
from tests.support.election import SECOND, Node, adverts, announced, listed, notes, roles

QUARTER = SECOND // 4
MS = 1_000_000
FAREWELL = listed([DropAddresses(), Advertise("LAN1", Priority(0)), Advertise("LAN2", Priority(0))])
UNKNOWN = 40 * MS + 2 * (QUARTER * 3 // 256)


# --- cluster switch -----------------------------------------------------------------------------------


def test_a_switch_lowers_the_priority_and_keeps_serving() -> None:
    node = Node().as_master()
    effects = node.tell(SwitchAsked())
    assert adverts(effects) == [("LAN1", 252), ("LAN2", 252)]
    assert notes(effects) == [("handover-started", "")]
    assert node.role is Role.MASTER
    assert node.holding
    assert node.election.view(node.now).handing_over


@pytest.mark.parametrize(("high", "lowest"), [(True, 2), (False, 1)])
def test_a_priority_that_cannot_fall_is_not_said_to(high: bool, lowest: int) -> None:
    node = Node(high=high, maintenance=True).as_master()

    (said,) = (effect.text for effect in node.tell(SwitchAsked()) if isinstance(effect, Noted))

    assert said == f"switch to the partner: our priority stays {lowest}, we serve until the partner has taken over"


def test_a_switch_is_over_20_ms_after_the_new_master_was_heard() -> None:
    node = Node().as_master()
    node.tell(SwitchAsked())
    node.wait_exactly(4 * MS)
    assert roles(node.hear(253)) == [Role.BACKUP]
    assert node.election.view(node.now).handing_over
    assert listed(node.wait_exactly(20 * MS)) == FAREWELL
    view = node.election.view(node.now)
    assert (view.handing_over, view.holding, view.handed_over) == (False, False, True)
    assert node.cause.startswith("switch to the partner: the partner 0.0.0.10 advertises the higher priority 253")


def test_after_a_switch_the_old_master_does_not_take_the_role_back() -> None:
    node = Node().as_master()
    node.tell(SwitchAsked())
    node.hear(253)
    node.wait_hearing(60, 253)
    assert node.terms == 1
    assert node.priority == 252


def test_the_low_node_takes_a_switch_over_within_its_skew() -> None:
    node = Node(high=False).as_backup()
    node.hear(252)
    node.wait_exactly(QUARTER * 3 // 256)
    assert node.role is Role.MASTER


def test_a_switch_nobody_answers_is_taken_back_after_four_intervals() -> None:
    node = Node().as_master()
    node.tell(SwitchAsked())
    node.wait_exactly(4 * QUARTER - 1)
    assert node.priority == 252
    effects = node.wait_exactly(1)
    assert notes(effects) == [("handover-failed", "")]
    assert adverts(effects)[:2] == [("LAN1", 254), ("LAN2", 254)]
    assert roles(effects) == []
    assert not node.election.view(node.now).handing_over


def test_what_else_is_due_during_a_switch_does_not_end_it() -> None:
    node = Node().as_master()
    (began,) = node.when(Role.MASTER)
    node.wait_exactly(began + REPEAT_ANNOUNCEMENTS - QUARTER - node.now)
    node.tell(SwitchAsked())
    assert announced(node.wait_exactly(QUARTER)) == ["LAN1", "LAN2"]
    assert node.priority == 252
    node.wait_exactly(3 * QUARTER - 1)
    assert node.priority == 252
    assert notes(node.wait_exactly(1)) == [("handover-failed", "")]


def test_a_partner_that_has_lost_more_does_not_answer_a_switch_and_its_adverts_do_not_end_it() -> None:
    node = Node().as_master()
    node.tell(SwitchAsked())
    assert roles(node.hear(251)) == []


def test_a_handed_over_node_takes_the_role_when_the_partner_hands_it_back() -> None:
    node = Node().as_master()
    node.tell(SwitchAsked())
    node.hear(253)
    node.hear(252)
    node.wait(0.1)
    assert node.role is Role.MASTER
    assert node.priority == 254


def test_a_handed_over_node_is_itself_again_as_soon_as_the_role_is_handed_back() -> None:
    node = Node().as_master()
    node.tell(SwitchAsked())
    node.hear(253)
    assert node.priority == 252
    node.hear(252)
    assert (node.role, node.priority) == (Role.BACKUP, 254)


def test_of_two_masters_that_hand_over_at_once_the_one_that_yields_takes_the_role_back() -> None:
    node = Node(high=False).as_master()
    node.tell(SwitchAsked())
    assert roles(node.hear(252)) == [Role.BACKUP]
    node.hear(252)
    node.wait_exactly(QUARTER * 3 // 256)
    assert (node.role, node.priority) == (Role.MASTER, 253)


@pytest.mark.parametrize("priority", [250, 249])
def test_a_handed_over_node_takes_the_role_when_the_partner_loses_a_link(priority: int) -> None:
    node = Node().as_master()
    node.tell(SwitchAsked())
    node.hear(253)
    node.hear(priority)
    node.wait(0.1)
    assert node.role is Role.MASTER


def test_a_handed_over_node_is_itself_again_once_it_was_master() -> None:
    node = Node().as_master()
    node.tell(SwitchAsked())
    node.hear(253)
    node.wait(2)
    assert node.role is Role.MASTER
    assert node.priority == 254


@pytest.mark.parametrize("changes", [{"maintenance": True}, {"high": False}])
def test_configuring_priority_or_maintenance_ends_handed_over(changes: dict[str, bool]) -> None:
    node = Node().as_master()
    node.tell(SwitchAsked())
    node.hear(253)
    node.configure(**changes)
    assert not node.election.view(node.now).handed_over


def test_configuring_something_else_does_not_end_handed_over() -> None:
    node = Node().as_master()
    node.tell(SwitchAsked())
    node.hear(253)
    node.configure(trigger_delay=node.settings.trigger_delay)
    assert node.election.view(node.now).handed_over


def test_a_restarted_node_remembers_that_it_handed_over() -> None:
    node = Node()
    node.start(handed_over=True)
    node.wait_hearing(5, 253)
    assert node.terms == 0


# --- by force -------------------------------------------------------------------------------------------


def test_a_forced_switch_goes_to_a_partner_that_has_lost_more_and_stays_there() -> None:
    node = Node().as_master()
    effects = node.tell(SwitchAsked(force=True))
    assert adverts(effects) == [("LAN1", 1), ("LAN2", 1)]
    assert roles(node.hear(251)) == [Role.BACKUP]
    assert node.priority == 249
    node.wait_hearing(60, 251)
    assert node.terms == 1


def test_a_forced_switch_without_an_answer_gives_the_role_up_and_silence_brings_it_back() -> None:
    node = Node().as_master()
    node.tell(SwitchAsked(force=True))
    node.wait_exactly(4 * QUARTER - 1)
    assert node.role is Role.MASTER
    effects = node.wait_exactly(1)
    assert listed(effects[1:]) == listed([DropAddresses(), Advertise("LAN1", 0), Advertise("LAN2", 0)])
    assert node.role is Role.BACKUP
    assert node.election.view(node.now).handed_over
    assert node.priority == 252
    node.wait_exactly(3 * QUARTER + QUARTER * 4 // 256)
    assert node.role is Role.MASTER


# --- what is refused ------------------------------------------------------------------------------------


def refusal(node: Node, force: bool = False) -> str:
    return node.election.switch_refusal(node.now, force) or ""


def test_only_a_master_can_switch() -> None:
    assert "this node is backup" in refusal(Node().as_backup(), force=True)
    off = Node(enabled=False)
    off.start()
    assert "this node is offline" in refusal(off)


def test_one_handover_at_a_time() -> None:
    node = Node().as_master()
    assert refusal(node) == ""
    node.tell(SwitchAsked())
    assert "under way already" in refusal(node, force=True)


def test_without_links_a_switch_needs_force() -> None:
    node = Node().as_master(lost=["LAN1", "LAN2"])
    assert "no HA interface of this node is usable" in refusal(node)
    assert refusal(node, force=True) == ""


def test_one_link_is_enough_for_a_switch() -> None:
    assert refusal(Node().as_master(lost=["LAN1"])) == ""


@pytest.mark.parametrize(
    ("report", "words"),
    [
        ({"role": Role.OFFLINE, "hears": ["LAN1"]}, "cannot take the role"),
        ({"links_gone": True, "hears": ["LAN1"]}, "cannot take the role"),
        ({}, "does not hear this node"),
    ],
)
def test_the_hotwire_may_speak_against_a_switch(report: dict[str, object], words: str) -> None:
    node = Node().as_master()
    node.wait(4)
    node.report(**report)
    assert words in refusal(node)
    assert refusal(node, force=True) == ""
    node.report(hears=["LAN1"])
    assert refusal(node) == ""


def test_a_partner_that_did_not_hear_a_backup_does_not_speak_against_a_switch_just_after_it_became_master() -> None:
    node = Node().as_master()
    (began,) = node.when(Role.MASTER)
    node.report(hears=())
    assert refusal(node) == ""
    node.wait_exactly(began + 3 * SECOND - node.now)
    assert refusal(node) == ""
    node.wait_exactly(1)
    assert "does not hear this node" in refusal(node)


def test_a_partner_heard_with_more_losses_speaks_against_a_switch() -> None:
    node = Node().as_master()
    node.hear(251)
    assert "has lost more: its priority is 251, ours 254" in refusal(node)
    node.hear(252)
    assert refusal(node) == ""
    node.hear(251)
    node.wait(1)
    assert refusal(node) == ""


def test_a_partner_that_just_said_farewell_may_be_switched_to() -> None:
    node = Node().as_master()
    node.hear(253)
    node.hear(0)
    assert refusal(node) == ""


def test_a_refused_switch_that_is_asked_all_the_same_changes_nothing() -> None:
    node = Node().as_backup()
    effects = node.tell(SwitchAsked())
    assert notes(effects) == [("handover-failed", "")]
    assert node.role is Role.BACKUP


# --- maintenance --------------------------------------------------------------------------------------------


def test_maintenance_lowers_the_priority_and_waits_for_a_partner_for_ever() -> None:
    node = Node().as_master()
    effects = node.configure(maintenance=True)
    assert ("LAN1", 2) in adverts(effects)
    node.wait(600)
    assert node.role is Role.MASTER
    assert "maintenance is on" in node.explanation


@pytest.mark.parametrize("changes", [{"maintenance": True}, {"enabled": False}, {"high": False}])
def test_a_change_is_advertised_once_and_whoever_takes_over_hears_no_second_master(changes: dict[str, Any]) -> None:
    effects = Node().as_master().configure(**changes)

    assert [interface for interface, _ in adverts(effects)] == ["LAN1", "LAN2"]


def test_maintenance_ends_when_the_partner_takes_over() -> None:
    node = Node().as_master()
    node.configure(maintenance=True)
    node.hear(253)
    assert listed(node.wait_exactly(20 * MS)) == FAREWELL


def test_after_maintenance_the_high_node_takes_the_role_back() -> None:
    node = Node().as_master()
    node.configure(maintenance=True)
    node.hear(253)
    node.wait_hearing(1, 253)
    node.configure(maintenance=False)
    node.wait_hearing(0.25, 253)
    assert node.role is Role.MASTER


# --- stopping and switching off -----------------------------------------------------------------------------


def test_a_stopping_master_serves_until_the_partner_was_heard_and_20_ms_more() -> None:
    node = Node().as_master()
    assert adverts(node.tell(StopAsked())) == [("LAN1", 1), ("LAN2", 1)]
    node.wait_exactly(4 * MS)
    assert node.holding
    assert roles(node.hear(253)) == [Role.BACKUP]
    assert node.wait_exactly(20 * MS - 1) == []
    effects = node.wait_exactly(1)
    assert listed(effects[:3]) == listed([DropAddresses(), Advertise("LAN1", 0), Advertise("LAN2", 0)])
    assert roles(effects) == [Role.OFFLINE]
    assert isinstance(effects[-1], Stopped)
    assert node.election.deadline is None


def test_a_stopping_master_yields_to_its_equal_in_rank_too() -> None:
    node = Node().as_master()
    node.tell(StopAsked())
    assert roles(node.hear(1)) == [Role.BACKUP]


def test_a_stopping_master_gives_an_unknown_partner_a_short_chance() -> None:
    node = Node().as_master()
    node.tell(StopAsked())
    node.wait_exactly(UNKNOWN - 1)
    assert node.role is Role.MASTER
    effects = node.wait_exactly(1)
    assert listed(effects[1:4]) == listed([DropAddresses(), Advertise("LAN1", 0), Advertise("LAN2", 0)])
    assert isinstance(effects[-1], Stopped)
    assert UNKNOWN < 60 * MS


def test_the_chance_of_an_unknown_partner_grows_with_our_own_losses() -> None:
    node = Node().as_master(lost=["LAN1"])
    began = node.now
    node.tell(StopAsked())
    node.wait(1)
    assert node.when(Role.OFFLINE) == [began + 40 * MS + 2 * (QUARTER * 6 // 256)]


def test_a_known_partner_gets_four_intervals() -> None:
    node = Node().as_master()
    node.report(hears=["LAN2"])
    began = node.now
    node.tell(StopAsked())
    node.wait(5)
    assert node.when(Role.OFFLINE) == [began + 4 * QUARTER]


def test_a_partner_that_does_not_hear_us_gets_no_more_time_than_an_unknown_one() -> None:
    node = Node().as_master()
    node.report(hears=[])
    began = node.now
    node.tell(StopAsked())
    node.wait(5)
    assert node.when(Role.OFFLINE) == [began + UNKNOWN]


@pytest.mark.parametrize("report", [{"links_gone": True}, {"role": Role.OFFLINE}])
def test_a_partner_that_cannot_take_over_is_not_waited_for(report: dict[str, object]) -> None:
    node = Node().as_master()
    node.report(**report)
    assert isinstance(node.tell(StopAsked())[-1], Stopped)


def test_a_master_without_links_stops_at_once() -> None:
    assert isinstance(Node().as_master(lost=["LAN1", "LAN2"]).tell(StopAsked())[-1], Stopped)


def test_a_backup_stops_at_once_and_silently() -> None:
    effects = Node().as_backup().tell(StopAsked())
    assert adverts(effects) == []
    assert roles(effects) == [Role.OFFLINE]
    assert isinstance(effects[-1], Stopped)


def test_a_node_that_still_holds_addresses_stops_after_it_removed_them() -> None:
    node = Node(high=False).as_master()
    node.hear(254)
    assert node.tell(StopAsked()) == []
    assert isinstance(node.wait_exactly(20 * MS)[-1], Stopped)


def test_a_node_that_is_off_stops_at_once() -> None:
    node = Node(enabled=False)
    node.start()
    assert listed(node.tell(StopAsked())) == listed([Stopped()])


def test_after_the_stop_nothing_happens_any_more() -> None:
    node = Node().as_backup()
    node.tell(StopAsked())
    assert node.hear(0) == []
    assert node.configure(high=False) == []
    assert node.wait(10) == []


def test_a_second_stop_changes_nothing() -> None:
    node = Node().as_master()
    node.tell(StopAsked())
    node.wait_exactly(10 * MS)
    assert node.tell(StopAsked()) == []
    assert roles(node.configure(enabled=False)) == []
    node.wait(1)
    assert node.when(Role.OFFLINE) == [SECOND + UNKNOWN]


def test_a_leaving_node_does_not_take_the_role_again() -> None:
    node = Node(high=False).as_master()
    node.hear(254)
    node.tell(StopAsked())
    node.hear(0)
    node.wait(1)
    assert len(node.when(Role.MASTER)) == 1


def test_switching_off_hands_over_and_goes_offline() -> None:
    node = Node().as_master()
    effects = node.configure(enabled=False)
    assert notes(effects) == [("handover-started", "")]
    assert ("LAN1", 1) in adverts(effects)
    node.hear(253)
    effects = node.wait_exactly(20 * MS)
    assert isinstance(effects[0], DropAddresses)
    assert roles(effects) == [Role.OFFLINE]
    assert "Stopped" not in [kind for kind, *_ in listed(effects)]
    assert node.cause == "the cluster is switched off on this node"


def test_switching_off_alone_takes_no_longer_than_a_stop() -> None:
    node = Node().as_master()
    node.configure(enabled=False)
    node.wait_exactly(UNKNOWN)
    assert node.role is Role.OFFLINE


def test_another_change_while_switching_off_does_not_extend_the_wait() -> None:
    node = Node().as_master()
    node.configure(enabled=False)
    node.wait_exactly(UNKNOWN - 1)
    node.configure(high=False)
    node.wait_exactly(1)
    assert node.role is Role.OFFLINE


def test_switched_on_again_in_time_the_node_never_left() -> None:
    node = Node().as_master()
    node.configure(enabled=False)
    node.configure(enabled=True)
    node.wait(5)
    assert node.role is Role.MASTER
    assert node.priority == 254
    assert node.when(Role.BACKUP) == [0]


def test_switched_on_a_node_joins_as_backup_and_waits() -> None:
    node = Node(enabled=False)
    node.start()
    node.wait(10)
    effects = node.configure(enabled=True)
    assert ("DropAddresses",) in listed(effects)
    assert roles(effects) == [Role.BACKUP]
    node.wait(1)
    assert node.when(Role.MASTER) == [10 * SECOND + 3 * QUARTER + QUARTER * 2 // 256]


def test_a_stop_overtakes_a_switch() -> None:
    node = Node().as_master()
    node.tell(SwitchAsked())
    assert ("LAN1", 1) in adverts(node.tell(StopAsked()))
    node.wait(1)
    assert node.when(Role.OFFLINE) == [SECOND + UNKNOWN]


def test_the_new_master_answers_the_farewell_of_the_old_one() -> None:
    node = Node(high=False).as_backup()
    node.hear(252)
    node.wait(0.01)
    node.hear(252)
    assert announced(node.hear(0)) == ["LAN1"]
