"""Run inside a lab node: when an address comes and goes, until standard input ends.

    python watch.py ADDRESS

One line for each change: monotonic seconds, and ``here`` or ``gone``. The first line says how it is at the start.
Times are those of the kernel's notification being read, a fraction of a millisecond after the change.
"""

from __future__ import annotations

import select
import socket
import struct
import sys
import time

NETLINK_ROUTE, RTMGRP_IPV4_IFADDR = 0, 0x10
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
NLM_F_REQUEST, NLM_F_DUMP = 1, 0x300
IFA_LOCAL = 2


def messages(data: bytes) -> list[tuple[int, str]]:
    """Type and address of each message of a datagram."""
    found, at = [], 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        if kind in {RTM_NEWADDR, RTM_DELADDR}:
            attribute = at + 24
            while attribute + 4 <= at + length:
                size, name = struct.unpack_from("=HH", data, attribute)
                if name == IFA_LOCAL:
                    found.append((kind, socket.inet_ntoa(data[attribute + 4 : attribute + 8])))
                attribute += (size + 3) & ~3
        at += (length + 3) & ~3
    return found


def main() -> None:
    address = sys.argv[1]
    line = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)
    line.bind((0, RTMGRP_IPV4_IFADDR))
    ask = struct.pack("=IHHII", 24, RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, 1, 0)
    line.send(ask + bytes([socket.AF_INET]) + bytes(7))
    dump = messages(line.recv(65536))
    here = (RTM_NEWADDR, address) in dump
    print(time.monotonic(), "here" if here else "gone", flush=True)
    poll = select.poll()
    poll.register(line, select.POLLIN)
    poll.register(sys.stdin, select.POLLIN | select.POLLHUP)
    while True:
        for number, _ in poll.poll():
            if number != line.fileno():
                return
            now = time.monotonic()
            for kind, subject in messages(line.recv(65536)):
                is_here = kind == RTM_NEWADDR
                # Refreshing its lifetime announces an address anew; only coming and going count.
                if subject == address and is_here != here:
                    here = is_here
                    print(now, "here" if here else "gone", flush=True)


main()
