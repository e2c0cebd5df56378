"""A minimal rtnetlink: links and IPv4 addresses, no more than the engine needs.

Why not pyroute2, which the rest of the cluster uses: importing it takes 150 to 290 ms, and an engine that
starts anew races the partner's Master_Down_Interval (at 100 ms adverts the import alone loses that race).

The codec is pure; `Requests` and `Monitor` are the two sockets around it. Layouts: linux/netlink.h,
linux/rtnetlink.h, linux/if_addr.h, linux/if_link.h; everything is in host byte order.
"""

from __future__ import annotations

import errno
import os
from _socket import (
    AF_INET,
    AF_NETLINK,
    MSG_DONTWAIT,
    NETLINK_ROUTE,
    SO_RCVBUF,
    SOCK_CLOEXEC,
    SOCK_RAW,
    SOL_SOCKET,
    socket,
)
from _thread import allocate_lock
from array import array
from struct import Struct, pack
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cluster.units import Seconds

NLMSG_ERROR, NLMSG_DONE = 2, 3
RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
NLM_F_REQUEST, NLM_F_REPLACE, NLM_F_CREATE, NLM_F_DUMP = 0x1, 0x100, 0x400, 0x300
IFLA_ADDRESS, IFLA_IFNAME = 1, 3
IFA_ADDRESS, IFA_LOCAL, IFA_CACHEINFO, IFA_FLAGS, IFA_PROTO = 1, 2, 6, 8, 11
IFF_UP, IFF_RUNNING = 0x1, 0x40
IFA_F_SECONDARY = 0x1
RTMGRP_LINK, RTMGRP_IPV4_IFADDR = 0x1, 0x10
SO_RCVBUFFORCE, SO_ATTACH_FILTER = 33, 26

OURS = 112
"""Our mark on an address (IFA_PROTO, Linux 5.18; older kernels ignore it): the number of the VRRP protocol."""

_HEADER = Struct("=IHHII")
_IFINFO = Struct("=BxHiII")
_IFADDR = Struct("=BBBBI")
_ATTRIBUTE = Struct("=HH")
_ERROR = Struct("=i")
_LIFETIMES = Struct("=II")
_FOR_EVER = b"\xff" * _LIFETIMES.size
_CHUNK = 16 * 1024
_RECEIVE_BUFFER = 64 * 1024
_MONITOR_BACKLOG = 1024 * 1024


class Link(NamedTuple):
    """A network interface as the kernel has it.

    Attributes:
        ifindex: interface index; another one when the interface was made anew.
        name: interface name.
        mac: hardware address.
        running: administratively up and able to pass frames (IFF_UP and IFF_RUNNING).
    """

    ifindex: int
    name: str
    mac: bytes
    running: bool


class LinkGone(NamedTuple):
    """An interface was removed."""

    ifindex: int
    name: str


class Address(NamedTuple):
    """An IPv4 address of an interface.

    Attributes:
        ifindex: index of the interface.
        address: four bytes.
        prefix: prefix length.
        ours: it carries our mark.
    """

    ifindex: int
    address: bytes
    prefix: int
    ours: bool


class AddressGone(NamedTuple):
    """An IPv4 address was removed from an interface.

    Attributes:
        ifindex: index of the interface.
        address: four bytes.
        prefix: prefix length.
        expired: its lifetime had passed: the kernel removed it, and nobody else.
    """

    ifindex: int
    address: bytes
    prefix: int
    expired: bool = False


Change = Link | LinkGone | Address | AddressGone


def _message(kind: int, flags: int, body: bytes, sequence: int = 0) -> bytes:
    return _HEADER.pack(_HEADER.size + len(body), kind, flags | NLM_F_REQUEST, sequence, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def put_address(index: int, address: bytes, prefix: int, lifetime: Seconds) -> bytes:
    """A request to add an address or to renew its lifetime; the kernel removes it when that has passed.

    Args:
        index: interface index.
        address: four bytes.
        prefix: prefix length. The kernel makes the connected route of an address that is the first in its
            subnet, and none for further ones: exactly what a virtual address needs either way.
        lifetime: valid lifetime.
    """
    body = (
        _IFADDR.pack(AF_INET, prefix, 0, 0, index)
        + _attribute(IFA_LOCAL, address)
        + _attribute(IFA_ADDRESS, address)
        + _attribute(IFA_CACHEINFO, pack("=IIII", lifetime, lifetime, 0, 0))
        + _attribute(IFA_PROTO, bytes((OURS,)))
    )
    return _message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, body)


