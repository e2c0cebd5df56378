"""A lone node: from the start of its daemon to the virtual address, and from the order to stop to its end.

python bench/start_stop.py [RUNS]
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING

from report import at_most, heading, judge, row
from rigs import available

if TYPE_CHECKING:
    from rig import Rig

ADVERT = 25
MASTER_DOWN = (3 + (256 - 254) / 256) * ADVERT / 100
START_EXTRA = 0.1
STOP_LIMIT = 0.1
RUN_AT = 40


def times(kind: type[Rig], runs: int) -> tuple[list[float], list[float]]:
    """Seconds to be master, and to be gone."""
    starts, stops = [], []
    rig = kind(ADVERT)
    try:
        for _ in range(runs):
            with rig.watch("high") as told:
                began = time.monotonic()
                rig.begin("high")
                rig.await_holder("high")
                time.sleep(0.5)
                asked = time.monotonic()
                rig.stop("high")
                gone = time.monotonic()
                time.sleep(0.1)
            starts.append(next(at for at, word in told if word == "here") - began)
            # Whichever is later: the address, or the process that could still answer for it.
            stops.append(max(gone, told[-1][0]) - asked)
            assert told[-1][1] == "gone"
            rig.power_off("high")
            rig.plug("high")
    finally:
        rig.close()
    return starts, stops


def main() -> None:
    """One table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(RUN_AT))
    heading(f"a lone node, adverts {ADVERT * 10} ms, {runs} runs")
    found = [(kind.name, *times(kind, runs)) for kind in available()]
    limit = MASTER_DOWN + START_EXTRA
    words = ("start to master", "orderly stop to silence")
    for number, target in enumerate((
        at_most(limit, f"at most Master_Down_Interval + 100 ms = {limit * 1000:.0f} ms"),
        at_most(STOP_LIMIT, "at most 100 ms"),
    )):
        for name, *both in found:
            row(words[number], name, both[number])
        judge(found[0][1 + number], found[1][1 + number] if len(found) > 1 else (), target)


main()
