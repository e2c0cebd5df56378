"""Two real clusterds: what was synchronized is undone, at the receiver alone or on both nodes at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cluster.errors import ConflictError, LockedError, RefusedError, UnreachableError
from cluster.rpc.messages import (
    GetHistory,
    History,
    RollBack,
    RollBackBoth,
    SaveConfig,
    SetStartConfig,
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

SECOND = "192.168.200.2/24"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Given two nodes in step, to which the master then sent a second virtual address as `production`."""
    with in_step(tmp_path) as made:
        made.master.set(virtual_addresses__2={"device": "LAN2", "address": SECOND})
        made.master.update()
        made.master.ask(SaveConfig("production"))
        made.master.ask(SetStartConfig("production"))
        made.master.ask(Synchronize())
        made.await_sync("synchronized")
        until(lambda: made.master.holds(SECOND), "the master has the second address")
        yield made


def virtual(node: Appliance) -> list[str]:
    return sorted(node.config.virtual_addresses)


def test_the_receiver_alone_goes_back_with_its_start_configuration_and_the_sender_stays(pair: Pair) -> None:
    pair.spare.ask(RollBack())

    assert (virtual(pair.master), virtual(pair.spare)) == (["1", "2"], ["1"])
    assert pair.spare.flags == {"default": (True, True, False)}
    assert pair.spare.has("sync-undone")
    pair.await_sync("pending")
    pair.spare.kill()
    pair.spare.start()
    assert virtual(pair.spare) == ["1"], "it is durable"


def test_both_nodes_go_back_at_once_and_are_in_step_and_no_role_changes(pair: Pair) -> None:
    pair.master.ask(RollBackBoth())

    assert (virtual(pair.master), virtual(pair.spare)) == (["1"], ["1"])
    until(lambda: not pair.master.holds(SECOND), "what is undone is in force no more")
    pair.await_sync("synchronized")
    assert (pair.master.roles, pair.spare.roles) == (["backup", "master"], ["backup"])
    assert all(node.has("sync-undone") for node in pair.nodes.values())
    history = pair.master.ask(GetHistory(), History).revisions
    undone = [line.number for line in history if "production" in line.names]
    pair.master.ask(RollBack(undone[-1]))
    assert virtual(pair.master) == ["1", "2"], "what was undone is not lost"


def test_afterwards_the_sender_may_synchronize_again_without_force(pair: Pair) -> None:
    pair.master.ask(RollBackBoth())
    pair.await_sync("synchronized")
    pair.master.set(cluster__advert_interval=30)
    pair.master.ask(SaveConfig())

    pair.master.ask(Synchronize())

    assert pair.spare.config.cluster.advert_interval == 30


def test_a_receiver_that_was_edited_since_is_not_undone_without_force(pair: Pair) -> None:
    pair.spare.set(globals__GLOB_DNS=["192.0.2.1"])
    with pytest.raises(LockedError, match="has been editing"):
        pair.master.ask(RollBackBoth())
    pair.spare.ask(SaveConfig())
    with pytest.raises(ConflictError, match="was edited since it received this configuration"):
        pair.master.ask(RollBackBoth())
    assert (virtual(pair.master), virtual(pair.spare)) == (["1", "2"], ["1", "2"])

    pair.master.ask(RollBackBoth(force=True))

    assert (virtual(pair.master), virtual(pair.spare)) == (["1"], ["1"])
    assert pair.spare.config.globals == {}
    pair.await_sync("synchronized")


def test_the_receiver_cannot_undo_on_both_since_it_did_not_send(pair: Pair) -> None:
    with pytest.raises(RefusedError, match=r"utm2\.cluster\.local received nothing that could be undone"):
        pair.spare.ask(RollBackBoth())


def test_only_what_both_last_had_in_common_is_undone_not_something_before_it(pair: Pair) -> None:
    pair.spare.set(cluster__advert_interval=30)
    pair.spare.ask(SaveConfig())
    pair.spare.ask(Synchronize())
    pair.await_sync("synchronized")

    with pytest.raises(RefusedError, match="received last is not what both nodes last had in common"):
        pair.master.ask(RollBackBoth())

    pair.spare.ask(RollBackBoth())
    assert [node.config.cluster.advert_interval for node in pair.nodes.values()] == [25, 25]
    assert (virtual(pair.master), virtual(pair.spare)) == (["1", "2"], ["1", "2"])


def test_a_second_time_there_is_nothing_to_undo(pair: Pair) -> None:
    pair.master.ask(RollBackBoth())
    pair.await_sync("synchronized")

    with pytest.raises(RefusedError, match="received nothing that could be undone"):
        pair.master.ask(RollBackBoth())


def test_what_was_synchronized_before_is_undone_next_and_its_undoing_is_not_taken_for_an_edit(pair: Pair) -> None:
    pair.master.set(cluster__advert_interval=30)
    pair.master.ask(SaveConfig())
    pair.master.ask(Synchronize())
    pair.master.ask(RollBackBoth())
    assert (virtual(pair.spare), pair.spare.config.cluster.advert_interval) == (["1", "2"], 25)

    def undone() -> bool:
        """Until the nodes have noted that they are in step, the same request again changes nothing."""
        pair.master.ask(RollBackBoth())
        return (virtual(pair.master), virtual(pair.spare)) == (["1"], ["1"])

    until(undone, "the synchronization before is undone, too")
    pair.await_sync("synchronized")


def test_without_the_hotwire_nothing_changes_on_either_node(pair: Pair) -> None:
    pair.plug(plugged=False)
    pair.await_sync("error")

    with pytest.raises(UnreachableError):
        pair.master.ask(RollBackBoth())

    assert (virtual(pair.master), virtual(pair.spare)) == (["1", "2"], ["1", "2"])
