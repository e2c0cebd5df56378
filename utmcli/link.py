"""The shell host's way to clusterd: connections for all sessions, made anew when clusterd was restarted."""

from __future__ import annotations

from collections import Counter
from contextlib import aclosing, nullcontext
from functools import partial
from typing import TYPE_CHECKING

from cluster.errors import RefusedError
from cluster.rpc.client import SOCKET_FILE, Client
from cluster.rpc.messages import (
    READ_ONLY,
    ChangePassword,
    CheckPassword,
    GetAudit,
    GetLastLogin,
    GetLogin,
    NoteCommands,
)
from utmcli.adverts import Adverts
from utmcli.outlook import Outlook
from utmcli.turns import Turns

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from contextlib import AbstractAsyncContextManager

    from cluster.rpc.messages import (
        Actor,
        AnyAnswer,
        AnyAsk,
        Ask,
        Capture,
        Done,
        Events,
        FollowAdverts,
        FollowEvents,
    )

_IDLE = 8
"""Connections kept for the next question."""
_AT_ONCE = 8
"""Questions that only look and are with clusterd at the same time: it answers each at once, one after the other."""
_LINES = 2
"""Lines that keep this process busy at the same time: an account with a hundred sessions holds nobody else up."""
_PASSWORDS = 2
"""Changes of passwords that are with clusterd at the same time: each costs it a tenth of a second."""
STREAMS_EACH, STREAMS = 16, 64
"""Streams of one account, and of all, at the same time: clusterd serves 128 connections, and others need some."""
_CHANGE_NOTHING: tuple[type[Ask], ...] = (*READ_ONLY, GetAudit, GetLogin, CheckPassword, GetLastLogin, NoteCommands)


class Link:
    """Connections to clusterd, each carrying one question at a time.

    clusterd answers the questions of a connection in order. One connection for everybody would let a
    session that waits for a synchronisation hold up all others.

    Args:
        run_dir: directory of clusterd's socket.

    Attributes:
        changes: requests so far that may have changed something.
        outlook: what prompts tell.
        adverts: as they pass, for whoever looks.
        lines: whose line begins next.
    """

    def __init__(self, run_dir: str) -> None:
        self._path = f"{run_dir}/{SOCKET_FILE}"
        self._idle: list[Client] = []
        self._turns = Turns(_AT_ONCE)
        self._passwords = Turns(_PASSWORDS)
        self._followed: Counter[str] = Counter()
        self.lines = Turns(_LINES)
        self.changes = 0
        self.outlook = Outlook(self)
        self.adverts = Adverts(self)

    async def ask(self, ask: AnyAsk, actor: Actor, deadline: float) -> AnyAnswer:
        """One question and its answer.

        Args:
            ask: the question.
            actor: whose it is.
            deadline: patience, seconds.

        Raises:
            ClusterError: what clusterd answered instead.
            UnreachableError: there is no clusterd, or it does not answer in time.
        """
        if isinstance(ask, ChangePassword):
            return await self._passwords.finish(actor.user, partial(self._ask, ask, actor, deadline))
        async with self._turn(ask, actor):
            return await self._ask(ask, actor, deadline)

    def _turn(self, ask: AnyAsk, actor: Actor) -> AbstractAsyncContextManager[None]:
        """What every account may ask stands in line: none of them takes all that clusterd works on at once."""
        return self._turns.turn(actor.user) if isinstance(ask, READ_ONLY) else nullcontext()

    async def _ask(self, ask: AnyAsk, actor: Actor, deadline: float) -> AnyAnswer:
        client = await self._connection()
        answered = False
        try:
            answer = await client.ask(ask, actor, deadline)
            answered = True
            return answer
        finally:
            self.changes += not isinstance(ask, _CHANGE_NOTHING)
            # An answer that is still to come would hold up the next question: such a connection is not used again.
            await self._release(client, usable=answered)

    async def follow(
        self, ask: FollowEvents | FollowAdverts, actor: Actor
    ) -> AsyncGenerator[Events | Done | Capture, None]:
        """A question whose answers keep coming, until the caller stops iterating.

        Raises:
            ClusterError: what clusterd answered instead.
            RefusedError: so many are followed already.
            UnreachableError: there is no clusterd, or it went away.
        """
        if self._followed[actor.user] >= STREAMS_EACH or self._followed.total() >= STREAMS:
            raise RefusedError(
                f"{self._followed[actor.user]} sessions of this account and {self._followed.total()} in all follow "
                f"something already; {STREAMS_EACH} and {STREAMS} may"
            )
        self._followed[actor.user] += 1
        try:
            client = await self._connection()
            try:
                async with aclosing(client.follow(ask, actor)) as stream:
                    async for answer in stream:
                        yield answer
            finally:
                await self._release(client, usable=True)
        finally:
            self._followed[actor.user] -= 1
            self._followed += Counter()  # drops accounts with none

    async def close(self) -> None:
        """Hang up all connections that no session waits for."""
        await self.adverts.close()
        while self._idle:
            await self._idle.pop().close()

    async def _connection(self) -> Client:
        while self._idle:
            client = self._idle.pop()
            if client.connected:
                return client
            await client.close()
        return await Client.connect(self._path)

    async def _release(self, client: Client, *, usable: bool) -> None:
        if usable and client.connected and len(self._idle) < _IDLE:
            self._idle.append(client)
        else:
            await client.close()
