"""Planned changes of the master, with a probe at 1 kHz and 20 TCP connections through the cluster.

    python bench/planned.py [TIMES EACH WAY [CENTISECONDS ...]]

Ours: `cluster switch`, maintenance, and an orderly stop. keepalived's equivalents: a lower priority by reload, as
its users do for maintenance, and an orderly stop. The connections run between a client on one side of both nodes
and a server on the other, each with the virtual address on its side as its gateway; the nodes only forward, so
whether a connection survives is a matter of the virtual addresses alone.

keepalived 2.2.7 may lose its child process at a reload, and both nodes keep the address until its parent tries
again. Such a change counts as `never`, and the pair is started anew.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from report import heading, row, verdict
from rig import NODES, VIRTUAL, Rig, other
from rigs import Keepalived, Ours, available

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TALKERS = str(Path(__file__).parent / "talkers.py")
SERVER, PORT, CONNECTIONS = "192.168.101.10", "9000", "20"
SECOND, DEFAULT = 100, 25
UNDISTURBED = 0.1
"""Seconds; half of TCP's shortest retransmission timer: nothing was lost, only waited for."""


class Street:
    """The way through both nodes, from the client to a server behind them."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.server = rig.network.node()
        rig.network.wire(self.server, "LAN", "LAN1", f"{SERVER}/24")
        self.server.run("ip", "route", "add", "default", "via", rig.virtual("LAN1").partition("/")[0])
        rig.client.run("ip", "route", "add", "default", "via", VIRTUAL)
        for node in NODES:
            rig.nodes[node].run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0")

    @contextmanager
    def traffic(self) -> Iterator[dict[str, Any]]:
        """Established connections for as long as the block runs; then what became of them."""
        serve = self.server.command(sys.executable, TALKERS, "serve", SERVER, PORT)
        talk = self.rig.client.command(sys.executable, TALKERS, "talk", SERVER, PORT, CONNECTIONS)
        report: dict[str, Any] = {}
        with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                server.stdout.readline()
                with subprocess.Popen(talk, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as talkers:
                    assert talkers.stdin is not None
                    assert talkers.stdout is not None
                    assert talkers.stdout.readline() == "running\n"
                    yield report
                    talkers.stdin.close()
                    report.update(json.loads(talkers.stdout.read()))
            finally:
                server.kill()


class Course(NamedTuple):
    """How the changes went: of each the outage in seconds and the packets lost, and how many never came about."""

    outages: list[float]
    lost: list[int]
    never: list[str]


def changes(rig: Rig, there: Callable[[], None], back: Callable[[], None], times: int) -> Course:
    """Change the master and back, so many times."""
    course = Course([], [], [])
    for _ in range(times):
        for change, holder in ((there, "low"), (back, "high")):
            if not came_about(rig, other(holder)):
                continue
            with rig.probe() as outcome:
                change()
                done = came_about(rig, holder)
                time.sleep(0.3)
            if not done:
                course.never.append(holder)
                begin_anew(rig)
                break
            course.outages.append(outcome.outage)
            course.lost.append(len(outcome.lost))
    return course


def came_about(rig: Rig, holder: str) -> bool:
    """Whether this node came to be the only holder."""
    try:
        rig.await_holder(holder)
    except AssertionError:
        if isinstance(rig, Ours):
            raise
        return False
    return True


def begin_anew(rig: Rig) -> None:
    """Both daemons anew, as configured at first."""
    for node in NODES:
        rig.power_off(node)
    rig.restore("high")
    for node in NODES:
        rig.power_on(node)


def kinds_of_change(rig: Rig) -> dict[str, tuple[Callable[[], None], Callable[[], None]]]:
    """What an administrator can do, there and back."""
    found = {
        "maintenance": (lambda: rig.lower("high"), lambda: rig.restore("high")),
        "orderly stop, start": (lambda: rig.stop("high"), lambda: rig.start("high")),
    }
    if isinstance(rig, Ours):
        found["switch"] = (lambda: rig.switch("high"), lambda: rig.switch("low"))
    return found


def measure(kind: type[Rig], advert: int, times: int) -> None:
    """All kinds of change with one daemon, under one traffic each."""
    rig = kind(advert, lans=2)
    try:
        street = Street(rig)
        rig.up()
        for name, (there, back) in kinds_of_change(rig).items():
            case = f"adverts {advert * 10} ms, {name}"
            with street.traffic() as report:
                course = changes(rig, there, back, times)
            row(case, kind.name, course.outages)
            judge(kind, course, report, times)
    finally:
        rig.close()


def judge(kind: type[Rig], course: Course, report: dict[str, Any], times: int) -> None:
    """The targets are ours; the peer's figures stand beside them."""
    lost = course.lost
    clean, allowed = sum(not count for count in lost), 2 * times - max(1, times // 10)
    packets = f"nothing lost in {clean} of {len(lost)} changes, {max(lost)} packets at most"
    tcp = "{broken} of 20 connections broken, {retransmitted} segments sent again".format(**report)
    tcp += f", longest echo {report['stall'] * 1000:.0f} ms"
    if kind is Keepalived:
        print(f"           {packets}; {len(course.never)} changes never came about; {tcp}")
        return
    verdict(f"{packets}; target {allowed} of {2 * times}, at most 5", met=clean >= allowed and max(lost) <= 5)
    undisturbed = not report["broken"] and not report["retransmitted"] and report["stall"] < UNDISTURBED
    verdict(f"{tcp}; target none, none, below {UNDISTURBED * 1000:.0f} ms", met=undisturbed)


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    heading(f"planned changes, {times} each way: outage seen by a client, 1 kHz probe")
    for advert in tuple(map(int, sys.argv[2:])) or (SECOND, DEFAULT):
        for kind in available():
            measure(kind, advert, times)


main()
