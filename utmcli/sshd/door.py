"""One SSH connection: who knocks, whether they are let in, and what they may then ask for."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import asyncssh

from cluster.rpc.messages import Actor, Login
from utmcli.sshd.channel import Channel, Visitor
from utmcli.sshd.entrance import source_of

if TYPE_CHECKING:
    from utmcli.sshd.house import House

_LOG = logging.getLogger("utmcli")

MAX_PASSWORDS = 3
"""Wrong passwords of a connection; asyncssh itself would let a client try on for ever."""
MAX_KEYS = 32
"""Keys that a client may offer; an agent may hold many."""
MAX_CONNECTIONS = 64
"""Open connections of an account."""
MAX_SESSIONS = 64
"""Open sessions of an account."""
NEXT_SESSION = 5.0
"""Seconds after a login, or after the last session of a connection, in which another one may be expected."""
_FAREWELL = 1.0
"""Seconds in which sessions that are ended say so, and in which the client then hangs up by itself."""


class Door(asyncssh.SSHServer):  # type: ignore[misc] # asyncssh is not followed by mypy, see pyproject.toml
    """What asyncssh asks about one connection. Whatever is not allowed here is refused by its defaults.

    Args:
        house: what connections share.
        number: of this one.
        doors: all of them by number; this one puts itself in, and takes itself out.
    """

    def __init__(self, house: House, number: int, doors: dict[int, Door]) -> None:
        self._house = house
        self._number = number
        self._doors = doors
        self._connection: Any = None
        self._source = ""
        self._address = ""
        self._name = ""
        self._login: Login | None = None
        self._passwords = 0
        self._keys = 0
        self._initial: str | None = None
        self._visitor: Visitor | None = None
        self._idling: asyncio.TimerHandle | None = None

    def connection_made(self, conn: Any) -> None:
        """Somebody knocks."""
        self._connection = conn
        self._address = str(conn.get_extra_info("peername")[0]).removeprefix("::ffff:")
        self._source = source_of(self._address)
        self._doors[self._number] = self
        leaving = self._house.arrive(self._number, self._source)
        if leaving is not None:
            self._doors[leaving].turn_away()

    def connection_lost(self, _exc: Exception | None) -> None:
        """They are gone."""
        self._house.entrance.leave(self._number)
        self._doors.pop(self._number, None)
        if self._idling is not None:
            self._idling.cancel()
        if self._visitor is not None:
            self._house.connections[self._visitor.actor.user] -= 1
            self._house.connections += type(self._house.connections)()  # drops accounts with none

    def turn_away(self) -> None:
        """Close the connection without a word."""
        self._connection.abort()

    def hang_up(self) -> None:
        """Close the connection once everything is said."""
        self._connection.close()

    # --- who they are -------------------------------------------------------------------------------

    async def begin_auth(self, username: str) -> bool:
        """A name was said; everybody has to prove it."""
        self._name = username
        login = await self._house.login(username)
        here = str(self._connection.get_extra_info("sockname")[0]).removeprefix("::ffff:")
        self._login = login if login.enabled and here != login.hotwire else None
        return True

    def password_auth_supported(self) -> bool:
        """Passwords are."""
        return True

    def public_key_auth_supported(self) -> bool:
        """Keys are."""
        return True

    def kbdint_auth_supported(self) -> bool:
        """A password asked for in words is a password, no way of its own."""
        return False

    async def validate_public_key(self, _username: str, key: Any) -> bool:
        """Whether the account may log in with this key; asyncssh checks that its owner holds it."""
        self._keys += 1
        if self._keys > MAX_KEYS:
            self._refuse(f"more than {MAX_KEYS} keys were offered")
            return False
        offered = " ".join(key.export_public_key("openssh").decode("ascii", "replace").split()[:2])
        self._initial = None
        return self._login is not None and offered in self._login.keys

    async def validate_password(self, username: str, password: str) -> bool:
        """Whether this is the account's password; it takes its time, and more with every wrong one."""
        self._passwords += 1
        self._house.entrance.guessed(self._number)
        if self._passwords > MAX_PASSWORDS:
            return False
        login = self._login
        exists = login is not None and login.exists
        verdict = await self._house.check(username, password, self._source, exists=exists)
        if verdict.right and login is not None:
            self._initial = password if verdict.must_change else None
            return True
        if self._passwords >= MAX_PASSWORDS:
            self._refuse("too many wrong passwords")
        return False

    def auth_completed(self) -> None:
        """They are let in."""
        self._house.let_in(self._number, self._source)
        login = self._login
        if login is None or self._house.connections[self._name] >= MAX_CONNECTIONS:
            self._refuse(f"{MAX_CONNECTIONS} connections of this account are open already")
            return
        self._house.connections[self._name] += 1
        actor = Actor(user=self._name, source=f"ssh {self._address}", role=login.role)
        self._visitor = Visitor(actor, login.idle_timeout, self._initial)
        self._hear_whether_idle()

    @property
    def visitor(self) -> Visitor | None:
        """Who was let in; None for whoever has not logged in."""
        return self._visitor

    @property
    def is_arriving(self) -> bool:
        """Whether they are logging in, or may be about to open a session."""
        visitor = self._visitor
        return visitor is None or time.monotonic() - visitor.touched < NEXT_SESSION

    async def dismiss(self, reason: str, code: int) -> None:
        """End all sessions, each with a word to its user, and then the connection.

        Args:
            reason: why.
            code: the exit code of the sessions.
        """
        channels = tuple(self._visitor.channels) if self._visitor is not None else ()
        ending = [task for channel in channels if (task := channel.dismiss(reason, code)) is not None]
        if ending:
            await asyncio.wait(ending, timeout=_FAREWELL)
            with suppress(TimeoutError):  # OpenSSH drops what it has not shown yet if it is hung up on
                await asyncio.wait_for(self._connection.wait_closed(), _FAREWELL)
        self.hang_up()

    def _hear_whether_idle(self) -> None:
        """End a connection that has carried no session for as long as one may be idle; those end by themselves."""
        visitor = self._visitor
        if visitor is None or not visitor.idle_timeout:
            return
        now = time.monotonic()
        left = visitor.idle_timeout if visitor.channels else visitor.touched + visitor.idle_timeout - now
        if left > 0:  # looked at once a timeout at most
            self._idling = asyncio.get_running_loop().call_later(left, self._hear_whether_idle)
        else:
            reason = f"no session for {visitor.idle_timeout} s"
            self._connection.disconnect(asyncssh.DISC_BY_APPLICATION, reason)

    def _refuse(self, reason: str) -> None:
        """Say why and hang up, once asyncssh has said what it is about to say."""
        asyncio.get_running_loop().call_soon(
            self._connection.disconnect, asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, reason
        )

    # --- what they want -----------------------------------------------------------------------------

    async def session_requested(self) -> Channel:
        """A channel for a shell or a command. Counted as soon as this returns: a burst gets no more than its share.

        Raises:
            asyncssh.ChannelOpenError: the account has too many.
        """
        visitor = self._visitor
        if visitor is None or self._house.sessions[visitor.actor.user] >= MAX_SESSIONS:
            raise asyncssh.ChannelOpenError(
                asyncssh.OPEN_RESOURCE_SHORTAGE, f"{MAX_SESSIONS} sessions of this account are open already"
            )
        return Channel(self._house, visitor)

    def connection_requested(self, *_where: object) -> bool:
        """Nothing is forwarded to anywhere.

        Raises:
            asyncssh.ChannelOpenError: always.
        """
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "nothing is forwarded here")

    def unix_connection_requested(self, *_where: object) -> bool:
        """The same for local sockets.

        Raises:
            asyncssh.ChannelOpenError: always.
        """
        return self.connection_requested()
