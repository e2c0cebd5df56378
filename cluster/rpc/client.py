"""The client's end of clusterd's socket: one connection, any number of requests, errors as exceptions.

Imports little (msgspec and asyncio), since the shell host and one-shot commands wait for it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from cluster.errors import ClusterError, ProtocolError, UnreachableError, by_code
from cluster.rpc.framing import FrameDecoder, pack, unpack_reply
from cluster.rpc.messages import (
    Actor,
    AnyAnswer,
    AnyAsk,
    Capture,
    Done,
    Events,
    Failure,
    FollowAdverts,
    FollowEvents,
    Request,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from os import PathLike

SOCKET_FILE = "clusterd.sock"
"""Name of clusterd's socket in the run directory."""

_CHUNK = 64 * 1024
_GRACE = 1.0
"""Seconds beyond the deadline for clusterd to say itself that it was too slow."""


def raised(failure: Failure) -> ClusterError:
    """The exception that a `Failure` stands for."""
    return by_code(failure.code)(failure.message, failure.details)


class Client:
    """A connection to clusterd. Requests may overlap; clusterd answers those of one connection in order.

    Use `Client.connect`; as an async context manager it closes itself.
    """

    def __init__(self, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._path = path
        self._reader = reader
        self._writer = writer
        self._waiting: dict[int, asyncio.Future[AnyAnswer]] = {}
        self._last_id = 0
        self._ended: ClusterError | None = None
        self._receiver = asyncio.create_task(self._receive())

    @classmethod
    async def connect(cls, path: str | PathLike[str]) -> Client:
        """Connect to the socket at `path`.

        Raises:
            UnreachableError: no daemon listens there, or it may not be reached by this user.
        """
        reader, writer = await _open(str(path))
        return cls(str(path), reader, writer)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    @property
    def connected(self) -> bool:
        """Whether requests can still be sent; once False it stays so, and a new connection is needed."""
        return self._ended is None

    async def ask(self, ask: AnyAsk, actor: Actor, deadline: float = 10.0) -> AnyAnswer:
        """Send one request and wait for its answer.

        Args:
            ask: the request.
            actor: whose wish it is.
            deadline: how long to wait, seconds.

        Raises:
            ClusterError: what clusterd answered instead, as the class of its code.
            UnreachableError: the connection ended, or no answer came within the deadline.
        """
        if self._ended is not None:
            raise self._ended
        self._last_id += 1
        request_id = self._last_id
        frame = pack(Request(id=request_id, actor=actor, ask=ask, deadline=deadline))
        answer: asyncio.Future[AnyAnswer] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = answer
        try:
            async with asyncio.timeout(deadline + _GRACE):
                self._writer.write(frame)
                with suppress(ConnectionError):  # the receiver says why, with every answer that still came
                    await self._writer.drain()
                got = await answer
        except TimeoutError:
            raise UnreachableError(f"clusterd did not answer within {deadline:g} s") from None
        finally:
            self._waiting.pop(request_id, None)
        if isinstance(got, Failure):
            raise raised(got)
        return got

    async def follow(
        self, ask: FollowEvents | FollowAdverts, actor: Actor
    ) -> AsyncGenerator[Events | Done | Capture, None]:
        """Events as they happen or adverts as they pass, until the caller stops iterating.

        The stream has a connection of its own.

        Raises:
            ClusterError: what clusterd answered instead.
            UnreachableError: the connection ended.
        """
        reader, writer = await _open(self._path)
        try:
            writer.write(pack(Request(id=1, actor=actor, ask=ask)))
            await writer.drain()
            decoder = FrameDecoder()
            while chunk := await reader.read(_CHUNK):
                decoder.feed(chunk)
                for payload in decoder.frames():
                    answer = unpack_reply(payload).answer
                    if isinstance(answer, Failure):
                        raise raised(answer)
                    if not isinstance(answer, Events | Done | Capture):
                        raise ProtocolError(f"clusterd sent {type(answer).__name__} into a stream")
                    yield answer
        except ConnectionError as error:
            raise UnreachableError(f"the connection to clusterd broke: {error}") from error
        finally:
            await _hang_up(writer)
        raise UnreachableError("clusterd ended the stream")

    async def close(self) -> None:
        """Hang up. Requests still waiting fail with UnreachableError."""
        self._receiver.cancel()
        with suppress(asyncio.CancelledError):
            await self._receiver
        await _hang_up(self._writer)

    async def _receive(self) -> None:
        """Hand each reply to the request that waits for it, until the connection ends."""
        ended: ClusterError = UnreachableError("the connection to clusterd is closed")
        try:
            decoder = FrameDecoder()
            while chunk := await self._reader.read(_CHUNK):
                decoder.feed(chunk)
                for payload in decoder.frames():
                    reply = unpack_reply(payload)
                    waiting = self._waiting.pop(reply.id, None)
                    if waiting is not None and not waiting.done():
                        waiting.set_result(reply.answer)
                    elif reply.id == 0 and isinstance(reply.answer, Failure):
                        ended = raised(reply.answer)  # said to the connection, not to one request
        except ConnectionError as error:
            ended = UnreachableError(f"the connection to clusterd broke: {error}")
        except ProtocolError as error:
            ended = error
        finally:
            self._ended = ended
            self._writer.close()
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(ended)


async def _open(path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        return await asyncio.open_unix_connection(path)
    except (FileNotFoundError, ConnectionRefusedError):
        raise UnreachableError(f"clusterd does not run: nothing listens on {path}") from None
    except OSError as error:
        raise UnreachableError(f"clusterd cannot be reached on {path}: {error.strerror}") from None


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
