"""The manager's end of the engine's control socket (cluster/vrrp/control.py): requests, replies, events."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cluster.errors import ProtocolError, RefusedError, UnreachableError
from cluster.vrrp.control import MAX_PACKET

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cluster.engine.settings import Document

_EVENT_KEYS = frozenset(("n", "at", "kind", "text"))
REPLY_PATIENCE = 2.0
"""Seconds an engine may take to answer; it answers within a loop turn."""


async def connected(path: Path) -> socket.socket:
    """A non-blocking socket, connected to the engine.

    Raises:
        UnreachableError: no engine listens at `path`.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connection, str(path))
    except OSError as error:
        connection.close()
        raise UnreachableError(f"the engine cannot be reached: {error.strerror}") from error
    return connection


class EngineLink:
    """A connection to the running engine.

    Args:
        connection: a connected, non-blocking SOCK_SEQPACKET socket.
        on_event: called with the content of each ``event`` packet, in order.
        patience: for each reply, seconds.
    """

    def __init__(
        self, connection: socket.socket, on_event: Callable[[Document], None], patience: float = REPLY_PATIENCE
    ) -> None:
        self._socket = connection
        self._on_event = on_event
        self._patience = patience
        self._asking = asyncio.Lock()
        self._reply: asyncio.Future[Document] | None = None

    @classmethod
    async def connect(
        cls, path: Path, on_event: Callable[[Document], None], patience: float = REPLY_PATIENCE
    ) -> EngineLink:
        """Connect to a running engine; the arguments are those of the class.

        Raises:
            UnreachableError: no engine listens at `path`.
        """
        return cls(await connected(path), on_event, patience)

    async def ask(self, do: str, **fields: Any) -> Document:
        """Send one request and wait for its reply.

        Raises:
            RefusedError: the engine says no, and why.
            UnreachableError: the engine is gone, or took too long; the link is unusable then.
        """
        # Whoever asks may be cancelled; the reply comes all the same, and must not pass for the next one's.
        return await asyncio.shield(self._exchange(do, fields))

    async def _exchange(self, do: str, fields: Document) -> Document:
        async with self._asking:
            loop = asyncio.get_running_loop()
            self._reply = loop.create_future()
            try:
                async with asyncio.timeout(self._patience):
                    await loop.sock_sendall(self._socket, json.dumps({"do": do, **fields}).encode())
                    reply = await self._reply
            except TimeoutError:
                self.hang_up()
                raise UnreachableError(f"the engine did not answer within {self._patience:g} s") from None
            except OSError as error:
                raise UnreachableError(f"the engine is gone: {error.strerror}") from error
            finally:
                self._reply = None
        if "error" in reply:
            raise RefusedError(str(reply["error"]))
        return reply

    async def receive(self) -> None:
        """Read packets until the engine hangs up; must run for `ask` to get replies.

        Raises:
            ProtocolError: the engine sent something that is no packet of the contract.
        """
        loop = asyncio.get_running_loop()
        try:
            while packet := await loop.sock_recv(self._socket, MAX_PACKET):
                self._take(decode(packet))
        except ConnectionError:
            return  # killed in the middle: the same as hanging up
        finally:
            self._socket.close()
            if self._reply is not None and not self._reply.done():
                self._reply.set_exception(UnreachableError("the engine ended before it answered"))

    def hang_up(self) -> None:
        """End the conversation; `receive` returns then. The engine does not mind."""
        with suppress(OSError):  # hung up already
            self._socket.shutdown(socket.SHUT_RDWR)

    def _take(self, packet: Document) -> None:
        if "event" in packet:
            self._on_event(packet["event"])
        elif self._reply is not None and not self._reply.done():
            self._reply.set_result(packet)


def decode(packet: bytes) -> Document:
    """The content of one packet of the engine.

    Raises:
        ProtocolError: it is no packet of the contract.
    """
    try:
        content = json.loads(packet)
    except ValueError as error:
        raise ProtocolError(f"the engine sent no JSON: {error}") from error
    if not isinstance(content, dict):
        raise ProtocolError("the engine sent a packet that is no object")
    event = content.get("event", {})
    if event and not (isinstance(event, dict) and event.keys() >= _EVENT_KEYS):
        raise ProtocolError(f"the engine sent an event without one of {', '.join(sorted(_EVENT_KEYS))}")
    return content
