"""Who may ask for something may not for ever: accounts go, and initial passwords have to be changed first."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from cluster.errors import NotAuthorisedError
from cluster.observed import ClusterEvent
from cluster.rpc.client import Client
from cluster.rpc.messages import (
    Actor,
    ChangePassword,
    Done,
    Events,
    FollowEvents,
    GetConfig,
    GetHistory,
    SetMaintenance,
)
from cluster.rpc.server import Limits, Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine
    from pathlib import Path

    from cluster.model import Role
    from cluster.rpc.messages import Ask

ANNA = Actor(user="anna", source="ssh 192.0.2.7", role="admin")
EVENT = ClusterEvent(number=1, at=0.0, kind="role", interface="", text="t")


class Node:
    """What stands behind the socket: it does all it is asked for, of whoever may ask."""

    def __init__(self) -> None:
        self.accounts = {"anna"}
        self.reason = ""
        self.done: list[Ask] = []
        self.happening: asyncio.Queue[ClusterEvent] = asyncio.Queue()
        self.unfollowed = asyncio.Event()

    async def answer(self, ask: Ask, _actor: Actor) -> Done:
        self.done.append(ask)
        return Done()

    async def follow(self, _ask: Ask, _actor: Actor) -> AsyncIterator[Events]:
        try:
            while True:
                yield Events((await self.happening.get(),))
        finally:
            self.unfollowed.set()

    def standing(self, actor: Actor) -> Role:
        if actor.user not in self.accounts:
            raise NotAuthorisedError(f"there is no account {actor.user}")
        return actor.role


@asynccontextmanager
async def serving(path: Path, review: float) -> AsyncIterator[Node]:
    node = Node()
    server = Server(
        path, node, lambda _peer: True, Limits(review=review),
        standing=node.standing, hindrance=lambda _actor: node.reason,
    )  # fmt: skip
    await server.start()
    try:
        yield node
    finally:
        await server.close()


def run(scenario: Coroutine[None, None, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 60))


def test_whoever_is_hindered_may_look_and_change_the_password_and_nothing_else(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "socket"
        async with serving(path, 60) as node, await Client.connect(path) as client:
            node.reason = "the initial password has to be changed first"
            for ask in (SetMaintenance(value=True), GetConfig(secrets=True)):
                with pytest.raises(NotAuthorisedError, match="the initial password has to be changed first"):
                    await client.ask(ask, ANNA)
            wishes = (GetConfig(), GetHistory(), ChangePassword("old", "new"))
            for wish in wishes:
                await client.ask(wish, ANNA)
            node.reason = ""
            await client.ask(SetMaintenance(value=True), ANNA)
            assert node.done == [*wishes, SetMaintenance(value=True)]

    run(scenario())


def test_an_account_that_is_gone_is_shown_nothing_that_happens_afterwards(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "socket"
        async with serving(path, 60) as node, await Client.connect(path) as client:
            stream = client.follow(FollowEvents(), ANNA)
            node.happening.put_nowait(EVENT)
            assert await anext(stream) == Events((EVENT,))
            node.accounts.clear()
            node.happening.put_nowait(EVENT)
            with pytest.raises(NotAuthorisedError, match="there is no account anna"):
                await anext(stream)
            await node.unfollowed.wait()

    run(scenario())


def test_a_stream_in_which_nothing_happens_ends_as_well(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "socket"
        async with serving(path, 0.05) as node, await Client.connect(path) as client:
            stream = client.follow(FollowEvents(), ANNA)
            node.happening.put_nowait(EVENT)
            await anext(stream)
            node.accounts.clear()
            with pytest.raises(NotAuthorisedError, match="there is no account anna"):
                await anext(stream)
            await node.unfollowed.wait()

    run(scenario())
