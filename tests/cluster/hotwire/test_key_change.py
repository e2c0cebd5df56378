"""A new hotwire key is learned by the partner over the link that the former one opened; two real clusterds."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cluster.errors import RefusedError, UnreachableError
from cluster.rpc.messages import (
    ConfigReply,
    GetConfig,
    GetHotwireKeys,
    HotwireKeys,
    RenewHotwireKey,
)
from tests.support.netns import why_not
from tests.support.pair import in_step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.appliance import Appliance
    from tests.support.pair import Pair

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.xdist_group("key changes"),
]


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """Two nodes in step; each test leaves them so, with one key each."""
    with tempfile.TemporaryDirectory(prefix="keys") as directory, in_step(Path(directory)) as made:
        yield made


def own(node: Appliance) -> str:
    """Fingerprint of a node's key."""
    return node.ask(GetHotwireKeys(), HotwireKeys).own.fingerprint


def believed(node: Appliance) -> set[str]:
    """Fingerprints of the partner's keys, as they run; as they boot they are the same."""
    name = "default"
    options = [node.ask(GetConfig(which, secrets=True), ConfigReply).config.cluster for which in ("", name)]
    assert options[0].hotwire_partner_keys == options[1].hotwire_partner_keys
    return {key.fingerprint for key in node.ask(GetHotwireKeys(), HotwireKeys).partner}


def renewed(node: Appliance) -> str:
    """Fingerprint of a new key, which came about without a word of complaint."""
    keys = node.ask(RenewHotwireKey(), HotwireKeys)
    assert keys.warnings == ()
    return keys.own.fingerprint


@pytest.mark.parametrize("last", [2, 3])
def test_the_partner_believes_the_new_key_alone_and_goes_on_with_it_after_a_restart(pair: Pair, last: int) -> None:
    node, partner = pair.nodes[last], pair.nodes[5 - last]
    roles, before = partner.roles, own(node)

    new = renewed(node)

    assert new != before
    assert own(node) == new
    assert believed(partner) == {new}
    pair.await_sync("synchronized")
    partner.kill()
    partner.start()
    pair.await_sync("synchronized")
    assert believed(partner) == {new}
    assert partner.roles == roles


def test_edits_of_the_partner_that_are_not_in_force_keep_the_key_and_the_link_as_they_are(pair: Pair) -> None:
    before = own(pair.spare)
    pair.master.set(globals__GLOB_DNS=["192.0.2.1"])

    with pytest.raises(RefusedError, match="the partner has edits that are not in force"):
        pair.spare.ask(RenewHotwireKey())

    assert own(pair.spare) == before
    assert believed(pair.master) == {before}
    assert pair.spare.info.sync_state == "synchronized"
    pair.master.set(globals={})


def start_halting(pair: Pair, victim: Appliance, moment: str) -> None:
    """Start a clusterd anew so that it dies at a moment of the change."""
    pair.await_sync("synchronized")
    victim.start_halting(moment, "kill")
    pair.await_sync("synchronized")


@pytest.mark.parametrize("moment", ["before:ask-believe", "after:ask-believe", "after:take"])
def test_a_node_that_is_killed_while_it_takes_a_new_key_is_believed_with_whichever_it_has(
    pair: Pair, moment: str
) -> None:
    start_halting(pair, pair.spare, moment)

    with pytest.raises(UnreachableError):
        pair.spare.ask(RenewHotwireKey())
    pair.spare.start_again()

    pair.await_sync("synchronized")
    assert own(pair.spare) in believed(pair.master)
    assert {renewed(pair.spare)} == believed(pair.master)


@pytest.mark.parametrize("moment", ["before:put", "after:put", "after:commit"])
def test_a_partner_that_is_killed_while_it_learns_a_key_believes_the_one_in_use(pair: Pair, moment: str) -> None:
    before = own(pair.spare)
    start_halting(pair, pair.master, moment)

    with pytest.raises(UnreachableError, match="this node keeps its key"):
        pair.spare.ask(RenewHotwireKey())
    pair.master.start_again()

    pair.await_sync("synchronized")
    assert own(pair.spare) == before
    assert {renewed(pair.spare)} == believed(pair.master)
