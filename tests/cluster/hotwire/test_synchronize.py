"""Two real clusterds in namespaces: what one sends arrives at the other, and is in force there."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from cluster.errors import ConflictError, LockedError, RefusedError, UnreachableError
from cluster.model import RemoveValue, SetValue
from cluster.rpc.messages import (
    Differences,
    EditConfig,
    SaveConfig,
    SetMaintenance,
    SetStartConfig,
    Synchronize,
)
from tests.support.appliance import until
from tests.support.netns import why_not
from tests.support.pair import VIRTUAL, Pair, in_step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.appliance import Appliance

pytestmark = [pytest.mark.netns, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]

SECOND = "192.168.200.2/24"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with in_step(tmp_path) as made:
        assert made.master.ask(Synchronize()).warnings == ()  # nothing to send: both note that they have the same
        yield made


def save(node: Appliance, name: str = "") -> None:
    node.ask(SaveConfig(name))


def common(node: Appliance) -> list[tuple[str]]:
    """The digest of the common base in a node's store, if that is its start configuration."""
    with sqlite3.connect(f"file:{node.state}/config.db?mode=ro", uri=True) as connection:
        return connection.execute(
            "SELECT base_digest FROM state JOIN name ON name.name = start WHERE base_revision = name.revision"
        ).fetchall()


def test_a_change_arrives_and_is_in_force_without_a_change_of_role_or_of_the_engine(pair: Pair) -> None:
    engine, before = pair.spare.engine, pair.spare.config
    pair.master.set(
        virtual_addresses__2={"device": "LAN2", "address": SECOND}, hostname="changed.cluster.local",
        globals__GLOB_DNS=["192.0.2.1"],
    )  # fmt: skip
    pair.master.update()
    save(pair.master, "production")
    pair.master.ask(SetStartConfig("production"))
    assert pair.master.ask(Synchronize()).warnings == (), "the link that begins anew is waited for"

    pair.await_sync("synchronized")
    after = pair.spare.config
    assert after.virtual_addresses["2"].address == SECOND
    assert (after.hostname, after.addresses) == (before.hostname, before.addresses)
    assert after.cluster == before.cluster
    assert pair.spare.flags["production"] == (True, True, False)
    assert pair.spare.engine == engine
    assert (pair.master.roles, pair.spare.roles) == (["backup", "master"], ["backup"])
    assert [event.text for event in pair.spare.events if event.kind == "sync-received"] == [
        "admin (console) sent the configuration production from changed.cluster.local; it runs and is START here"
    ]
    assert pair.master.has("sync-sent")

    pair.master.close()
    until(lambda: pair.spare.holds(VIRTUAL) and pair.spare.holds(SECOND), "the new master has both addresses")


def test_it_works_from_the_spare_to_the_master_which_stays_master_and_high(pair: Pair) -> None:
    pair.spare.set(virtual_addresses__2={"device": "LAN2", "address": SECOND})
    save(pair.spare)
    pair.spare.ask(Synchronize())
    pair.await_sync("synchronized")
    until(lambda: pair.master.holds(SECOND), "the address that arrived is in force on the master")
    assert pair.master.config.cluster.priority == "high"
    assert (pair.master.roles, pair.spare.roles) == (["backup", "master"], ["backup"])


def test_machine_facts_of_the_spare_stay_deletions_arrive_and_a_new_interface_has_no_addresses(pair: Pair) -> None:
    pair.master.set(interfaces__LAN8={"id": 8}, globals__GLOB_OLD=["1"])
    save(pair.master)
    pair.master.ask(Synchronize())
    pair.spare.set(
        variables__ad={"APPLIANCE_ACCOUNT": "UTM3$"}, addresses__7={"device": "LAN8", "address": "10.8.0.3/24"}
    )
    save(pair.spare)
    before, key = pair.spare.config, pair.own[3].public("x").line

    pair.master.ask(EditConfig((
        RemoveValue(("interfaces", "LAN8")),
        RemoveValue(("globals", "GLOB_OLD")),
        SetValue(("interfaces", "LAN9"), {"id": 9, "zones": ["dmz"]}),
        SetValue(("addresses", "9"), {"device": "LAN9", "address": "10.9.0.2/24"}),
        SetValue(("variables", "ad"), {"APPLIANCE_ACCOUNT": "UTM2$", "DOMAIN": "example.org"}),
    )))  # fmt: skip
    save(pair.master)
    pair.master.ask(Synchronize())

    after = pair.spare.config
    assert after.interfaces["LAN9"].zones == ("dmz",)
    assert ("LAN8" in after.interfaces, after.globals) == (False, {})
    assert after.addresses == {number: before.addresses[number] for number in ("1", "2")}
    assert after.variables["ad"] == {"APPLIANCE_ACCOUNT": "UTM3$", "DOMAIN": "example.org"}
    assert (after.hostname, after.cluster) == (before.hostname, before.cluster)
    assert pair.own[3].public("x").line == key


