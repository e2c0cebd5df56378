"""Split brain and its end: does a client come back that talked to the node which yields?

    python bench/healing.py [TIMES]

The nodes are cut off from each other until both are master, in three ways: the client sees only the one that will
yield, only the one that will stay, or both (a switch that isolates its ports). Then the switch is mended. An outage
counts from then on; a client whose outage exceeds a second was stranded with the address of a node that yielded.
"""

from __future__ import annotations

import sys
import time

from report import heading, row, verdict
from rig import NODES, Rig
from rigs import Ours, available

SIGHTS = ("the one that yields", "the one that stays", "both")
STRANDED = 1.0
WINDOW = 7.0
"""Seconds to look on: keepalived's second round of announcements comes after 5."""


def split(rig: Rig, sight: str) -> None:
    """Cut the nodes off from each other."""
    if sight == "both":
        isolate(rig, "on")
    else:
        rig.blackhole("high" if sight == "the one that yields" else "low")


def mend(rig: Rig, sight: str) -> None:
    """Let them hear each other again."""
    if sight == "both":
        isolate(rig, "off")
    else:
        rig.forward("high" if sight == "the one that yields" else "low")


def isolate(rig: Rig, word: str) -> None:
    """Isolated ports of a switch reach the client, not each other."""
    for node in NODES:
        rig.network.switch.run("bridge", "link", "set", "dev", rig.ports[node, rig.lans[-1]], "isolated", word)


def outages(kind: type[Rig], times: int) -> list[float]:
    """Client-seen outages in seconds, after each end of a split."""
    found = []
    with kind.running(100) as rig:
        for number in range(times):
            sight = SIGHTS[number % len(SIGHTS)]
            split(rig, sight)
            time.sleep(2 * rig.master_down + (number * 0.37) % 1)
            # Whoever shall be seen is seen: the client asks once before the end.
            rig.client.run("ping", "-c", "2", "-i", "0.2", "-W", "1", "192.168.200.1", check=False)
            with rig.probe() as outcome:
                mend(rig, sight)
                time.sleep(WINDOW)
            found.append(outcome.outage)
            rig.await_holder("high")
    return found


def main() -> None:
    """One table."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    heading(f"split brain healed {times} times, adverts 1000 ms: outage seen by a client from then on")
    for kind in available():
        found = outages(kind, times)
        row("client sees one or both, in turns", kind.name, found)
        stranded = sum(value > STRANDED for value in found)
        if kind is Ours:
            verdict(f"{stranded} of {times} clients stranded for over 1 s; target none", met=not stranded)
        else:
            print(f"           {stranded} of {times} clients stranded for over 1 s")


main()
