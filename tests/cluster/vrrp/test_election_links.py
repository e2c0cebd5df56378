"""Links, their delays, and the priority that follows from them."""

from __future__ import annotations

import pytest

from cluster.vrrp.events import HaInterface, Role
from tests.support.election import OUR_ADDRESS, SECOND, Node, adverts, announced, notes, settings


@pytest.mark.parametrize(
    ("high", "lost", "priority"),
    [(True, 0, 254), (False, 0, 253), (True, 1, 251), (False, 1, 250), (True, 2, 248), (False, 2, 247)],
)
def test_the_priority_is_254_less_three_for_each_lost_interface_less_the_rank(
    high: bool, lost: int, priority: int
) -> None:
    node = Node(high=high)
    node.start(lost=["LAN1", "LAN2"][:lost])
    assert node.priority == priority


@pytest.mark.parametrize(("high", "priority"), [(True, 2), (False, 1)])
def test_maintenance_overrides_links_and_configuration(high: bool, priority: int) -> None:
    node = Node(high=high, maintenance=True)
    node.start(lost=["LAN1"])
    assert node.priority == priority


def test_sixty_lost_interfaces_are_still_better_than_maintenance() -> None:
    names = [f"LAN{number}" for number in range(1, 61)]
    node = Node(settings(names, high=False))
    node.start(lost=names)
    assert node.priority == 73


def test_a_master_counts_a_loss_after_the_trigger_delay_and_advertises_it_at_once() -> None:
    node = Node(trigger_delay=2).as_master()
    assert node.link("LAN1", usable=False) == []
    assert ("LAN1", 251) not in adverts(node.wait_exactly(2 * SECOND - 1))
    effects = node.wait_exactly(1)
    assert adverts(effects) == [("LAN1", 251), ("LAN2", 251)]
    assert notes(effects) == [("link-lost", "LAN1")]


def test_a_link_that_returns_in_time_was_never_lost() -> None:
    node = Node(trigger_delay=2).as_master()
    node.link("LAN1", usable=False)
    node.wait(1.9)
    node.link("LAN1", usable=True)
    node.wait(5)
    assert node.priority == 254


def test_the_delay_counts_from_the_last_loss() -> None:
    node = Node(trigger_delay=2).as_master()
    node.link("LAN1", usable=False)
    node.wait(1)
    node.link("LAN1", usable=True)
    node.link("LAN1", usable=False)
    node.wait(1.9)
    assert node.priority == 254
    node.wait(0.1)
    assert node.priority == 251


def test_a_repeated_word_does_not_start_the_delay_anew() -> None:
    node = Node(trigger_delay=2).as_master()
    node.link("LAN1", usable=False)
    node.wait(1)
    node.link("LAN1", usable=False)
    node.wait(1)
    assert node.priority == 251


def test_a_master_counts_a_recovery_after_the_trigger_delay() -> None:
    node = Node(trigger_delay=2).as_master(lost=["LAN1"])
    node.link("LAN1", usable=True)
    node.wait_exactly(2 * SECOND - 1)
    assert node.priority == 251
    effects = node.wait_exactly(1)
    assert ("LAN1", 254) in adverts(effects)
    assert notes(effects) == [("link-back", "LAN1")]


def test_a_backup_counts_a_recovery_a_second_later() -> None:
    node = Node(trigger_delay=2, high=False)
    node.start(lost=["LAN1"])
    node.link("LAN1", usable=True)
    node.wait_hearing(3 - 1e-9, 254)
    assert node.priority == 250
    node.wait_exactly(1)
    assert node.priority == 253


def test_a_backup_counts_a_loss_like_a_master() -> None:
    node = Node(trigger_delay=2, high=False).as_backup()
    node.link("LAN1", usable=False)
    node.wait_hearing(2, 254)
    assert node.priority == 250


def test_without_a_delay_a_loss_counts_at_once() -> None:
    node = Node(trigger_delay=0).as_master()
    assert adverts(node.link("LAN2", usable=False)) == [("LAN1", 251), ("LAN2", 251)]


def test_a_returning_link_of_a_master_is_announced_at_once_but_not_in_bursts() -> None:
    node = Node().as_master()
    for _ in range(5):
        node.link("LAN1", usable=False)
        assert announced(node.link("LAN1", usable=True)) in ([], ["LAN1"])
    returned = [at for at, effect in node.done if announced([effect]) == ["LAN1"] and at == node.now]
    assert len(returned) == 1
    assert announced(node.wait_exactly(SECOND - 1)) == []
    assert announced(node.wait_exactly(1)) == ["LAN1"]


