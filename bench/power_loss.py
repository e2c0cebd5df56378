"""Power loss of the master, as a client sees it: our engine and keepalived with the same timers, in one run.

    python bench/power_loss.py [RUNS [CENTISECONDS ...]]

Two ways to lose a node: its switch ports lose carrier, and the switch drops its frames while the carrier stays.
How long it takes depends on how old the last advert is at that moment. So the moments are spread evenly over the
advert interval, and they are the same for both daemons. With short intervals that is only meant well: taking the
cable away takes a process some milliseconds, so that medians of seven runs differ by a tenth without any cause. The
silence does not depend on the moment: from the last advert of the lost master to the first of its successor.
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from report import Target, at_most, at_most_peer, heading, judge, row
from rig import ETHERTYPE_IPV4, NODES, VRRP, Rig
from rigs import available

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERVALS = (100, 25, 10, 1)
DEFAULT_INTERVAL = 25
SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33
ROOM = 16 * 1024 * 1024
"""Octets that wait to be read: the answers to the probe arrive here, too, and would leave none for an advert."""
TARGETS: dict[int, Target] = {DEFAULT_INTERVAL: at_most(1.0, "at most 1 s in any run")}


def lose(rig: Rig, *, silently: bool) -> None:
    """The high node is gone; silently means that nobody sees a change of carrier."""
    if silently:
        rig.blackhole("high")
        rig.kill("high")
    rig.power_off("high")


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
        self._sources = [socket.inet_aton(f"10.77.{lan}.{number}") for number in range(1, len(NODES) + 1)]

    def close(self) -> None:
        """Listen no longer."""
        self._socket.close()

    def silence(self) -> float:
        """Seconds from the last advert of the lost node, the first one, to the first of the other."""
        lost, successor = self._sources
        last = first = 0.0
        for source, at in self._heard():
            if source == lost and not first:
                last = at
            elif source == successor and not first:
                first = at
        assert last, "no advert of the lost node was seen"
        assert first, "no advert of the successor was seen"
        return first - last

    def _heard(self) -> Iterator[tuple[bytes, float]]:
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


def outages(kind: type[Rig], advert: int, runs: int, *, silently: bool) -> tuple[list[float], list[float]]:
    """Client-seen outages, and silences, in seconds."""
    found, silences = [], []
    with kind.running(advert) as rig:
        for number in range(runs):
            rig.await_holder("high")
            with rig.probe() as outcome, listening(rig) as adverts:
                rig.await_advert("high")
                time.sleep((number + 0.5) / runs * advert / 100)
                lose(rig, silently=silently)
                time.sleep(rig.master_down * 1.3 + 0.3)
                silences.append(adverts.silence())
            found.append(outcome.outage)
            if silently:
                rig.forward("high")
            rig.power_on("high")
    return found, silences


def main() -> None:
    """One table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    intervals = tuple(map(int, sys.argv[2:])) or INTERVALS
    heading(f"power loss of the master: outage seen by a client, {runs} runs, 1 kHz probe")
    for advert in intervals:
        for silently in (False, True):
            case = f"adverts {advert * 10} ms, {'frames dropped' if silently else 'carrier lost'}"
            kinds = available()
            seen = [outages(kind, advert, runs, silently=silently) for kind in kinds]
            found = [outage for outage, _ in seen]
            for kind, outage in zip(kinds, found, strict=True):
                row(case, kind.name, outage)
            judge(found[0], found[1] if len(found) > 1 else (), TARGETS.get(advert, at_most_peer(1.02)))
            for kind, (_, silence) in zip(kinds, seen, strict=True):
                row("  its silence, whatever the moment", kind.name, silence)


main()
