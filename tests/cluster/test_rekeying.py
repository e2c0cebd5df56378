"""Another passphrase on a live cluster: both nodes change, nobody's role does."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from cluster.errors import ClusterError, ConflictError, RefusedError
from cluster.model import SetValue
from cluster.rpc.messages import (
    Activate,
    ConfigReply,
    EditConfig,
    GetConfig,
    GetKeys,
    Keys,
    SaveConfig,
    Synchronize,
)
from tests.support.appliance import until
from tests.support.netns import why_not
from tests.support.pair import Pair, in_step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.appliance import Appliance

pytestmark = [pytest.mark.netns, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]

NEW = "correct horse battery staple"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with in_step(tmp_path) as made:
        yield made


def passphrase(node: Appliance, name: str = "") -> str:
    return node.ask(GetConfig(name=name, secrets=True), ConfigReply).config.cluster.passphrase


def fingerprints(node: Appliance) -> list[tuple[int, str]]:
    return [(key.id, key.fingerprint) for key in node.ask(GetKeys(), Keys).keys]


@pytest.mark.parametrize("last", [2, 3])
def test_another_passphrase_comes_to_both_nodes_and_moves_no_role(pair: Pair, last: int) -> None:
    node, partner = pair.nodes[last], pair.nodes[5 - last]
    roles = (pair.master.roles, pair.spare.roles)

    told = node.set(cluster__passphrase=NEW)
    assert "changes how adverts are authenticated on both nodes" in told.warnings[0]
    assert passphrase(partner) != NEW, "nothing happens before the update"
    node.update()

    assert [passphrase(each) for each in (node, partner)] == [NEW, NEW]
    assert [passphrase(each, "default") for each in (node, partner)] == [NEW, NEW], "a reboot must not undo it"
    assert fingerprints(node) == fingerprints(partner)
    pair.await_sync("synchronized")
    until(lambda: node.has("rekey") and partner.has("rekey"), "both tell of it")
    assert (pair.master.roles, pair.spare.roles) == roles
    node.ask(Synchronize())


def test_another_passphrase_is_no_edit_of_the_partners_while_other_changes_wait_to_be_sent(pair: Pair) -> None:
    pair.master.set(globals__GLOB_DNS=["192.0.2.1"])
    pair.master.ask(SaveConfig())
    pair.master.set(cluster__passphrase=NEW)
    pair.master.update()
    pair.await_sync("pending")

    pair.master.ask(Synchronize())

    assert pair.spare.config.globals == {"GLOB_DNS": ("192.0.2.1",)}
    assert passphrase(pair.spare) == NEW


def test_edits_of_the_partner_stay_protected_beside_another_passphrase(pair: Pair) -> None:
    pair.spare.set(globals__GLOB_DNS=["192.0.2.2"])
    pair.spare.update()
    pair.spare.ask(SaveConfig())
    pair.master.set(cluster__passphrase=NEW)
    pair.master.update()

    with pytest.raises(ConflictError, match="was edited since both nodes last had the same") as caught:
        pair.master.ask(Synchronize())
    assert caught.value.details == ("globals.GLOB_DNS: (none) -> 192.0.2.2",)


def test_signatures_are_introduced_and_taken_away_without_an_outage(pair: Pair) -> None:
    roles = (pair.master.roles, pair.spare.roles)
    for passphrase_then in ("", NEW):
        pair.master.set(cluster__passphrase=passphrase_then)
        pair.master.update()
        assert passphrase(pair.spare) == passphrase_then
        pair.await_sync("synchronized")
    assert (pair.master.roles, pair.spare.roles) == roles


def test_without_the_hotwire_it_is_refused_as_it_was(pair: Pair) -> None:
    pair.plug(plugged=False)
    pair.await_sync("error")

    with pytest.raises(RefusedError, match="force 1 changes this node all the same"):
        pair.master.set(cluster__passphrase=NEW)


def test_a_hotwire_that_is_lost_before_the_update_parts_nobody(pair: Pair) -> None:
    pair.master.set(cluster__passphrase=NEW)
    pair.plug(plugged=False)
    pair.await_sync("error")

    with pytest.raises(RefusedError, match="the hotwire is down: the hotwire LAN3 has no link"):
        pair.master.update()

    assert (pair.master.role, pair.spare.role) == ("master", "backup")
    pair.plug(plugged=True)
    pair.await_sync("synchronized")
    pair.master.update()
    assert passphrase(pair.spare) == NEW


def test_edits_of_the_partner_that_are_not_in_force_stand_in_the_way(pair: Pair) -> None:
    pair.spare.set(cluster__advert_interval=30)
    pair.master.set(cluster__passphrase=NEW)

    with pytest.raises(RefusedError, match="the partner has edits that are not in force"):
        pair.master.update()

    assert passphrase(pair.spare) != NEW
    pair.spare.update()
    pair.master.update()
    assert passphrase(pair.spare) == NEW


def test_a_forced_change_is_for_this_node_alone(pair: Pair) -> None:
    pair.master.ask(EditConfig((SetValue(("cluster", "passphrase"), NEW),), force=True))
    pair.master.update()

    assert passphrase(pair.spare) != NEW
    until(lambda: pair.spare.role == "master", "they do not believe each other")


def test_a_partner_that_dies_in_the_midst_leaves_one_master_and_it_goes_on_later(pair: Pair) -> None:
    """Its clusterd is stopped after the change began: steps stay unanswered, its engine goes on."""
    roles = pair.master.roles
    assert pair.spare.process is not None
    pair.master.set(cluster__passphrase=NEW)
    os.kill(pair.spare.process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(ClusterError):
            pair.master.update()
    finally:
        os.kill(pair.spare.process.pid, signal.SIGCONT)

    assert pair.master.role == "master"
    pair.master.kill()
    pair.master.start()
    pair.await_sync("synchronized")
    pair.master.update()

    assert [passphrase(each) for each in (pair.master, pair.spare)] == [NEW, NEW]
    assert pair.master.roles == roles
    assert pair.spare.role == "backup"


def test_an_activation_that_would_part_the_nodes_is_refused(pair: Pair) -> None:
    pair.master.set(cluster__passphrase=NEW)

    with pytest.raises(RefusedError, match="an activation is for this node alone"):
        pair.master.ask(Activate(seconds=60))

    assert (pair.master.role, pair.spare.role) == ("master", "backup")
