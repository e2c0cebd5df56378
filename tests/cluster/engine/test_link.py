"""The control socket from the manager's end, against an engine that the test plays."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from cluster.engine.link import EngineLink
from cluster.errors import ProtocolError, RefusedError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine
    from pathlib import Path


class PlayedEngine:
    """The engine's end of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()

    async def hear(self) -> dict[str, Any]:
        return json.loads(await self._loop.sock_recv(self._connection, 65536))

    async def say(self, packet: Any) -> None:
        await self._loop.sock_sendall(self._connection, packet if isinstance(packet, bytes) else _encoded(packet))

    def die(self) -> None:
        self._connection.close()


def _encoded(packet: Any) -> bytes:
    return json.dumps(packet).encode()


@asynccontextmanager
async def linked(
    path: Path, patience: float = 5.0
) -> AsyncIterator[tuple[EngineLink, PlayedEngine, list[Any], asyncio.Task[None]]]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.setblocking(False)
        events: list[Any] = []
        link = await EngineLink.connect(path, events.append, patience)
        connection, _address = await asyncio.get_running_loop().sock_accept(listener)
        connection.setblocking(False)
        receiving = asyncio.create_task(link.receive())
        engine = PlayedEngine(connection)
        try:
            yield link, engine, events, receiving
        finally:
            engine.die()
            with suppress(ProtocolError):
                await receiving


def run(scenario: Coroutine[None, None, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 20))


def test_a_request_gets_its_reply_though_events_come_in_between(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with linked(tmp_path / "sock") as (link, engine, events, _receiving):
            asking = asyncio.create_task(link.ask("switch", force=True))
            assert await engine.hear() == {"do": "switch", "force": True}
            event = {"n": 1, "at": 5.0, "kind": "resumed", "text": "in between"}
            await engine.say({"event": event})
            await engine.say({"re": "switch"})
            assert await asking == {"re": "switch"}
            assert events == [event]

    run(scenario())


def test_requests_wait_for_each_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with linked(tmp_path / "sock") as (link, engine, _events, _receiving):
            first = asyncio.create_task(link.ask("status"))
            second = asyncio.create_task(link.ask("reload"))
            assert (await engine.hear())["do"] == "status"
            await engine.say({"re": "status", "status": {}})
            assert await first == {"re": "status", "status": {}}
            assert (await engine.hear())["do"] == "reload"
            await engine.say({"re": "reload"})
            assert await second == {"re": "reload"}

    run(scenario())


def test_the_reply_to_a_request_that_was_cancelled_is_not_taken_for_that_of_the_next(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with linked(tmp_path / "sock") as (link, engine, _events, _receiving):
            first = asyncio.create_task(link.ask("partner"))
            second = asyncio.create_task(link.ask("status"))
            assert (await engine.hear())["do"] == "partner"
            first.cancel()
            await asyncio.wait((first,))
            await engine.say({"re": "partner"})
            assert (await engine.hear())["do"] == "status"
            await engine.say({"re": "status", "status": {}})
            assert await second == {"re": "status", "status": {}}

    run(scenario())


def test_the_engines_no_is_a_refusal_in_its_own_words(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with linked(tmp_path / "sock") as (link, engine, _events, _receiving):
            asking = asyncio.create_task(link.ask("switch"))
            await engine.hear()
            await engine.say({"re": "switch", "error": "only the master can hand over"})
            with pytest.raises(RefusedError, match="only the master can hand over"):
                await asking

    run(scenario())


def test_an_engine_that_dies_in_the_middle_is_unreachable(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with linked(tmp_path / "sock") as (link, engine, _events, receiving):
            asking = asyncio.create_task(link.ask("status"))
            await engine.hear()
            engine.die()
            with pytest.raises(UnreachableError, match="ended before it answered"):
                await asking
            await receiving
            with pytest.raises(UnreachableError):
                await link.ask("status")

    run(scenario())


def test_an_engine_that_does_not_answer_is_hung_up_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with linked(tmp_path / "sock", 0.05) as (link, _engine, _events, receiving):
            with pytest.raises(UnreachableError, match=r"within 0\.05 s"):
                await link.ask("status")
            await receiving

    run(scenario())


@pytest.mark.parametrize("packet", [b"{", b"[]", b"\xff\xfe", b'{"event": 1}', b'{"event": {"n": 1}}'])
def test_a_packet_outside_the_contract_is_a_protocol_error(tmp_path: Path, packet: bytes) -> None:
    async def scenario() -> None:
        async with linked(tmp_path / "sock") as (_link, engine, _events, receiving):
            await engine.say(packet)
            with pytest.raises(ProtocolError):
                await receiving

    run(scenario())


def test_no_engine_is_unreachable(tmp_path: Path) -> None:
    async def scenario() -> None:
        with pytest.raises(UnreachableError, match="cannot be reached"):
            await EngineLink.connect(tmp_path / "nothing", print)

    run(scenario())
