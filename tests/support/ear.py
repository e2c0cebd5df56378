"""What passes on a LAN, and the moment at which the kernel had it: a busy test may read it late."""

from __future__ import annotations

import socket
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support.engine import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.netns import Namespace

ARP, IPV4 = 0x0806, 0x0800
SO_TIMESTAMPNS = 35


@contextmanager
def ear(namespace: Namespace, ethertype: int) -> Iterator[socket.socket]:
    """A socket that gets, from now on, every frame of this type that arrives in the namespace; whole frames."""
    with namespace.inside():
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ethertype))
    with made:
        made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        made.settimeout(PATIENCE)
        yield made


def heard_at(listening: socket.socket, wanted: Callable[[bytes], bool]) -> float:
    """The unix time of the next frame that is wanted."""
    while True:
        frame, ((_, _, stamp), *_), _, _ = listening.recvmsg(2048, 256)
        if wanted(frame):
            seconds, nanoseconds = struct.unpack("qq", stamp)
            return float(seconds + nanoseconds / 1e9)
