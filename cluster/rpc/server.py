"""clusterd's socket: who may ask, in which role, how long, and how much at once.

Each connection is served by one task, so a client that does not read stalls only itself. A request is
carried out to its end even when its client lost patience or hung up: half an update would be worse than one
nobody waits for. The order of the checks: peer credentials (kernel), frame, schema, role, deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, Protocol

from cluster.errors import ClusterError, NotAuthorisedError, ProtocolError, UnreachableError
from cluster.peer import Peer, peer_of
from cluster.rpc.framing import FrameDecoder, pack, unpack_request
from cluster.rpc.messages import (
    OF_THE_SHELL,
    READ_ONLY,
    STREAMS,
    Actor,
    AnyAnswer,
    AnyAsk,
    Capture,
    Done,
    Events,
    Failure,
    FollowAdverts,
    FollowEvents,
    GetConfig,
    Reply,
    Request,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from cluster.model import Role

    Stream = FollowEvents | FollowAdverts

_LOG = logging.getLogger("clusterd")
_CHUNK = 64 * 1024
_LINGER = 1.0
"""Seconds a client has to read its last answer."""


class Limits(NamedTuple):
    """What a client may take.

    Attributes:
        connections: open at once; one more is told so and closed.
        in_flight: requests carried out at once, over all connections.
        deadline: longest patience a request may ask for, seconds.
        stall: how long a begun frame may stay unfinished, or a reply unread, seconds.
        review: seconds after which it is looked at again whether a stream may go on in which nothing happens.
    """

    connections: int = 128
    in_flight: int = 64
    deadline: float = 600.0
    stall: float = 30.0
    review: float = 5.0


class Handler(Protocol):
    """What stands behind the socket: the manager."""

    async def answer(self, ask: AnyAsk, actor: Actor) -> AnyAnswer:
        """Carry out one request.

        Raises:
            ClusterError: why not; it travels to the client as a `Failure`.
        """

    def follow(self, ask: Stream, actor: Actor) -> AsyncGenerator[Events | Done | Capture, None]:
        """Answers to one request of `STREAMS`, until the client hangs up."""


class Server:
    """Listens on a unix socket and hands permitted requests to a handler.

    Args:
        path: of the socket; what a dead daemon left there is replaced.
        handler: carries requests out.
        allowed: says whether a peer may speak at all.
        limits: what clients may take.
        standing: the role in which an actor is served, whatever role the shell host says they have; raises
            NotAuthorisedError.
        hindrance: why an actor may only look for now, in whatever role; empty where nothing hinders them.
        refused: told of everybody whose role does not allow what they ask.
    """

    def __init__(
        self,
        path: Path,
        handler: Handler,
        allowed: Callable[[Peer], bool],
        limits: Limits | None = None,
        *,
        standing: Callable[[Actor], Role] = attrgetter("role"),
        hindrance: Callable[[Actor], str] = lambda _actor: "",
        refused: Callable[[AnyAsk, Actor], None] | None = None,
    ) -> None:
        self._path = path
        self._handler = handler
        self._allowed = allowed
        self._limits = limits or Limits()
        self._standing = standing
        self._hindrance = hindrance
        self._refused = refused
        self._listener: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._work: set[asyncio.Task[AnyAnswer]] = set()

    async def start(self, group: int | None = None) -> None:
        """Listen, mode 0660.

        Args:
            group: gid that may open the socket (the shell host's), besides our own user.

        Raises:
            OSError: the socket cannot be made.
        """
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._path.unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            listener.bind(str(self._path))
        finally:
            os.umask(mask)
        if group is not None:
            with contextlib.suppress(OSError):  # not mapped in this user namespace: that user cannot exist here
                os.chown(self._path, -1, group)
        self._path.chmod(0o660)
        self._listener = await asyncio.start_unix_server(self._accepted, sock=listener)

    async def close(self) -> None:
        """Stop listening, let the requests under way end, and hang up on everybody."""
        if self._listener is not None:
            self._listener.close()
        if self._work:
            await asyncio.wait(self._work, timeout=self._limits.stall)
        for connection in self._connections:
            connection.cancel()
        if self._connections:
            await asyncio.wait(self._connections)
        self._path.unlink(missing_ok=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._connection(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, from its first byte to its last."""
        try:
            try:
                self._admit(writer)
                await self._serve(reader, writer)
            except ClusterError as error:  # concerns the connection, not one request: said with id 0
                await self._send(writer, 0, _failure(error))
        except (ConnectionError, TimeoutError):
            _LOG.debug("a client hung up in the middle, or does not read")
        finally:
            await self._hang_up(reader, writer)

    async def _hang_up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Close so that the client can still read its last answer, unless it does not read at all.

        Closing at once would lose that answer: what the client was just sending would meet a closed socket.
        """
        try:
            async with asyncio.timeout(_LINGER):
                if writer.can_write_eof():
                    writer.write_eof()
                while await reader.read(_CHUNK):
                    pass
        except (OSError, TimeoutError):
            _LOG.debug("a client did not hang up when told so")
        finally:
            writer.transport.abort()

    def _admit(self, writer: asyncio.StreamWriter) -> None:
        peer = peer_of(writer.get_extra_info("socket"))
        if not self._allowed(peer):
            _LOG.warning("refused a connection of uid %d, pid %d", peer.uid, peer.pid)
            raise NotAuthorisedError(f"user {peer.uid} may not speak to clusterd")
        if len(self._connections) > self._limits.connections:
            raise UnreachableError(f"clusterd serves {self._limits.connections} connections already")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests of one client, one after the other.

        Raises:
            ProtocolError: the client broke framing or schema.
        """
        decoder = FrameDecoder()
        overdue: float | None = None
        while True:
            async with asyncio.timeout_at(overdue):
                chunk = await reader.read(_CHUNK)
            if not chunk:
                return
            decoder.feed(chunk)
            for payload in decoder.frames():
                overdue = None
                request = unpack_request(payload)
                if isinstance(request.ask, STREAMS):
                    await self._stream(request, request.ask, reader, writer)
                    return
                await self._send(writer, request.id, await self._answer(request))
            if decoder.in_frame and overdue is None:
                overdue = asyncio.get_running_loop().time() + self._limits.stall

    async def _answer(self, request: Request) -> AnyAnswer:
        patience = min(max(request.deadline, 0.0), self._limits.deadline)
        try:
            self._check_role(request.ask, request.actor)
            self._check_load()
            work = asyncio.create_task(self._handler.answer(request.ask, request.actor))
            self._work.add(work)
            work.add_done_callback(self._finished)
            async with asyncio.timeout(patience):
                return await asyncio.shield(work)
        except TimeoutError:
            return _failure(UnreachableError(f"not done within {patience:g} s; it goes on in the background"))
        except ClusterError as error:
            return _failure(error)
        except Exception:  # noqa: BLE001 - a defect of ours: one request fails, the daemon and its other clients go on
            _LOG.exception("request %s of %s failed", type(request.ask).__name__, request.actor.user)
            return _failure(ClusterError("internal error of clusterd; its log has the details"))

    def _check_role(self, ask: AnyAsk, actor: Actor) -> None:
        if isinstance(ask, OF_THE_SHELL):
            return
        try:
            _require(ask, actor, self._standing(actor), self._hindrance)
        except NotAuthorisedError:
            if self._refused is not None:
                self._refused(ask, actor)
            raise

    def _check_load(self) -> None:
        if len(self._work) >= self._limits.in_flight:
            raise UnreachableError(f"clusterd works on {self._limits.in_flight} requests already")

    def _finished(self, work: asyncio.Task[AnyAnswer]) -> None:
        self._work.discard(work)
        if not work.cancelled():
            work.exception()  # seen here, so that asyncio does not complain when the client is gone

    async def _stream(
        self, request: Request, ask: Stream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answers to one client until it hangs up (or sends anything: the stream is all there is from here).

        Whoever may see no more, because the account is gone, is told so: with the next answer, and where nothing
        happens after `Limits.review`.

        Raises:
            NotAuthorisedError: the client may not see this, or no longer.
        """
        self._check_role(ask, request.actor)
        hung_up = asyncio.create_task(reader.read(1))
        pump = asyncio.create_task(self._pump(request, ask, writer))
        try:
            watched, review = (hung_up, pump), self._limits.review
            while not (await asyncio.wait(watched, timeout=review, return_when=asyncio.FIRST_COMPLETED))[0]:
                self._check_role(ask, request.actor)
            if pump.done():
                pump.result()
        finally:
            hung_up.cancel()
            pump.cancel()

    async def _pump(self, request: Request, ask: Stream, writer: asyncio.StreamWriter) -> None:
        async with contextlib.aclosing(self._handler.follow(ask, request.actor)) as stream:
            async for answer in stream:
                self._check_role(ask, request.actor)
                await self._send(writer, request.id, answer)

    async def _send(self, writer: asyncio.StreamWriter, request_id: int, answer: AnyAnswer) -> None:
        try:
            frame = pack(Reply(id=request_id, answer=answer))
        except ProtocolError as error:
            frame = pack(Reply(id=request_id, answer=_failure(error)))
        writer.write(frame)
        async with asyncio.timeout(self._limits.stall):
            await writer.drain()


def _require(ask: AnyAsk, actor: Actor, role: Role, hindrance: Callable[[Actor], str]) -> None:
    reveals = isinstance(ask, GetConfig) and ask.secrets
    if not reveals and isinstance(ask, READ_ONLY):
        return
    if role != "admin":
        raise NotAuthorisedError(f"the account {actor.user} has the role {role}, which may only look")
    if reason := hindrance(actor):
        raise NotAuthorisedError(reason)


def _failure(error: ClusterError) -> Failure:
    return Failure(code=error.code, message=error.message, details=error.details)
