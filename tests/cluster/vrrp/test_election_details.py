"""What is easily forgotten: words, views, and events that come at an unusual moment."""

from __future__ import annotations

import pytest

from cluster.vrrp.events import HaInterface, PartnerSilent, Resynchronised, Role, StopAsked, SwitchAsked
from tests.support.election import HIGH_ADDRESS, OUR_ADDRESS, SECOND, Node, announced, listed, notes, settings

QUARTER = SECOND // 4
SKEW_254 = QUARTER * 2 // 256
SKEW_253 = QUARTER * 3 // 256
MASTER_DOWN_254 = 3 * QUARTER + SKEW_254


# --- views and words ------------------------------------------------------------------------------------


def test_a_master_shows_the_master_down_interval_of_its_own_interval() -> None:
    node = Node().as_master()
    node.hear(253, interval=100)
    assert node.election.view(node.now).master_down_interval == MASTER_DOWN_254


def test_the_explanation_says_whether_the_role_was_handed_over() -> None:
    node = Node().as_master()
    assert "handed to the partner" not in node.explanation
    node.tell(SwitchAsked())
    node.hear(253)
    assert "handed to the partner" in node.explanation


def test_the_explanation_names_what_is_lost() -> None:
    node = Node().as_master()
    assert "our priority is" not in node.explanation
    node = Node().as_master(lost=["LAN1", "LAN2"])
    assert "our priority is 248 (LAN1, LAN2 are unusable)" in node.explanation


def test_the_explanation_says_whom_we_heard_last() -> None:
    node = Node().as_master()
    assert "no partner was ever heard" in node.explanation
    node.hear(0)
    node.wait(0.5)
    assert "the partner 0.0.0.10 was last heard 0.5 s ago, saying that it gave up the role" in node.explanation


def test_a_node_started_while_switched_off_says_since_when_and_why() -> None:
    node = Node(enabled=False)
    node.now = 7
    node.start()
    view = node.election.view(node.now)
    assert (view.since, view.cause) == (7, "the cluster is switched off on this node")


def test_a_resumed_master_says_so() -> None:
    node = Node()
    effects = node.start(resume=True)
    assert notes(effects) == [("resumed", "")]
    assert "the engine restarted and resumed the role" in node.cause


def test_a_master_does_not_claim_to_wait_for_connections() -> None:
    node = Node()
    node.start(resynchronised=False)
    node.hear(253)
    node.wait(1)
    assert node.role is Role.MASTER
    assert "waits for its connections" not in node.explanation
    node.hear(253)
    node.report(hears=["LAN1"])
    assert "waits for its connections" not in node.explanation


def test_a_node_that_has_its_connections_does_not_claim_to_wait_for_them() -> None:
    node = Node()
    node.start()
    node.hear(253)
    assert "waits for its connections" not in node.explanation


# --- configuration at an unusual moment -----------------------------------------------------------------


def test_a_changed_configuration_puts_the_addresses_before_it_announces_them() -> None:
    effects = Node().as_master().configure(trigger_delay=5)
    assert [kind for kind, *_ in listed(effects)][:3] == ["TakeAddresses", "Announce", "Announce"]


def test_a_backup_that_becomes_high_takes_over_without_another_advert() -> None:
    node = Node(high=False).as_backup(253)
    node.configure(high=True)
    node.wait_exactly(SKEW_254)
    assert node.role is Role.MASTER


def test_a_new_source_address_counts_in_a_tie() -> None:
    node = Node().as_master()
    node.configure(
        interfaces=tuple(one._replace(source=HIGH_ADDRESS + 1) for one in node.settings.interfaces)
    )
    node.hear(254, source=HIGH_ADDRESS)
    assert node.role is Role.MASTER


def test_switched_off_while_it_still_holds_addresses_a_node_leaves_after_it_removed_them() -> None:
    node = Node(high=False).as_master()
    node.hear(254)
    node.configure(enabled=False)
    assert node.role is Role.BACKUP
    node.wait(0.02)
    assert node.role is Role.OFFLINE


