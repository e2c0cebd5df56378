"""Power loss of the master, as a client sees it: our engine and keepalived with the same timers, in one run.

    python bench/power_loss.py [RUNS [CENTISECONDS ...]]

Two ways to lose a node: its switch ports lose carrier, and the switch drops its frames while the carrier stays.
How long it takes depends on how old the last advert is at that moment. So the moments are spread evenly over the
advert interval, and they are the same for both daemons.
"""

from __future__ import annotations

import sys
import time

from report import Target, at_most, at_most_peer, heading, judge, row
from rigs import Rig, available

INTERVALS = (100, 25, 10, 1)
DEFAULT_INTERVAL = 25
TARGETS: dict[int, Target] = {DEFAULT_INTERVAL: at_most(1.0, "at most 1 s in any run")}


def lose(rig: Rig, *, silently: bool) -> None:
    """The high node is gone; silently means that nobody sees a change of carrier."""
    if silently:
        rig.blackhole("high")
        rig.kill("high")
    rig.power_off("high")


def outages(kind: type[Rig], advert: int, runs: int, *, silently: bool) -> list[float]:
    """Client-seen outages in seconds."""
    found = []
    with kind.running(advert) as rig:
        for number in range(runs):
            rig.await_holder("high")
            with rig.probe() as outcome:
                rig.await_advert("high")
                time.sleep((number + 0.5) / runs * advert / 100)
                lose(rig, silently=silently)
                time.sleep(rig.master_down * 1.3 + 0.3)
            found.append(outcome.outage)
            if silently:
                rig.forward("high")
            rig.power_on("high")
    return found


def main() -> None:
    """One table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    intervals = tuple(map(int, sys.argv[2:])) or INTERVALS
    heading(f"power loss of the master: outage seen by a client, {runs} runs, 1 kHz probe")
    for advert in intervals:
        for silently in (False, True):
            case = f"adverts {advert * 10} ms, {'frames dropped' if silently else 'carrier lost'}"
            found = []
            for kind in available():
                found.append(outages(kind, advert, runs, silently=silently))
                row(case, kind.name, found[-1])
            judge(found[0], found[1] if len(found) > 1 else (), TARGETS.get(advert, at_most_peer(1.02)))


main()
