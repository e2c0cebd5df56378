"""Adverts as marks: one for each that passed, and one for each that should have."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from cluster.errors import UnreachableError
from cluster.rpc.messages import Capture, Done, FollowAdverts
from utmcli import adverts
from utmcli.adverts import FOLLOWED, LEASE, Adverts, Trace, interval_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from cluster.rpc.messages import Actor, AnyAnswer

AT = 1_795_000_000.0
ETHERNET, IP = "01005e00001200005e0001330800", "45" + "00" * 19
VERSION_3, VERSION_2 = "3133fe010064abcd0a000001", "2133fe010001abcd0a000001"
"""Of both versions an advert of virtual router 51, priority 254, one address, once a second."""
FRAME = ETHERNET + IP + VERSION_3


def advert(after: float, *, sent: bool = True, accepted: bool = True, missed: int = 0) -> Capture:
    return Capture(
        at=AT + after, interface="LAN1", sent=sent, frame=FRAME, accepted=accepted, verdict="signed", missed=missed
    )


def traced(*passed: Capture, now: float) -> str:
    trace = Trace()
    for seen in passed:
        trace.passed(seen)
    return trace.shown(AT + now)


@pytest.mark.parametrize(
    ("message", "seconds"), [(VERSION_3, 1.0), (VERSION_3.replace("0064", "3fff"), 40.95), (VERSION_2, 1.0)]
)
def test_an_advert_says_how_often_it_comes(message: str, seconds: float) -> None:
    assert interval_of(bytes.fromhex(ETHERNET + IP + message)) == seconds


def test_a_frame_that_holds_no_advert_says_nothing() -> None:
    assert interval_of(b"") == interval_of(bytes.fromhex(ETHERNET + IP)) == interval_of(bytes(100)) == 0.0


def test_every_advert_is_a_mark() -> None:
    passed = [advert(number, sent=number < 3) for number in range(5)]
    assert traced(*passed, now=5.4) == ">>><<"


def test_an_advert_that_is_overdue_is_marked_as_missing_until_it_comes() -> None:
    assert traced(advert(0), now=1.4) == ">"
    assert traced(advert(0), now=1.6) == ">_"
    assert traced(advert(0), now=3.6) == ">___"
    assert traced(advert(0), advert(1.4), now=1.6) == ">>", "it was late, or the shell host was"


def test_what_was_missing_stays_in_the_trace() -> None:
    assert traced(advert(0, sent=False), advert(3.6), advert(4.6), now=5) == "<___>>"


def test_a_rejected_advert_is_no_sign_of_life() -> None:
    assert traced(advert(0), advert(1.4, sent=False, accepted=False), now=2.6) == ">!__"


def test_adverts_that_came_faster_than_they_were_read_are_not_missing() -> None:
    assert traced(advert(0), advert(4, missed=3), now=4) == ">...>"


def test_nothing_passed_yet_is_no_gap_and_a_trace_does_not_grow() -> None:
    assert traced(now=1e9) == ""
    assert traced(advert(0), now=1e9) == "_" * adverts.KEPT
    assert traced(*(advert(number) for number in range(200)), now=200) == ">" * adverts.KEPT


class Engine:
    """Where adverts come from: one of each interface that somebody follows, then nothing."""

    def __init__(self) -> None:
        self.followed: list[str] = []
        self.left: list[str] = []
        self.away = False

    async def follow(self, ask: FollowAdverts, _actor: Actor) -> AsyncGenerator[AnyAnswer, None]:
        if self.away:
            raise UnreachableError("there is no clusterd")
        self.followed.append(ask.interface)
        try:
            yield Done()
            yield advert(0)
            await asyncio.Event().wait()
        finally:
            self.left.append(ask.interface)


async def until(told: Callable[[], object]) -> None:
    """Let the tasks that are ready go on, until a condition holds."""
    async with asyncio.timeout(30):
        while not told():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)


def test_whoever_looks_shares_one_stream_an_interface_and_only_so_many_are_followed() -> None:
    async def given() -> None:
        engine = Engine()
        shared = Adverts(engine)
        names = [f"LAN{number}" for number in range(FOLLOWED + 4)]
        for _ in range(3):
            assert shared.look(names) == {} or engine.followed
        await until(lambda: len(shared.look(names)) == FOLLOWED)
        assert sorted(engine.followed) == sorted(names[:FOLLOWED])
        assert shared.look(["LAN0"])["LAN0"].endswith("_"), "its only advert was long ago"
        await shared.close()
        assert sorted(engine.left) == sorted(names[:FOLLOWED])

    asyncio.run(given())


def test_an_interface_that_nobody_looks_at_any_more_is_left() -> None:
    async def given() -> None:
        engine, clock = Engine(), [0.0]
        shared = Adverts(engine, lambda: clock[0])
        shared.look(["LAN1"])
        clock[0] = LEASE  # by then nobody has looked again
        await until(lambda: not shared.followed)
        assert engine.followed == engine.left
        shared.look(["LAN1"])
        await until(lambda: shared.look(["LAN1"]))
        await shared.close()

    asyncio.run(given())


def test_a_clusterd_that_is_away_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adverts, "_AGAIN", 0.0)

    async def given() -> None:
        engine = Engine()
        engine.away = True
        shared = Adverts(engine)
        for _ in range(20):
            assert shared.look(["LAN1"]) == {}
            await asyncio.sleep(0)
        engine.away = False
        await until(lambda: shared.look(["LAN1"]))
        await shared.close()

    asyncio.run(given())
