"""What the daemons cost: processor time and memory with 60 HA interfaces at 1 s, and idle at default timers.

    python bench/cpu.py [SECONDS]

The daemons run side by side, two nodes each, and are measured over the same seconds. Processor time is that of all
processes of a node's daemon, user and system; memory is their proportional set size. keepalived 2.2.7 cannot sign
its adverts, so ours is shown twice: signed, as it runs, and unsigned, doing the same work as keepalived.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from report import verdict
from rig import NODES, Rig
from rigs import Keepalived, Ours, Unsigned, available

MANY, SLOW, DEFAULT = 60, 100, 25
IDLE_LIMIT = 0.1
CPUCLOCK_SCHED = 2
WARM_UP = 3.0
"""Seconds after a start that are not counted: both lay out memory and announce."""


def seconds_used(pids: list[int]) -> float:
    """User and system time of these processes."""
    # What /proc/PID/stat shows as utime + stime, but in nanoseconds instead of hundredths (clock_getcpuclockid(3)).
    return sum(time.clock_gettime(~pid << 3 | CPUCLOCK_SCHED) for pid in pids)


def mebibytes(pids: list[int]) -> float:
    """Proportional set size of these processes."""
    kibibytes = 0
    for pid in pids:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        kibibytes += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kibibytes / 1024


def measure(rigs: list[Rig], length: float) -> dict[tuple[str, str], tuple[float, float]]:
    """Percent of a core and MiB, by daemon and node, over the same seconds."""
    time.sleep(WARM_UP)
    places = [(rig, node) for rig in rigs for node in NODES]
    before = {(rig.name, node): seconds_used(rig.daemons(node)) for rig, node in places}
    began = time.monotonic()
    time.sleep(length)
    lasted = time.monotonic() - began
    return {
        (rig.name, node): (
            (seconds_used(rig.daemons(node)) - before[rig.name, node]) / lasted * 100,
            mebibytes(rig.daemons(node)),
        )
        for rig, node in places
    }


def table(lans: int, advert: int, length: float) -> dict[tuple[str, str], tuple[float, float]]:
    """One line a daemon and node."""
    with ExitStack() as stack:
        rigs = [stack.enter_context(kind.running(advert, lans=lans)) for kind in (*available(), Unsigned)]
        found = measure(rigs, length)
    print(f"\n{lans} HA interfaces, adverts {advert * 10} ms, over {length:.0f} s; load {os.getloadavg()[0]:.1f}")
    print(f"  {'daemon':11} {'node':8} {'% of a core':>11} {'MiB':>7}")
    for (name, node), (percent, memory) in found.items():
        print(f"  {name:11} {'master' if node == 'high' else 'backup':8} {percent:11.3f} {memory:7.1f}")
    return found


def main() -> None:
    """Two tables."""
    length = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    many = table(MANY, SLOW, length)
    for node, word in zip(NODES, ("master", "backup"), strict=True):
        signed, unsigned, peer = (
            many.get((name, node), (0.0, 0.0))[0] for name in (Ours.name, Unsigned.name, Keepalived.name)
        )
        if peer:
            words = f"{word}: {unsigned / peer:.2f} x keepalived's for the same work, {signed / peer:.2f} signed"
            verdict(f"{words}; target at most 1.00", met=unsigned <= peer)
    idle = table(1, DEFAULT, length)
    for node, word in zip(NODES, ("master", "backup"), strict=True):
        percent = idle[Ours.name, node][0]
        verdict(f"idle {word} {percent:.3f} %; target below {IDLE_LIMIT} % of a core", met=percent < IDLE_LIMIT)


main()
