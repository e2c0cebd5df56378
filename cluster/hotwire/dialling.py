"""A connection of our own to the partner, kept open: one address after the other, again within a second."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol

from cluster.errors import UnreachableError
from cluster.hotwire import sockets, state
from cluster.hotwire.state import LinkDownError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster.hotwire.conversation import Conversation
    from cluster.hotwire.settings import HotwireSettings
    from cluster.hotwire.ssh import Way
    from cluster.hotwire.state import LinkState

CONNECT_PATIENCE = 1.0
"""Seconds an address may take to answer: the partner is at the other end of a cable."""
PAUSES = (0.1, 0.2, 0.4, 0.8, 1.0)
"""Seconds between attempts; the last one again and again."""


class Switchboard(Protocol):
    """Where conversations begin and end: the link.

    Attributes:
        wake: set when there is reason not to wait for the next attempt.
        plugged: the cable is.
    """

    wake: asyncio.Event
    plugged: bool

    def converse(self, send: Callable[[bytes], None], hang_up: Callable[[], None], *, own: bool) -> Conversation:
        """Begin a conversation on a new connection."""

    def ended(self, talk: Conversation) -> None:
        """Its connection is gone."""

    def trouble(self, remote: str, trouble: LinkState | None) -> None:
        """Why the partner was not entered at one of its addresses; None: it was."""

    @property
    def versions_differ(self) -> bool:
        """Whether the partner was reached, and is left since it speaks another protocol."""


async def dial(settings: HotwireSettings, way: Way, board: Switchboard) -> None:
    """Keep a connection open, until cancelled.

    Args:
        settings: whom to call, and from where.
        way: logs in there.
        board: where the conversation begins, and its end is told.
    """
    failures = 0
    while True:
        board.wake.clear()
        for remote in settings.remotes if board.plugged else ():
            if await _call(settings, remote, way, board):
                failures = -1
                break
        failures += 1
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PAUSES[min(failures, len(PAUSES) - 1)]):
                await board.wake.wait()
                failures = 0


async def _call(settings: HotwireSettings, remote: str, way: Way, board: Switchboard) -> bool:
    """Call one address, and stay for as long as it lasts; whether the partner could be spoken with."""
    try:
        sock = await sockets.connected(settings.device, settings.local, remote, CONNECT_PATIENCE)
        session = await way.enter(sock, lambda send, hang_up: board.converse(send, hang_up, own=True))
    except LinkDownError as error:
        board.trouble(remote, error.state)
        return False
    except UnreachableError as error:
        board.trouble(remote, state.unreachable(remote, error.message))
        return False
    board.trouble(remote, None)
    try:
        await session.ended.wait()
    finally:
        talk = session.talk
        if talk is not None:
            board.ended(talk)
    return talk is not None and talk.hello is not None and not board.versions_differ
