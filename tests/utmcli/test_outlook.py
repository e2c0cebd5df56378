"""What prompts tell is asked once for all that wait for it, and anew after whatever may have changed it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, cast

import pytest

from cluster.errors import NotFoundError
from cluster.rpc import messages
from tests.support.fake_clusterd import FakeClusterd
from tests.support.shell import short_directory
from utmcli.link import Link
from utmcli.outlook import Outlook

ACTOR = messages.Actor(user="root", source="console", role="admin")


class SlowLink:
    """A way to clusterd whose answers take until they are let through."""

    def __init__(self) -> None:
        self.changes = 0
        self.asked: list[type[messages.Ask]] = []
        self.open = asyncio.Event()

    async def ask(self, ask: messages.Ask, _actor: messages.Actor, _deadline: float) -> Any:
        self.asked.append(type(ask))
        await self.open.wait()
        return messages.Done()

    @property
    def looks(self) -> int:
        return self.asked.count(messages.GetInfo)


def test_prompts_that_wait_together_ask_once_and_later_ones_anew() -> None:
    async def scenario() -> None:
        link = SlowLink()
        outlook = Outlook(cast("Any", link))
        prompts = [asyncio.create_task(outlook.look()) for _ in range(100)]
        await asyncio.sleep(0)
        prompts[0].cancel()
        link.open.set()
        await asyncio.gather(*prompts[1:])
        assert link.looks == 1
        await outlook.look()
        assert link.looks == 2

    asyncio.run(scenario())


def test_a_prompt_does_not_wait_for_what_was_asked_before_a_change_of_its_session() -> None:
    async def scenario() -> None:
        link = SlowLink()
        outlook = Outlook(cast("Any", link))
        before = asyncio.create_task(outlook.look())
        await asyncio.sleep(0)
        link.changes += 1
        after = asyncio.create_task(outlook.look())
        await asyncio.sleep(0.01)
        assert link.looks == 2
        link.open.set()
        await asyncio.gather(before, after)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("ask", "changes"), [(messages.GetConfig(), 0), (messages.GetLogin("anna"), 0), (messages.SaveConfig(), 1)]
)
def test_the_way_to_clusterd_knows_what_may_have_changed_something(ask: messages.AnyAsk, changes: int) -> None:
    async def scenario() -> None:
        with short_directory() as run_dir, FakeClusterd(run_dir):
            link = Link(str(run_dir))
            with suppress(NotFoundError):  # which the fake says of what it does not know
                await link.ask(ask, ACTOR, 5.0)
            assert link.changes == changes
            await link.close()

    asyncio.run(scenario())