def test_a_link_told_again_as_usable_is_not_announced() -> None:
    node = Node().as_master()
    assert node.link("LAN1", usable=True) == []


def test_an_unknown_interface_is_ignored() -> None:
    assert Node().as_master().link("LAN9", usable=False) == []


# --- pending losses and preemption ------------------------------------------------------------------------


def test_a_backup_counts_its_pending_losses_before_it_preempts() -> None:
    node = Node(high=False, trigger_delay=2).as_backup()
    node.link("LAN1", usable=False)
    node.wait_hearing(1, 251)
    assert node.terms == 0


def test_a_pending_loss_stops_a_challenge() -> None:
    node = Node(trigger_delay=2)
    node.start(resynchronised=False)
    node.hear(253)
    node.link("LAN1", usable=False)
    node.hear(253)
    assert "waits for its connections" not in node.explanation


def test_a_pending_recovery_does_not_count_yet() -> None:
    node = Node(trigger_delay=2)
    node.start(lost=["LAN1"])
    node.link("LAN1", usable=True)
    node.wait_hearing(2.9, 253)
    assert node.terms == 0
    node.wait_hearing(0.5, 253)
    assert node.role is Role.MASTER


def test_a_switch_that_serves_both_and_reboots_moves_nothing() -> None:
    backup = Node(high=False, trigger_delay=2).as_backup()
    backup.link("LAN1", usable=False)
    backup.wait_hearing(1.9, 254, interface="LAN2")
    backup.wait_hearing(8, 251, interface="LAN2")
    backup.link("LAN1", usable=True)
    backup.wait_hearing(2, 251, interface="LAN2")
    backup.wait_hearing(9, 254, interface="LAN2")
    assert backup.when(Role.MASTER) == []


# --- configuration ----------------------------------------------------------------------------------------


def test_a_new_interface_is_usable_until_its_first_word_which_counts_at_once() -> None:
    node = Node(trigger_delay=2).as_master()
    node.configure(interfaces=settings(["LAN1", "LAN2", "LAN3"]).interfaces)
    assert node.priority == 254
    assert ("LAN3", 251) in adverts(node.link("LAN3", usable=False))


def test_a_removed_interface_is_advertised_on_no_more() -> None:
    node = Node().as_master()
    effects = node.configure(interfaces=settings(["LAN2"]).interfaces)
    assert adverts(effects) == [("LAN2", 254)]


def test_an_interface_keeps_its_link_when_its_vrid_changes() -> None:
    node = Node().as_master(lost=["LAN1"])
    node.configure(interfaces=(HaInterface("LAN1", 77, OUR_ADDRESS),))
    assert node.priority == 251


def test_what_was_heard_is_kept_unless_the_vrid_changes() -> None:
    node = Node(high=False).as_backup()
    node.configure(trigger_delay=node.settings.trigger_delay)
    assert node.election.view(node.now).paths[0].partner_priority == 254
    node.configure(interfaces=(HaInterface("LAN1", 77, OUR_ADDRESS),))
    assert node.election.view(node.now).paths[0].partner_priority is None


def test_a_change_of_priority_is_advertised_at_once_and_the_addresses_are_put_anew() -> None:
    node = Node().as_master()
    effects = node.configure(high=False)
    assert set(adverts(effects)) == {("LAN1", 253), ("LAN2", 253)}
    assert announced(effects) == ["LAN1", "LAN2"]


def test_links_told_while_switched_off_count_at_once() -> None:
    node = Node(enabled=False)
    node.start()
    node.link("LAN1", usable=False)
    node.configure(enabled=True)
    assert node.priority == 251


def test_the_view_shows_every_interface_with_what_was_heard_there() -> None:
    node = Node(trigger_delay=2).as_backup(interval=100)
    node.wait(0.5)
    node.link("LAN2", usable=False)
    first, second = node.election.view(node.now).paths
    assert (first.name, first.usable, first.pending) == ("LAN1", True, False)
    assert (first.partner_priority, first.partner_heard, first.partner_source) == (254, 0, 10)
    assert (second.name, second.usable, second.pending, second.partner_heard) == ("LAN2", True, True, None)
    assert node.election.view(node.now).master_down_interval == 3 * SECOND + SECOND * 2 // 256
