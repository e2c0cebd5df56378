"""Two real clusterds with a hotwire between them: sync_state, the partner's health, every reason for an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cluster.rpc.messages import (
    GetStatus,
    SaveConfig,
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
    texts = [event.text for event in pair.master.events if event.kind == "sync"]
    assert texts[-3:] == [
        "synchronized with utm3.cluster.local",
        "not synchronized (error): the hotwire LAN3 has no link",
        "synchronized with utm3.cluster.local",
    ]
