"""Power loss of the master, as a client sees it: our engine and keepalived with the same timers, in one run.

    python bench/power_loss.py [RUNS]

Two ways to lose a node: its switch ports lose carrier, and the switch drops its frames while the carrier stays.
"""

from __future__ import annotations

import statistics
import sys
import time

from rigs import Rig, available, summary

INTERVALS = (100, 25, 10, 1)


def carrier(rig: Rig) -> None:
    """Pull the plug."""
    rig.power_off("high")


def silent(rig: Rig) -> None:
    """The switch goes mad first: nobody sees a carrier change."""
    rig.blackhole("high")
    rig.kill("high")


def outages(kind: type[Rig], advert: int, runs: int, silently: bool) -> list[float]:
    """Client-seen outages in seconds."""
    found = []
    rig = kind(advert)
    try:
        rig.up()
        for _ in range(runs):
            rig.await_holder("high")
            time.sleep(0.3)
            with rig.probe() as outcome:
                (silent if silently else carrier)(rig)
                time.sleep(rig.master_down * 1.3 + 0.3)
            found.append(outcome.outage)
            rig.power_off("high")
            if silently:
                rig.forward("high")
            rig.power_on("high")
    finally:
        rig.close()
    return found


def main() -> None:
    """Print one line a case."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    print(f"client-seen outage at power loss of the master, ms, {runs} runs, 1 kHz probe")
    print(f"{'adverts':>8} {'loss':8} {'daemon':12} {'median':>9} {'max':>9}  ratio of medians")
    for advert in INTERVALS:
        for silently in (False, True):
            medians = []
            for kind in available():
                found = outages(kind, advert, runs, silently)
                medians.append(statistics.median(found))
                ratio = f"{medians[0] / medians[1]:.3f}" if len(medians) > 1 else ""
                loss = "silent" if silently else "carrier"
                print(f"{advert * 10:6} ms {loss:8} {kind.name:12} {summary(found)}  {ratio}", flush=True)


main()
