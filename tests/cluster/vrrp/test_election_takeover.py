"""When a backup becomes master: silence, farewell, preemption, the hotwire's word; and when it does not."""

from __future__ import annotations

import pytest

from cluster.units import Priority
from cluster.vrrp.events import (
    Advertise,
    Announce,
    DropAddresses,
    PartnerSilent,
    Resynchronised,
    Role,
    RoleChanged,
    TakeAddresses,
    Tick,
)
from tests.support.election import HIGH_ADDRESS, LOW_ADDRESS, SECOND, Node, adverts, announced, listed, roles

QUARTER = SECOND // 4
SKEW_254 = QUARTER * 2 // 256
SKEW_253 = QUARTER * 3 // 256


def test_a_started_node_is_backup_without_addresses() -> None:
    effects = Node().start()
    assert isinstance(effects[0], DropAddresses)
    assert roles(effects) == [Role.BACKUP]


@pytest.mark.parametrize(("high", "skew"), [(True, SKEW_254), (False, SKEW_253)])
def test_a_lone_node_is_master_after_its_master_down_interval_to_the_nanosecond(high: bool, skew: int) -> None:
    node = Node(high=high)
    node.start()
    node.wait_exactly(3 * QUARTER + skew - 1)
    assert node.role is Role.BACKUP
    node.wait_exactly(1)
    assert node.role is Role.MASTER