def test_a_dry_run_changes_nothing_and_maintenance_never_crosses(pair: Pair) -> None:
    pair.spare.ask(SetMaintenance(value=True))
    pair.master.set(cluster__advert_interval=30)
    save(pair.master)
    (difference,) = pair.master.ask(Synchronize(dry_run=True), Differences).differences
    assert (difference.path, difference.left, difference.right) == ("cluster.advert_interval", "25", "30")
    assert pair.spare.info.sync_state != "error"
    assert pair.spare.config.cluster.advert_interval == 25
    pair.master.ask(Synchronize())
    assert pair.spare.config.cluster.advert_interval == 30
    assert (pair.spare.info.maintainance, pair.master.info.maintainance) == (True, False)


def test_each_refusal_has_its_own_error_and_changes_nothing(pair: Pair) -> None:
    pair.master.set(cluster__advert_interval=30)
    save(pair.master)
    pair.spare.set(globals__GLOB_DNS=["192.0.2.98"])
    before = pair.spare.config, pair.spare.flags
    with pytest.raises(RefusedError, match="has unsaved edits: admin changed default there") as caught:
        pair.master.ask(Synchronize())
    assert caught.value.details[0] == "globals.GLOB_DNS: (none) -> 192.0.2.98"
    assert "admin (console) has been editing" in caught.value.details[1]
    assert (pair.spare.config, pair.spare.flags) == before

    save(pair.spare)
    with pytest.raises(ConflictError, match="was edited since both nodes last had the same configuration"):
        pair.master.ask(Synchronize())
    pair.master.ask(Synchronize(force=True))
    pair.await_sync("synchronized")
    assert pair.spare.config.globals == {}

    pair.plug(plugged=False)
    until(lambda: pair.master.info.sync_state == "error", "the cable is noticed")
    with pytest.raises(UnreachableError, match="nothing was synchronized: the hotwire LAN3 has no link"):
        pair.master.ask(Synchronize())


def test_nodes_that_came_to_have_the_same_by_themselves_protect_what_is_edited_from_then_on(pair: Pair) -> None:
    for node in (pair.master, pair.spare):
        node.set(cluster__advert_interval=30)
        save(node)
    pair.await_sync("synchronized")
    until(lambda: common(pair.spare) == common(pair.master) != [], "both noted it")
    pair.spare.set(globals__GLOB_DNS=["192.0.2.98"])
    save(pair.spare)
    with pytest.raises(ConflictError) as caught:
        pair.master.ask(Synchronize())
    assert caught.value.details == ("globals.GLOB_DNS: (none) -> 192.0.2.98",)


def test_an_administrator_at_the_partner_who_has_saved_nothing_new_is_left_alone(pair: Pair) -> None:
    pair.spare.set(globals__GLOB_DNS=["192.0.2.98"])
    pair.spare.set(globals={})
    pair.master.set(cluster__advert_interval=30)
    save(pair.master)
    with pytest.raises(LockedError, match=r"admin \(console\) has been editing the configuration of utm3"):
        pair.master.ask(Synchronize())


def test_authentication_that_would_part_the_nodes_is_refused(pair: Pair) -> None:
    change = (SetValue(("cluster", "passphrase"), "hex:" + "7b" * 32),)
    pair.master.ask(EditConfig(change, force=True))
    save(pair.master)
    with pytest.raises(RefusedError, match="authenticates adverts in another way than is in force here"):
        pair.master.ask(Synchronize())
    assert pair.spare.config.cluster.passphrase == "hex:" + "5a" * 32