def test_switched_on_again_while_it_still_holds_addresses_a_node_stays() -> None:
    node = Node(high=False).as_master()
    node.hear(254)
    node.configure(enabled=False)
    node.configure(enabled=True)
    node.wait(0.02)
    assert node.role is Role.BACKUP


def test_a_change_of_the_interval_counts_from_now() -> None:
    node = Node().as_master()
    node.configure(advert_interval=type(node.settings.advert_interval)(100))
    assert node.election.deadline == node.now + SECOND


def test_switched_off_and_on_a_challenge_begins_anew() -> None:
    node = Node()
    node.start(resynchronised=False)
    node.hear(253)
    node.wait(0.1)
    node.configure(enabled=False)
    node.configure(enabled=True)
    node.tell(Resynchronised())
    assert node.role is Role.BACKUP
    node.wait_exactly(SKEW_254)
    assert node.role is Role.MASTER


def test_switched_on_again_after_long_a_node_does_not_challenge_a_master_of_long_ago() -> None:
    node = Node()
    node.start(resynchronised=False)
    node.hear(253)
    node.configure(enabled=False)
    node.tell(Resynchronised())
    node.wait(10)
    node.configure(enabled=True)
    node.wait_exactly(MASTER_DOWN_254 - 1)
    assert node.role is Role.BACKUP


def test_a_leaving_node_takes_no_role_whatever_else_is_due() -> None:
    node = Node(high=False, trigger_delay=2, interval=1).as_master()
    node.link("LAN2", usable=False)
    node.wait(1.99)
    node.hear(254, interval=1)
    node.tell(StopAsked())
    node.hear(0, interval=1)
    node.wait(1)
    assert node.terms == 1


def test_a_restarted_node_that_had_handed_over_counts_its_own_losses_only() -> None:
    node = Node()
    node.start(handed_over=True)
    assert node.priority == 252


# --- links at an unusual moment -------------------------------------------------------------------------


def test_a_link_told_again_as_lost_is_not_announced() -> None:
    node = Node().as_master()
    node.link("LAN1", usable=False)
    assert announced(node.link("LAN1", usable=False)) == []


def test_a_returning_link_of_a_backup_is_not_announced() -> None:
    node = Node().as_backup()
    node.link("LAN1", usable=False)
    assert announced(node.link("LAN1", usable=True)) == []


def test_a_loss_between_challenge_and_takeover_stops_the_takeover() -> None:
    node = Node(trigger_delay=2)
    node.start()
    node.hear(253)
    node.link("LAN1", usable=False)
    node.wait(0.5)
    assert node.terms == 0


def test_counted_and_pending_losses_add_up_before_a_preemption() -> None:
    node = Node(settings(["LAN1", "LAN2", "LAN3", "LAN4"], trigger_delay=2))
    node.start(lost=["LAN1"])
    node.link("LAN2", usable=False)
    node.hear(249)
    node.wait(0.5)
    assert node.terms == 0
    node.hear(246)
    node.wait(0.1)
    assert node.terms == 1


def test_a_counted_loss_stops_a_challenge_that_waits_for_connections() -> None:
    node = Node(trigger_delay=1)
    node.start(resynchronised=False)
    node.hear(252)
    node.link("LAN1", usable=False)
    node.wait(0.5)
    node.tell(Resynchronised())
    node.wait(0.2)
    assert node.terms == 0


def test_a_counted_recovery_is_a_reason_to_preempt_without_another_advert() -> None:
    node = Node(trigger_delay=0)
    node.start(lost=["LAN1"])
    node.link("LAN1", usable=True)
    node.wait_hearing(0.9, 253)
    node.wait(0.2)
    assert node.when(Role.MASTER) == [SECOND + SKEW_254]


# --- the hotwire at an unusual moment -----------------------------------------------------------------------