def test_the_skew_is_not_truncated_to_centiseconds() -> None:
    node = Node(interval=1)
    node.start()
    node.wait(1)
    assert node.when(Role.MASTER) == [30_000_000 + 10_000_000 * 2 // 256]


def test_becoming_master_takes_addresses_then_announces_then_advertises_on_every_interface() -> None:
    node = Node()
    node.start()
    effects = node.wait_exactly(3 * QUARTER + SKEW_254)
    assert listed(effects[:-1]) == listed([
        TakeAddresses(),
        Announce("LAN1"),
        Announce("LAN2"),
        Advertise("LAN1", Priority(254)),
        Advertise("LAN2", Priority(254)),
    ])
    assert isinstance(effects[-1], RoleChanged)
    assert effects[-1].cause == "no advert from any partner for 0.752 s on LAN1, LAN2"


def test_announcements_are_repeated_once_five_seconds_after_becoming_master() -> None:
    node = Node().as_master()
    node.wait(20)
    began = node.when(Role.MASTER)[0]
    repeated = [at for at, effect in node.done if isinstance(effect, Announce) and at > began]
    assert repeated == [began + 5 * SECOND] * 2


def test_a_late_timer_does_not_shift_the_beat_of_the_adverts() -> None:
    node = Node().as_master()
    beat = node.when(Role.MASTER)[0] + QUARTER
    node.now = beat + 1_000_000
    assert adverts(node.tell(Tick())) == [("LAN1", 254), ("LAN2", 254)]
    assert node.election.deadline == beat + QUARTER


def test_a_timer_late_by_more_than_an_interval_starts_a_new_beat_without_a_burst() -> None:
    node = Node().as_master()
    node.now = node.when(Role.MASTER)[0] + 4 * SECOND
    assert adverts(node.tell(Tick())) == [("LAN1", 254), ("LAN2", 254)]
    assert node.election.deadline == node.now + QUARTER


def test_a_timer_late_by_exactly_an_interval_advertises_once() -> None:
    node = Node().as_master()
    node.now = node.when(Role.MASTER)[0] + 2 * QUARTER
    assert adverts(node.tell(Tick())) == [("LAN1", 254), ("LAN2", 254)]
    assert node.election.deadline == node.now + QUARTER


def test_a_backup_waits_for_silence_with_the_interval_of_the_master() -> None:
    node = Node(high=False).as_backup(interval=100)
    node.wait(10)
    assert node.when(Role.MASTER) == [3 * SECOND + SECOND * 3 // 256]


def test_silence_counts_from_the_last_advert_on_any_interface() -> None:
    node = Node(high=False).as_backup()
    node.wait(0.5)
    node.hear(254, "LAN2")
    node.wait(2)
    assert node.when(Role.MASTER) == [SECOND // 2 + 3 * QUARTER + SKEW_253]
    assert node.cause == "no advert from the partner 0.0.0.10 for 0.753 s on LAN1, LAN2"


def test_one_silent_interface_of_two_moves_nothing() -> None:
    node = Node(high=False).as_backup()
    node.wait_hearing(10, 254, interface="LAN2")
    assert node.terms == 0


def test_an_advert_on_an_unknown_interface_counts_for_nothing() -> None:
    node = Node(high=False).as_backup()
    node.wait(0.5)
    assert node.hear(254, "LAN9") == []
    node.wait(0.5)
    assert node.role is Role.MASTER


def test_after_a_farewell_a_backup_takes_over_within_its_skew() -> None:
    node = Node(high=False).as_backup()
    node.wait(0.1)
    node.hear(0)
    node.wait(0.1)
    assert node.when(Role.MASTER) == [SECOND // 10 + SKEW_253]
    assert node.cause == "the partner 0.0.0.10 gave up the role"


def test_further_farewells_do_not_put_the_takeover_off() -> None:
    node = Node(high=False).as_backup()
    node.hear(0)
    node.wait_exactly(SKEW_253 - 1)
    node.hear(0, "LAN2")
    node.wait_exactly(1)
    assert node.role is Role.MASTER


def test_a_farewell_does_not_wait_for_connections() -> None:
    node = Node(high=False)
    node.start(resynchronised=False)
    node.hear(254)
    node.hear(0)
    node.wait(0.1)
    assert node.role is Role.MASTER


# --- preemption --------------------------------------------------------------------------------------


def test_a_better_backup_preempts_a_skew_after_it_heard_a_worse_master() -> None:
    node = Node()
    node.start()
    node.hear(253)
    node.wait(0.2)
    assert node.when(Role.MASTER) == [SKEW_254]
    assert node.cause == "the partner 0.0.0.10 advertises only priority 253; ours is 254"


def test_an_equal_backup_does_not_preempt() -> None:
    node = Node()
    node.start()
    node.wait_hearing(20, 254)
    assert node.terms == 0


def test_a_worse_backup_does_not_preempt() -> None:
    node = Node(high=False)
    node.start()
    node.wait_hearing(20, 254)
    assert node.terms == 0


def test_a_challenge_is_dropped_when_the_master_turns_out_better_after_all() -> None:
    node = Node(high=False)
    node.start()
    node.hear(251)
    node.wait_exactly(SKEW_253 - 1)
    node.hear(254)
    node.wait(0.5)
    assert node.terms == 0


def test_preemption_waits_until_the_connections_are_resynchronised() -> None:
    node = Node()
    node.start(resynchronised=False)
    node.wait_hearing(10, 253)
    assert node.terms == 0
    assert "waits for its connections" in node.explanation
    node.tell(Resynchronised())
    assert node.role is Role.MASTER


def test_preemption_waits_thirty_seconds_for_connections_and_no_longer() -> None:
    node = Node()
    node.start(resynchronised=False)
    node.wait_hearing(40, 253)
    assert node.when(Role.MASTER) == [30 * SECOND]


def test_the_wait_for_connections_counts_from_the_first_worse_advert() -> None:
    node = Node()
    node.start(resynchronised=False)
    node.wait_hearing(5, 254)
    node.wait_hearing(40, 253)
    assert node.when(Role.MASTER) == [35 * SECOND]


def test_takeover_on_silence_does_not_wait_for_connections() -> None:
    node = Node()
    node.start(resynchronised=False)
    node.hear(253)
    node.wait(1)
    assert node.when(Role.MASTER) == [3 * QUARTER + SKEW_254]


def test_a_node_in_maintenance_is_still_the_last_resort() -> None:
    node = Node(maintenance=True)
    node.start()
    node.wait(1)
    assert node.when(Role.MASTER) == [3 * QUARTER + QUARTER * 254 // 256]
    assert node.priority == 2


# --- the hotwire ---------------------------------------------------------------------------------------


def test_the_hotwire_speeds_a_takeover_up() -> None:
    node = Node(high=False).as_backup()
    node.wait(0.1)
    node.report(Role.MASTER, links_gone=True)
    node.wait(0.1)
    assert node.when(Role.MASTER) == [SECOND // 10 + SKEW_253]
    assert node.cause == "the partner says over the hotwire that all its HA interfaces are gone"


def test_the_hotwires_word_counts_from_the_first_time_it_is_said() -> None:
    node = Node(high=False).as_backup()
    node.report(Role.MASTER, links_gone=True)
    node.wait_exactly(SKEW_253 - 1)
    node.report(Role.MASTER, links_gone=True)
    node.wait_exactly(1)
    assert node.role is Role.MASTER


def test_a_repeated_word_counts_no_more_once_somebody_was_heard_after_it() -> None:
    node = Node(high=False).as_backup()
    node.report(Role.MASTER, links_gone=True)
    for _ in range(5):
        node.hear(254)
        node.report(Role.MASTER, links_gone=True)
        node.wait(0.25)
    assert node.terms == 0


def test_the_word_counts_again_after_it_was_taken_back() -> None:
    node = Node(high=False).as_backup()
    node.report(Role.MASTER, links_gone=True)
    node.hear(254)
    node.report(Role.MASTER, links_gone=False)
    node.report(Role.MASTER, links_gone=True)
    node.wait(0.1)
    assert node.terms == 1


@pytest.mark.parametrize("taken_back", ["heard", "silent", "reported"])
def test_the_word_that_links_are_gone_is_taken_back(taken_back: str) -> None:
    node = Node(high=False).as_backup()
    node.report(Role.MASTER, links_gone=True)
    if taken_back == "heard":
        node.hear(254)
    elif taken_back == "silent":
        node.tell(PartnerSilent())
    else:
        node.report(Role.MASTER, links_gone=False)
    node.wait(0.7)
    assert node.terms == 0


def test_a_node_without_links_of_its_own_is_in_no_hurry() -> None:
    node = Node(high=False)
    node.start(lost=["LAN1", "LAN2"])
    node.report(Role.MASTER, links_gone=True)
    node.wait(0.7)
    assert node.terms == 0
    node.wait(0.1)
    assert node.cause.startswith("no advert from any partner")


def test_a_word_heard_as_master_is_forgotten_as_backup() -> None:
    node = Node(high=False).as_master()
    node.report(Role.MASTER, links_gone=True)
    node.hear(254)
    node.wait(0.7)
    assert node.role is Role.BACKUP


def test_the_loss_of_the_hotwire_changes_no_role() -> None:
    backup = Node(high=False).as_backup()
    assert backup.tell(PartnerSilent()) == []
    master = Node().as_master()
    assert master.tell(PartnerSilent()) == []


# --- resuming -------------------------------------------------------------------------------------------


def test_a_resumed_master_advertises_at_once_and_changes_no_role() -> None:
    node = Node()
    effects = node.start(resume=True)
    assert isinstance(effects[0], TakeAddresses)
    assert adverts(effects) == [("LAN1", 254), ("LAN2", 254)]
    assert roles(effects) == []
    assert announced(effects) == []
    assert node.role is Role.MASTER
    assert adverts(node.wait_exactly(QUARTER)) == [("LAN1", 254), ("LAN2", 254)]


def test_a_node_that_is_switched_off_does_not_resume() -> None:
    node = Node(enabled=False)
    assert listed(node.start(resume=True)) == listed([DropAddresses()])
    assert node.role is Role.OFFLINE
    assert node.election.deadline is None


# --- strangers --------------------------------------------------------------------------------------------


def test_news_of_the_partner_on_one_interface_counts_for_all() -> None:
    node = Node(high=False)
    node.start()
    node.hear(254, "LAN2")
    node.hear(251, "LAN1")
    node.wait_exactly(SKEW_253)
    assert node.role is Role.MASTER


def test_a_better_stranger_beside_the_partner_is_not_overlooked() -> None:
    node = Node(high=False)
    node.start()
    node.hear(254, "LAN1", source=10)
    node.hear(255, "LAN1", source=99)
    node.hear(251, "LAN2", source=11)
    node.wait_exactly(3 * QUARTER)
    assert node.terms == 0
    node.wait_exactly(SKEW_253)
    assert node.role is Role.MASTER


def test_a_stranger_costs_one_mistake_and_not_one_after_the_other() -> None:
    node = Node(high=False)
    node.start()
    for _ in range(40):
        node.hear(255, "LAN1", source=99)
        node.wait_exactly(QUARTER // 2)
        node.hear(251, "LAN2", source=11)
        node.wait_exactly(QUARTER // 2)
    assert len(node.when(Role.MASTER)) == 1
    assert node.role is Role.BACKUP


def test_a_vanished_stranger_does_not_make_a_backup_impatient() -> None:
    node = Node(high=False)
    node.start()
    node.hear(254, "LAN1", source=10, interval=100)
    node.wait(0.1)
    node.hear(255, "LAN1", source=99, interval=10)
    node.wait(0.9)
    assert node.role is Role.BACKUP


def test_a_flood_of_invented_senders_is_not_remembered() -> None:
    node = Node(high=False)
    node.start()
    for source in range(1000, 1100):
        node.hear(254, source=source)
        node.wait(0.001)
    assert list(node.election._paths["LAN1"].hearings) == list(range(1092, 1100))


@pytest.mark.parametrize("source", [0xC0A80C8E])
def test_addresses_are_written_as_people_write_them(source: int) -> None:
    node = Node().as_backup(source=source)
    assert "192.168.12.142" in node.explanation
    node.hear(254, source=0xFE80 << 112 | 0x8E)
    assert "fe80:0:0:0:0:0:0:8e" in node.explanation


def test_a_backup_challenges_a_worse_partner_once_a_better_stranger_fell_silent() -> None:
    node = Node().as_backup(254, source=HIGH_ADDRESS)
    node.hear(251, source=LOW_ADDRESS)  # both stand alone: the better one counts
    node.wait_hearing(1.5, 251, source=LOW_ADDRESS)

    assert node.role is Role.MASTER
    assert "251" in node.cause


def test_what_was_heard_while_switched_off_is_news_again_once_switched_on() -> None:
    node = Node(enabled=False)
    node.start()
    node.hear(251)
    node.wait(2)  # silent for so long that it no longer counts
    node.configure(enabled=True)

    node.wait_hearing(0.5, 251)

    assert node.role is Role.MASTER
    assert "251" in node.cause