def remove_address(index: int, address: bytes, prefix: int) -> bytes:
    """A request to remove an address."""
    which = _attribute(IFA_LOCAL, address) + _attribute(IFA_ADDRESS, address)
    return _message(RTM_DELADDR, 0, _IFADDR.pack(AF_INET, prefix, 0, 0, index) + which)


def get_link(name: str, sequence: int) -> bytes:
    """A request for one interface by name."""
    which = _attribute(IFLA_IFNAME, name.encode() + b"\0")
    return _message(RTM_GETLINK, 0, _IFINFO.pack(0, 0, 0, 0, 0) + which, sequence)


def get_addresses(sequence: int) -> bytes:
    """A request for all IPv4 addresses of the network namespace."""
    return _message(RTM_GETADDR, NLM_F_DUMP, _IFADDR.pack(AF_INET, 0, 0, 0, 0), sequence)


def messages(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The (type, sequence, body) of every whole message in a datagram; a truncated rest is left out."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, _flags, sequence, _port = _HEADER.unpack_from(data, at)
        if length < _HEADER.size or at + length > len(data):
            return
        yield kind, sequence, data[at + _HEADER.size : at + length]
        at += (length + 3) & ~3


def _attributes(body: bytes, at: int) -> dict[int, bytes]:
    found = {}
    while at + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, at)
        if length < _ATTRIBUTE.size:
            break
        found[kind & 0x3FFF] = body[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
    return found


def parse(kind: int, body: bytes) -> Change | None:
    """What a message of the kernel says; None for one that does not concern us."""
    if kind in (RTM_NEWLINK, RTM_DELLINK) and len(body) >= _IFINFO.size:
        return _parse_link(kind, body)
    if kind in (RTM_NEWADDR, RTM_DELADDR) and len(body) >= _IFADDR.size:
        return _parse_address(kind, body)
    return None


def _parse_link(kind: int, body: bytes) -> Link | LinkGone | None:
    family, _type, index, flags, _change = _IFINFO.unpack_from(body)
    found = _attributes(body, _IFINFO.size)
    # AF_BRIDGE messages tell of an interface as a bridge port: leaving a bridge is no removal.
    if family or IFLA_IFNAME not in found:
        return None
    name = found[IFLA_IFNAME].rstrip(b"\0").decode("utf-8", "replace")
    if kind == RTM_DELLINK:
        return LinkGone(index, name)
    running = flags & (IFF_UP | IFF_RUNNING) == IFF_UP | IFF_RUNNING
    return Link(index, name, found.get(IFLA_ADDRESS, b""), running)


def _parse_address(kind: int, body: bytes) -> Address | AddressGone | None:
    family, prefix, _flags, _scope, index = _IFADDR.unpack_from(body)
    found = _attributes(body, _IFADDR.size)
    # IFA_ADDRESS is the far end on a point-to-point interface; IFA_LOCAL is always the machine's own.
    local = found.get(IFA_LOCAL) or found.get(IFA_ADDRESS, b"")
    if family != AF_INET or len(local) != 4:
        return None
    if kind == RTM_DELADDR:
        # The kernel says what is left in whole seconds, rounded up, and ends a life a quarter of a second early.
        _preferred, valid = _LIFETIMES.unpack_from(found.get(IFA_CACHEINFO, _FOR_EVER))
        return AddressGone(index, local, prefix, expired=valid <= 1)
    return Address(index, local, prefix, found.get(IFA_PROTO) == bytes((OURS,)))


class Requests:
    """The socket that asks: dumps at start, addresses put and removed.

    The kernel carries a request out before `send` returns, so what was put is there for the next frame. Two threads
    may ask: each waits until the other has its answers.
    """

    def __init__(self) -> None:
        self._socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)
        self._socket.bind((0, 0))
        self._sequence = 0
        self._turn = allocate_lock()
        self.port: int = self._socket.getsockname()[0]

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def link(self, name: str) -> Link | None:
        """The interface of that name, or None if there is none."""
        with self._turn:
            self._sequence += 1
            self._socket.send(get_link(name, self._sequence))
            for kind, sequence, body in messages(self._socket.recv(_RECEIVE_BUFFER)):
                found = parse(kind, body) if sequence == self._sequence else None
                if isinstance(found, Link):
                    return found
        return None

    def addresses(self) -> list[Address]:
        """All IPv4 addresses, in the kernel's order: primary ones first."""
        with self._turn:
            return self._dump_addresses()

    def _dump_addresses(self) -> list[Address]:
        self._sequence += 1
        self._socket.send(get_addresses(self._sequence))
        found: list[Address] = []
        while True:
            for kind, sequence, body in messages(self._socket.recv(_RECEIVE_BUFFER)):
                if sequence != self._sequence:
                    continue
                if kind in (NLMSG_DONE, NLMSG_ERROR):
                    return found
                address = parse(kind, body)
                if isinstance(address, Address):
                    found.append(address)

    def send(self, requests: Iterable[bytes]) -> list[int]:
        """Carry out many requests with few system calls.

        Args:
            requests: from `put_address` and `remove_address`; without NLM_F_ACK the kernel answers failures only.
                Iterated over when it is this thread's turn.

        Returns:
            The errno of every request that failed.
        """
        failed: list[int] = []
        batch = b""
        with self._turn:
            for request in requests:
                if len(batch) + len(request) > _CHUNK:
                    failed += self._send_batch(batch)
                    batch = b""
                batch += request
            return failed + self._send_batch(batch) if batch else failed

    def _send_batch(self, batch: bytes) -> list[int]:
        self._socket.send(batch)
        failed: list[int] = []
        while True:
            try:
                data = self._socket.recv(_RECEIVE_BUFFER, MSG_DONTWAIT)
            except BlockingIOError:
                return failed
            except OSError as problem:
                # ENOBUFS: so many failures at once that the kernel dropped some of the answers.
                failed.append(problem.errno or 0)
                continue
            failed += [-_ERROR.unpack_from(body)[0] for kind, _, body in messages(data) if kind == NLMSG_ERROR]


