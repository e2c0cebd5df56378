"""Synchronising with a partner that cannot be reached, or is not the partner: each reason in words of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cluster.errors import RefusedError, UnreachableError
from cluster.hotwire.keys import OwnKey
from cluster.rpc.messages import ConfigReply, GetConfig, SaveConfig, Synchronize
from tests.support import other_schema
from tests.support.appliance import until
from tests.support.netns import why_not
from tests.support.pair import Pair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.model import Config

pytestmark = [pytest.mark.netns, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]


@pytest.fixture
def stranger(tmp_path: Path) -> str:
    """A key that belongs to neither node."""
    (tmp_path / "stranger").mkdir()
    return OwnKey(tmp_path / "stranger").public("stranger").line


@pytest.fixture
def pairs() -> Iterator[list[Pair]]:
    """Pairs that a test makes, taken down at its end."""
    made: list[Pair] = []
    yield made
    for pair in made:
        pair.close()


def of_spare(pair: Pair) -> tuple[Config, int]:
    reply = pair.spare.ask(GetConfig(secrets=True), ConfigReply)
    return reply.config, reply.revision


def refused(pair: Pair, reason: str) -> None:
    """The master has something to send, and is told why it cannot; nothing changes at the spare."""
    until(lambda: reason in pair.master.info.sync_reason, lambda: f"{reason}, not {pair.master.info}", 30)
    pair.master.set(cluster__advert_interval=30)
    pair.master.ask(SaveConfig())
    before = of_spare(pair)
    with pytest.raises(UnreachableError, match=reason) as caught:
        pair.master.ask(Synchronize())
    assert str(caught.value).startswith("nothing was synchronized: ")
    assert of_spare(pair) == before


def test_a_partner_that_does_not_know_our_key(tmp_path: Path, stranger: str, pairs: list[Pair]) -> None:
    pairs.append(Pair(tmp_path, keys={3: stranger}))
    pairs[0].start()
    refused(pairs[0], "refuses the key SHA256:")


def test_a_partner_that_has_another_key(tmp_path: Path, stranger: str, pairs: list[Pair]) -> None:
    pairs.append(Pair(tmp_path, keys={2: stranger}))
    pairs[0].start()
    refused(pairs[0], "the host key at 192.168.180.3 differs from the partner's key known here")


def test_an_address_where_nobody_is(tmp_path: Path, pairs: list[Pair]) -> None:
    pairs.append(Pair(tmp_path))
    pairs[0].start()
    pairs[0].spare.set(cluster__hotwire_remote=["192.168.180.77"])
    pairs[0].spare.update()
    pairs[0].spare.ask(SaveConfig())
    pairs[0].master.set(cluster__hotwire_remote=["192.168.180.99"])
    pairs[0].master.update()
    refused(pairs[0], "the partner is not reached at 192.168.180.99")


def test_an_address_of_ours_that_the_partner_does_not_know(tmp_path: Path, pairs: list[Pair]) -> None:
    """With the cluster off: where it is on, the packet filter of the partner does not even answer."""
    pairs.append(Pair(tmp_path, enabled=False))
    pairs[0].start()
    pairs[0].spare.set(cluster__hotwire_remote=["192.168.180.77"])
    pairs[0].spare.update()
    pairs[0].spare.ask(SaveConfig())
    refused(pairs[0], "refuses the address 192.168.180.2")


def test_an_unplugged_hotwire(tmp_path: Path, pairs: list[Pair]) -> None:
    pairs.append(Pair(tmp_path))
    pairs[0].start()
    pairs[0].await_sync("synchronized")
    pairs[0].plug(plugged=False)
    refused(pairs[0], "the hotwire LAN3 has no link")


def test_a_hotwire_that_nobody_configured(tmp_path: Path, pairs: list[Pair]) -> None:
    pairs.append(Pair(tmp_path, hotwire_local="", hotwire_remote=[]))
    pairs[0].start()
    refused(pairs[0], "the hotwire has no addresses")


def test_another_schema(tmp_path: Path, pairs: list[Pair]) -> None:
    pairs.append(Pair(tmp_path))
    pairs[0].master.start()
    pairs[0].spare.start_under(sys.executable, str(Path(other_schema.__file__)))
    until(lambda: "schema version 7" in pairs[0].master.info.sync_reason, "the versions are compared", 30)
    pairs[0].master.set(cluster__advert_interval=30)
    pairs[0].master.ask(SaveConfig())
    before = of_spare(pairs[0])
    for force in (False, True):
        with pytest.raises(RefusedError, match=r"with configurations of schema 7, utm2\.cluster\.local version"):
            pairs[0].master.ask(Synchronize(force=force))
    assert of_spare(pairs[0]) == before
