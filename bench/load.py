"""Every processor busy: does a node change its role without need?

    python bench/load.py [MINUTES]

A busy loop per core and four more, and two pairs of nodes side by side, ours and keepalived's. First with 10 ms
adverts and real-time scheduling granted (keepalived with vrrp_rt_priority), then with default timers and without
the right to it. A virtual address that comes or goes is a change of role. An independent process of higher priority
sleeps for 1 ms again and again; if it was ever kept from running for over 20 ms, the machine itself stood still,
and the run says nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from report import verdict
from rig import NODES, Rig
from rigs import Ours, available

if TYPE_CHECKING:
    from collections.abc import Iterator

STALL_LIMIT = 0.02
VARIANTS = ((1, True), (25, False))
SPIN = "while True: pass"
STALLS = """
import sys, threading, time
threading.Thread(target=lambda: (sys.stdin.read(), done.append(1)), daemon=True).start()
done, longest, last = [], 0.0, time.monotonic()
while not done:
    time.sleep(0.001)
    now = time.monotonic()
    longest, last = max(longest, now - last - 0.001), now
print(longest)
"""


@contextmanager
def busy() -> Iterator[None]:
    """A busy loop per core, and four more."""
    loops = [subprocess.Popen([sys.executable, "-IS", "-c", SPIN]) for _ in range((os.cpu_count() or 1) + 4)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


@contextmanager
def stalls() -> Iterator[list[float]]:
    """The longest stall of an independent real-time process, in seconds; filled when the block ends."""
    command = ["chrt", "-r", "80", sys.executable, "-IS", "-c", STALLS]
    found: list[float] = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield found
        process.stdin.close()
        found.append(float(process.stdout.read()))


def measure(advert: int, seconds: float, *, real_time: bool) -> tuple[float, dict[str, int]]:
    """The longest stall of the machine in seconds, and changes of role by daemon."""
    with ExitStack() as stack:
        rigs: list[Rig] = [
            stack.enter_context(kind.running(advert, real_time=real_time)) for kind in available()
        ]
        with stalls() as longest, ExitStack() as watches:
            watched = [(rig.name, watches.enter_context(rig.watch(node))) for rig in rigs for node in NODES]
            with busy():
                time.sleep(seconds)
    changes = {rig.name: 0 for rig in rigs}
    for name, told in watched:
        changes[name] += len(told) - 1
    return longest[0], changes


def main() -> None:
    """Two variants."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    for advert, real_time in VARIANTS:
        stall, changes = measure(advert, minutes * 60, real_time=real_time)
        word = "granted" if real_time else "refused"
        print(f"\nall processors busy for {minutes:g} min, adverts {advert * 10} ms, real-time scheduling {word}")
        print(f"  changes of role: {', '.join(f'{name} {count}' for name, count in changes.items())}")
        if stall > STALL_LIMIT:
            print(f"    INVALID: the machine stood still for {stall * 1000:.0f} ms")
            continue
        words = f"{changes[Ours.name]} changes, longest stall of the machine {stall * 1000:.1f} ms; target none"
        verdict(words, met=not changes[Ours.name])


main()
