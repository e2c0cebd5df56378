"""Who is refused at the hotwire is named in the log, and cannot fill it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from cluster.hotwire.complaints import EVERY, KEPT, Complaints
from cluster.hotwire.protocol import PORT
from tests.support import netns
from tests.support.hotwire import End

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.netns import Namespace

MANY = 20


def test_callers_who_alternate_are_said_once_a_minute_each() -> None:
    complaints = Complaints()

    said = [complaints.line(caller, f"{caller} calls", float(number)) for number in range(MANY) for caller in "ab"]

    assert [line for line in said if line] == ["a calls", "b calls"]


def test_after_a_minute_it_is_said_again_with_how_often_it_happened() -> None:
    complaints = Complaints()
    for number in range(MANY):
        complaints.line("a", "a calls", float(number))

    assert complaints.line("a", "a calls", EVERY - 1) is None
    assert complaints.line("a", "a calls", EVERY) == f"a calls ({MANY} times more since that was said last)"


def test_ever_new_callers_take_neither_memory_nor_more_lines() -> None:
    complaints = Complaints()

    said = [line for number in range(10_000) if (line := complaints.line(f"{number}", f"{number} calls", 1.0))]

    assert said == [
        *(f"{number} calls" for number in range(KEPT)),
        f"there are more than {KEPT} such callers; the others are not named for a minute",
    ]
    assert len(complaints._said) == KEPT
    assert complaints.line("late", "late calls", 1.0 + EVERY) == "late calls", "there is room again"


@pytest.fixture
def cable() -> Iterator[Namespace]:
    namespace = netns.Namespace()
    with namespace.inside():
        yield namespace
    namespace.close()


@pytest.mark.netns
@pytest.mark.skipif(netns.why_not() is not None, reason=str(netns.why_not()))
def test_two_strangers_who_call_in_turn_are_each_named_once(
    cable: Namespace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    partner = End(tmp_path / "partner", "127.0.0.1", "127.0.0.2")
    server = End(tmp_path / "server", "127.0.0.2", "127.0.0.1")

    async def call(address: str) -> None:
        """Until it was refused."""
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.2", PORT, local_addr=(address, 0))
            except ConnectionRefusedError:  # it does not listen yet
                await asyncio.sleep(0.05)
                continue
            assert b"this address is not the partner's" in await asyncio.wait_for(reader.read(), 30)
            writer.close()
            return

    async def story() -> None:
        server.link.configure(server.settings(partner.public))
        async with server.running():
            for _ in range(5):
                await call("127.0.0.8")
                await call("127.0.0.9")

    with caplog.at_level(logging.WARNING, "clusterd"):
        asyncio.run(story())

    refused = [record.getMessage() for record in caplog.records if "is refused" in record.getMessage()]
    assert refused == [
        f"hotwire: a connection from 127.0.0.{last} is refused: it is not the partner's address" for last in (8, 9)
    ]
