"""The listening socket of the SSH server, bound while the shell host still may: port 22 needs a privilege.

It listens on every address there is or will be, since virtual addresses come and go with the role. The hotwire has
a server of its own on the same port (cluster/hotwire/sockets.py), bound to its address alone. Linux allows both at
once only if both ask for SO_REUSEPORT and were made by the same user (socket(7)), and gives a connection to the one
whose address is more exact; so nobody on the hotwire ever reaches this one. SO_REUSEPORT also lets the next shell
host listen before this one leaves, so that no client finds the door closed during an update.
"""

from __future__ import annotations

import socket

BACKLOG = 128


def listen(port: int) -> socket.socket:
    """Listen on all addresses, of IPv6 too where this machine has it.

    Args:
        port: TCP port.

    Raises:
        OSError: somebody else listens there, or the port needs a privilege that we do not have.
    """
    try:
        return _bound(socket.AF_INET6, "::", port)
    except OSError:
        # Without IPv6 there is no such family or address; any other reason shows again here.
        return _bound(socket.AF_INET, "0.0.0.0", port)  # noqa: S104 - whom to let in is a matter of the rule set


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind((address, port))
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock
