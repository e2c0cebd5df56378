"""What a netlink socket of a multicast group tells, when only the fact of a change counts (netlink(7))."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_LOG = logging.getLogger("clusterd")
_CHUNK = 65536
AT_ONCE = 0.05
"""Seconds from a change to our look at it: one comes with several others, and without the packet filter's table
connections begin that nobody hides."""
SETTLE = 1.0
"""Seconds until the next look: a script or a routing daemon makes many changes, and two that undo each other shall
take turns."""


async def follow(protocol: int, groups: int, look: Callable[[], Awaitable[None]], unnoticed: str) -> None:
    """Look whenever the kernel tells of a change, until cancelled.

    Args:
        protocol: NETLINK_ROUTE or another one of netlink(7).
        groups: mask of multicast groups, counted from 1.
        look: called a moment after a change, and once for all that come in quick succession.
        unnoticed: what it means that the kernel tells nothing; logged with the reason, and nothing is followed.
    """
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as line:
        try:
            line.bind((0, groups))
        except OSError as error:
            _LOG.warning("%s: %s", unnoticed, error.strerror)
            return
        line.setblocking(False)
        while True:
            await _one(loop, line)
            await asyncio.sleep(AT_ONCE)
            _forget(line)
            await look()
            await asyncio.sleep(SETTLE)


async def _one(loop: asyncio.AbstractEventLoop, line: socket.socket) -> None:
    """Wait until anything changed."""
    try:
        await loop.sock_recv(line, _CHUNK)
    except OSError as error:
        if error.errno != errno.ENOBUFS:  # so many changes that some were not told: a change all the same
            raise


def _forget(line: socket.socket) -> None:
    """Let go of what was told up to now: it is seen with one look."""
    while True:
        try:
            line.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
