"""Run inside lab nodes: new flows, and the moments at which a node's kernel gets to know them.

    python bench/flows.py send ADDRESS FIRST COUNT RATE    a UDP packet to each port; RATE a second, 0: at once
    python bench/flows.py watch                            until standard input ends

`send` prints when each packet was sent, `watch` when the kernel told of a new entry: a line each with the
destination port and monotonic seconds. Both first say ``running``.
"""

from __future__ import annotations

import select
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NETLINK_NETFILTER, GROUP_NEW = 12, 1
TUPLE_ORIGINAL, TUPLE_PROTOCOL, DESTINATION_PORT = 1, 2, 3
SO_RCVBUFFORCE = 33
NESTED = 0x3FFF


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and content of netlink attributes (netlink(7))."""
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4:
            return
        yield kind & NESTED, data[at + 4 : at + length]
        at += (length + 3) & ~3


def destination(message: bytes) -> int | None:
    """The destination port of the entry that a message is about."""
    for kind, content in attributes(message):
        if kind == TUPLE_ORIGINAL:
            for inner, protocol in attributes(content):
                if inner == TUPLE_PROTOCOL:
                    ports = dict(attributes(protocol))
                    return struct.unpack("!H", ports[DESTINATION_PORT])[0] if DESTINATION_PORT in ports else None
    return None


def watch() -> None:
    line = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    line.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    line.bind((0, GROUP_NEW))
    poll = select.poll()
    poll.register(line, select.POLLIN)
    poll.register(sys.stdin, select.POLLIN | select.POLLHUP)
    print("running", flush=True)
    told: list[tuple[float, bytes]] = []
    while True:
        for number, _ in poll.poll():
            if number != line.fileno():
                # Only now: whoever reads while they come must not take the processor from those who bring them.
                print("\n".join(f"{port} {at}" for at, data in told for port in ports(data)), flush=True)
                return
            data = line.recv(65536)
            told.append((time.monotonic(), data))


def ports(data: bytes) -> Iterator[int]:
    """The destination ports of the entries that one datagram of the kernel is about."""
    at = 0
    while at + 20 <= len(data):
        length = struct.unpack_from("=I", data, at)[0]
        port = destination(data[at + 20 : at + length])
        if port is not None:
            yield port
        at += (length + 3) & ~3


def send(address: str, first: int, count: int, rate: float) -> None:
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    print("running", flush=True)
    begin, told = time.monotonic(), []
    for number in range(count):
        if rate:
            time.sleep(max(0.0, begin + number / rate - time.monotonic()))
        now = time.monotonic()
        line.sendto(b"flow", (address, first + number))
        told.append(f"{first + number} {now}")
    print("\n".join(told), flush=True)


if sys.argv[1] == "watch":
    watch()
else:
    send(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
