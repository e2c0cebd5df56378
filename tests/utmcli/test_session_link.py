"""Connections to clusterd: shared by all sessions, made anew when they end, never held up by each other."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

import pytest

from cluster.errors import NotFoundError, RefusedError, UnreachableError
from cluster.rpc import messages
from tests.support.fake_clusterd import FakeClusterd
from tests.support.shell import PATIENCE, short_directory
from utmcli import link as way
from utmcli.link import Link

if TYPE_CHECKING:
    from collections.abc import Iterator

ACTOR = messages.Actor(user="root", source="console", role="admin")


@pytest.fixture
def fake() -> Iterator[FakeClusterd]:
    with short_directory() as run_dir, FakeClusterd(run_dir) as running:
        yield running


def link_to(fake: FakeClusterd) -> Link:
    return Link(str(fake.run_dir))


def answer_synchronize_slowly(fake: FakeClusterd) -> None:
    plain = fake.answers.answer

    async def answer(ask: messages.AnyAsk, actor: messages.Actor) -> messages.AnyAnswer:
        if isinstance(ask, messages.Synchronize):
            await asyncio.sleep(4)
        return await plain(ask, actor)

    fake.answers.answer = answer  # type: ignore[method-assign]


def test_a_question_that_takes_long_holds_nobody_up(fake: FakeClusterd) -> None:
    answer_synchronize_slowly(fake)

    async def scenario() -> float:
        link = link_to(fake)
        waiting = asyncio.create_task(link.ask(messages.Synchronize(), ACTOR, 10.0))
        await asyncio.sleep(0.1)
        began = time.monotonic()
        await link.ask(messages.GetInfo(), ACTOR, 10.0)
        waiting.cancel()
        await asyncio.wait((waiting,))
        await link.close()
        return time.monotonic() - began

    assert asyncio.run(scenario()) < 2


def test_a_question_given_up_does_not_hold_up_the_next(fake: FakeClusterd) -> None:
    answer_synchronize_slowly(fake)

    async def scenario() -> float:
        link = link_to(fake)
        await link.ask(messages.GetInfo(), ACTOR, 10.0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await link.ask(messages.Synchronize(), ACTOR, 10.0)
        began = time.monotonic()
        await link.ask(messages.GetInfo(), ACTOR, 10.0)
        await link.close()
        return time.monotonic() - began

    assert asyncio.run(scenario()) < 2


def test_an_error_of_clusterd_arrives_as_itself(fake: FakeClusterd) -> None:
    fake.answers.fail = NotFoundError("there is no such thing")

    async def scenario() -> None:
        link = link_to(fake)
        with pytest.raises(NotFoundError, match="there is no such thing"):
            await link.ask(messages.GetInfo(), ACTOR, 10.0)
        await link.close()

    asyncio.run(scenario())


def test_a_restarted_clusterd_is_found_again(fake: FakeClusterd) -> None:
    async def scenario() -> None:
        link = link_to(fake)
        await link.ask(messages.GetInfo(), ACTOR, 10.0)
        await asyncio.to_thread(fake.stop)
        with pytest.raises(UnreachableError):
            await link.ask(messages.GetInfo(), ACTOR, 10.0)
        await asyncio.to_thread(fake.start)
        await link.ask(messages.GetInfo(), ACTOR, 10.0)
        await asyncio.to_thread(fake.stop)
        await asyncio.to_thread(fake.start)
        await link.ask(messages.GetInfo(), ACTOR, 10.0)
        await link.close()

    asyncio.run(scenario())


def test_a_stream_that_nobody_follows_any_more_is_hung_up(fake: FakeClusterd) -> None:
    async def scenario() -> list[str]:
        link = link_to(fake)
        texts = []
        async with aclosing(cast("Any", link.follow(messages.FollowEvents(), ACTOR))) as stream:
            async for events in stream:
                texts.append(events.events[0].text)
                if len(texts) == 2:
                    break
        await link.close()
        return texts

    assert asyncio.run(scenario()) == ["event 0", "event 1"]
    assert fake.answers.stopped_following.wait(PATIENCE)


def test_no_account_takes_all_connections_for_streams(fake: FakeClusterd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(way, "STREAMS_EACH", 2)
    viewer = messages.Actor(user="viewer", source="ssh 192.0.2.7", role="readonly")

    async def scenario() -> None:
        link = link_to(fake)
        first, second, third = (cast("Any", link.follow(messages.FollowEvents(), viewer)) for _ in range(3))
        await anext(first)
        await anext(second)
        with pytest.raises(RefusedError, match="2 sessions of this account and 2 in all follow something already"):
            await anext(third)
        others = cast("Any", link.follow(messages.FollowEvents(), ACTOR))
        await anext(others)
        await first.aclose()
        again = cast("Any", link.follow(messages.FollowEvents(), viewer))
        await anext(again)
        for stream in (second, others, again):
            await stream.aclose()
        await link.close()

    asyncio.run(scenario())


def test_changes_of_passwords_stand_in_line_before_clusterd(fake: FakeClusterd) -> None:
    plain = fake.answers.answer
    running, most = 0, 0

    async def answer(ask: messages.AnyAsk, actor: messages.Actor) -> messages.AnyAnswer:
        nonlocal running, most
        if not isinstance(ask, messages.ChangePassword):
            return await plain(ask, actor)
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return messages.Done()

    fake.answers.answer = answer  # type: ignore[method-assign]

    async def scenario() -> None:
        link = link_to(fake)
        change = messages.ChangePassword("old", "new")
        await asyncio.gather(*(link.ask(change, ACTOR, 10.0) for _ in range(20)))
        for _ in range(8):
            left = asyncio.create_task(link.ask(change, ACTOR, 10.0))
            await asyncio.sleep(0.002)
            left.cancel()  # clusterd goes on with it
        await link.ask(change, ACTOR, 10.0)
        await link.close()

    asyncio.run(scenario())
    assert most == 2
