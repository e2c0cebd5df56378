"""Run inside a lab node: echo requests at a steady rate, until standard input ends; then a report as JSON.

    python probe.py ADDRESS RATE

The report: ``sent``, ``lost`` (numbers of the requests never answered), ``outage`` (the longest time, in
seconds, between two answered requests, less the interval between requests), ``began`` and ``ended``
(monotonic, of that outage).
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import struct
import sys
import time
from itertools import pairwise

ECHO_REQUEST, ECHO_REPLY = 8, 0
LAST_WAIT = 0.5
IDENTIFIER = 0x7E57


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def request(number: int) -> bytes:
    head, body = struct.pack("!HHHH", ECHO_REQUEST << 8, 0, IDENTIFIER, number & 0xFFFF), struct.pack("!Q", number)
    return head[:2] + struct.pack("!H", checksum(head + body)) + head[4:] + body


def main() -> None:
    target, interval = sys.argv[1], 1 / float(sys.argv[2])
    line = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    line.setblocking(False)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    poll = select.poll()
    poll.register(line, select.POLLIN)
    poll.register(sys.stdin, select.POLLIN | select.POLLHUP)
    sent: list[float] = []
    answered: set[int] = set()
    due = time.monotonic()
    end = float("inf")
    print("running", flush=True)
    while (now := time.monotonic()) < end:
        if end == float("inf") and now >= due:
            # Unreachable by now, our own kernel may say: a lost request like any other.
            with contextlib.suppress(OSError):
                line.sendto(request(len(sent)), (target, 0))
            sent.append(now)
            due += interval
        wait = (due if end == float("inf") else end) - time.monotonic()
        for number, _ in poll.poll(max(0.0, wait * 1000)):
            if number != line.fileno():
                poll.unregister(sys.stdin)
                end = time.monotonic() + LAST_WAIT
                continue
            try:
                packet = line.recv(2048)
            except OSError:
                continue
            at = (packet[0] & 15) * 4
            if packet[at] == ECHO_REPLY and packet[at + 4 : at + 6] == struct.pack("!H", IDENTIFIER):
                answered.add(struct.unpack_from("!Q", packet, at + 8)[0])
    good = [sent[number] for number in sorted(answered)]
    gaps = [(later - earlier, earlier, later) for earlier, later in pairwise(good)]
    longest, began, ended = max(gaps, default=(float("inf"), 0.0, 0.0))
    print(
        json.dumps(
            {
                "sent": len(sent),
                "lost": [number for number in range(len(sent)) if number not in answered],
                "outage": max(0.0, longest - interval),
                "began": began,
                "ended": ended,
            }
        )
    )


main()
