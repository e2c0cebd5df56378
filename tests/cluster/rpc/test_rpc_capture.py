"""Adverts over clusterd's socket: a stream that may be refused, and that is let go with its client."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from cluster.errors import RefusedError
from cluster.rpc.client import Client
from cluster.rpc.messages import Actor, Capture, Done, FollowAdverts
from cluster.rpc.server import Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

READER = Actor(user="guest", source="ssh 192.0.2.7", role="readonly")
ADVERT = Capture(at=1.5, interface="LAN2", sent=True, frame="01005e", accepted=True, verdict="signed")


class Appliance:
    """Shows adverts of LAN2 for ever, and knows when nobody looks any more."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()

    async def follow(self, ask: FollowAdverts, actor: Actor) -> AsyncIterator[Any]:
        assert actor == READER
        if ask.interface != "LAN2":
            raise RefusedError(f"{ask.interface} is no HA interface")
        try:
            yield Done()
            while True:
                yield ADVERT
        finally:
            self.let_go.set()


async def follow(path: Path, interface: str, count: int) -> tuple[Appliance, list[Any]]:
    """The first answers of a stream, and the appliance after its client hung up."""
    appliance, found = Appliance(), []
    server = Server(path, appliance, lambda _peer: True)  # type: ignore[arg-type]
    await server.start()
    try:
        async with (
            await Client.connect(path) as client,
            aclosing(client.follow(FollowAdverts(interface), READER)) as stream,
        ):
            async for answer in stream:
                found.append(answer)
                if len(found) == count:
                    break
        await asyncio.wait_for(appliance.let_go.wait(), 5)
    finally:
        await server.close()
    return appliance, found


def test_whoever_may_look_sees_adverts_and_lets_them_go_by_hanging_up(tmp_path: Path) -> None:
    appliance, found = asyncio.run(follow(tmp_path / "clusterd.sock", "LAN2", 3))
    assert found == [Done(), ADVERT, ADVERT]
    assert appliance.let_go.is_set()


def test_a_refusal_reaches_whoever_asked(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="LAN9 is no HA interface"):
        asyncio.run(follow(tmp_path / "clusterd.sock", "LAN9", 1))