def test_when_the_hotwire_is_down_its_word_speaks_neither_for_nor_against_anything() -> None:
    node = Node().as_master()
    node.report(hears=["LAN1"])
    node.tell(PartnerSilent())
    node.wait_hearing(2, 253)
    assert node.role is Role.BACKUP
    node = Node().as_master()
    node.report(links_gone=True)
    node.tell(PartnerSilent())
    assert node.election.switch_refusal(node.now, force=False) is None


@pytest.mark.parametrize(("ours", "theirs"), [(Role.BACKUP, Role.MASTER), (Role.MASTER, Role.BACKUP)])
def test_one_master_is_not_two(ours: Role, theirs: Role) -> None:
    node = Node().as_master() if ours is Role.MASTER else Node().as_backup()
    node.now += 5 * SECOND if ours is Role.MASTER else 0
    assert notes(node.report(theirs)) == []


def test_a_backup_for_long_does_not_note_two_masters() -> None:
    node = Node(high=False).as_backup()
    node.wait_hearing(5, 254)
    assert notes(node.report(Role.MASTER)) == []


def test_two_masters_are_noted_once_the_report_is_surely_younger_than_the_role() -> None:
    node = Node()
    node.start(resume=True)
    node.wait_exactly(MASTER_DOWN_254)
    assert notes(node.report(Role.MASTER)) == []
    node.report(Role.BACKUP)
    node.wait_exactly(1)
    assert notes(node.report(Role.MASTER)) == [("two-masters", "")]


def test_the_bar_ends_with_the_word_itself_and_not_with_the_next_advert() -> None:
    node = Node().as_master()
    node.wait_hearing(1.25, 253)
    node.hear(253)
    node.report(Role.MASTER, hears=["LAN1"])
    node.wait_exactly(SKEW_254)
    assert node.role is Role.MASTER


def test_the_bar_ends_after_five_minutes_to_the_nanosecond() -> None:
    node = Node().as_master()
    node.wait_hearing(1, 253)
    node.hear(253)
    yielded = node.when(Role.BACKUP)[-1]
    node.wait_hearing(299.9, 253)
    node.wait_exactly(yielded + 300 * SECOND - node.now)
    assert node.role is Role.BACKUP
    node.wait_exactly(SKEW_254 - 1)
    assert node.role is Role.BACKUP
    node.wait_exactly(1)
    assert node.role is Role.MASTER


def test_a_farewell_is_followed_in_spite_of_the_bar() -> None:
    node = Node().as_master()
    node.wait_hearing(1, 253)
    node.hear(253)
    node.hear(0)
    node.wait_exactly(SKEW_254)
    assert node.role is Role.MASTER


def test_a_farewell_does_not_contradict_the_word_that_the_links_are_gone() -> None:
    node = Node(high=False).as_backup()
    node.report(Role.MASTER, links_gone=True)
    node.wait_exactly(SKEW_253 - 1)
    node.hear(0)
    node.wait_exactly(1)
    assert node.role is Role.MASTER


