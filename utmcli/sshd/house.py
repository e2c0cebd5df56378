"""What all SSH connections share: the way to clusterd, and what is known of those who came before."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from cluster.errors import ClusterError, ProtocolError
from cluster.rpc.messages import Actor, CheckPassword, GetLogin, Login, Verdict
from utmcli.sshd.entrance import Entrance
from utmcli.sshd.throttle import Throttle
from utmcli.turns import Turns

if TYPE_CHECKING:
    from itertools import count
    from pathlib import Path

    from utmcli.bulletin import Bulletin
    from utmcli.link import Link
    from utmcli.sshd.channel import Channel
    from utmcli.trail import Trail

_LOG = logging.getLogger("utmcli")

HOST = Actor(user="shell host", source="shell host", role="readonly")
WRONG = Verdict(right=False)
CHECKS = 4
"""Passwords that clusterd has at once, of which it looks at two; what else it is asked has to find room."""
MAX_WAITING = 32
"""Passwords that wait for their turn at clusterd; one more is refused unseen."""
MAX_NAME = 64
"""Characters of an account's name that are looked at."""
_PATIENCE = 30.0


class House:
    """One for the shell host.

    Args:
        link: to clusterd.
        trail: of what is typed.
        bulletin: by which sessions tell each other.
        histories: directory of lines typed before.
        numbers: of sessions, shared with those on the console.

    Attributes:
        sessions: open sessions by account.
        connections: those let in, by account.
        channels: those that are served now.
    """

    def __init__(
        self, link: Link, trail: Trail, bulletin: Bulletin, histories: Path, numbers: count[int]
    ) -> None:
        self.link = link
        self.trail = trail
        self.bulletin = bulletin
        self.histories = histories
        self.entrance = Entrance()
        self.sessions: Counter[str] = Counter()
        self.connections: Counter[str] = Counter()
        self.channels: set[Channel] = set()
        self._numbers = numbers
        self._throttle = Throttle()
        self._checks = Turns(CHECKS)

    def arrive(self, number: int, source: str) -> int | None:
        """Somebody connected, see `Entrance.arrive`."""
        now = time.monotonic()
        return self.entrance.arrive(number, source, now, suspect=self._throttle.suspects(source, now))

    def let_in(self, number: int, source: str) -> None:
        """Somebody logged in, with a password or a key."""
        self.entrance.leave(number)
        self._throttle.welcome(source)

    def number(self) -> str:
        """The number of a new session."""
        return str(next(self._numbers))

    async def login(self, name: str) -> Login:
        """What an account logs in with; while clusterd is away, nobody can."""
        try:
            return await self.known(name)
        except ClusterError as error:
            _LOG.warning("nobody can log in: %s", error.message)
            return Login(exists=False, enabled=False, idle_timeout=0, hotwire="")

    async def known(self, name: str) -> Login:
        """What is known of an account now.

        Raises:
            ClusterError: clusterd does not say.
        """
        answer = await self.link.ask(GetLogin(name[:MAX_NAME]), HOST, _PATIENCE)
        if not isinstance(answer, Login):
            raise ProtocolError(f"clusterd answered {type(answer).__name__} where Login was expected")
        return answer

    async def check(self, name: str, password: str, source: str, *, exists: bool) -> Verdict:
        """Whether a password is right, after as long as it has to wait.

        Args:
            name: of the account.
            password: as sent.
            source: see `entrance.source_of`.
            exists: there is such an account; for the log, which must not hold what may be a mistyped password.
        """
        name = name[:MAX_NAME]
        wait = self._throttle.wait(name, source, time.monotonic())
        if wait is None:
            return WRONG
        await asyncio.sleep(wait)
        if self._checks.waiting >= MAX_WAITING:
            return WRONG
        # Whoever hangs up during the check takes nothing back: clusterd goes on with it, and a wrong one counts.
        return await self._checks.finish(HOST.user, partial(self._check, name, password, source, exists=exists))

    async def _check(self, name: str, password: str, source: str, *, exists: bool) -> Verdict:
        try:
            verdict = await self.link.ask(CheckPassword(name, password), HOST, _PATIENCE)
        except ClusterError as error:
            _LOG.warning("a password cannot be checked: %s", error.message)
            return WRONG
        if isinstance(verdict, Verdict) and verdict.right:
            self._throttle.right(name, source)
            return verdict
        self._note_wrong(name, source, exists=exists)
        return WRONG

    def _note_wrong(self, name: str, source: str, *, exists: bool) -> None:
        """In the log and the audit, for the 1st, 2nd, 4th, 8th .. in a row: a flood must not wash away the rest."""
        times = self._throttle.wrong(name, source, time.monotonic())
        if times & (times - 1):
            return
        who = name if exists else "an account that does not exist"
        _LOG.warning("wrong password for %s from %s, %d lately", who, source, times)
        actor = Actor(user=name if exists else "(unknown)", source=f"ssh {source}", role="readonly")
        self.trail.note(actor, "", f"(wrong password, {times} lately)", 4, time.time())
