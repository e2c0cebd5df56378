"""The client's LAN loses its cable at the master, a second HA interface is left: the outage the client sees.

    python bench/link_loss.py [RUNS [CENTISECONDS ...]]

Ours with UPDATE_TRIGGER_DELAY 0; keepalived as its users do it, with all interfaces in one sync group.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from adverts import listening
from report import at_most, heading, judge, row
from rigs import available

if TYPE_CHECKING:
    from rig import Rig

LIMIT = 0.1


def outages(kind: type[Rig], advert: int, runs: int) -> list[float]:
    """Client-seen outages in seconds."""
    found = []
    with kind.running(advert, lans=2, delay=0) as rig:
        for number in range(runs):
            rig.await_holder("high")
            with rig.probe() as outcome, listening(rig) as adverts:
                adverts.await_one()
                time.sleep((number + 0.5) / runs * advert / 100)
                rig.unplug("high", rig.lans[-1])
                rig.await_holder("low")
                time.sleep(0.3)
            found.append(outcome.outage)
            rig.plug("high")
    return found


def main() -> None:
    """One table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    heading(f"link loss with a second HA interface left: outage seen by a client, {runs} runs, 1 kHz probe")
    for advert in tuple(map(int, sys.argv[2:])) or (100, 25):
        found = []
        for kind in available():
            found.append(outages(kind, advert, runs))
            row(f"adverts {advert * 10} ms", kind.name, found[-1])
        judge(found[0], found[1] if len(found) > 1 else (), at_most(LIMIT, "at most 100 ms in any run"))


main()
