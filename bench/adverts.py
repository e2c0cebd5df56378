"""What a client's LAN carries of both nodes: waits for an advert, and measures the silence between two masters."""

from __future__ import annotations

import select
import socket
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rig import NODES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rig import Rig

ETHERTYPE_IPV4, VRRP = 0x0800, 112
SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33
PATIENCE = 10
"""Seconds without any frame."""
ROOM = 16 * 1024 * 1024
"""Octets that wait to be read: the answers to the probe arrive here, too, and would leave none for an advert."""


class Adverts:
    """What the client's LAN carries, with the kernel's time of each.

    Args:
        rig: whose LAN.
    """

    def __init__(self, rig: Rig) -> None:
        with rig.client.inside():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETHERTYPE_IPV4))
            self._socket.bind(("LAN", ETHERTYPE_IPV4))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
        self._socket.setblocking(False)
        lan = len(rig.lans)
        self._lost, self._successor = (socket.inet_aton(f"10.77.{lan}.{1 + place}") for place in range(len(NODES)))
        self._last = 0.0

    def close(self) -> None:
        """Listen no longer."""
        self._socket.close()

    def await_one(self) -> None:
        """Return as soon as the high node says the next one.

        With this socket: to close one of its own takes the kernel several milliseconds, and the moment is past.
        """
        for _ in self._waiting():
            """What came before this call."""
        while select.select((self._socket,), (), (), PATIENCE)[0]:
            for source, at in self._waiting():
                if source == self._lost:
                    self._last = at
                    return
        raise AssertionError("no advert of the high node was seen")

    def silence(self) -> float:
        """Seconds from the last advert of the lost node, the high one, to the first of the other."""
        for source, at in self._waiting():
            if source == self._lost:
                self._last = at
            elif source == self._successor:
                return at - self._last
        raise AssertionError("no advert of the successor was seen")

    def _waiting(self) -> Iterator[tuple[bytes, float]]:
        while True:
            try:
                packet, more, _, _ = self._socket.recvmsg(2048, 64)
            except BlockingIOError:
                return
            seconds, nanoseconds = struct.unpack("=qq", more[0][2][:16])
            if packet[9] == VRRP:
                yield packet[12:16], seconds + nanoseconds / 1e9


@contextmanager
def listening(rig: Rig) -> Iterator[Adverts]:
    """Listen for as long as the block runs."""
    adverts = Adverts(rig)
    try:
        yield adverts
    finally:
        adverts.close()
