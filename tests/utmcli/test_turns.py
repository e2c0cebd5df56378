"""Whose question is next."""

from __future__ import annotations

import asyncio
import gc
from functools import partial

import pytest

from cluster.errors import UnreachableError
from utmcli.turns import Turns


def served(asked: list[str], at_once: int = 1) -> list[str]:
    """All ask at once, in this order; in which they are served."""
    order: list[str] = []

    async def one(turns: Turns, name: str) -> None:
        async with turns.turn(name[0]):
            order.append(name)
            await asyncio.sleep(0)

    async def everybody() -> None:
        turns = Turns(at_once)
        await asyncio.gather(*(one(turns, name) for name in asked))

    asyncio.run(everybody())
    return order


def test_accounts_take_turns_and_each_keeps_its_order() -> None:
    assert served(["a1", "a2", "a3", "a4", "b1", "c1", "b2"]) == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]


def test_so_many_are_served_at_once() -> None:
    running, most = 0, 0

    async def one(turns: Turns) -> None:
        nonlocal running, most
        async with turns.turn("a"):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    async def everybody() -> None:
        turns = Turns(3)
        await asyncio.gather(*(one(turns) for _ in range(20)))

    asyncio.run(everybody())
    assert most == 3


def test_work_that_nobody_waits_for_any_more_keeps_its_turn_until_it_is_done() -> None:
    async def story() -> list[str]:
        turns, order, done = Turns(1), [], asyncio.Event()

        async def work(name: str) -> str:
            order.append(name)
            await done.wait()
            order.append(f"end of {name}")
            return name

        names = ("first", "second", "third")
        asked = [asyncio.create_task(turns.finish("a", partial(work, name))) for name in names]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert (order, turns.waiting) == (["first"], 2)
        asked[0].cancel()
        asked[1].cancel()
        await asyncio.wait(asked[:2])
        assert (order, turns.waiting) == (["first"], 1)
        done.set()
        assert await asked[2] == "third"
        return order

    assert asyncio.run(story()) == ["first", "end of first", "third", "end of third"]


def test_who_gives_up_waiting_takes_nobodys_turn() -> None:
    async def story() -> list[str]:
        turns, order = Turns(1), []

        async def one(name: str) -> None:
            async with turns.turn(name):
                order.append(name)

        async with turns.turn("first"):
            waiting = [asyncio.create_task(one(name)) for name in ("a", "b", "c")]
            await asyncio.sleep(0)
            waiting[0].cancel()
            await asyncio.sleep(0)
        waiting[1].cancel()  # it was just called
        await asyncio.wait(waiting)
        await one("last")
        return order

    assert asyncio.run(story()) == ["c", "last"]


def test_a_brief_turn_ends_though_its_block_goes_on_and_is_given_back_once() -> None:
    async def story() -> list[str]:
        turns, order = Turns(1), []
        forever = asyncio.Event()

        async def line(name: str) -> None:
            async with turns.brief_turn(name):
                order.append(name)
                if name == "follow":
                    await forever.wait()

        following = asyncio.create_task(line("follow"))
        await asyncio.sleep(0)
        async with asyncio.timeout(20):
            await asyncio.gather(line("a"), line("b"))
        forever.set()
        await following
        assert turns._free == 1
        return order

    assert asyncio.run(story()) == ["follow", "a", "b"]


@pytest.mark.parametrize(
    ("problem", "logged"),
    [
        (UnreachableError("clusterd is gone"), []),
        (ZeroDivisionError(), ["work that nobody waits for any more failed"]),
    ],
)
def test_what_fails_when_nobody_waits_for_it_any_more_is_logged_if_it_is_a_defect(
    caplog: pytest.LogCaptureFixture, problem: Exception, logged: list[str]
) -> None:
    async def story() -> None:
        turns, go = Turns(1), asyncio.Event()

        async def work() -> None:
            await go.wait()
            raise problem

        asked = asyncio.create_task(turns.finish("a", work))
        await asyncio.sleep(0.01)
        asked.cancel()
        await asyncio.wait([asked])
        go.set()
        async with turns.turn("b"):
            pass
        assert turns._free == 1

    asyncio.run(story())
    gc.collect()

    assert [record.message for record in caplog.records] == logged
