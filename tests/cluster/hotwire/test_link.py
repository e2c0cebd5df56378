"""Two links over real TCP and real asyncssh: they find each other, lose each other, and say why."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from cluster.errors import UnreachableError
from cluster.hotwire.protocol import Done, Ping
from cluster.hotwire.state import Code
from tests.support import netns
from tests.support.hotwire import both, until

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path

    from tests.support.netns import Namespace

pytestmark = [pytest.mark.netns, pytest.mark.skipif(netns.why_not() is not None, reason=str(netns.why_not()))]


@pytest.fixture
def cable() -> Iterator[Namespace]:
    namespace = netns.Namespace()
    with namespace.inside():
        yield namespace
    namespace.close()


def play(story: Coroutine[object, object, None]) -> None:
    asyncio.run(story)


def test_two_nodes_that_know_each_others_keys_can_ask_each_other(cable: Namespace, tmp_path: Path) -> None:
    async def story() -> None:
        async with both(tmp_path) as (left, right):
            assert await left.link.ask(Ping(), 5) == Done()
            assert await right.link.ask(Ping(), 5) == Done()
            assert left.link.partner is not None
            assert left.link.partner.hostname == right.local
            assert (left.asked, right.asked) == ([Ping()], [Ping()])

    play(story())


def test_an_unplugged_cable_is_noticed_and_found_again_when_it_is_back(cable: Namespace, tmp_path: Path) -> None:
    async def story() -> None:
        async with both(tmp_path) as (left, right):
            cable.run("ip", "link", "set", "lo", "down")
            await until(lambda: not left.link.state.connected, lambda: left.link.state)
            assert left.link.state.code is Code.NO_LINK
            assert left.link.partner is None
            with pytest.raises(UnreachableError, match="lo has no link"):
                await left.link.ask(Ping(), 5)
            cable.run("ip", "link", "set", "lo", "up")
            await until(lambda: left.link.state.connected and right.link.state.connected, lambda: left.link.state)

    play(story())
