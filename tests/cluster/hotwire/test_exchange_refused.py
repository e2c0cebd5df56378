"""What a node refuses to take over from its partner, in which words, and what force overrides."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.errors import (
    ConflictError,
    InvalidConfigurationError,
    LockedError,
    RefusedError,
    UnreachableError,
)
from cluster.hotwire import exchange_messages as x
from tests.support.exchange import Pair, refused, synchronize

EDITS = "bert (console) has been editing the configuration of spare.cluster.local for 0 s; force 1 goes on anyway"
HERE = "admin (ssh 192.0.2.7) did not get the configuration default of master.cluster.local to this node:"


def test_a_partner_that_was_edited_since_the_common_base_is_not_overwritten(pair: Pair) -> None:
    pair.in_step()
    pair.spare.edit(globals__GLOB_DNS=["192.0.2.98"], hostname="renamed.local")
    pair.spare.save()
    pair.differ()
    error = refused(pair, ConflictError)
    assert error.message.startswith(
        "renamed.local was edited since both nodes last had the same configuration: bert changed default there "
    )
    assert error.message.endswith(" ago; force 1 replaces it and keeps it in the history there")
    assert error.details == ("globals.GLOB_DNS: 192.0.2.53 -> 192.0.2.98",)
    assert pair.master.said("sync-refused") == [
        f"admin (ssh 192.0.2.7) did not get the configuration default to renamed.local: {error.message}"
    ]
    assert pair.spare.said("sync-refused") == [f"{HERE} {error.message}"]


def test_what_the_partner_saved_under_another_name_and_runs_counts_as_edited(pair: Pair) -> None:
    pair.in_step()
    pair.spare.edit(globals__GLOB_DNS=["192.0.2.98"])
    pair.spare.save("mine")
    pair.differ()
    assert "bert changed mine there" in refused(pair, ConflictError).message


def test_edited_machine_facts_are_no_reason_to_refuse(pair: Pair) -> None:
    pair.in_step()
    pair.spare.edit(hostname="renamed.local", addresses__1__address="192.168.12.150/24")
    pair.spare.save()
    pair.differ()
    synchronize(pair.master)
    assert pair.spare.config.hostname == "renamed.local"


def test_without_a_common_base_nothing_is_refused_for_being_edited(pair: Pair) -> None:
    pair.spare.edit(globals__GLOB_DNS=["192.0.2.98"])
    pair.spare.save()
    synchronize(pair.master)
    assert pair.spare.config.globals["GLOB_DNS"] == ("192.0.2.53",)


def test_a_partner_with_unsaved_edits_keeps_them(pair: Pair) -> None:
    pair.spare.edit(globals__GLOB_DNS=["192.0.2.98"], cluster__passphrase="a new phrase")
    error = refused(pair, RefusedError)
    assert error.message.startswith("spare.cluster.local has unsaved edits: bert changed default there ")
    assert error.details == (
        "cluster.passphrase: (secret) -> (secret)",
        "globals.GLOB_DNS: 192.0.2.53 -> 192.0.2.98",
    )


def test_a_partner_with_an_active_administrator_is_left_alone(pair: Pair) -> None:
    pair.differ()
    pair.spare.leases()
    assert refused(pair, LockedError).message == EDITS


@pytest.mark.parametrize("force", [False, True])
def test_what_would_go_back_by_itself_is_not_replaced_even_with_force(pair: Pair, force: bool) -> None:
    pair.differ()
    pair.spare.trying = "bert (console)"
    assert refused(pair, LockedError, force=force).message == (
        "bert (console) is trying a configuration out on spare.cluster.local, which goes back by itself unless it "
        "is confirmed there; synchronize after that"
    )


@pytest.mark.parametrize("step", [x.SyncLock, x.SyncStage, x.SyncSwitch])
def test_what_began_to_be_tried_out_after_the_greeting_is_not_replaced_either(pair: Pair, step: type) -> None:
    """The running configuration may be in force already: its activation changes no revision."""
    pair.differ()

    def someone_tries(ask: object) -> None:
        if isinstance(ask, step):
            pair.spare.trying = "bert (console)"

    pair.master.wire.before = someone_tries
    assert "is trying a configuration out on" in refused(pair, LockedError, force=True).message


def test_several_obstacles_are_all_named(pair: Pair) -> None:
    pair.in_step()
    pair.spare.edit(globals__GLOB_DNS=["192.0.2.98"])
    pair.spare.save()
    pair.spare.edit(globals__GLOB_DNS=["192.0.2.97"])
    pair.spare.leases()
    pair.differ()
    error = refused(pair, ConflictError)
    assert [detail.split(":")[0] for detail in error.details[1:]] == [
        "spare.cluster.local has unsaved edits",
        EDITS,
    ]


def test_an_obstacle_that_appears_after_the_greeting_still_counts(pair: Pair) -> None:
    pair.differ()

    def someone_edits(ask: object) -> None:
        if isinstance(ask, x.SyncLock):
            pair.spare.leases()

    pair.master.wire.before = someone_edits
    with pytest.raises(LockedError, match=r"bert \(console\) has been editing"):
        synchronize(pair.master)
    assert pair.spare.store.running.number == 1


def test_force_overrides_them_and_keeps_the_partners_revision_in_its_history(pair: Pair) -> None:
    pair.in_step()
    pair.spare.edit(globals__GLOB_DNS=["192.0.2.98"])
    pair.spare.save()
    saved = pair.spare.store.running.number
    pair.spare.edit(globals__GLOB_DNS=["192.0.2.97"])
    unsaved = pair.spare.store.running.number
    pair.spare.leases()
    synchronize(pair.master, force=True)
    store = pair.spare.store
    assert pair.spare.config.globals["GLOB_DNS"] == ("192.0.2.53",)
    assert store.revision(saved).config.globals["GLOB_DNS"] == ("192.0.2.98",)
    assert store.revision(unsaved).config.globals["GLOB_DNS"] == ("192.0.2.97",)
    assert {line.number for line in store.history() if line.saved_as} >= {saved, unsaved}


def test_another_schema_is_refused_by_name(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.hotwire.exchange_sender.VERSION", 7)
    assert refused(pair, RefusedError, force=True).message == (
        "spare.cluster.local runs version 0.1.0 with configurations of schema 1, master.cluster.local version "
        "0.1.0 with schema 7; both need the same software"
    )


def test_without_the_hotwire_the_links_reason_is_said(pair: Pair) -> None:
    pair.master.wire.to = None
    assert refused(pair, UnreachableError).message == "nothing was synchronized: the hotwire LAN3 has no link"
    assert pair.master.said("sync-failed") == [
        "admin (ssh 192.0.2.7): nothing was synchronized: the hotwire LAN3 has no link"
    ]


def test_what_does_not_fit_the_partners_machine_facts_is_refused_even_with_force(pair: Pair) -> None:
    pair.master.edit(virtual_addresses__1__address="192.168.12.142/24")
    pair.master.save()
    for how in ({}, {"force": True}):
        error = refused(pair, InvalidConfigurationError, **how)
        assert error.message == "the configuration does not fit the machine facts of spare.cluster.local"
        (detail,) = error.details
        assert detail.startswith("virtual_addresses.1.address: 192.168.12.142 is an address of this machine")


def test_authentication_that_would_part_the_nodes_is_refused_unless_forced(pair: Pair) -> None:
    pair.in_step()
    pair.master.edit(cluster__passphrase="battery staple")
    pair.master.save()
    error = refused(pair, RefusedError)
    assert error.message == (
        "what is sent authenticates adverts in another way than is in force here, so that the nodes would not "
        "believe each other; system update interface first, which changes both of them; force 1 sends it all the "
        "same"
    )
    synchronize(pair.master, force=True)
    assert pair.spare.config.cluster.passphrase == "battery staple"


def test_a_step_of_a_rotation_passes_and_so_does_what_brings_parted_nodes_together(pair: Pair) -> None:
    pair.in_step()
    pair.master.edit(cluster__auth_keys={"2": {"secret": "battery staple"}})
    pair.master.save()
    synchronize(pair.master)
    pair.master.edit(cluster__passphrase="all new and long", cluster__auth_keys={})
    pair.master.save()
    pair.master.update()  # forced here: the nodes are parted, and sending it is what helps
    synchronize(pair.master)
    assert pair.spare.config.cluster.passphrase == "all new and long"


def test_virtual_routers_of_which_none_would_meet_are_refused_unless_forced(pair: Pair) -> None:
    pair.in_step()
    pair.master.edit(interfaces__LAN2__vrid=9)
    pair.master.save()
    assert "so that the nodes would not hear each other" in refused(pair, RefusedError).message
    synchronize(pair.master, force=True)


def test_a_unit_that_joins_with_nothing_does_not_take_the_virtual_addresses_of_the_one_that_serves(
    pair: Pair,
) -> None:
    pair.spare.edit(cluster__enabled=False, virtual_addresses={}, interfaces__LAN2={"id": 2, "type": "ETHERNET"})
    pair.spare.save()
    pair.spare.update()
    with pytest.raises(RefusedError) as caught:
        synchronize(pair.spare)
    assert caught.value.message == (
        "none of the virtual routers that are in force at master.cluster.local is among those that are sent, so "
        "that it would give its virtual addresses up; synchronize from there; force 1 sends it all the same"
    )
    assert len(pair.master.config.virtual_addresses) > 0
    (warning,) = synchronize(pair.spare, dry_run=True).warnings
    assert warning.startswith("without force it would be refused: none of the virtual routers")
    synchronize(pair.spare, force=True)
    assert pair.master.config.virtual_addresses == {}


def test_a_switched_off_cluster_cannot_be_parted(pair: Pair) -> None:
    pair.master.edit(cluster__enabled=False)
    pair.master.save()
    pair.master.update()
    pair.master.edit(cluster__passphrase="battery staple")
    pair.master.save()
    synchronize(pair.master)
    assert pair.spare.config.cluster.passphrase == "battery staple"


def test_two_nodes_that_send_at_the_same_time_do_not_wait_for_each_other(pair: Pair) -> None:
    def other_way(ask: object) -> None:
        if isinstance(ask, x.SyncHello):
            pair.spare.sender._by = "bert (console)"

    pair.master.wire.before = other_way
    with pytest.raises(LockedError, match=r"spare\.cluster\.local is sending its own configuration just now"):
        synchronize(pair.master)


KEY = f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{'A' * 43}"
ADMINISTRATOR = {"role": "admin", "keys": {"1": {"key": KEY, "enabled": True}}}
KEPT_OUT = "nobody could log in to spare.cluster.local as admin any more, where anna can: what is sent brings"


@pytest.mark.parametrize("how", [{}, {"force": True}, {"dry_run": True}, {"dry_run": True, "force": True}])
@pytest.mark.parametrize(
    "sent",
    [
        {"role": "admin"},
        {**ADMINISTRATOR, "role": "readonly"},
        {"role": "admin", "keys": {"1": {"key": KEY, "enabled": False}}},
    ],
    ids=["without a way in", "of another role", "with a disabled key"],
)
def test_accounts_that_arrive_leave_an_administrator_who_can_log_in(
    pair: Pair, sent: dict[str, Any], how: dict[str, bool]
) -> None:
    pair.spare.edit(users={"anna": ADMINISTRATOR})
    pair.spare.save()
    pair.master.edit(users={"anna": sent})
    pair.master.save()

    assert refused(pair, RefusedError, **how).message.startswith(KEPT_OUT)


def test_an_administrator_may_be_another_one_after_the_arrival(pair: Pair) -> None:
    pair.spare.edit(users={"anna": ADMINISTRATOR})
    pair.spare.save()
    pair.master.edit(users={"otto": ADMINISTRATOR})
    pair.master.save()

    synchronize(pair.master)

    assert list(pair.spare.config.users) == ["otto"]