class Monitor:
    """The socket that is told of changes by anybody else; what `Requests` itself changed is left out.

    Args:
        requests: the asking socket, whose own changes the kernel shall not report.
    """

    def __init__(self, requests: Requests) -> None:
        self._socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)
        self._socket.setblocking(False)
        enlarge(self._socket, _MONITOR_BACKLOG)
        # Word 3 of a netlink message is the port of whoever asked for the change; BPF loads big endian.
        own = int.from_bytes(pack("=I", requests.port), "big")
        drop_own = ((0x20, 0, 0, 12), (0x15, 0, 1, own), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
        attach_filter(self._socket, drop_own)
        self._socket.bind((0, RTMGRP_LINK | RTMGRP_IPV4_IFADDR))

    def fileno(self) -> int:
        """For the poller."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def changes(self) -> list[Change] | None:
        """What changed since the last call; None when the kernel had to drop some: ask anew then."""
        found: list[Change] = []
        while True:
            try:
                data = self._socket.recv(_RECEIVE_BUFFER)
            except BlockingIOError:
                return found
            except OSError as problem:
                if problem.errno == errno.ENOBUFS:
                    return None
                raise
            found += [change for kind, _, body in messages(data) if (change := parse(kind, body)) is not None]


def enlarge(endpoint: socket, size: int) -> None:
    """Give a socket a receive buffer of `size` bytes, or as much as this process may have."""
    try:
        endpoint.setsockopt(SOL_SOCKET, SO_RCVBUFFORCE, size)
    except PermissionError:
        endpoint.setsockopt(SOL_SOCKET, SO_RCVBUF, size)


def attach_filter(endpoint: socket, program: tuple[tuple[int, int, int, int], ...]) -> None:
    """Attach a classic BPF program; the kernel copies it.

    Args:
        endpoint: any socket.
        program: (code, jump if true, jump if false, constant), linux/filter.h.
    """
    code = array("B", b"".join(pack("=HBBI", *instruction) for instruction in program))
    address, _ = code.buffer_info()
    endpoint.setsockopt(SOL_SOCKET, SO_ATTACH_FILTER, pack("@HP", len(program), address))


def error_name(number: int) -> str:
    """The symbol of an errno, e.g. ``ENETDOWN``, for counters and messages."""
    return errno.errorcode.get(number, os.strerror(number))
