"""The engine of a node with 60 HA interfaces killed again and again under its clusterd.

    python bench/many.py [TIMES [INTERFACES [CENTISECONDS]]]

Neither node may change its role. The kernel waits some 15 ms for each packet socket that is closed for good before
a process counts as ended; clusterd keeps duplicates, so none is. Shown: how long after the kill the process is
gone, and how long until the next advert on the last interface.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adverts import ETHERTYPE_IPV4, VRRP
from report import heading, row, verdict

from tests.support.appliance import Appliance, until
from tests.support.netns import Network, why_not

if TYPE_CHECKING:
    from tests.support.netns import Namespace

SECRET = "hex:" + "5a" * 32


def configuration(node: int, lans: int, interval: int) -> dict[str, Any]:
    """The node's factory configuration."""
    numbers = range(1, lans + 1)
    return {
        "hostname": f"utm{node}.cluster.local",
        "cluster": {
            "enabled": True, "priority": "high" if node == 1 else "low", "passphrase": SECRET,
            "advert_interval": interval,
        },
        "interfaces": {f"LAN{n}": {"id": n, "flags": ["HA"], "vrid": n} for n in numbers},
        "addresses": {str(n): {"device": f"LAN{n}", "address": f"10.77.{n}.{node}/24"} for n in numbers},
        "virtual_addresses": {
            str(n): {"device": f"LAN{n}", "address": f"192.168.{100 + n}.1/24"} for n in numbers
        },
    }


def build(stack: ExitStack, lans: int, interval: int) -> tuple[list[Appliance], Namespace]:
    """Two appliances, the high one master, and somebody who listens on the last LAN."""
    network = Network()
    stack.callback(network.close)
    listener = network.node()
    network.wire(listener, "LAN", f"LAN{lans}")
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
    nodes = []
    for number in (1, 2):
        place = network.node()
        for lan in range(1, lans + 1):
            network.wire(place, f"LAN{lan}", f"LAN{lan}")
        (directory / str(number)).mkdir()
        nodes.append(Appliance(place, directory / str(number), configuration(number, lans, interval)))
        stack.callback(nodes[-1].close)
        nodes[-1].start()
        until(lambda number=number: nodes[-1].role == ("master" if number == 1 else "backup"), "its role", 60)
    return nodes, listener


def kill(node: Appliance, ear: socket.socket) -> tuple[float, float]:
    """Seconds until the engine is gone, and until the next advert."""
    pid = node.engine
    assert pid is not None
    handle = os.pidfd_open(pid)
    ear.recv(2048)  # the oldest that waited; the queue is empty soon
    while select.select((ear,), (), (), 0)[0]:
        ear.recv(2048)
    began = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    select.select((handle,), (), (), 10)
    gone = time.monotonic() - began
    while ear.recv(2048)[9] != VRRP:
        pass
    back = time.monotonic() - began
    os.close(handle)
    return gone, back


def main() -> None:
    """One table."""
    if reason := why_not():
        sys.exit(f"this benchmark cannot run: {reason}")
    times, lans, interval = (
        int(sys.argv[at]) if len(sys.argv) > at else usual for at, usual in ((1, 10), (2, 60), (3, 25))
    )
    heading(f"engine killed {times} times, {lans} HA interfaces, adverts {interval * 10} ms")
    with ExitStack() as stack:
        nodes, listener = build(stack, lans, interval)
        before = [len(node.roles) for node in nodes]
        with listener.inside():
            ear = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETHERTYPE_IPV4))
            ear.bind(("LAN", ETHERTYPE_IPV4))
        ear.settimeout(10)
        stack.callback(ear.close)
        found = []
        for _ in range(times):
            time.sleep(1.5)
            found.append(kill(nodes[0], ear))
        time.sleep(2)
        changes = sum(len(node.roles) - old for node, old in zip(nodes, before, strict=True))
    row("from the kill to the end of the process", "utmcli", [gone for gone, _ in found])
    row("from the kill to the next advert", "utmcli", [back for _, back in found])
    verdict(f"{changes} changes of role; target none", met=not changes)


main()