def test_one_link_of_ours_is_enough_to_be_in_a_hurry() -> None:
    node = Node(high=False)
    node.start(lost=["LAN1"])
    node.hear(254)
    node.report(Role.MASTER, links_gone=True)
    node.wait_exactly(QUARTER * 6 // 256)
    assert node.cause == "the partner says over the hotwire that all its HA interfaces are gone"


def test_a_forced_switch_to_a_partner_without_links_is_not_undone_by_its_old_word() -> None:
    node = Node().as_master()
    node.report(links_gone=True)
    node.tell(SwitchAsked(force=True))
    node.wait(1.5)
    assert node.role is Role.BACKUP


def test_a_takeover_on_silence_is_called_so_even_if_a_challenge_was_waiting() -> None:
    node = Node()
    node.start(resynchronised=False)
    node.hear(253)
    node.wait(1)
    assert node.cause.startswith("no advert from the partner 0.0.0.10")


# --- partner and stranger -------------------------------------------------------------------------------


def test_the_partner_to_whom_we_yielded_is_not_taken_for_a_stranger() -> None:
    node = Node(high=False).as_master()
    node.hear(254, "LAN1")
    node.hear(251, "LAN2", source=11)
    node.wait_exactly(SKEW_253)
    assert node.role is Role.MASTER


def test_a_worse_stranger_is_no_reason_to_challenge_a_better_partner() -> None:
    node = Node(high=False)
    node.start()
    node.hear(254, "LAN1", source=10)
    node.hear(100, "LAN1", source=99)
    node.hear(254, "LAN2", source=11)
    node.wait(0.2)
    assert node.terms == 0


def test_an_equal_stranger_that_the_partner_does_not_hear_costs_one_mistake() -> None:
    node = Node(high=False).as_master()
    for _ in range(20):
        node.hear(253, "LAN1", source=HIGH_ADDRESS)
        node.wait_exactly(QUARTER // 2)
        node.hear(250, "LAN2", source=11)
        node.wait_exactly(QUARTER // 2)
    assert node.terms == 2


def test_a_partner_that_recovers_and_fails_again_is_not_taken_for_a_stranger() -> None:
    node = Node(high=False)
    node.start()
    node.hear(251, "LAN1")
    node.hear(251, "LAN2", source=11)
    node.wait_exactly(SKEW_253)
    node.hear(254, "LAN1")
    node.hear(251, "LAN2", source=11)
    node.wait_exactly(SKEW_253)
    assert node.terms == 2


def test_on_an_interface_that_was_crowded_once_the_next_sender_is_the_partner_again() -> None:
    node = Node(high=False)
    node.start()
    node.hear(254, "LAN1", source=10)
    node.hear(255, "LAN1", source=99)
    node.wait_hearing(2, 254, interface="LAN2", source=11)
    node.hear(254, "LAN1", source=12)
    node.hear(251, "LAN2", source=11)
    node.wait_exactly(SKEW_253)
    assert node.role is Role.MASTER


def test_two_senders_on_one_interface_stand_alone_from_the_first_advert_of_the_second() -> None:
    node = Node(high=False)
    node.start()
    node.hear(100, "LAN1", source=10)
    node.hear(254, "LAN1", source=99)
    node.hear(251, "LAN2", source=11)
    node.wait(0.2)
    assert node.terms == 0


def test_a_sender_that_fell_silent_and_returns_alone_is_the_partner() -> None:
    node = Node(high=False)
    node.start()
    node.hear(254, "LAN1", source=10)
    node.hear(255, "LAN1", source=99)
    node.wait_hearing(2, 254, interface="LAN2", source=11)
    node.hear(254, "LAN1", source=10)
    node.hear(251, "LAN2", source=11)
    node.wait_exactly(SKEW_253)
    assert node.role is Role.MASTER


def test_a_master_that_changes_its_interval_is_waited_for_with_the_new_one() -> None:
    node = Node(high=False).as_backup(interval=25)
    node.hear(254, interval=100)
    node.wait(2)
    assert node.role is Role.BACKUP


def test_a_partner_with_a_new_address_is_two_senders_until_the_old_one_is_forgotten() -> None:
    node = Node(high=False)
    node.start()
    node.hear(254, "LAN1", source=10)
    node.wait_hearing(1, 254, source=12)
    node.hear(251, "LAN1", source=12)
    node.wait_exactly(SKEW_253)
    assert node.role is Role.MASTER


def test_a_farewell_beside_a_living_master_is_not_a_second_sender() -> None:
    node = Node(high=False)
    node.start()
    node.hear(0, "LAN1", source=9)
    node.hear(254, "LAN1", source=10)
    node.hear(251, "LAN2", source=11)
    node.wait_exactly(SKEW_253)
    assert node.role is Role.MASTER


def test_an_interface_with_another_vrid_starts_with_a_clean_slate() -> None:
    node = Node(high=False).as_master()
    node.hear(252)
    node.configure(interfaces=(HaInterface("LAN1", 9, OUR_ADDRESS),))
    assert announced(node.hear(252)) == ["LAN1"]
