"""What the hotwire costs and how soon it tells: processor time of idle pairs, and the age of sync_state.

    python bench/hotwire.py [SECONDS [CHANGES]]

Two pairs of appliances run side by side, one with its hotwire connected and one without a hotwire; what the first
uses more, clusterd and engine together, is what being in touch costs. Then one node saves another start
configuration CHANGES times, and the time is taken until the other one's `cluster info` shows it; and the cable is
pulled, with the carrier up (frames dropped) and down.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from report import at_most, heading, judge, row, verdict  # noqa: E402

from cluster.rpc.messages import SaveConfig  # noqa: E402
from tests.support.appliance import Appliance, until  # noqa: E402
from tests.support.netns import why_not  # noqa: E402
from tests.support.pair import Pair  # noqa: E402

LIMIT = 0.5
"""Percent of a core that polling sync_state may cost."""
CURRENT = 2.0
"""Seconds after which sync_state must be current."""
NOTICED = 2.5
WARM_UP = 5.0
CPUCLOCK_SCHED = 2


def seconds_used(pid: int) -> float:
    """User and system time of a process, in nanosecond steps (clock_getcpuclockid(3))."""
    return time.clock_gettime(~pid << 3 | CPUCLOCK_SCHED)


def pids(node: Appliance) -> tuple[int, int]:
    """Of clusterd and of its engine."""
    engine = node.engine
    assert node.process is not None
    assert engine is not None
    return node.process.pid, engine


def cost(connected: Pair, alone: Pair, length: float) -> None:
    """Percent of a core, by process."""
    nodes = {
        "master": (connected.master, alone.master),
        "spare": (connected.spare, alone.spare),
    }
    time.sleep(WARM_UP)
    watched = [pid for pair in nodes.values() for node in pair for pid in pids(node)]
    before = [seconds_used(pid) for pid in watched]
    began = time.monotonic()
    time.sleep(length)
    lasted = time.monotonic() - began
    used = iter((seconds_used(pid) - earlier) / lasted * 100 for pid, earlier in zip(watched, before, strict=True))
    print(f"\nprocessor, percent of a core over {lasted:.0f} s; load {os.getloadavg()[0]:.1f}")
    print(f"  {'node':8}{'clusterd':>10}{'engine':>10}    without a hotwire:{'clusterd':>10}{'engine':>10}")
    for name in nodes:
        clusterd, engine, clusterd_alone, engine_alone = (next(used) for _ in range(4))
        print(f"  {name:8}{clusterd:10.3f}{engine:10.3f}{'':22}{clusterd_alone:10.3f}{engine_alone:10.3f}")
        more = clusterd + engine - clusterd_alone - engine_alone
        verdict(f"{name}: {more:.3f} % more; target at most {LIMIT:g} % of a core", met=more <= LIMIT)


def sync_age(pair: Pair, changes: int) -> list[float]:
    """Seconds from the end of a save on the spare to the master's `cluster info`."""
    ages = []
    for number in range(changes):
        state = "synchronized" if number % 2 else "pending"
        pair.spare.set(cluster__advert_interval=25 if number % 2 else 30)
        pair.spare.ask(SaveConfig())
        began = time.monotonic()
        until(lambda: pair.master.info.sync_state == state, state)  # noqa: B023 - called at once
        ages.append(time.monotonic() - began)
    return ages


def noticed(pair: Pair, *, carrier: bool) -> float:
    """Seconds from the end of the cable to the master's `sync_state` error; then it is plugged in again."""
    pair.await_sync("synchronized")
    ports = pair.hotwire.values()
    began = time.monotonic()
    for port in ports:
        if carrier:
            pair.network.switch.run("ip", "link", "set", port, "nomaster")
        else:
            pair.network.cable(port, plugged=False)
    until(lambda: pair.master.info.sync_state == "error", "error")
    lasted = time.monotonic() - began
    for port in ports:
        if carrier:
            pair.network.switch.run("ip", "link", "set", port, "master", "wire")
        else:
            pair.network.cable(port, plugged=True)
    return lasted


def main() -> None:
    length = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    changes = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    reason = why_not()
    if reason:
        sys.exit(f"no namespaces here: {reason}")
    with tempfile.TemporaryDirectory() as place:
        here = Path(place)
        (here / "connected").mkdir()
        (here / "alone").mkdir()
        with (
            closing(Pair(here / "connected")) as connected,
            closing(Pair(here / "alone", hotwire_local="", hotwire_remote=[])) as alone,
        ):
            connected.start()
            alone.start()
            connected.await_sync("synchronized")
            for pair in (connected, alone):
                until(lambda: (pair.master.role, pair.spare.role) == ("master", "backup"), "roles", 30)  # noqa: B023
            cost(connected, alone, length)
            ages = sync_age(connected, changes)
            heading("from a change to sync_state")
            row(f"saved on the partner, {changes} times", "utmcli", ages)
            judge(ages, (), at_most(CURRENT, f"at most {CURRENT:g} s"))
            row("cable unplugged", "utmcli", [noticed(connected, carrier=False)])
            silent = [noticed(connected, carrier=True)]
            row("frames lost, carrier up", "utmcli", silent)
            judge(silent, (), at_most(NOTICED, f"about {CURRENT:g} s"))


if __name__ == "__main__":
    main()
