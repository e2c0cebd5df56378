"""Power loss of the master, as a client sees it: our engine and keepalived with the same timers, in one run.

    python bench/power_loss.py [RUNS [CENTISECONDS ...]]

Two ways to lose a node: its switch ports lose carrier, and the switch drops its frames while the carrier stays.
How long it takes depends on how old the last advert is at that moment. So the moments are spread evenly over the
advert interval, and they are the same for both daemons; each is at the beginning of its part, since the cable is
away up to a millisecond later. The silence does not depend on the moment: from the last advert of the lost master
to the first of its successor.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from adverts import listening
from report import Target, at_most, at_most_peer, heading, judge, row
from rigs import available

if TYPE_CHECKING:
    from rig import Rig

INTERVALS = (100, 25, 10, 1)
DEFAULT_INTERVAL = 25
TARGETS: dict[int, Target] = {DEFAULT_INTERVAL: at_most(1.0, "at most 1 s in any run")}


def lose(rig: Rig, *, silently: bool) -> None:
    """The high node is gone; silently means that nobody sees a change of carrier."""
    if silently:
        rig.blackhole("high")
        rig.kill("high")
    rig.power_off("high")


def outages(kind: type[Rig], advert: int, runs: int, *, silently: bool) -> tuple[list[float], list[float]]:
    """Client-seen outages, and silences, in seconds."""
    found, silences = [], []
    with kind.running(advert) as rig:
        for number in range(runs):
            rig.await_holder("high")
            with rig.probe() as outcome, listening(rig) as adverts:
                adverts.await_one()
                time.sleep(number / runs * advert / 100)
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
