"""TCP on the hotwire and nowhere else: sockets bound to its device and our address on it; is the cable plugged."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import socket
import struct
from ipaddress import ip_address

from cluster.errors import UnreachableError
from cluster.hotwire.protocol import PORT

_IP_FREEBIND = 15
_IPV6_FREEBIND = 78
_SIOCGIFFLAGS = 0x8913
_IFF_RUNNING = 0x40
_IFREQ = struct.Struct("16sH22x")
ACK_PATIENCE = 2000
"""Milliseconds (TCP_USER_TIMEOUT, tcp(7)) that what we sent may stay unacknowledged before the connection ends."""
BACKLOG = 8


class Cable:
    """Whether a cable is plugged, asked again and again.

    An ioctl and not /sys, which shows the network namespace of whoever mounted it (netdevice(7)).

    Args:
        device: the interface it is for.
    """

    def __init__(self, device: str) -> None:
        self._request = _IFREQ.pack(device.encode()[:15], 0)
        self._asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    @property
    def plugged(self) -> bool:
        """Whether the interface is up and there is somebody at the other end; False also without the interface."""
        try:
            reply = fcntl.ioctl(self._asking, _SIOCGIFFLAGS, self._request)
        except OSError:
            return False
        _name, flags = _IFREQ.unpack(reply)
        return bool(flags & _IFF_RUNNING)

    def close(self) -> None:
        """Ask no more."""
        self._asking.close()


def listener(device: str, local: str) -> socket.socket:
    """A listening socket on our address of the hotwire, which may come later (IP_FREEBIND, ip(7)).

    Raises:
        OSError: somebody else listens there, or the device does not exist.
    """
    sock = _made(device, local)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # The administrators' SSH server listens on all addresses (utmcli/sshd/listener.py); ours is the more exact.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        sock.bind((local, PORT))
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


async def connected(device: str, local: str, remote: str, patience: float) -> socket.socket:
    """A connection from our address to the partner's.

    Args:
        device: of the hotwire.
        local: our address on it.
        remote: the partner's.
        patience: seconds until there must be a connection.

    Raises:
        UnreachableError: there is none, and the reason in a few words.
    """
    try:
        sock = _made(device, local)
    except OSError as error:
        raise UnreachableError(reason(error)) from error
    try:
        sock.bind((local, 0))
        async with asyncio.timeout(patience):
            await asyncio.get_running_loop().sock_connect(sock, (remote, PORT))
    except TimeoutError:
        sock.close()
        raise UnreachableError(f"no answer within {patience:g} s") from None
    except OSError as error:
        sock.close()
        why = f"this node has no address {local}" if error.errno == errno.EADDRNOTAVAIL else reason(error)
        raise UnreachableError(why) from error
    except BaseException:
        sock.close()
        raise
    return sock


def tuned(sock: socket.socket) -> socket.socket:
    """Small messages go at once, and a partner that acknowledges nothing is gone."""
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, ACK_PATIENCE)
    return sock


def reason(error: OSError) -> str:
    """What the system says, in lower case and without its number."""
    return (os.strerror(error.errno) if error.errno else str(error)).lower()


def _made(device: str, local: str) -> socket.socket:
    family = socket.AF_INET6 if ip_address(local).version == 6 else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    except PermissionError:
        pass  # without CAP_NET_RAW (a rootless lab): the addresses have to do
    except OSError:
        sock.close()
        raise
    return tuned(sock)
