"""Engine and manager killed again and again under the whole appliance, and an engine that stands still.

    python bench/continuity.py [TIMES]

In the lab, at default timers: the master's engine is killed as soon as its heartbeat is back, and so is clusterd;
neither may change a role or cost the client a packet. An engine stopped for 6 s must not leave two holders of the
address for over a second. Beside it keepalived, whose parent is alive and starts the killed child again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

from report import verdict
from rigs import Keepalived, available

from tests.support.lab import APPLIANCES, VIRTUAL, Holding, Lab, Outcome, eventually

if TYPE_CHECKING:
    from rig import Rig

ENGINE, MANAGER = "cluster\\.vrrp", "bin/clusterd"
RATE = 200
PAUSE = 6.0
TWO_HOLDERS = 1.0


def replaced(lab: Lab, pattern: str, dead: list[int]) -> bool:
    """Whether others run in place of the dead, and answer."""
    found = lab.pids("master", pattern)
    return bool(found) and not set(found) & set(dead) and lab.role("master") == "master"


def kills(lab: Lab, pattern: str, times: int) -> tuple[Outcome, int]:
    """What a client saw of so many deaths in a row, and how often a node changed its role."""
    before = [lab.role_changes(node) for node in APPLIANCES]
    with lab.probe(RATE) as outcome:
        for _ in range(times):
            dead = lab.signal("master", pattern)
            eventually(lambda dead=dead: replaced(lab, pattern, dead), otherwise=lambda: "it was not started again")
        time.sleep(1.0)
    after = [lab.role_changes(node) for node in APPLIANCES]
    return outcome, sum(len(new) - len(old) for new, old in zip(after, before, strict=True))


def stopped(lab: Lab) -> Holding:
    """Who held the address while an engine stood still."""
    with lab.watch() as holding:
        pids = lab.signal("master", ENGINE, signal.SIGSTOP)
        time.sleep(PAUSE)
        # By now it was killed as one whose heartbeat is lost.
        lab.exec("master", "kill", f"-{int(signal.SIGCONT)}", *map(str, pids), check=False)
        time.sleep(1.0)
    return holding


def ours(times: int) -> None:
    """The whole appliance."""
    lab = Lab(f"bench-{os.getpid()}")
    lab.up()
    try:
        lab.await_roles("master", "backup")
        for name, pattern in (("engine", ENGINE), ("clusterd", MANAGER)):
            outcome, changes = kills(lab, pattern, times)
            words = f"{name} killed {times} times: {changes} changes of role, {len(outcome.lost)} of {outcome.sent}"
            verdict(f"{words} packets lost; target none, none", met=not changes and not outcome.lost)
        both = stopped(lab).both
        words = f"engine stopped for {PAUSE:.0f} s: two holders for {both * 1000:.0f} ms at most"
        verdict(f"{words}; target {TWO_HOLDERS * 1000:.0f} ms", met=both <= TWO_HOLDERS)
    finally:
        lab.down()


def peer(kind: type[Rig]) -> None:
    """Keepalived's child killed once; the parent starts it again."""
    with kind.running(25) as rig:
        with rig.watch("high") as high, rig.watch("low") as low, rig.probe(RATE) as outcome:
            for child in rig.daemons("high")[1:]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            time.sleep(5.0)
        changes = len(high) + len(low) - 2
        print(f"           keepalived, child killed once: {len(outcome.lost)} of {outcome.sent} packets lost, "
              f"the address came or went {changes} times")


def main() -> None:
    """Ours, then the peer."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print(f"\ncontinuity at default timers, {RATE} requests a second to {VIRTUAL}; load {os.getloadavg()[0]:.1f}")
    ours(times)
    for kind in available():
        if kind is Keepalived:
            peer(kind)


main()
