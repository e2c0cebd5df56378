"""Two real clusterds with a hotwire between them: sync_state, the partner's health, every reason for an error."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from cluster.errors import InvalidConfigurationError
from cluster.rpc.messages import (
    GetHotwireKeys,
    GetStatus,
    HotwireKeys,
    RenewHotwireKey,
    SaveConfig,
    SetMaintenance,
    Status,
)
from tests.support.appliance import until
from tests.support.netns import why_not
from tests.support.pair import Pair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster.observed import ClusterStatus
    from tests.support.appliance import Appliance

pytestmark = [pytest.mark.netns, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path)
    yield made
    made.close()


def status(node: Appliance) -> ClusterStatus:
    return node.ask(GetStatus(), Status).status


def sync_events(pair: Pair) -> list[str]:
    return [event.text for event in pair.master.events if event.kind == "sync"]


def test_nodes_with_the_same_configuration_are_synchronized_until_one_saves_another(pair: Pair) -> None:
    pair.start()
    pair.await_sync("synchronized")

    pair.spare.set(cluster__advert_interval=30)
    assert pair.spare.info.sync_state == "synchronized", "nothing is saved yet"
    pair.spare.ask(SaveConfig())

    pair.await_sync("pending")
    assert "start configurations differ" in pair.master.info.sync_reason
    pair.master.set(cluster__advert_interval=30)
    pair.master.ask(SaveConfig())
    pair.await_sync("synchronized")


def test_each_node_shows_how_the_other_is(pair: Pair) -> None:
    pair.start()
    until(lambda: pair.master.role == "master" and pair.spare.role == "backup", "roles")
    pair.await_sync("synchronized")
    until(lambda: (seen := status(pair.master).partner) and seen.hears == ("LAN2",), "the spare hears the master")

    spare = status(pair.master).partner
    assert spare is not None
    assert (spare.hostname, spare.role, spare.usable, spare.lost) == ("utm3.cluster.local", "backup", ("LAN2",), ())
    offset = status(pair.master).clock_offset
    assert offset is not None
    assert abs(offset) < 1


def test_an_unplugged_hotwire_is_an_error_on_both_and_moves_no_role(pair: Pair) -> None:
    pair.start()
    until(lambda: pair.master.role == "master" and pair.spare.role == "backup", "roles")
    pair.await_sync("synchronized")
    roles = (pair.master.roles, pair.spare.roles)

    pair.plug(plugged=False)

    pair.await_sync("error")
    assert pair.master.info.sync_reason == "the hotwire LAN3 has no link"
    assert status(pair.master).partner is None
    pair.plug(plugged=True)
    pair.await_sync("synchronized")
    assert (pair.master.roles, pair.spare.roles) == roles
    told = ["synchronized with utm3.cluster.local", "not synchronized (error): the hotwire LAN3 has no link"]
    until(lambda: sync_events(pair)[-3:] == [*told, told[0]], "each change is told")


def test_a_master_is_warned_that_connections_will_drop_only_while_the_hotwire_is_down(pair: Pair) -> None:
    pair.start()
    until(lambda: pair.master.role == "master" and pair.spare.role == "backup", "roles")
    pair.await_sync("synchronized")
    assert pair.master.ask(SetMaintenance(value=True)).warnings == ()

    pair.plug(plugged=False)
    pair.await_sync("error")

    drop = "connections through this node will drop when the partner takes over: the hotwire LAN3 has no link"
    assert pair.master.ask(SetMaintenance(value=True)).warnings == (drop,)
    assert pair.spare.ask(SetMaintenance(value=True)).warnings == (), "it serves nobody"


def test_a_partner_whose_clusterd_hangs_is_noticed_and_nobody_changes_the_role(pair: Pair) -> None:
    pair.start()
    until(lambda: pair.master.role == "master" and pair.spare.role == "backup", "roles")
    pair.await_sync("synchronized")
    assert pair.spare.process is not None
    roles = pair.master.roles

    os.kill(pair.spare.process.pid, signal.SIGSTOP)
    pair.await_sync("error", pair.master)
    os.kill(pair.spare.process.pid, signal.SIGCONT)

    pair.await_sync("synchronized")
    assert pair.master.roles == roles


@pytest.mark.parametrize("last", [2, 3])
def test_a_clusterd_that_was_killed_is_in_touch_again_once_it_is_back(pair: Pair, last: int) -> None:
    pair.start()
    pair.await_sync("synchronized")

    pair.nodes[last].kill()
    pair.await_sync("error", pair.nodes[5 - last])
    pair.nodes[last].start()

    pair.await_sync("synchronized")


def test_addresses_of_the_hotwire_change_with_an_update(pair: Pair) -> None:
    pair.start()
    pair.await_sync("synchronized")

    for last, partner in ((2, 3), (3, 2)):
        node = pair.nodes[last]
        node.set(
            addresses__2={"device": "LAN3", "address": f"10.44.0.{last}/24"},
            cluster__hotwire_local=f"10.44.0.{last}",
            cluster__hotwire_remote=[f"10.44.0.{partner}"],
        )
        assert node.info.sync_state == "synchronized", "nothing is in force yet"
        node.update()

    pair.await_sync("synchronized")


def test_a_key_that_is_replaced_without_the_hotwire_is_refused_until_it_is_entered(pair: Pair) -> None:
    pair.start()
    pair.await_sync("synchronized")
    pair.plug(plugged=False)
    pair.await_sync("error")

    new = pair.spare.ask(RenewHotwireKey(), HotwireKeys)

    untold = "the partner does not know the new key: the hotwire LAN3 has no link"
    assert new.warnings == (f"{untold}; cluster key remote set there enters it",)
    pair.plug(plugged=True)
    until(lambda: "refuses the key" in pair.spare.info.sync_reason, "refused")
    until(lambda: "host key at 192.168.180.3 differs" in pair.master.info.sync_reason, "another host key")
    assert new.own.fingerprint in pair.master.info.sync_reason
    pair.master.set(cluster__hotwire_partner_keys=[new.own.line])
    pair.master.update()
    pair.await_sync("synchronized")
    assert pair.master.ask(GetHotwireKeys(), HotwireKeys).partner == (new.own,)


def test_a_line_that_is_no_key_is_refused_with_its_path(pair: Pair) -> None:
    pair.master.start()

    with pytest.raises(InvalidConfigurationError) as caught:
        pair.master.set(cluster__hotwire_partner_keys=["ecdsa-sha2-nistp256 AAAA"])

    assert "hotwire_partner_keys" in "\n".join((caught.value.message, *caught.value.details))
    assert "ssh-ed25519 or ssh-rsa" in "\n".join((caught.value.message, *caught.value.details))


def test_two_masters_that_do_not_hear_each_other_know_it_by_the_hotwire(pair: Pair) -> None:
    pair.start()
    until(lambda: pair.master.role == "master" and pair.spare.role == "backup", "roles")
    pair.await_sync("synchronized")

    for port in pair.lan.values():  # the carrier stays up
        pair.network.switch.run("ip", "link", "set", port, "nomaster")

    until(lambda: pair.spare.role == "master", "the spare hears nobody")
    until(lambda: (seen := status(pair.master).partner) and seen.role == "master", "the master is told")
    until(lambda: pair.master.has("two-masters"), "the master's engine is told")


def test_a_partner_whose_links_are_gone_is_replaced_at_once(pair: Pair) -> None:
    """The engine hears it over the hotwire, long before its patience with adverts every 4 s ends."""
    for node in pair.nodes.values():
        config = json.loads(node._factory.read_text())
        config["cluster"]["advert_interval"] = 400
        node._factory.write_text(json.dumps(config))
    pair.start()
    until(lambda: {pair.master.role, pair.spare.role} == {"master", "backup"}, "roles", 60)
    pair.await_sync("synchronized")
    master, spare = (2, 3) if pair.master.role == "master" else (3, 2)

    pair.network.cable(pair.lan[master], plugged=False)

    until(lambda: pair.nodes[spare].role == "master", "the spare takes over", 15)
    role = [event for event in pair.nodes[spare].events if event.kind == "role"][-1]
    assert "the partner says over the hotwire that all its HA interfaces are gone" in role.text


def test_a_partner_that_hangs_is_said_to_say_nothing_and_is_there_again_when_it_goes_on(pair: Pair) -> None:
    pair.start()
    pair.await_sync("synchronized")
    hanging = pair.spare.process
    assert hanging is not None
    os.kill(hanging.pid, signal.SIGSTOP)
    try:
        pair.await_sync("error", pair.master)
        reason = pair.master.info.sync_reason
    finally:
        os.kill(hanging.pid, signal.SIGCONT)

    assert "the partner has said nothing over the hotwire for" in reason
    pair.await_sync("synchronized")
