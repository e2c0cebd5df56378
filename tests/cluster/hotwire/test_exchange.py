"""Synchronising two nodes: what arrives, what never does, and what a dry run shows."""

from __future__ import annotations

from cluster.config import scope
from cluster.hotwire import exchange_messages as x
from cluster.hotwire.exchange_receiver import LOW_LATER
from cluster.model import Address, Difference
from tests.cluster.config.config_examples import config
from tests.support.exchange import Pair, machine_facts, synchronize

# --- what arrives ------------------------------------------------------------------------------------


def test_the_partner_runs_keeps_boots_and_applies_what_was_sent_under_the_senders_name(pair: Pair) -> None:
    pair.master.edit(globals__GLOB_DNS=["192.0.2.99"])
    pair.master.save("production")
    pair.master.store.set_start("production")
    assert synchronize(pair.master).warnings == ()
    store = pair.spare.store
    assert (store.current_name, store.start_name, store.unsaved) == ("production", "production", False)
    assert store.running == store.start == store.applied
    assert pair.spare.config.globals["GLOB_DNS"] == ("192.0.2.99",)
    assert pair.spare.force.config == pair.spare.config
    assert not store.synced.activating
    assert scope.digest(store.start.config) == scope.digest(pair.master.store.start.config)
    assert store.synced.base.digest == pair.master.store.synced.base.digest == scope.digest(pair.spare.config)


def test_the_revision_names_who_sent_it_from_where(pair: Pair) -> None:
    pair.master.edit(globals__GLOB_DNS=["192.0.2.99"])
    pair.master.save()
    synchronize(pair.master)
    running = pair.spare.store.running
    assert (running.who, running.why) == ("admin", "synchronized from master.cluster.local (ssh 192.0.2.7)")


def test_both_nodes_note_the_exchange_with_who_and_what(pair: Pair) -> None:
    pair.master.edit(globals__GLOB_DNS=["192.0.2.99"])
    pair.master.save()
    synchronize(pair.master)
    assert pair.master.said("sync-sent") == [
        "admin (ssh 192.0.2.7) sent the configuration default to spare.cluster.local"
    ]
    assert pair.spare.said("sync-received") == [
        "admin (ssh 192.0.2.7) sent the configuration default from master.cluster.local; it runs and is START here"
    ]


def test_machine_facts_of_the_receiver_stay_as_they_are(pair: Pair) -> None:
    before = machine_facts(pair.spare.config)
    pair.master.edit(hostname="other.local", cluster__advert_interval=50, cluster__hotwire_local="192.168.180.9")
    pair.master.save()
    synchronize(pair.master)
    assert machine_facts(pair.spare.config) == before
    assert pair.spare.config.cluster.advert_interval == 50


def test_a_sender_with_priority_high_makes_the_receiver_low_and_a_low_one_changes_nothing(pair: Pair) -> None:
    pair.spare.edit(cluster__priority="high")
    pair.spare.save()
    pair.spare.update()
    synchronize(pair.master)
    assert (pair.spare.config.cluster.priority, pair.spare.force.config.cluster.priority) == ("low", "low")
    pair.spare.edit(globals__GLOB_DNS=["192.0.2.98"])
    pair.spare.save()
    synchronize(pair.spare)
    assert pair.master.config.cluster.priority == "high"
    assert pair.master.config.globals["GLOB_DNS"] == ("192.0.2.98",)


def test_a_receiver_that_is_master_keeps_its_priority_in_force_until_it_is_updated_there(pair: Pair) -> None:
    pair.spare.master = True
    pair.spare.edit(cluster__priority="high")
    pair.spare.save()
    pair.spare.update()
    assert synchronize(pair.master).warnings == (LOW_LATER,)
    assert (pair.spare.config.cluster.priority, pair.spare.force.config.cluster.priority) == ("low", "high")


def test_machine_facts_that_were_edited_and_not_applied_yet_are_not_applied_in_passing(pair: Pair) -> None:
    pair.spare.edit(addresses__1__address="192.168.12.150/24", cluster__enabled=False)
    pair.spare.save()
    pair.differ()
    synchronize(pair.master)
    in_force = pair.spare.force.config
    assert (in_force.addresses["1"].address, in_force.cluster.enabled) == ("192.168.12.142/24", True)
    assert in_force.cluster.advert_interval == 50
    assert pair.spare.config.addresses["1"].address == "192.168.12.150/24"


def test_deletions_arrive_and_a_new_interface_arrives_without_addresses(pair: Pair) -> None:
    pair.in_step()
    changed = config(
        interfaces__LAN1=None, globals={}, interfaces__LAN4={"id": 9, "zones": ["dmz"]},
        addresses__5={"device": "LAN4", "address": "10.4.0.1/24"},
    )  # fmt: skip
    pair.master.store.commit(changed, "admin", "edit", 2000.0)
    pair.master.save()
    synchronize(pair.master)
    got = pair.spare.config
    assert "LAN1" not in got.interfaces
    assert got.globals == {}
    assert got.interfaces["LAN4"].zones == ("dmz",)
    assert got.addresses == {
        "1": Address(device="LAN2", address="192.168.12.142/24"),
        "3": Address(device="LAN3", address="192.168.180.3/24"),
    }


def test_what_is_in_step_already_is_not_sent_again(pair: Pair) -> None:
    pair.in_step()
    before = pair.standing()
    pair.master.wire.asked.clear()
    assert synchronize(pair.master).warnings == ()
    assert [type(ask) for ask in pair.master.wire.asked] == [x.SyncHello]
    assert pair.unchanged(before)


def test_the_sender_is_warned_of_what_it_does_not_send(pair: Pair) -> None:
    pair.master.save("other")
    pair.master.edit(globals__GLOB_DNS=["192.0.2.99"])
    assert synchronize(pair.master).warnings == (
        "the running configuration has unsaved changes; what is sent is default as it was saved",
        "other is the current configuration; what is sent is default, the start configuration",
    )
    assert pair.spare.config.globals["GLOB_DNS"] == ("192.0.2.53",)


# --- dry run -----------------------------------------------------------------------------------------


def test_a_dry_run_shows_what_would_change_there_and_changes_nothing(pair: Pair) -> None:
    pair.in_step()
    pair.spare.edit(cluster__priority="high")
    pair.spare.save()
    pair.spare.update()
    pair.master.edit(cluster__advert_interval=50, cluster__passphrase="another phrase", hostname="new.local")
    pair.master.save()
    before = pair.standing()
    outcome = synchronize(pair.master, dry_run=True)
    assert outcome.differences == (
        Difference("cluster.priority", "high", "low"),
        Difference("cluster.passphrase", "(secret)", "(secret)"),
        Difference("cluster.advert_interval", "25", "50"),
    )
    assert pair.unchanged(before)


def test_a_dry_run_foretells_a_refusal(pair: Pair) -> None:
    pair.in_step()
    pair.spare.edit(globals__GLOB_DNS=["192.0.2.98"])
    (warning,) = synchronize(pair.master, dry_run=True).warnings
    assert warning.startswith("without force it would be refused: spare.cluster.local has unsaved edits: bert ")
