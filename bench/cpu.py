"""What the daemons cost: processor time and memory with 60 HA interfaces at 1 s, and idle with one.

    python bench/cpu.py [SECONDS [TIMES]]

The daemons run side by side, two nodes each, and are measured over the same seconds, so many times in a row: one
that sets a timer for each interface wakes up for each at first, and less and less as they drift together. Processor
time is that of all processes of a node's daemon, user and system; memory is their proportional set size at the end.
keepalived 2.2.7 cannot sign its adverts, so ours is shown twice: signed, as it runs, and unsigned, doing the same
work as keepalived.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from report import at_most_peer, heading, judge, row, verdict
from rig import NODES, Rig
from rigs import Keepalived, Ours, Unsigned, available

MANY, SLOW, DEFAULT = 60, 100, 25
ROLES = dict(zip(NODES, ("master", "backup"), strict=True))
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


Shares = dict[tuple[str, str], list[float]]
"""Percent of a core, each time, by daemon and node."""


def measure(rigs: list[Rig], length: float, times: int) -> Shares:
    """What they use over the same seconds, so many times."""
    time.sleep(WARM_UP)
    places = [(rig, node) for rig in rigs for node in NODES]
    found: Shares = {(rig.name, node): [] for rig, node in places}
    for _ in range(times):
        before = [seconds_used(rig.daemons(node)) for rig, node in places]
        began = time.monotonic()
        time.sleep(length)
        lasted = time.monotonic() - began
        for (rig, node), earlier in zip(places, before, strict=True):
            found[rig.name, node].append((seconds_used(rig.daemons(node)) - earlier) / lasted * 100)
    return found


def table(lans: int, advert: int, length: float, times: int) -> Shares:
    """One line a daemon and node."""
    with ExitStack() as stack:
        rigs = [stack.enter_context(kind.running(advert, lans=lans)) for kind in (*available(), Unsigned)]
        found = measure(rigs, length, times)
        memory = {(rig.name, node): mebibytes(rig.daemons(node)) for rig in rigs for node in NODES}
    heading(f"{lans} HA interfaces, adverts {advert * 10} ms, {times} times {length:.0f} s", "%")
    for (name, node), shares in found.items():
        row(f"{ROLES[node]}, {memory[name, node]:.1f} MiB", name, shares, 1)
    return found


def main() -> None:
    """Three tables."""
    length = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    times = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    many = table(MANY, SLOW, length, times)
    for node, role in ROLES.items():
        peer = many.get((Keepalived.name, node), [])
        if peer:
            print(f"  {role}, unsigned as keepalived")
            judge(many[Unsigned.name, node], peer, at_most_peer(1.0))
            print(f"           signed: {median(many[Ours.name, node]) / median(peer):.3f}")
    for advert in (SLOW, DEFAULT):
        idle = table(1, advert, length, times)
        for node, role in ROLES.items():
            share = median(idle[Ours.name, node])
            verdict(f"idle {role} {share:.3f} %; target below {IDLE_LIMIT} % of a core", met=share < IDLE_LIMIT)


main()
