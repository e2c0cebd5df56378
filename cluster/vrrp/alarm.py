"""News on any HA interface, while the packet sockets of all but one are not watched.

One raw IP socket receives the adverts of all interfaces, and its filter lets none pass but those of another
priority than the expected one. What it receives is not read as an advert: that waits in the packet socket as well,
with all that is needed to judge it. Unlike a packet socket for all interfaces it costs forwarding nothing; but
packet filters and reverse path filters come before it, so it is believed only after it received a whole round.
"""

from __future__ import annotations

from _socket import AF_INET, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_RAW, socket
from typing import TYPE_CHECKING

from cluster.net.rtnetlink import attach_filter
from cluster.vrrp.packet import PROTOCOL

if TYPE_CHECKING:
    from cluster.units import Priority

_PRIORITY_AT = 2
# Classic BPF (linux/filter.h); a raw socket's packet begins with the IP header, whose length X holds.
_HEADER_LENGTH, _LOAD_BYTE_AT_X, _JUMP_EQUAL, _RETURN = 0xB1, 0x50, 0x15, 0x06


class Alarm:
    """Receives everything until it is told what to expect.

    Raises:
        OSError: not permitted.
    """

    def __init__(self) -> None:
        self._socket = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, PROTOCOL)

    def fileno(self) -> int:
        """Its file descriptor; there is something to read when there is news."""
        return self._socket.fileno()

    def expect(self, priority: Priority, received: int) -> bool:
        """Sound for adverts with another priority only, from now on.

        Args:
            priority: of the adverts to come.
            received: how many adverts it ought to have received until now.

        Returns:
            Whether it did: neither fewer nor more.

        Raises:
            OSError: the filter could not be attached.
        """
        news = (
            (_HEADER_LENGTH, 0, 0, 0),
            (_LOAD_BYTE_AT_X, 0, 0, _PRIORITY_AT),
            (_JUMP_EQUAL, 0, 1, priority),
            (_RETURN, 0, 0, 0),
            (_RETURN, 0, 0, 1),
        )
        attach_filter(self._socket, news)
        for count in range(received + 1):
            try:
                self._socket.recv(1)
            except BlockingIOError:
                return count == received
        return False

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
