"""What a netlink socket of a multicast group tells, when only the fact of a change counts (netlink(7))."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    import socket

_CHUNK = 65536


async def one(loop: asyncio.AbstractEventLoop, line: socket.socket) -> None:
    """Wait until anything changed.

    Args:
        loop: the running one.
        line: non-blocking, a member of the groups that count.

    Raises:
        OSError: the socket fails.
    """
    try:
        await loop.sock_recv(line, _CHUNK)
    except OSError as error:
        if error.errno != errno.ENOBUFS:  # so many changes that some were not told: a change all the same
            raise


def forget(line: socket.socket) -> None:
    """Let go of what was told up to now: it is seen with one look.

    Args:
        line: as above.

    Raises:
        OSError: the socket fails.
    """
    while True:
        try:
            line.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
